#define _GNU_SOURCE /* setenv */
/* A series of spaces: what does not move, what moves more and more, what is at chance; the counts
 * of each token by hand; every pair against compare's own figures. */
#include "failing_allocation.h"
#include "random_rows.h"

enum { N = 120, D = 8, SERIES = 5 };

static es_space *loaded(const float *rows, int64_t n, int64_t d)
{
    es_space *space = open_rows(rows, n, d);
    es_error error = {0};
    assert_ok(es_space_load(space, &error), error); /* the next one takes the file's name */
    return space;
}

static es_drift drift_of(es_space *const *spaces, int64_t count, const es_drift_options *options)
{
    es_error error = {0};
    es_drift drift;
    assert_ok(es_drift_compute(spaces, count, options, &drift, &error), error);
    return drift;
}

static void free_all(es_space **spaces, int64_t count)
{
    for (int64_t m = 0; m < count; m++) es_space_free(spaces[m]);
}

/* Two columns turned by an angle, and the whole made `scale` times as long. */
static float *turned(const float *rows, int64_t a, int64_t b, double angle, double scale)
{
    float *out = malloc(N * D * sizeof *out);
    assert_non_null(out);
    for (int64_t i = 0; i < N; i++) {
        for (int64_t k = 0; k < D; k++) out[i * D + k] = (float)(scale * (double)rows[i * D + k]);
        double x = (double)rows[i * D + a], y = (double)rows[i * D + b];
        out[i * D + a] = (float)(scale * (cos(angle) * x - sin(angle) * y));
        out[i * D + b] = (float)(scale * (sin(angle) * x + cos(angle) * y));
    }
    return out;
}

static void is_same(const es_drift_measures *measures, int64_t against)
{
    assert_int_equal(measures->against, against);
    assert_true(measures->mutual == 1 && measures->jaccard == 1);
    assert_true(fabs(measures->rsa - 1) < 1e-6 && fabs(measures->cka - 1) < 1e-6);
    assert_true(fabs(measures->cka_linear - 1) < 1e-6);
    assert_true(fabs(measures->procrustes_cosine - 1) < 1e-6);
    assert_true(fabs(measures->procrustes_residual) < 1e-5);
}

/* Rotations and lengths are no drift, whatever the axes show. */
static void rotations_do_not_drift(void **state)
{
    (void)state;
    float *rows[SERIES] = {gaussian_rows(N, D, 1)};
    es_space *spaces[SERIES];
    for (int m = 1; m < SERIES; m++)
        rows[m] = turned(rows[m - 1], m % D, (m + 3) % D, 0.4 * m, m == 2 ? 3 : 1);
    for (int m = 0; m < SERIES; m++) spaces[m] = loaded(rows[m], N, D);
    es_drift drift = drift_of(spaces, SERIES, NULL);
    assert_int_equal(drift.shared.count, N);
    assert_int_equal(drift.k, 10);
    assert_true(fabs(drift.expected - 10.0 / (N - 1)) < 1e-15);
    for (int m = 0; m < SERIES; m++) {
        const es_drift_checkpoint *here = &drift.checkpoints[m];
        is_same(&here->first, 0);
        is_same(&here->last, SERIES - 1);
        if (m) is_same(&here->previous, m - 1);
        assert_true(fabs(here->mean_cosine - drift.checkpoints[0].mean_cosine) < 1e-6);
        assert_true(fabs(here->effective_rank - drift.checkpoints[0].effective_rank) < 1e-4);
        assert_true(fabs(here->isoscore - drift.checkpoints[0].isoscore) < 1e-5);
    }
    assert_int_equal(drift.checkpoints[0].previous.against, -1);
    assert_true(isnan(drift.checkpoints[0].previous.mutual));
    assert_true(drift.stability == 1);
    assert_int_equal(drift.unchanged, N);
    assert_int_equal(drift.gone, 0);
    for (int i = 0; i < 10; i++) assert_int_equal(drift.stable[i].item, i); /* equal: by id */
    es_drift_release(&drift);
    free_all(spaces, SERIES);
    for (int m = 0; m < SERIES; m++) free(rows[m]);
}

/* More and more noise: each is farther from the first, and nearer to the last. */
static void noise_moves_on(void **state)
{
    (void)state;
    float *rows = gaussian_rows(N, D, 1), *noise = gaussian_rows(N, D, 2);
    es_space *spaces[SERIES];
    for (int m = 0; m < SERIES; m++) {
        float *noisy = malloc(N * D * sizeof *noisy);
        assert_non_null(noisy);
        for (int i = 0; i < N * D; i++) noisy[i] = rows[i] + 0.5f * (float)m * noise[i];
        spaces[m] = loaded(noisy, N, D);
        free(noisy);
    }
    es_drift drift = drift_of(spaces, SERIES, NULL);
    for (int m = 1; m < SERIES; m++) {
        const es_drift_checkpoint *a = &drift.checkpoints[m - 1], *b = &drift.checkpoints[m];
        assert_true(b->first.mutual < a->first.mutual && b->last.mutual > a->last.mutual);
        assert_true(b->first.rsa < a->first.rsa && b->last.rsa > a->last.rsa);
        assert_true(b->first.cka < a->first.cka && b->last.cka > a->last.cka);
        assert_true(b->first.procrustes_cosine < a->first.procrustes_cosine);
        assert_true(b->first.procrustes_residual > a->first.procrustes_residual);
        assert_true(b->last.procrustes_residual < a->last.procrustes_residual);
    }
    assert_true(drift.stability > drift.expected && drift.stability < 1);
    es_drift_release(&drift);
    free_all(spaces, SERIES);
    free(rows), free(noise);
}

/* Independent spaces. The overlap of two lists of k from n - 1 drawn by lot is hypergeometric; its
 * mean over n lists has a standard deviation below sqrt(1 / (k n)): five of them. */
static void strangers_are_at_chance(void **state)
{
    (void)state;
    es_space *spaces[3];
    for (int m = 0; m < 3; m++) {
        float *rows = gaussian_rows(N, D, 10 + (uint64_t)m);
        spaces[m] = loaded(rows, N, D);
        free(rows);
    }
    es_drift drift = drift_of(spaces, 3, NULL);
    double slack = 5 / sqrt(10.0 * N);
    for (int m = 1; m < 3; m++) {
        const es_drift_measures *from = &drift.checkpoints[m].previous;
        assert_true(fabs(from->mutual - drift.expected) < slack);
        assert_true(fabs(from->rsa) < 0.1 && fabs(from->cka) < 0.1);
        assert_true(from->procrustes_residual > 0.5);
    }
    assert_true(fabs(drift.stability - drift.expected) < slack);
    es_drift_release(&drift);
    free_all(spaces, 3);
}

static void agrees(const es_drift_measures *got, const es_pair_comparison *pair)
{
    assert_true(got->mutual == pair->overlap.mutual && got->jaccard == pair->overlap.jaccard);
    assert_true(fabs(got->rsa - pair->rsa.pearson) < 1e-12);
    assert_true(fabs(got->cka - pair->cka.debiased) < 1e-12);
    assert_true(fabs(got->cka_linear - pair->cka.linear) < 1e-12);
    assert_true(fabs(got->procrustes_cosine - pair->procrustes.mean_cosine) < 1e-12);
    assert_true(fabs(got->procrustes_residual - pair->procrustes.residual) < 1e-12);
}

/* Every token's steps, summed from the lists of all pairs; both orders follow from them. */
static void orders_agree(const es_drift *drift, const es_comparison *all)
{
    int64_t n = drift->shared.count, common[40] = {0};
    double far[40] = {0};
    for (int64_t p = 0; p < all->pair_count; p++) {
        const es_pair_comparison *pair = &all->pairs[p];
        for (int64_t i = 0; i < n && pair->b == pair->a + 1; i++) {
            common[pair->moved[i].item] += pair->moved[i].common;
            far[pair->moved[i].item] += pair->moved[i].drift;
        }
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t a = drift->unstable[i].item, b = drift->stable[i].item;
        int64_t possible = 3 * (drift->count - 1);
        assert_true(fabs(drift->unstable[i].stability - (double)common[a] / (double)possible) <
                    1e-15);
        if (!i) continue;
        int64_t less = drift->unstable[i - 1].item, more = drift->stable[i - 1].item;
        assert_true(common[less] < common[a] ||
                    (common[less] == common[a] && far[less] >= far[a] - 1e-12));
        assert_true(common[more] > common[b] ||
                    (common[more] == common[b] && far[more] <= far[b] + 1e-12));
    }
}

/* Of any length of the series, with spaces of different widths. */
static void agrees_with_compare(void **state)
{
    (void)state;
    es_space *spaces[4];
    for (int m = 0; m < 4; m++) {
        float *rows = gaussian_rows(40, 5, 1), *noise = gaussian_rows(40, 5 + m, 30 + (uint64_t)m);
        for (int i = 0; i < 40; i++)
            for (int k = 0; k < 5; k++) noise[i * (5 + m) + k] += 2 * rows[i * 5 + k];
        spaces[m] = loaded(noise, 40, 5 + m);
        free(rows), free(noise);
    }
    for (int64_t count = 2; count <= 4; count++) {
        es_drift drift = drift_of(spaces, count, &(es_drift_options){.k = 3, .shown = 40});
        es_comparison all;
        es_error error = {0};
        assert_ok(es_compare_compute(spaces, count,
                                     &(es_compare_options){.k = 3, .sample = 10, .shown = 40}, &all,
                                     &error),
                  error);
        for (int64_t p = 0; p < all.pair_count; p++) {
            const es_pair_comparison *pair = &all.pairs[p];
            if (pair->a == 0) agrees(&drift.checkpoints[pair->b].first, pair);
            if (pair->b == pair->a + 1) agrees(&drift.checkpoints[pair->b].previous, pair);
            if (pair->b == count - 1) agrees(&drift.checkpoints[pair->a].last, pair);
        }
        orders_agree(&drift, &all);
        for (int64_t m = 0; m < count; m++) {
            const es_drift_checkpoint *here = &drift.checkpoints[m];
            es_spectrum spectrum;
            assert_true(fabs(here->effective_rank - all.models[m].effective_rank) < 1e-9);
            assert_true(fabs(here->mean_cosine - all.models[m].mean_cosine) < 1e-12);
            assert_ok(es_spectrum_compute(spaces[m], NULL, &spectrum, &error), error);
            assert_true(fabs(here->isoscore - spectrum.isotropy.isoscore) < 1e-12);
            es_spectrum_release(&spectrum);
        }
        es_comparison_release(&all);
        es_drift_release(&drift);
    }
    free_all(spaces, 4);
}

/* Points on a circle, two nearest each; the one that moves is known. */
static void counts_of_a_token(void **state)
{
    (void)state;
    enum { POINTS = 7 };
    /* Degrees; point 6 goes to the side, across, and back, which is the longest way. */
    static const double places[POINTS] = {0, 10, 21, 33, 180, 191, 15};
    es_space *spaces[4];
    for (int m = 0; m < 4; m++) {
        float rows[POINTS * 2];
        for (int i = 0; i < POINTS; i++) {
            double place = i == 6 && m == 1 ? 100 : i == 6 && m == 2 ? 186 : places[i];
            double angle = place * 3.14159265358979 / 180;
            rows[2 * i] = (float)cos(angle);
            rows[2 * i + 1] = (float)sin(angle);
        }
        spaces[m] = loaded(rows, POINTS, 2);
    }
    es_drift drift = drift_of(spaces, 4, &(es_drift_options){.k = 2});
    const es_drift_token *most = &drift.unstable[0];
    assert_int_equal(most->item, 6);
    static const int32_t kept[] = {1, 0, 0};
    for (int s = 0; s < 3; s++) assert_int_equal(most->common[s], kept[s]);
    assert_int_equal(most->moved_most, 3);
    assert_int_equal(most->common_ends, 2);
    assert_true(fabs(most->stability - 1.0 / 6) < 1e-15);
    assert_true(drift.stabilities[6] == most->stability);
    static const int32_t near[] = {1, 2};
    for (int j = 0; j < 2; j++) assert_int_equal(most->neighbors[0][j], near[j]);
    /* Point 0 has 1 and 6, without it 1 and 2. */
    assert_true(fabs(drift.stabilities[0] - 4.0 / 6) < 1e-15);
    double mean = 0;
    for (int m = 1; m < 4; m++) mean += drift.checkpoints[m].previous.mutual / 3;
    assert_true(fabs(mean - drift.stability) < 1e-15);
    assert_int_equal(drift.shown, POINTS);
    assert_int_equal(drift.stable[POINTS - 1].item, 6);
    es_drift_release(&drift);
    free_all(spaces, 4);
}

/* Zero and non-finite rows of any checkpoint are left out of all. */
static void undefined_rows(void **state)
{
    (void)state;
    es_space *spaces[3];
    for (int m = 0; m < 3; m++) {
        float *rows = gaussian_rows(N, D, 5);
        for (int k = 0; k < D; k++) rows[(m + 2) * D + k] = m == 1 ? NAN : 0;
        spaces[m] = loaded(rows, N, D);
        free(rows);
    }
    es_drift drift = drift_of(spaces, 3, NULL);
    assert_int_equal(drift.shared.count, N - 3);
    for (int m = 0; m < 3; m++) assert_int_equal(drift.shared.of[m].undefined, 1);
    assert_true(drift.stability == 1 && drift.checkpoints[1].previous.rsa > 1 - 1e-12);
    es_drift_release(&drift);
    free_all(spaces, 3);
}

static void wrong_calls(void **state)
{
    (void)state;
    float *rows = gaussian_rows(N, D, 5);
    es_space *spaces[3] = {loaded(rows, N, D), loaded(rows, N, D), loaded(rows, N - 1, D)};
    es_drift drift;
    es_error error = {0};
    assert_int_equal(es_drift_compute(spaces, 1, NULL, &drift, &error), ES_BAD_ARGUMENT);
    assert_int_equal(es_drift_compute(spaces, 65, NULL, &drift, &error), ES_BAD_ARGUMENT);
    assert_int_equal(es_drift_compute(spaces, 3, NULL, &drift, &error), ES_BAD_ARGUMENT);
    assert_non_null(strstr(error.text, "different numbers of rows"));
    es_drift_options options = {.k = N};
    assert_int_equal(es_drift_compute(spaces, 2, &options, &drift, &error), ES_BAD_ARGUMENT);
    assert_non_null(strstr(error.text, "k must be from 1 to 119"));
    options = (es_drift_options){.shown = -1};
    assert_int_equal(es_drift_compute(spaces, 2, &options, &drift, &error), ES_BAD_ARGUMENT);
    free_all(spaces, 3);
    spaces[0] = loaded(rows, 2, D);
    spaces[1] = loaded(rows, 2, D);
    assert_int_equal(es_drift_compute(spaces, 2, NULL, &drift, &error), ES_BAD_INPUT);
    assert_non_null(strstr(error.text, "share 2 tokens; drift needs 3"));
    free_all(spaces, 2);
    free(rows);
}

/* The longest series there may be; no thread count and no kernel changes a bit. */
static void same_for_any_thread_and_kernel(void **state)
{
    (void)state;
    static const char *const kernels[] = {"scalar", NULL};
    es_space *spaces[ES_DRIFT_CHECKPOINTS];
    es_drift first = {0};
    for (int run = 0; run < 3; run++) {
        if (run < 2 && kernels[run])
            setenv("EMBSCOPE_KERNEL", kernels[run], 1);
        else
            unsetenv("EMBSCOPE_KERNEL");
        for (int m = 0; m < ES_DRIFT_CHECKPOINTS; m++) {
            float *rows = gaussian_rows(30, 4, (uint64_t)m / 8);
            rows[m] += 0.5f;
            spaces[m] = loaded(rows, 30, 4);
            free(rows);
        }
        es_drift drift = drift_of(spaces, ES_DRIFT_CHECKPOINTS,
                                  &(es_drift_options){.threads = run == 2 ? 3 : 1});
        if (run) {
            size_t size = (size_t)drift.count * sizeof *drift.checkpoints;
            /* NaN of the first one's `previous` have the same bits, too. */
            assert_memory_equal(drift.checkpoints, first.checkpoints, size);
            assert_memory_equal(drift.stabilities, first.stabilities, 30 * sizeof(double));
            for (int i = 0; i < 10; i++) {
                assert_int_equal(drift.stable[i].item, first.stable[i].item);
                assert_int_equal(drift.unstable[i].moved_most, first.unstable[i].moved_most);
            }
            es_drift_release(&drift);
        } else {
            first = drift;
        }
        free_all(spaces, ES_DRIFT_CHECKPOINTS);
    }
    es_drift_release(&first);
}

static bool stop(void *context, int64_t done, int64_t total)
{
    int *calls = context;
    assert_true(done <= total);
    return (*calls)-- > 0;
}

static void cancels_anywhere(void **state)
{
    (void)state;
    es_space *spaces[3];
    for (int m = 0; m < 3; m++) {
        float *rows = gaussian_rows(N, D, 5 + (uint64_t)m);
        spaces[m] = loaded(rows, N, D);
        free(rows);
    }
    int asked = 0;
    for (es_status status = ES_CANCELLED; status != ES_OK; asked++) {
        int calls = asked;
        es_error error = {0};
        es_drift drift;
        es_drift_options options = {.progress = {stop, &calls}, .threads = 1};
        status = es_drift_compute(spaces, 3, &options, &drift, &error);
        if (status == ES_OK)
            es_drift_release(&drift);
        else
            assert_int_equal(status, ES_CANCELLED);
        assert_true(asked < 10000);
    }
    assert_true(asked > 3);
    free_all(spaces, 3);
}

/* A space given back is read again, to the same answer. */
static void unloaded_spaces(void **state)
{
    (void)state;
    float *rows = gaussian_rows(N, D, 7);
    es_space *space = loaded(rows, N, D);
    es_error error = {0};
    double before[D], after[D];
    assert_ok(es_space_set_transform(space, "center", &error), error);
    assert_ok(es_space_read_rows(space, 3, 1, before, &error), error);
    es_space_unload(space);
    assert_ok(es_space_read_rows(space, 3, 1, after, &error), error);
    assert_memory_equal(before, after, sizeof before);
    es_space_unload(space); /* twice is no harm */
    assert_ok(es_space_load(space, &error), error);
    es_space_free(space);
    free(rows);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    es_space *spaces[4];
    for (int m = 0; m < 4; m++) {
        float *rows = gaussian_rows(14, 3, 1 + (uint64_t)m);
        spaces[m] = loaded(rows, 14, 3);
        free(rows);
    }
    bool failed = true;
    long long n = 0;
    for (; failed; n++) {
        es_drift_options options = {.threads = 1};
        es_error error = {0};
        es_drift got;
        atomic_store(&failures, 0);
        atomic_store(&allocations_left, n);
        es_status status = es_drift_compute(spaces, 4, &options, &got, &error);
        atomic_store(&allocations_left, -1);
        failed = atomic_load(&failures) > 0;
        if (status != ES_OK && (status != ES_NO_MEMORY || !failed))
            fail_msg("allocation %lld: %s", n, error.text);
        es_drift_release(&got);
    }
    assert_true(n > 100);
    free_all(spaces, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rotations_do_not_drift),
        cmocka_unit_test(noise_moves_on),
        cmocka_unit_test(strangers_are_at_chance),
        cmocka_unit_test(agrees_with_compare),
        cmocka_unit_test(counts_of_a_token),
        cmocka_unit_test(undefined_rows),
        cmocka_unit_test(wrong_calls),
        cmocka_unit_test(same_for_any_thread_and_kernel),
        cmocka_unit_test(cancels_anywhere),
        cmocka_unit_test(unloaded_spaces),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("drift", tests, scratch_setup, scratch_teardown);
}
