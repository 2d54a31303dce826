/* Every answer in every form, from small results made by hand, against tests/golden/render.txt.
 * EMBSCOPE_UPDATE_GOLDEN=1 writes that file anew: read the difference before it is kept. */
#define _GNU_SOURCE /* mkdtemp, open_memstream */
#include "failing_allocation.h"
#include "test.h"

#include <embscope/embscope.h>
#include <math.h>
#include <unistd.h>

#define TEXT(literal) (char *)(uintptr_t)(literal), sizeof(literal) - 1

static char folder[] = "/tmp/embscope-render-XXXXXX";
static es_space *space;

static es_token_norm norms[] = {
    {0, TEXT(" cat"), 3.25}, {1, TEXT("d\"og\n"), 2}, {-1, TEXT("pooled \xFF"), 0}};
static double cosines[] = {1, 0.5, NAN, 0.5, 1, NAN, NAN, NAN, NAN};
static es_pair pairs[] = {{0, 1, 0.5, 60, 3.25, 2.86, 1, 0.4, 1, 0.158, 99.5},
                          {0, 2, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN},
                          {1, 2, -1.0 / 3, 109.47, -0.5, 4, 1.63, -0.25, -0.67, 1e-58, 0}};
static es_similarity similarity = {3, norms, cosines, 3, pairs, 1048576};

static es_neighbor near[] = {{1, {TEXT("dog")}, 0.75, 6.5}, {2, {NULL, 0}, -0.125, -1}};
static es_neighbors neighbors = {.metric = ES_METRIC_COSINE,
                                 .query = (char *)(uintptr_t) " cat",
                                 .query_norm = 3.25,
                                 .count = 2,
                                 .neighbors = near,
                                 .left_out = 1};

static double edges[] = {-1, -0.5, 0, 0.5, 1};
static int64_t counts[] = {1, 0, 3, 2};
static double row_means[] = {0.1, NAN, -0.5};
static es_distribution distribution = {
    .rows = 4,
    .left_out = 1,
    .pairs = 6,
    .mean = 0.25,
    .variance = 0.09,
    .standard_deviation = 0.3,
    .skewness = -1,
    .excess_kurtosis = 0.5,
    .equivalent_dimension = 2.5,
    .minimum = {-0.75, 0, 1},
    .maximum = {0.875, 1, 2},
    .quantiles = {{0, -0.75}, {0.001, -0.7}, {0.5, 0.25}, {0.999, 0.8}, {1, 0.875}},
    .bins = 4,
    .edges = edges,
    .counts = counts,
    .random_variance = 0.25,
    .random_standard_deviation = 0.5,
    .once_level = 0.7,
    .ks_random = 0.25,
    .above_chance = 1};

static es_item items[] = {
    {0, TEXT(" cat"), NULL, 1}, {1, TEXT(" dog"), NULL, 1}, {-1, TEXT(" car"), NULL, 2}};
static double square[] = {1, 0.75, 0.125, 0.75, 1, 0.25, 0.125, 0.25, 1};
static double eigenvalues[] = {1.875, 0.875, 0.25};
static double eigenvectors[] = {0.75, 0.5, 0.25, 0.5, -0.75, 0.25, 0.25, 0.5, 0.75};
static int64_t order[] = {0, 1, 2};
static es_merge linkage[] = {{0, 1, 0.25, 2}, {2, 3, 0.8125, 3}};
static int64_t flat_labels[] = {0, 0, 1}, flat_sizes[] = {2, 1};
static double flat_silhouettes[] = {0.5, 0.25, 0}, mean_by_cluster[] = {0.375, 0};
static double coordinates[] = {0.5, -0.25, 0.25, 0.125, -0.75, 0};
static es_matrix matrix = {
    .n = 3,
    .items = items,
    .cosine = square,
    .eigenvalues = eigenvalues,
    .eigenvectors = eigenvectors,
    .random_edges = {0.018, 3.5},
    .order = order,
    .linkage = linkage,
    .residual = 1e-16,
    .mean_cosine = 0.375,
    .cophenetic = 0.875,
    .clusters = {.count = 2,
                 .labels = flat_labels,
                 .sizes = flat_sizes,
                 .mean_silhouette = 0.25,
                 .silhouettes = flat_silhouettes,
                 .mean_by_cluster = mean_by_cluster,
                 .candidate_count = 1,
                 .candidates = {0.25}},
    .null_sets = {.count = 100, .leading_eigenvalue = {1.875, 1.5, 0.25, 1, 2, 0.25}},
    .coordinates = coordinates,
    .mds_share = {0.75, 0.25}};

static es_info info = {.vocabulary_kind = ES_VOCABULARY_BPE,
                       .vocabulary_size = 50257,
                       .tying = ES_TYING_UNTIED,
                       .untied_rows = 12,
                       .tables = {.tying = ES_TYING_UNTIED,
                                  .how = ES_TYING_ROWS_DIFFER,
                                  .tensors = {"wte.weight", "lm_head.weight"},
                                  .dtypes = {"F32", "F16"},
                                  .rows = {50257, 50257},
                                  .equal_rows = 50245,
                                  .differing_rows = 12,
                                  .first = {0, 1},
                                  .listed = 2},
                       .norm_minimum = 0.5,
                       .norm_quartile1 = 1,
                       .norm_median = 1.5,
                       .norm_quartile3 = 2,
                       .norm_maximum = 4,
                       .norm_mean = 1.75,
                       .zero = {1, {2}, 1},
                       .non_finite = {0, {0}, 0},
                       .duplicates = {12, {0, 1}, 2}};

static int32_t near_ids[] = {1, 0, -1}, occurrences[] = {1, 1, -1};
static float near_cosines[] = {0.75f, 0.75f, NAN};
static es_knn knn = {.rows = 3,
                     .k = 1,
                     .left_out = 1,
                     .ids = near_ids,
                     .cosines = near_cosines,
                     .hubness_skewness = NAN,
                     .maximum_occurrence = 1,
                     .occurrences = occurrences,
                     .hubs = {{0, 1}, {1, 1}},
                     .hub_count = 2,
                     .mutual_share = 1,
                     .pairs = {{0, 1, 0.75}},
                     .pair_count = 1,
                     .twonn_dimension = NAN};

static es_position_distance profile[] = {{1, 2, 0.5, 0.25}, {2, 0, NAN, NAN}, {3, 1, -0.5, 0}};
static double position_norms[] = {4, 2, NAN, 1}, variances[] = {2, 0.5};
static double projections[] = {-1, 2, NAN, 0.5, 1, -0.5, NAN, 0};
static es_position_component components[] = {{2, 0.8, 4, 0.75}, {0.5, 0.2, 2, 0.5}};
static float position_map[] = {1,   0.5f, NAN, -0.5f, 0.5f,  1,    NAN, 0.5f,
                               NAN, NAN,  NAN, NAN,   -0.5f, 0.5f, NAN, 1};
static es_positions positions = {.rows = 4,
                                 .left_out = 1,
                                 .pairs = 3,
                                 .mean = 0.125,
                                 .standard_deviation = 0.5,
                                 .distance_count = 3,
                                 .profile = profile,
                                 .toeplitz_share = 0.75,
                                 .shuffles = 19,
                                 .shuffled_mean = 0.5,
                                 .shuffled_maximum = 0.625,
                                 .toeplitz_p = 0.05,
                                 .norms = position_norms,
                                 .norm_quartiles = {1.5, 2, 3},
                                 .shortest = 3,
                                 .eigenvalue_count = 2,
                                 .eigenvalues = variances,
                                 .total_variance = 2.5,
                                 .effective_rank = 1.5,
                                 .components_90 = 2,
                                 .component_count = 2,
                                 .components = components,
                                 .projections = projections,
                                 .map_side = 4,
                                 .map = position_map};

static es_map_point map_points[] = {{0, 0.5, -0.25, true}, {1, -0.5, 0.25, false}};
static double mean_row[] = {0.5, 0.5, 0, 0}, even[] = {0.0625, 0.0625, 0.0625, 0.0625};
static double raw_values[] = {1.5, 0.5}, centered_values[] = {0.25, 0};
static es_direction directions[] = {{.eigenvalue = 0.25,
                                     .share = 1,
                                     .end_count = 2,
                                     .high = {{0, 0.5}, {1, -0.5}},
                                     .low = {{1, -0.5}, {0, 0.5}},
                                     .spearman_id = -1,
                                     .spearman_norm = NAN}};
static es_spectrum spectrum = {.rows = 2,
                               .left_out = 1,
                               .columns = 4,
                               .raw = {2, raw_values, 2, 1.75, 1.6, 1.333, 2, {0.1, 2.9}, 0},
                               .centered = {2, centered_values, 0.25, 1, 1, 1, 1, {0.01, 0.3}, 0},
                               .mean = mean_row,
                               .isotropy = {.mean_cosine = 0.5, .isoscore = NAN},
                               .contributions = even,
                               .direction_count = 1,
                               .directions = directions,
                               .vectors = even};

static es_cluster_member members[] = {{0, 0.9375}, {1, 0.875}};
static es_cluster two_clusters[] = {{.size = 1,
                                     .cohesion = 0.9375,
                                     .nearest = 1,
                                     .separation = 0.5,
                                     .silhouette = 0.25,
                                     .shown = 1,
                                     .members = members,
                                     .x = NAN,
                                     .y = NAN},
                                    {.size = 1,
                                     .seed = 1,
                                     .cohesion = 0.875,
                                     .separation = 0.5,
                                     .silhouette = -0.25,
                                     .shown = 1,
                                     .members = members + 1,
                                     .x = NAN,
                                     .y = NAN}};
static int32_t labels[] = {0, 1, -1};
static double to_center[] = {0.9375, 0.875, NAN}, history[] = {0.875, 0.90625};
static int64_t seeds[] = {0, 1};
static es_clusters clusters = {.rows = 3,
                               .columns = 4,
                               .left_out = 1,
                               .k = 2,
                               .count = 2,
                               .clusters = two_clusters,
                               .labels = labels,
                               .cosines = to_center,
                               .seeds = seeds,
                               .seed_count = 2,
                               .restarts = 1,
                               .iterations = 2,
                               .converged = true,
                               .objective = 0.90625,
                               .history = history,
                               .history_count = 2,
                               .silhouette = 0,
                               .map_share = {NAN, NAN},
                               .members = members};

static double row_norms[] = {1, 4, 0}, row_scores[] = {0, 8, NAN};
static es_audit_finding findings[] = {
    {.category = ES_AUDIT_ZERO, .id = 2, .other = -1},
    {.category = ES_AUDIT_NORM, .id = 1, .other = -1, .indicator = 8}};
static es_audit audit = {.rows = 3,
                         .findings = findings,
                         .count = 2,
                         .counts = {[ES_AUDIT_ZERO] = 1, [ES_AUDIT_NORM] = 1},
                         .norms = row_norms,
                         .norm_scores = row_scores,
                         .median_norm = 2,
                         .norm_scale = 0.25,
                         .near_minimum = NAN,
                         .untouched = {.radius = NAN, .typical = NAN, .inner = NAN, .outer = NAN}};

static es_report report(void)
{
    return (es_report){.space = space,
                       .info = info,
                       .pairs = similarity,
                       .query_count = 1,
                       .queries = {neighbors},
                       .matrix = matrix,
                       .distribution = distribution,
                       .has_knn = true,
                       .knn = knn,
                       .has_spectrum = true,
                       .spectrum = spectrum,
                       .clusters = clusters,
                       .audit = audit,
                       .has_map = true,
                       .map = {.count = 2,
                               .points = map_points,
                               .share = {0.75, 0.25},
                               .tested = 2,
                               .k = 1,
                               .kept = 0.5,
                               .chance = 0.25},
                       .has_positions = true,
                       .position_space = space,
                       .positions = positions,
                       .order_spearman = 0.875};
}

static void write_npy(const char *path)
{
    char header[118];
    memset(header, ' ', sizeof header);
    static const char words[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }";
    memcpy(header, words, sizeof words - 1);
    header[sizeof header - 1] = '\n';
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, file);
    fwrite(header, 1, sizeof header, file);
    for (int i = 0; i < 12; i++) fwrite(&(float){(float)i}, sizeof(float), 1, file);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    write_npy("tiny.npy");
    es_error error = {{0}};
    assert_ok(es_space_open("tiny.npy", NULL, &space, &error), error);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    es_space_free(space);
    unlink("tiny.npy");
    return chdir("/") || rmdir(folder);
}

/* Everything, one form after the other. */
static es_status render_all(FILE *out, es_error *error)
{
    es_ids ids = {(int64_t[]){0, 2}, 2, 2};
    es_report whole = report();
    es_neighbors dot = neighbors;
    dot.metric = ES_METRIC_DOT;
    dot.farthest = true;
    es_distribution per_row = distribution;
    per_row.row_means = row_means;
    es_positions flat = positions; /* all rows equal */
    flat.toeplitz_share = flat.shuffled_mean = flat.shuffled_maximum = flat.toeplitz_p = NAN;
    flat.component_count = flat.eigenvalue_count = 0;
    flat.total_variance = 0;
    es_status status = ES_OK;
    for (int form = 0; form < 3 && !status; form++) {
        es_render_options options = {.output = (es_output)form, .elapsed_seconds = 0.5};
        fprintf(out, "==== form %d\n", form);
        if (!status) status = es_render_tokens(space, &ids, &options, out, error);
        if (!status)
            status =
                es_render_decoded(space, &ids, (es_bytes){TEXT("a\xFF z")}, &options, out, error);
        if (!status) status = es_render_info(space, &info, &options, out, error);
        if (!status) status = es_render_similarity(space, &similarity, &options, out, error);
        if (!status) status = es_render_neighbors(space, &neighbors, &options, out, error);
        if (!status) status = es_render_neighbors(space, &dot, &options, out, error);
        if (!status) status = es_render_distribution(space, &distribution, &options, out, error);
        if (!status) status = es_render_distribution(space, &per_row, &options, out, error);
        if (!status) status = es_render_matrix(space, &matrix, &options, out, error);
        if (!status) status = es_render_knn(space, &knn, &options, out, error);
        if (!status) status = es_render_positions(space, &positions, &options, out, error);
        if (!status) status = es_render_positions(space, &flat, &options, out, error);
        if (!status) status = es_render_report(&whole, &options, out, error);
    }
    return status;
}

static void matches_golden(void **state)
{
    (void)state;
    char *data = NULL, *version;
    size_t size = 0;
    es_error error = {{0}};
    FILE *out = open_memstream(&data, &size);
    assert_ok(render_all(out, &error), error);
    fclose(out);
    /* The version is the one thing that may change from day to day. */
    while ((version = strstr(data, es_version()))) memset(version, 'V', strlen(es_version()));
    const char *path = test_source_path("tests/golden/render.txt");
    if (getenv("EMBSCOPE_UPDATE_GOLDEN")) {
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        fwrite(data, 1, size, file);
        fclose(file);
    }
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *expected = calloc(1, size + 2);
    size_t got = fread(expected, 1, size + 1, file);
    fclose(file);
    size_t same = 0;
    while (same < got && same < size && expected[same] == data[same]) same++;
    if (got != size || same != size)
        fail_msg("differs from %s at byte %zu:\n%.200s\n---- expected:\n%.200s", path, same,
                 data + same, expected + same);
    free(expected);
    free(data);
}

static void a_full_disk_is_an_error(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    if (!full) skip();
    setvbuf(full, NULL, _IONBF, 0);
    es_render_options options = {.output = ES_OUTPUT_JSON};
    es_error error = {{0}};
    assert_int_equal(es_render_info(space, &info, &options, full, &error), ES_CANNOT_WRITE);
    assert_says(error, "No space left on device");
    fclose(full);
}

/* The page in its odd cases: no figures, nothing defined, no words. */
static void the_page_stands_without_gnuplot(void **state)
{
    (void)state;
    const char *path = getenv("PATH");
    char *kept = path ? strdup(path) : NULL;
    setenv("PATH", "/nonexistent", 1);
    es_report whole = report();
    double vectors[8] = {1, 2, 3, 4, 4, 3, 2, 1};
    whole.pair_tokens = (es_selection){.count = 3, .items = items};
    whole.pair_vectors = vectors;
    char *data = NULL;
    size_t size = 0;
    es_error error = {{0}};
    FILE *out = open_memstream(&data, &size);
    es_status status = es_render_report_html(&whole, out, &error);
    fclose(out);
    if (kept) setenv("PATH", kept, 1);
    free(kept);
    assert_ok(status, error);
    assert_non_null(strstr(data, "A figure would stand here"));
    assert_non_null(strstr(data, "gnuplot-nox"));
    assert_non_null(strstr(data, "d&quot;og\\x0A"));
    assert_null(strstr(data, ">nan"));
    assert_null(strstr(data, "<script"));
    assert_null(strstr(data, "http-equiv=\"refresh"));
    assert_non_null(strstr(data, "</html>"));
    free(data);
    whole = (es_report){.space = space, .order_spearman = NAN};
    whole.info.norm_median = NAN;
    whole.distribution.mean = NAN;
    out = open_memstream(&data, &size);
    assert_ok(es_render_report_html(&whole, out, &error), error);
    fclose(out);
    assert_null(strstr(data, "nan"));
    assert_non_null(strstr(data, "there is no pair"));
    free(data);
}

static es_status render_page(FILE *out, es_error *error)
{
    es_report whole = report();
    static double vectors[8] = {1, 2, 3, 4, 4, 3, 2, 1}, scores[3] = {1, 0.5, NAN};
    whole.pair_tokens = (es_selection){.count = 3, .items = items};
    whole.pair_vectors = vectors;
    whole.queries[0].cosines = scores;
    return es_render_report_html(&whole, out, error);
}

/* Each allocation of the library fails once: NO_MEMORY, and nothing leaks (the sanitizers' build
 * tells). The stream's own buffer is there before. */
static void sweep(es_status (*render)(FILE *, es_error *))
{
    static char buffer[1 << 16];
    int64_t n = 0;
    for (bool failed = true; failed; n++) {
        FILE *out = fopen("/dev/null", "w");
        assert_non_null(out);
        setvbuf(out, buffer, _IOFBF, sizeof buffer);
        es_error error = {{0}};
        atomic_store(&failures, 0);
        atomic_store(&allocations_left, n);
        es_status status = render(out, &error);
        atomic_store(&allocations_left, -1);
        failed = atomic_load(&failures) > 0;
        fclose(out);
        if (failed && status != ES_NO_MEMORY)
            fail_msg("allocation %lld: status %d %s", (long long)n, (int)status, error.text);
        if (!failed) assert_ok(status, error);
    }
    assert_true(n > 10); /* some did fail */
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    char *kept = getenv("PATH") ? strdup(getenv("PATH")) : NULL;
    setenv("PATH", "/nonexistent", 1); /* a figure's script is made and no process started */
    sweep(render_all);
    sweep(render_page);
    if (kept) setenv("PATH", kept, 1);
    free(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_golden),
        cmocka_unit_test(a_full_disk_is_an_error),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(the_page_stands_without_gnuplot),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
