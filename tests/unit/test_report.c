/* The report is the other analyses, on chosen words: the same numbers. */
#include "models.h"

static es_report report_on(es_space *space, const es_report_options *options)
{
    es_report report;
    es_error error = {0};
    assert_ok(es_report_compute(space, options, &report, &error), error);
    return report;
}

static void is_what_the_analyses_say(void **state)
{
    (void)state;
    es_space *space = open_path(write_model("model"), NULL);
    const char *const words[] = {"cat", "dog", "banana", "@5", "@6", "@7", "@8", "@9"};
    es_report_options options = {.words = words, .word_count = 8};
    es_report report = report_on(space, &options);
    assert_ptr_equal(report.space, space);
    assert_int_equal(report.pairs.token_count, 6);
    assert_int_equal(report.matrix.n, 8);
    assert_int_equal(report.query_count, ES_REPORT_QUERIES);
    assert_int_equal(report.pair_tokens.count, 8);
    assert_int_equal(report.pair_tokens.items[2].id, 266);
    assert_non_null(report.pair_tokens.note);
    es_error error = {0};
    es_similarity pairs;
    es_selection view = report.pair_tokens;
    view.count = 6;
    assert_ok(es_similarity_compute(space, &view, &pairs, &error), error);
    assert_memory_equal(pairs.pairs, report.pairs.pairs, 15 * sizeof *pairs.pairs);
    es_similarity_release(&pairs);
    es_distribution all;
    assert_ok(es_distribution_compute(space, NULL, &all, &error), error);
    assert_memory_equal(&all.mean, &report.distribution.mean, sizeof all.mean);
    assert_memory_equal(all.counts, report.distribution.counts,
                        (size_t)all.bins * sizeof *all.counts);
    es_distribution_release(&all);
    assert_true(report.has_knn && !report.distribution.sampled && !report.has_positions);
    es_knn near;
    assert_ok(es_knn_compute(space, NULL, &near, &error), error);
    assert_memory_equal(near.ids, report.knn.ids, (size_t)(near.rows * near.k) * sizeof *near.ids);
    es_knn_release(&near);
    es_clusters clusters;
    es_audit audit;
    assert_ok(es_cluster_compute(space, NULL, &clusters, &error), error);
    assert_ok(es_audit_compute(space, NULL, &audit, &error), error);
    assert_true(clusters.objective == report.clusters.objective);
    assert_int_equal(audit.count, report.audit.count);
    es_clusters_release(&clusters);
    es_audit_release(&audit);
    double rows[2 * MODEL_COLUMNS];
    view.count = 2;
    assert_ok(es_selection_vectors(space, &view, rows, &error), error);
    assert_memory_equal(rows, report.pair_vectors, sizeof rows);
    for (int q = 0; q < ES_REPORT_QUERIES; q++) {
        assert_int_equal(report.queries[q].count, 10);
        assert_true((report.queries[q].cosines != NULL) == (q == 0));
    }
    es_report_release(&report);
    es_report_release(&report);
    es_space_free(space);
}

/* Rows of one length: nearer in angle is nearer in space, to the last pair. */
static void spearman_of_the_two_orders(void **state)
{
    (void)state;
    enum { N = 120, D = 8 };
    double *values = draw_table(N, D, 1);
    for (int i = 0; i < N; i++) {
        double square = 0;
        for (int k = 0; k < D; k++) square += values[i * D + k] * values[i * D + k];
        for (int k = 0; k < D; k++) values[i * D + k] /= sqrt(square);
    }
    es_space *space = open_values("f8", N, D, values);
    es_report report = report_on(space, NULL);
    assert_near(report.order_spearman, 1, 1e-15);
    assert_int_equal(report.matrix.n, 16); /* rows drawn: it has no words */
    es_report again = report_on(space, NULL);
    for (int i = 0; i < 16; i++)
        assert_int_equal(again.matrix.items[i].id, report.matrix.items[i].id);
    es_report_release(&again);
    es_report_release(&report);
    es_space_free(space);
    /* by hand: the query along x; cosines 0.8, 0.6, 0, distances 4, 1, 3: ranks 1 2 3 and 3 1 2 */
    double few[] = {1, 0, 4, 3, 1.8, 2.4, 1, 3};
    few[6] = 0, few[7] = sqrt(8);
    space = open_values("f8", 4, 2, few);
    const char *const words[] = {"@0", "@1"};
    report = report_on(space, &(es_report_options){.words = words, .word_count = 2});
    /* distances: (3,3) 4.24; (0.8, 2.4) 2.53; (1, 2.83) 3 */
    assert_near(report.order_spearman, -0.5, 1e-15);
    es_report_release(&report);
    es_space_free(space);
    free(values);
}

/* The share of the nearest that the plane keeps, counted again the slow way; on a plane that is the
 * space, all of them. */
static void maps_the_vocabulary(void **state)
{
    (void)state;
    enum { N = 90, D = 3 };
    double *values = draw_table(N, D, 5);
    for (int k = 0; k < D; k++) values[4 * D + k] = 0;
    es_space *space = open_values("f8", N, D, values);
    const char *const words[] = {"@0", "@89"};
    es_report report = report_on(space, &(es_report_options){.words = words, .word_count = 2});
    const es_token_map *map = &report.map;
    assert_true(report.has_spectrum && report.has_map);
    assert_int_equal(map->count, N - 1); /* all that have a direction */
    assert_int_equal(map->tested, N - 1);
    int64_t kept = 0;
    for (int64_t a = 0; a < map->count; a++) {
        const es_map_point *here = &map->points[a];
        assert_true(here->named == (here->id == 0 || here->id == 89));
        for (int64_t b = 0; b < map->count; b++) {
            const es_map_point *there = &map->points[b];
            double reach = hypot(there->x - here->x, there->y - here->y);
            int64_t nearer = 0;
            for (int64_t c = 0; c < map->count; c++)
                if (c != a && c != b)
                    nearer += hypot(map->points[c].x - here->x, map->points[c].y - here->y) < reach;
            if (a == b || nearer >= map->k) continue;
            for (int64_t j = 0; j < map->k; j++)
                kept += report.knn.ids[here->id * map->k + j] == there->id;
        }
    }
    assert_near(map->kept, (double)kept / (double)((N - 1) * map->k), 1e-12);
    assert_near(map->chance, 10.0 / (N - 2), 1e-15);
    assert_true(map->kept > 2 * map->chance && map->kept < 1);
    es_report_release(&report);
    es_space_free(space);
    for (int i = 0; i < N; i++) { /* a patch of a sphere, as good as flat */
        values[i * D] = 1000;
        values[i * D + 2] = 0.5 * values[i * D + 2];
    }
    space = open_values("f8", N, D, values);
    report = report_on(space, NULL);
    assert_true(report.map.kept > 0.99 && report.map.share[0] > report.map.share[1]);
    es_report_release(&report);
    es_space_free(space);
    free(values);
}

/* A table too large for all pairs: those of rows drawn by lot, and no graph. */
static void samples_a_large_table(void **state)
{
    (void)state;
    enum { N = 500, D = 4 };
    double *values = draw_table(N, D, 2);
    for (int k = 0; k < D; k++) values[7 * D + k] = 0;
    es_space *space = open_values("f8", N, D, values);
    es_report_options options = {.most_products = 0.5 * 80 * 80 * D};
    es_report report = report_on(space, &options), again = report_on(space, &options);
    const es_distribution *all = &report.distribution;
    assert_true(all->sampled && !report.has_knn);
    assert_true(all->rows >= 80 && all->rows <= 83 && all->left_out == 1);
    assert_int_equal(all->pairs, all->rows * (all->rows - 1) / 2);
    assert_true(all->mean == again.distribution.mean);
    es_distribution whole;
    es_error error = {0};
    assert_ok(es_distribution_compute(space, NULL, &whole, &error), error);
    assert_true(!whole.sampled && fabs(all->mean - whole.mean) < 0.05 && all->mean != whole.mean);
    es_distribution_release(&whole);
    assert_int_equal(report.map.tested, 64); /* their neighbours are looked for */
    assert_true(report.map.kept > 2 * report.map.chance && report.spectrum.null_tables == 0);
    es_report_release(&again);
    es_report_release(&report);
    es_space_free(space);
    free(values);
}

/* A position table is a section where it can be described, and no fault where it cannot. */
static void takes_positions(void **state)
{
    (void)state;
    es_space *space = open_path(write_model("model"), NULL);
    double *values = draw_table(30, 5, 3), one[2] = {1, 2};
    es_space *positions = open_values("f8", 30, 5, values);
    es_report report = report_on(space, &(es_report_options){.positions = positions});
    es_positions alone;
    es_error error = {0};
    assert_ok(es_positions_compute(positions, NULL, &alone, &error), error);
    assert_true(report.has_positions && report.position_space == positions);
    assert_true(report.positions.toeplitz_share == alone.toeplitz_share);
    es_positions_release(&alone);
    es_report_release(&report);
    es_space_free(positions);
    positions = open_values("f8", 1, 2, one);
    report = report_on(space, &(es_report_options){.positions = positions});
    assert_true(!report.has_positions && report.has_knn);
    es_report_release(&report);
    es_space_free(positions);
    /* two rows have no graph worth the name */
    es_space *two = open_values("f8", 2, 2, (double[]){1, 0, 1, 1});
    report = report_on(two, NULL);
    assert_true(!report.has_knn && report.distribution.pairs == 1);
    es_report_release(&report);
    es_space_free(two);
    es_space_free(space);
    free(values);
}

static void faults(void **state)
{
    (void)state;
    es_space *space = open_path(write_model("model"), NULL);
    es_error error = {0};
    es_report report;
    const char *const unknown[] = {"cat", "nosuch word"};
    es_report_options options = {.words = unknown, .word_count = 2};
    assert_int_equal(es_report_compute(space, &options, &report, &error), ES_NOT_FOUND);
    assert_null(report.pair_tokens.items);
    options.word_count = 1;
    assert_int_equal(es_report_compute(space, &options, &report, &error), ES_BAD_ARGUMENT);
    assert_says(error, "two words at least");
    int64_t asked = 0;
    options = (es_report_options){.threads = 1, .progress = {stop_at_once, &asked}};
    assert_int_equal(es_report_compute(space, &options, &report, &error), ES_CANCELLED);
    assert_true(asked >= 1 && !report.matrix.cosine && !report.pairs.pairs);
    es_space_free(space);
    double zero[6] = {0, 0, 1, 1, 0, 0};
    space = open_values("f4", 3, 2, zero);
    assert_int_equal(es_report_compute(space, NULL, &report, &error), ES_BAD_INPUT);
    assert_says(error, "a report needs two rows");
    es_space_free(space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_what_the_analyses_say), cmocka_unit_test(spearman_of_the_two_orders),
        cmocka_unit_test(maps_the_vocabulary),      cmocka_unit_test(samples_a_large_table),
        cmocka_unit_test(takes_positions),          cmocka_unit_test(faults),
    };
    return cmocka_run_group_tests_name("report", tests, scratch_setup, scratch_teardown);
}
