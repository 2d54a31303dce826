/* The driver hands out every pair of the triangle once, whatever the number of rows and threads. */
#include "base/random.h"
#include "kernel/tiles.h"
#include "test.h"

#include <math.h>
#include <stdatomic.h>

enum { DEPTH = 5 };

typedef struct seen {
    const es_packed *packed;
    atomic_uchar *times; /* (n, n): how often a pair was delivered */
    const double *rows;  /* (n, DEPTH) */
    atomic_llong pairs;  /* by es_strip_pairs() */
    atomic_llong faults; /* what a strip says of itself is wrong */
    int threads;
} seen;

static void check_strip_pairs(seen *seen, const es_strip *strip)
{
    float scratch[ES_TILE];
    const float *side_by_side;
    int64_t count = es_strip_pairs(strip, scratch, &side_by_side), at = 0;
    for (int r = 0; r < strip->row_count; r++)
        for (int c = 0; c < strip->column_count; c++) {
            if (strip->first_row + r >= strip->first_column + c) continue;
            if (at >= count || side_by_side[at] != strip->cosines[r * ES_PANEL + c])
                atomic_fetch_add(&seen->faults, 1);
            at++;
        }
    if (at != count) atomic_fetch_add(&seen->faults, 1);
    atomic_fetch_add(&seen->pairs, count);
}

static es_status take(void *context, int worker, const es_strip *strip, es_error *error)
{
    (void)error;
    seen *seen = context;
    int64_t n = seen->packed->rows;
    bool crosses = false;
    for (int r = 0; r < strip->row_count; r++)
        for (int c = 0; c < strip->column_count; c++) {
            int64_t i = strip->first_row + r, j = strip->first_column + c;
            if (i >= n || j >= n) {
                atomic_fetch_add(&seen->faults, 1);
                continue;
            }
            crosses = crosses || i >= j;
            if (i >= j) continue;
            atomic_fetch_add(&seen->times[i * n + j], 1);
            double exact = 0;
            for (int k = 0; k < DEPTH; k++)
                exact += seen->rows[i * DEPTH + k] * seen->rows[j * DEPTH + k];
            if (!(fabs(exact - (double)strip->cosines[r * ES_PANEL + c]) <=
                  es_product_bound(DEPTH)))
                atomic_fetch_add(&seen->faults, 1);
        }
    bool in_range = strip->tile >= 0 && strip->tile < es_tile_count(seen->packed) &&
                    strip->row_count >= 1 && strip->row_count <= ES_STRIP &&
                    strip->column_count >= 1 && strip->column_count <= ES_PANEL && worker >= 0 &&
                    worker < seen->threads;
    if (!in_range || crosses != strip->crosses) atomic_fetch_add(&seen->faults, 1);
    check_strip_pairs(seen, strip);
    return ES_OK;
}

static double *make_rows(int64_t n, es_packed *packed)
{
    es_random random = {(uint64_t)n};
    double *rows = malloc((size_t)n * DEPTH * sizeof *rows);
    assert_non_null(rows);
    for (int64_t i = 0; i < n; i++) {
        double square = 0;
        for (int k = 0; k < DEPTH; k++) {
            double x = (double)(es_random_next(&random) >> 11) * 0x1p-52 - 1;
            rows[i * DEPTH + k] = x;
            square += x * x;
        }
        for (int k = 0; k < DEPTH; k++) rows[i * DEPTH + k] /= sqrt(square);
        es_packed_put(packed, i, rows + i * DEPTH);
    }
    return rows;
}

static void every_pair_once(void **state)
{
    (void)state;
    static const int64_t sizes[] = {1, 2, 7, 8, 47, 48, 49, 191, 192, 193, 385, 500};
    static const int threads[] = {1, 2, 7};
    es_error error = {0};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
            int64_t n = sizes[s];
            es_packed packed;
            assert_ok(es_packed_init(&packed, n, DEPTH, &error), error);
            seen seen = {.packed = &packed,
                         .times = calloc((size_t)(n * n), sizeof *seen.times),
                         .rows = make_rows(n, &packed),
                         .threads = threads[t]};
            assert_non_null(seen.times);
            const es_kernel *kernel;
            assert_ok(es_kernel_get(&kernel, &error), error);
            assert_ok(es_tiles_run(kernel, &packed, threads[t], take, &seen, NULL, &error), error);
            assert_int_equal(atomic_load(&seen.faults), 0);
            assert_int_equal(atomic_load(&seen.pairs), n * (n - 1) / 2);
            for (int64_t i = 0; i < n; i++)
                for (int64_t j = 0; j < n; j++)
                    if (seen.times[i * n + j] != (i < j))
                        fail_msg("n = %lld, %d threads: pair (%lld, %lld) came %d times",
                                 (long long)n, threads[t], (long long)i, (long long)j,
                                 seen.times[i * n + j]);
            free(seen.times);
            free((void *)(uintptr_t)seen.rows);
            es_packed_release(&packed);
            assert_null(packed.data);
        }
}

static es_status refuse(void *context, int worker, const es_strip *strip, es_error *error)
{
    (void)worker;
    atomic_fetch_add((atomic_llong *)context, 1);
    return es_fail(error, ES_INTERNAL, "tile %lld", (long long)strip->tile);
}

static bool stop(void *context, int64_t done, int64_t total)
{
    int64_t *last = context;
    last[0] = done;
    last[1] = total;
    return false;
}

/* A sink's error ends the run with its text; a progress callback can, too. */
static void ends_early(void **state)
{
    (void)state;
    es_error error = {0};
    es_packed packed;
    const es_kernel *kernel;
    assert_ok(es_packed_init(&packed, 500, DEPTH, &error), error);
    double *rows = make_rows(500, &packed);
    assert_ok(es_kernel_get(&kernel, &error), error);
    atomic_llong calls = 0;
    assert_int_equal(es_tiles_run(kernel, &packed, 1, refuse, &calls, NULL, &error), ES_INTERNAL);
    assert_int_equal(atomic_load(&calls), 1);
    assert_string_equal(error.text, "tile 0");
    int64_t last[2] = {0};
    es_progress progress = {stop, last};
    seen seen = {.packed = &packed, .times = calloc(500 * 500, 1), .rows = rows, .threads = 1};
    assert_int_equal(es_tiles_run(kernel, &packed, 1, take, &seen, &progress, &error),
                     ES_CANCELLED);
    assert_int_equal(last[1], 500 * 499 / 2);
    assert_true(last[0] > 0 && last[0] <= last[1]);
    free(seen.times);
    free(rows);
    es_packed_release(&packed);
}

static void counts_tiles(void **state)
{
    (void)state;
    for (int64_t n = 0; n < 2000; n += 37) {
        int64_t blocks = (n + ES_BLOCK - 1) / ES_BLOCK;
        es_packed packed = {.rows = n, .depth = 1};
        assert_int_equal(es_tile_count(&packed), blocks * (blocks + 1) / 2);
    }
    es_error error = {0};
    es_packed packed;
    assert_int_equal(es_packed_init(&packed, INT64_MAX / 2, INT64_MAX / 2, &error), ES_NO_MEMORY);
    assert_says(error, "out of memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_once),
        cmocka_unit_test(ends_early),
        cmocka_unit_test(counts_tiles),
    };
    return cmocka_run_group_tests_name("tiles", tests, NULL, NULL);
}
