#include "base/random.h"
#include "kernel/linear.h"
#include "test.h"

#include <math.h>

static double uniform(es_random *random)
{
    return (double)(es_random_next(random) >> 11) * 0x1p-52 - 1;
}

static double *make_symmetric(int64_t n, es_random *random)
{
    double *matrix = malloc((size_t)(n * n) * sizeof *matrix);
    assert_non_null(matrix);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) matrix[i * n + j] = matrix[j * n + i] = uniform(random);
    return matrix;
}

/* S u = lambda u, u orthonormal, descending, trace kept; the largest component of each positive. */
static void check_eigen(int64_t n, const double *matrix)
{
    double *vectors = malloc((size_t)(n * n) * sizeof *vectors), trace = 0, sum = 0, size = 0;
    double *values = malloc((size_t)n * sizeof *values);
    assert_true(vectors && values);
    memcpy(vectors, matrix, (size_t)(n * n) * sizeof *vectors);
    es_error error = {0};
    assert_ok(es_eigen_symmetric(n, vectors, values, &error), error);
    for (int64_t i = 0; i < n; i++) trace += matrix[i * n + i];
    for (int64_t i = 0; i < n * n; i++) size += matrix[i] * matrix[i];
    double bound = 16 * (double)n * 0x1p-53 * (sqrt(size) + 1); /* backward stable: n u ||S|| */
    for (int64_t k = 0; k < n; k++) {
        const double *u = vectors + k * n;
        double largest = 0, at_largest = 0;
        for (int64_t i = 0; i < n; i++) {
            double product = 0;
            for (int64_t j = 0; j < n; j++) product += matrix[i * n + j] * u[j];
            assert_true(fabs(product - values[k] * u[i]) <= bound);
            if (fabs(u[i]) > largest) largest = fabs(at_largest = u[i]);
        }
        assert_true(at_largest > 0);
        for (int64_t l = 0; l <= k; l++) {
            double dot = 0;
            for (int64_t i = 0; i < n; i++) dot += u[i] * vectors[l * n + i];
            assert_true(fabs(dot - (l == k)) <= 16 * (double)n * 0x1p-53);
        }
        assert_true(!k || values[k] <= values[k - 1]);
        sum += values[k];
    }
    assert_true(fabs(sum - trace) <= (double)n * bound);
    free(vectors);
    free(values);
}

static void eigenvectors_are_right(void **state)
{
    (void)state;
    es_random random = {1};
    static const int64_t sizes[] = {1, 2, 3, 10, 33, 120};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        double *matrix = make_symmetric(sizes[s], &random);
        check_eigen(sizes[s], matrix);
        free(matrix);
    }
}

static void degenerate_matrices(void **state)
{
    (void)state;
    enum { N = 20 };
    double zero[N * N] = {0}, identity[N * N] = {0}, ones[N * N];
    for (int i = 0; i < N; i++) identity[i * N + i] = 1;
    for (int i = 0; i < N * N; i++) ones[i] = 1;
    check_eigen(N, zero);
    check_eigen(N, identity);
    check_eigen(N, ones);
    double values[N];
    es_error error = {0};
    assert_ok(es_eigen_symmetric(N, ones, values, &error), error);
    assert_true(fabs(values[0] - N) < 1e-13);
    double broken[4] = {1, NAN, NAN, 1};
    assert_int_equal(es_eigen_symmetric(2, broken, values, &error), ES_INTERNAL);
    assert_says(error, "2 x 2");
}

/* gram += R'R, upper triangle; what was there stays in it. */
static void gram_adds(void **state)
{
    (void)state;
    es_random random = {2};
    enum { N = 37, D = 11 };
    double rows[N * D], gram[D * D], start[D * D];
    for (int i = 0; i < N * D; i++) rows[i] = uniform(&random);
    for (int i = 0; i < D * D; i++) gram[i] = start[i] = uniform(&random);
    es_gram_add(N, D, rows, gram);
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++) {
            double sum = start[i * D + j];
            for (int r = 0; r < N && j >= i; r++) sum += rows[r * D + i] * rows[r * D + j];
            assert_true(fabs(sum - gram[i * D + j]) <= (j >= i ? 1e-13 : 0));
        }
    es_gram_add(0, D, rows, gram);
    es_gram_add(N, 0, rows, gram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eigenvectors_are_right),
        cmocka_unit_test(degenerate_matrices),
        cmocka_unit_test(gram_adds),
    };
    return cmocka_run_group_tests_name("linear", tests, NULL, NULL);
}
