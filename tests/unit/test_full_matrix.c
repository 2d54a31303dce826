/* The rows of S in order, whatever the size of a block, and how handing them out ends early. */
#define _GNU_SOURCE /* setenv */
#include "failing_allocation.h"
#include "random_rows.h"

typedef struct taken {
    int64_t n, next, calls, stop_after;
    float *values; /* (n, n) */
} taken;

static es_status take(void *context, const void *values, int64_t first, int64_t count,
                      es_error *error)
{
    (void)error;
    taken *taken = context;
    assert_int_equal(first, taken->next);
    assert_true(count >= 1 && first + count <= taken->n);
    memcpy(taken->values + first * taken->n, values,
           (size_t)(count * taken->n) * sizeof *taken->values);
    taken->next += count;
    return ++taken->calls == taken->stop_after ? ES_CANNOT_WRITE : ES_OK;
}

static taken taken_of(int64_t n)
{
    taken taken = {.n = n, .values = calloc((size_t)(n * n), sizeof(float))};
    assert_non_null(taken.values);
    return taken;
}

static void every_block_size_gives_the_same(void **state)
{
    (void)state;
    enum { N = 205, D = 19 };
    static const int64_t blocks[] = {1, N * 4 * 8, N * 4 * 23, N * 4 * 48, N * 4 * 100, 0};
    float *rows = gaussian_rows(N, D, 1);
    memset(rows + 70 * D, 0, D * sizeof *rows);
    es_space *space = open_rows(rows, N, D);
    taken first = taken_of(N), other = taken_of(N);
    es_error error = {0};
    assert_ok(es_full_matrix_run(space, NULL, take, &first, &error), error);
    assert_int_equal(first.next, N);
    assert_int_equal(first.calls, 1);
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) {
        es_full_matrix_options options = {.block_bytes = blocks[b], .threads = 3};
        other.next = other.calls = 0;
        assert_ok(es_full_matrix_run(space, &options, take, &other, &error), error);
        assert_int_equal(other.next, N);
        assert_memory_equal(other.values, first.values, (size_t)N * N * sizeof(float));
    }
    assert_int_equal(first.values[0], 1);
    assert_true(isnan(first.values[70]) && isnan(first.values[70 * N + 70]));
    es_space_free(space);
    free(first.values);
    free(other.values);
    free(rows);
}

static void ends_where_the_taker_fails(void **state)
{
    (void)state;
    enum { N = 100, D = 3 };
    float *rows = gaussian_rows(N, D, 2);
    es_space *space = open_rows(rows, N, D);
    es_error error = {0};
    for (int64_t stop = 1; stop <= 13; stop++) {
        taken taken = taken_of(N);
        taken.stop_after = stop;
        es_full_matrix_options options = {.block_bytes = 1, .threads = 2};
        assert_int_equal(es_full_matrix_run(space, &options, take, &taken, &error),
                         ES_CANNOT_WRITE);
        assert_int_equal(taken.calls, stop);
        free(taken.values);
    }
    es_space_free(space);
    free(rows);
}

static bool until(void *context, int64_t done, int64_t total)
{
    int64_t *left = context;
    assert_true(done >= 0 && done <= total && total == 100 * 100);
    return --*left > 0;
}

static void can_be_cancelled(void **state)
{
    (void)state;
    enum { N = 100, D = 3 };
    float *rows = gaussian_rows(N, D, 3);
    es_space *space = open_rows(rows, N, D);
    es_error error = {0};
    taken taken = taken_of(N);
    int64_t left = 5;
    es_full_matrix_options options = {.block_bytes = 1, .threads = 1, .progress = {until, &left}};
    assert_int_equal(es_full_matrix_run(space, &options, take, &taken, &error), ES_CANCELLED);
    assert_true(taken.next < N);
    free(taken.values);
    es_space_free(space);
    free(rows);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    enum { N = 60, D = 6 };
    float *rows = gaussian_rows(N, D, 4);
    taken taken = taken_of(N);
    bool failed = true;
    int64_t n = 0;
    for (; failed; n++) {
        es_space *space = open_rows(rows, N, D);
        es_error error = {0};
        taken.next = 0;
        atomic_store(&failures, 0);
        atomic_store(&allocations_left, n);
        es_full_matrix_options options = {.threads = 1};
        es_status status = es_full_matrix_run(space, &options, take, &taken, &error);
        atomic_store(&allocations_left, -1);
        failed = atomic_load(&failures) > 0;
        if (status != ES_OK && (status != ES_NO_MEMORY || !failed))
            fail_msg("allocation %lld: %s", (long long)n, error.text);
        es_space_free(space);
    }
    assert_true(n > 5);
    free(taken.values);
    free(rows);
}

static void says_how_large_the_file_will_be(void **state)
{
    (void)state;
    enum { N = 37, D = 2 };
    float *rows = gaussian_rows(N, D, 5);
    es_space *space = open_rows(rows, N, D);
    for (int dtype = ES_MATRIX_F32; dtype <= ES_MATRIX_F16; dtype++) {
        char *data = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&data, &size);
        es_error error = {0};
        es_full_matrix_options options = {.dtype = (es_matrix_dtype)dtype};
        assert_non_null(out);
        assert_ok(es_render_full_matrix_npy(space, &options, out, &error), error);
        assert_int_equal(fclose(out), 0);
        assert_int_equal(size, es_full_matrix_npy_bytes(space, options.dtype));
        free(data);
    }
    es_space_free(space);
    free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_block_size_gives_the_same),
        cmocka_unit_test(ends_where_the_taker_fails),
        cmocka_unit_test(can_be_cancelled),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(says_how_large_the_file_will_be),
    };
    return cmocka_run_group_tests_name("full_matrix", tests, scratch_setup, scratch_teardown);
}
