#define _GNU_SOURCE /* setenv */
/* Two spaces against each other: the same figures from the n x n matrices, written down plainly;
 * what must be 1, what must be at chance; which tokens are the same. */
#include "analysis/compare_parts.h"
#include "failing_allocation.h"
#include "random_rows.h"

static es_space *loaded(const float *rows, int64_t n, int64_t d)
{
    es_space *space = open_rows(rows, n, d);
    es_error error = {0};
    assert_ok(es_space_load(space, &error), error); /* the next one takes the file's name */
    return space;
}

static es_comparison compare(es_space *a, es_space *b, const es_compare_options *options)
{
    es_space *spaces[] = {a, b};
    es_error error = {0};
    es_comparison comparison;
    assert_ok(es_compare_compute(spaces, 2, options, &comparison, &error), error);
    return comparison;
}

/* ---- the same, plainly ------------------------------------------------------------------------
 */

static double dot(const double *a, const double *b, int64_t d)
{
    double sum = 0;
    for (int64_t k = 0; k < d; k++) sum += a[k] * b[k];
    return sum;
}

static double *products_of(const float *rows, int64_t n, int64_t d, bool unit)
{
    double *x = calloc((size_t)(n * d), sizeof *x), *s = calloc((size_t)(n * n), sizeof *s);
    assert_non_null(x);
    assert_non_null(s);
    for (int64_t i = 0; i < n * d; i++) x[i] = rows[i];
    for (int64_t k = 0; k < d && !unit; k++) {
        double mean = 0;
        for (int64_t i = 0; i < n; i++) mean += x[i * d + k] / (double)n;
        for (int64_t i = 0; i < n; i++) x[i * d + k] -= mean;
    }
    for (int64_t i = 0; i < n && unit; i++) {
        double norm = sqrt(dot(x + i * d, x + i * d, d));
        for (int64_t k = 0; k < d; k++) x[i * d + k] /= norm;
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) s[i * n + j] = dot(x + i * d, x + j * d, d);
    free(x);
    return s;
}

static double pearson_of(const double *a, const double *b, int64_t n)
{
    double sa = 0, sb = 0, aa = 0, bb = 0, ab = 0, pairs = (double)(n * (n - 1) / 2);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; j < n; j++) {
            sa += a[i * n + j] / pairs;
            sb += b[i * n + j] / pairs;
        }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; j < n; j++) {
            double x = a[i * n + j] - sa, y = b[i * n + j] - sb;
            aa += x * x;
            bb += y * y;
            ab += x * y;
        }
    return ab / sqrt(aa * bb);
}

static double linear_of(const double *k, const double *l, int64_t n)
{
    return dot(k, l, n * n) / sqrt(dot(k, k, n * n) * dot(l, l, n * n));
}

/* Song et al. (2012), equation 5, from the whole matrices. */
static double hsic_of(const double *k, const double *l, int64_t n)
{
    double trace = 0, ones_k = 0, ones_l = 0, both = 0, m = (double)n;
    for (int64_t i = 0; i < n; i++) {
        double row_k = 0, row_l = 0;
        for (int64_t j = 0; j < n; j++) {
            if (i == j) continue;
            trace += k[i * n + j] * l[i * n + j];
            row_k += k[i * n + j];
            row_l += l[i * n + j];
        }
        ones_k += row_k;
        ones_l += row_l;
        both += row_k * row_l;
    }
    return (trace + ones_k * ones_l / ((m - 1) * (m - 2)) - 2 * both / (m - 2)) / (m * (m - 3));
}

/* Is j among the k nearest of i? Ties do not occur in random rows. */
static bool is_near(const double *s, int64_t n, int64_t i, int64_t j, int64_t k)
{
    int64_t nearer = 0;
    for (int64_t l = 0; l < n; l++) nearer += l != i && l != j && s[i * n + l] > s[i * n + j];
    return i != j && nearer < k;
}

static void agrees_with_matrices(void **state)
{
    (void)state;
    enum { N = 60, DA = 7, DB = 12, K = 4 };
    float *a = gaussian_rows(N, DA, 1), *b = gaussian_rows(N, DB, 2);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < DA; k++) {
            b[i * DB + k] += 1.5f * a[i * DA + k]; /* alike, but not the same */
            a[i * DA + k] += 0.7f;
        }
    es_space *one = loaded(a, N, DA), *other = loaded(b, N, DB);
    es_comparison got = compare(one, other, &(es_compare_options){.k = K});
    const es_pair_comparison *pair = &got.pairs[0];
    double *s = products_of(a, N, DA, true), *t = products_of(b, N, DB, true);
    double *k = products_of(a, N, DA, false), *l = products_of(b, N, DB, false);
    assert_int_equal(pair->rsa.pairs, N * (N - 1) / 2);
    assert_true(fabs(pair->rsa.pearson - pearson_of(s, t, N)) < 1e-12);
    assert_true(fabs(pair->rsa.chance.observed - pair->rsa.pearson) < 1e-12);
    assert_true(pair->rsa.low < pair->rsa.pearson && pair->rsa.pearson < pair->rsa.high);
    assert_true(fabs(pair->cka.linear - linear_of(k, l, N)) < 1e-12);
    assert_true(fabs(pair->cka.linear_chance.observed - pair->cka.linear) < 1e-12);
    double hsic = hsic_of(k, l, N);
    assert_true(fabs(pair->cka.hsic - hsic) < 1e-12 * hsic);
    double debiased = hsic / sqrt(hsic_of(k, k, N) * hsic_of(l, l, N));
    assert_true(fabs(pair->cka.debiased - debiased) < 1e-12);
    assert_true(fabs(pair->cka.debiased_chance.observed - debiased) < 1e-12);
    assert_true(fabs(pair->procrustes.chance.observed - pair->procrustes.mean_cosine) < 1e-12);
    int64_t common = 0;
    double jaccard = 0;
    for (int64_t i = 0; i < N; i++) {
        int64_t here = 0;
        for (int64_t j = 0; j < N; j++) here += is_near(s, N, i, j, K) && is_near(t, N, i, j, K);
        common += here;
        jaccard += (double)here / (double)(2 * K - here) / N;
    }
    assert_true(fabs(pair->overlap.mutual - (double)common / (N * K)) < 1e-12);
    assert_true(fabs(pair->overlap.jaccard - jaccard) < 1e-12);
    assert_true(pair->rsa.chance.p < 0.01 && pair->cka.debiased_chance.p < 0.01);
    assert_true(pair->overlap.chance.p < 0.01 && pair->procrustes.chance.p < 0.1);
    free(s), free(t), free(k), free(l), free(a), free(b);
    es_comparison_release(&got);
    es_space_free(one);
    es_space_free(other);
}

/* Permutations over all pairs, against the matrices with rows and columns permuted. */
static void permutes_all_pairs(void **state)
{
    (void)state;
    enum { N = 160, DA = 9, DB = 5, PERMUTATIONS = 19 };
    float *a = gaussian_rows(N, DA, 1), *b = gaussian_rows(N, DB, 2);
    for (int i = 0; i < N; i++) b[i * DB] += 0.2f * a[i * DA] + 1;
    es_space *one = loaded(a, N, DA), *other = loaded(b, N, DB);
    es_compare_options options = {
        .all_pairs = true, .permutations = PERMUTATIONS, .sample = 20, .seed = 5};
    es_comparison got = compare(one, other, &options);
    const es_chance *chance = &got.pairs[0].rsa.chance;
    double *s = products_of(a, N, DA, true), *t = products_of(b, N, DB, true);
    double *moved = malloc((size_t)N * N * sizeof *moved), mean = 0, squares = 0, highest = -1;
    double observed = pearson_of(s, t, N);
    int32_t order[N];
    int reach = 0;
    for (int r = 0; r < PERMUTATIONS; r++) {
        es_draw_permutation(options.seed, r, N, order);
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) moved[i * N + j] = t[order[i] * N + order[j]];
        double value = pearson_of(s, moved, N);
        mean += value / PERMUTATIONS;
        squares += value * value / PERMUTATIONS;
        highest = fmax(highest, value);
        reach += value >= observed;
    }
    assert_int_equal(chance->items, N);
    assert_int_equal(chance->permutations, PERMUTATIONS);
    assert_int_equal(got.pairs[0].cka.linear_chance.items, 20);
    assert_true(fabs(chance->observed - observed) < 1e-12);
    assert_true(fabs(chance->mean - mean) < 1e-12);
    double deviation = sqrt((squares - mean * mean) * PERMUTATIONS / (PERMUTATIONS - 1));
    assert_true(fabs(chance->deviation - deviation) < 1e-12);
    /* 19 of 20 values do not exceed the last but one. */
    if (reach == 0) assert_true(fabs(chance->level - highest) < 1e-12);
    assert_true(fabs(chance->p - (1 + reach) / (PERMUTATIONS + 1.0)) < 1e-15);
    free(s), free(t), free(moved), free(a), free(b);
    es_comparison_release(&got);
    es_space_free(one);
    es_space_free(other);
}

/* ---- what must come out -----------------------------------------------------------------------
 */

/* Rotate rows by plane rotations of all neighbouring axes, and scale them. */
static void rotate(float *rows, int64_t n, int64_t d, double scale)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k + 1 < d; k++) {
            double x = rows[i * d + k], y = rows[i * d + k + 1], c = cos(0.3 + (double)k),
                   s = sin(0.3 + (double)k);
            rows[i * d + k] = (float)(c * x - s * y);
            rows[i * d + k + 1] = (float)(s * x + c * y);
        }
    for (int64_t i = 0; i < n * d; i++) rows[i] = (float)(rows[i] * scale);
}

static void a_rotation_is_the_same_space(void **state)
{
    (void)state;
    enum { N = 400, D = 16 };
    float *rows = gaussian_rows(N, D, 3);
    for (int i = 0; i < N; i++) rows[i * D] += 2;
    es_space *one = loaded(rows, N, D);
    rotate(rows, N, D, 1e-3);
    es_space *other = loaded(rows, N, D);
    es_comparison got = compare(one, other, NULL);
    const es_pair_comparison *pair = &got.pairs[0];
    /* Float32 rounding of the rotated rows is all that differs. */
    assert_true(pair->rsa.pearson > 1 - 1e-9);
    assert_true(pair->cka.linear > 1 - 1e-9 && pair->cka.debiased > 1 - 1e-9);
    assert_true(pair->procrustes.mean_cosine > 1 - 1e-9);
    assert_true(pair->procrustes.test_cosine > 1 - 1e-9);
    assert_true(pair->procrustes.residual < 1e-9);
    assert_true(pair->overlap.mutual == 1 && pair->overlap.jaccard == 1);
    assert_int_equal(pair->overlap.unchanged, N);
    assert_true(pair->moved[0].drift == 0);
    assert_true(pair->rsa.chance.score > 0.99 && pair->overlap.chance.score == 1);
    es_comparison_release(&got);
    es_space_free(one);
    es_space_free(other);
    free(rows);
}

static void random_spaces_are_at_chance(void **state)
{
    (void)state;
    enum { N = 900, D = 20 };
    float *a = gaussian_rows(N, D, 4), *b = gaussian_rows(N, D, 5);
    es_space *one = loaded(a, N, D), *other = loaded(b, N, D);
    es_comparison got = compare(one, other, &(es_compare_options){.seed = 1});
    const es_pair_comparison *pair = &got.pairs[0];
    /* 404,550 pairs: the standard deviation of RSA is about 1.6e-3, that of mutual as follows. */
    assert_true(fabs(pair->rsa.pearson) < 0.01);
    assert_true(fabs(pair->cka.debiased) < 0.01);
    double p = 10 / (double)(N - 1);
    assert_true(fabs(pair->overlap.mutual - p) < 6 * sqrt(p / (10 * N)));
    assert_true(fabs(pair->overlap.expected - p) < 1e-15);
    const es_chance *chances[] = {&pair->rsa.chance, &pair->cka.linear_chance,
                                  &pair->cka.debiased_chance, &pair->procrustes.chance,
                                  &pair->overlap.chance};
    for (int c = 0; c < 5; c++) {
        assert_true(fabs(chances[c]->observed - chances[c]->mean) < 6 * chances[c]->deviation);
        assert_true(chances[c]->p > 1e-3);
    }
    assert_true(pair->procrustes.test_cosine < 0.1);
    es_comparison_release(&got);
    es_space_free(one);
    es_space_free(other);
    free(a);
    free(b);
}

/* A thousand pairs of small random spaces: every p as often as it says. */
static void p_is_uniform_under_the_null(void **state)
{
    (void)state;
    enum { PAIRS = 1000, N = 16, D = 3, BINS = 10 };
    int counts[4][BINS] = {{0}};
    float *rows = gaussian_rows(N, D, 6);
    es_space *one = loaded(rows, N, D);
    free(rows);
    for (int r = 0; r < PAIRS; r++) {
        rows = gaussian_rows(N, D, 1000 + (uint64_t)r);
        es_space *other = loaded(rows, N, D);
        es_compare_options options = {
            .permutations = 39, .resamples = 20, .seed = (uint64_t)r, .threads = 1, .k = 3};
        es_comparison got = compare(one, other, &options);
        const es_pair_comparison *pair = &got.pairs[0];
        const double p[] = {pair->rsa.chance.p, pair->cka.linear_chance.p,
                            pair->cka.debiased_chance.p, pair->procrustes.chance.p};
        for (int c = 0; c < 4; c++) counts[c][(int)(p[c] * BINS - 1e-9)]++;
        es_comparison_release(&got);
        es_space_free(other);
        free(rows);
    }
    es_space_free(one);
    for (int c = 0; c < 4; c++) {
        double chi_square = 0;
        for (int b = 0; b < BINS; b++)
            chi_square += (counts[c][b] - PAIRS / BINS) * (double)(counts[c][b] - PAIRS / BINS) /
                          (PAIRS / (double)BINS);
        assert_true(chi_square < 29.7); /* 9 degrees of freedom: p = 0.0005 */
    }
}

/* ---- ranks ------------------------------------------------------------------------------------
 */

static void streamed_ranks_are_within_their_error(void **state)
{
    (void)state;
    enum { N = 700, DA = 24, DB = 31 };
    float *a = gaussian_rows(N, DA, 8), *b = gaussian_rows(N, DB, 9);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < DA; k++) b[i * DB + k] += a[i * DA + k] + 0.5f;
    es_space *one = loaded(a, N, DA), *other = loaded(b, N, DB);
    es_compare_options options = {.rank = true, .permutations = 5, .resamples = 20};
    es_comparison exact = compare(one, other, &options);
    options.ranked = 100;
    options.threads = 3;
    es_comparison streamed = compare(one, other, &options);
    const es_rsa *x = &exact.pairs[0].rsa, *y = &streamed.pairs[0].rsa;
    assert_true(x->rank_error == 0 && y->rank_error > 0 && y->rank_error < 0.01);
    assert_true(isnan(y->kendall) && x->kendall > 0.1);
    assert_true(fabs(x->spearman - y->spearman) < y->rank_error / 100);
    assert_true(fabs(x->rho_a - y->rho_a) < y->rank_error / 100);
    options.threads = 1;
    es_comparison again = compare(one, other, &options);
    assert_true(again.pairs[0].rsa.spearman == y->spearman);
    es_comparison_release(&exact);
    es_comparison_release(&streamed);
    es_comparison_release(&again);
    es_space_free(one);
    es_space_free(other);
    free(a);
    free(b);
}

/* ---- names ------------------------------------------------------------------------------------
 */

static es_space *open_model(const char *path)
{
    es_space *space = NULL;
    es_error error = {0};
    assert_ok(es_space_open(path, NULL, &space, &error), error);
    return space;
}

/* " cat" of the model that ships, "cat" of WordPiece or word vectors. */
static void whole_words_match_across_kinds(void **state)
{
    (void)state;
    static const char vectors[] = "5 2\nthe 1 2\ncat 2 1\nThe 1 1\ning 3 1\n##s 1 0\n";
    es_text text = {0};
    es_text_add(&text, vectors);
    es_space *words = open_model(scratch_write_text("words.vec", &text));
    es_text_release(&text);
    es_space *demo = open_model(test_source_path("models/demo"));
    es_space *spaces[] = {demo, words};
    es_shared_tokens shared;
    es_error error = {0};
    assert_ok(es_shared_tokens_find(spaces, 2, NULL, &shared, &error), error);
    assert_int_equal(shared.match, ES_MATCH_WORD);
    for (int64_t i = 0; i < shared.count; i++) {
        es_bytes a = es_vocabulary_token(es_space_vocabulary(demo), shared.ids[2 * i]);
        es_bytes b = es_vocabulary_token(es_space_vocabulary(words), shared.ids[2 * i + 1]);
        assert_int_equal(a.data[0], ' ');
        assert_int_equal(a.size, b.size + 1);
        assert_memory_equal(a.data + 1, b.data, b.size);
        assert_false(b.size == 3 && !memcmp(b.data, "ing", 3));
    }
    assert_in_range(shared.count, 2, 3);
    es_shared_tokens_release(&shared);
    es_shared_options exact = {.match = ES_MATCH_EXACT};
    assert_ok(es_shared_tokens_find(spaces, 2, &exact, &shared, &error), error);
    for (int64_t i = 0; i < shared.count; i++)
        assert_int_not_equal(
            es_vocabulary_token(es_space_vocabulary(demo), shared.ids[2 * i]).data[0], ' ');
    es_shared_tokens_release(&shared);
    es_space_free(words);
    es_space_free(demo);
}

/* The model that ships beside real word vectors: far from the same, far from chance. */
static void real_models_share_neighborhoods(void **state)
{
    (void)state;
    if (!test_data_folder()) {
        print_message("EMBSCOPE_TEST_DATA is not set\n");
        skip();
    }
    char path[4096];
    snprintf(path, sizeof path, "%s/word-vectors/googlenews-8000x300.bin", test_data_folder());
    es_space *words = open_model(path), *demo = open_model(test_source_path("models/demo"));
    es_comparison got = compare(demo, words, &(es_compare_options){.permutations = 19});
    const es_pair_comparison *pair = &got.pairs[0];
    assert_true(got.shared.count > 3000);
    assert_true(pair->overlap.mutual > 20 * pair->overlap.expected && pair->overlap.mutual < 0.5);
    assert_true(pair->cka.debiased > 0.1 && pair->cka.debiased < 0.5);
    assert_true(pair->rsa.chance.p < 0.051 && pair->procrustes.test_cosine > 0.2);
    es_comparison_release(&got);
    es_space_free(words);
    es_space_free(demo);
}

/* ---- what can go wrong ------------------------------------------------------------------------
 */

static void refuses_what_cannot_be(void **state)
{
    (void)state;
    float *rows = gaussian_rows(12, 3, 1);
    es_space *one = loaded(rows, 12, 3), *other = loaded(rows, 9, 3), *two = loaded(rows, 2, 3);
    es_error error = {0};
    es_comparison got;
    es_space *spaces[] = {one, other};
    assert_int_equal(es_compare_compute(spaces, 2, NULL, &got, &error), ES_BAD_ARGUMENT);
    assert_says(error, "different numbers of rows");
    spaces[1] = one;
    assert_int_equal(es_compare_compute(spaces, 1, NULL, &got, &error), ES_BAD_ARGUMENT);
    assert_int_equal(es_compare_compute(spaces, 2, &(es_compare_options){.k = 12}, &got, &error),
                     ES_BAD_ARGUMENT);
    assert_says(error, "from 1 to 11");
    assert_int_equal(
        es_compare_compute(spaces, 2, &(es_compare_options){.match = ES_MATCH_WORD}, &got, &error),
        ES_BAD_ARGUMENT);
    assert_says(error, "no names");
    spaces[0] = spaces[1] = two;
    assert_int_equal(es_compare_compute(spaces, 2, NULL, &got, &error), ES_BAD_INPUT);
    assert_says(error, "share 2 tokens");
    es_space_free(one);
    es_space_free(other);
    es_space_free(two);
    free(rows);
}

/* Rows e_i + m (1 ... 1): all cosines are equal, and what rounding leaves of their variance is no
 * geometry to correlate. */
static void equal_cosines_have_no_correlation(void **state)
{
    (void)state;
    enum { MOST = 50 };
    static const struct {
        int n;
        float m;
    } cases[] = {{3, 1}, {6, 1}, {10, 0.7F}, {12, 1}, {20, 0.3F}, {50, 1}, {MOST, 0.1F}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int n = cases[c].n;
        float one[MOST * MOST], other[MOST * MOST];
        for (int i = 0; i < n * n; i++) {
            one[i] = cases[c].m + (i % (n + 1) == 0);
            other[i] = cases[c].m * 1.75F + (i % (n + 1) == 0);
        }
        es_space *a = loaded(one, n, n), *b = loaded(other, n, n);
        es_comparison got = compare(a, b, &(es_compare_options){.permutations = 9});
        assert_true(isnan(got.pairs[0].rsa.pearson) && isnan(got.pairs[0].rsa.chance.p));
        es_comparison_release(&got);
        es_space_free(a);
        es_space_free(b);
    }
}

static bool stop_at_once(void *context, int64_t done, int64_t total)
{
    (void)context;
    assert_true(done <= total);
    return false;
}

static void can_be_cancelled(void **state)
{
    (void)state;
    float *rows = gaussian_rows(300, 8, 1);
    es_space *space = loaded(rows, 300, 8), *spaces[] = {space, space};
    es_error error = {0};
    es_comparison got;
    es_compare_options options = {.progress = {.report = stop_at_once}};
    assert_int_equal(es_compare_compute(spaces, 2, &options, &got, &error), ES_CANCELLED);
    es_space_free(space);
    free(rows);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    float *rows = gaussian_rows(14, 3, 1);
    bool failed = true;
    long long n = 0;
    for (; failed; n++) {
        es_space *space = loaded(rows, 14, 3), *spaces[] = {space, space};
        es_compare_options options = {.threads = 1,
                                      .rank = true,
                                      .all_pairs = true,
                                      .figures = true,
                                      .permutations = 2,
                                      .resamples = 2,
                                      .ranked = n % 2 ? 4 : 0};
        es_error error = {0};
        es_comparison got;
        atomic_store(&failures, 0);
        atomic_store(&allocations_left, n / 2);
        es_status status = es_compare_compute(spaces, 2, &options, &got, &error);
        atomic_store(&allocations_left, -1);
        failed = atomic_load(&failures) > 0;
        if (status != ES_OK && (status != ES_NO_MEMORY || !failed))
            fail_msg("allocation %lld: %s", n, error.text);
        es_comparison_release(&got);
        es_space_free(space);
    }
    assert_true(n > 200);
    free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_matrices),
        cmocka_unit_test(permutes_all_pairs),
        cmocka_unit_test(a_rotation_is_the_same_space),
        cmocka_unit_test(random_spaces_are_at_chance),
        cmocka_unit_test(p_is_uniform_under_the_null),
        cmocka_unit_test(streamed_ranks_are_within_their_error),
        cmocka_unit_test(whole_words_match_across_kinds),
        cmocka_unit_test(real_models_share_neighborhoods),
        cmocka_unit_test(equal_cosines_have_no_correlation),
        cmocka_unit_test(refuses_what_cannot_be),
        cmocka_unit_test(can_be_cancelled),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("compare", tests, scratch_setup, scratch_teardown);
}
