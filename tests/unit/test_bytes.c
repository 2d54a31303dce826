/* The screen's bound, from rows built to break it: no cosine may lie above what the screen allows
 * for, and the float32 scores must lie within their bounds. docs/mathematics.md has the proofs. */
#include "base/random.h"
#include "kernel/bytes.h"
#include "kernel/halves.h"
#include "kernel/rotation.h"
#include "test.h"

#include <float.h>
#include <math.h>

static double uniform(es_random *random)
{
    return (double)(es_random_next(random) >> 11) * 0x1p-53;
}

static double gaussian(es_random *random)
{
    return sqrt(-2 * log(1 - uniform(random))) * cos(6.283185307179586 * uniform(random));
}

/* ---- rows built to break it --------------------------------------------------------------------
 */

typedef void make_row(es_random *random, int64_t i, int64_t d, double *row);

static void make_gaussian(es_random *random, int64_t i, int64_t d, double *row)
{
    (void)i;
    for (int64_t k = 0; k < d; k++) row[k] = gaussian(random);
}

static void make_cone(es_random *random, int64_t i, int64_t d, double *row)
{
    (void)i;
    for (int64_t k = 0; k < d; k++) row[k] = 1 + 1e-3 * gaussian(random);
}

static void make_outlier_dimensions(es_random *random, int64_t i, int64_t d, double *row)
{
    make_gaussian(random, i, d, row);
    row[0] += 100;
    row[d / 2] *= 1000;
}

static void make_outlier_rows(es_random *random, int64_t i, int64_t d, double *row)
{
    make_gaussian(random, i, d, row);
    if (i % 5 == 0) row[i % d] = i % 2 ? 1e6 : -1e6;
}

static void make_huge_component(es_random *random, int64_t i, int64_t d, double *row)
{
    for (int64_t k = 0; k < d; k++) row[k] = 1e-30 * gaussian(random);
    row[i % d] = 1e30;
}

static void make_denormal(es_random *random, int64_t i, int64_t d, double *row)
{
    (void)i;
    for (int64_t k = 0; k < d; k++) row[k] = k ? 1e-39 * gaussian(random) : 1;
}

/* All but one of the rows are one direction: the mean has norm 1, the other row is against it. */
static void make_opposite(es_random *random, int64_t i, int64_t d, double *row)
{
    for (int64_t k = 0; k < d; k++) row[k] = (i == 7 ? -1 : 1) + 1e-9 * gaussian(random);
}

/* Before the rotation one component is 127 steps and the others are half a step: as much is lost as
 * can be, and it is lost in one direction. */
static void make_half_steps(es_random *random, int64_t i, int64_t d, double *row)
{
    for (int64_t k = 0; k < d; k++)
        row[k] = (k == i % d ? 127 : 0.5) + (i % 2 ? 1e-3 : -1e-3) * uniform(random);
}

static const struct {
    const char *name;
    make_row *make;
} families[] = {{"Gaussian", make_gaussian},
                {"cone", make_cone},
                {"outlier dimensions", make_outlier_dimensions},
                {"outlier rows", make_outlier_rows},
                {"huge component", make_huge_component},
                {"denormal", make_denormal},
                {"opposite", make_opposite},
                {"half steps", make_half_steps}};
enum { FAMILIES = sizeof families / sizeof *families };

enum { ROWS = 96 }; /* two panels */

/* Unit rows, their packed form as the screen has it, and what it left out of account. */
typedef struct table {
    int64_t d;
    double *units; /* (ROWS, d) */
    es_bytes_pack pack;
    es_packed floats;
    es_halves halves;
    float *singles; /* (ROWS, d) */
} table;

static void make_units(table *table, make_row *make)
{
    es_random random = {(uint64_t)table->d};
    for (int64_t i = 0; i < ROWS; i++) {
        double *row = table->units + i * table->d, square = 0;
        make(&random, i, table->d, row);
        for (int64_t k = 0; k < table->d; k++) square += row[k] * row[k];
        for (int64_t k = 0; k < table->d; k++) row[k] /= sqrt(square);
    }
}

static void pack_rows(table *table, bool rotated)
{
    int64_t d = table->d;
    double *mean = calloc((size_t)d, sizeof *mean),
           *row = malloc((2 * (size_t)d + ES_HALF_ROW) * sizeof *row);
    es_rotation rotation;
    es_error error = {0};
    assert_true(mean && row);
    assert_ok(es_rotation_init(&rotation, d, 1, &error), error);
    double square = 0, rows = 0;
    for (int64_t i = 0; i < ROWS; i++) {
        if (i == 7) continue; /* the centre need not be the mean: here, of all rows but one */
        for (int64_t k = 0; k < d; k++) mean[k] += table->units[i * d + k];
        rows++;
    }
    for (int64_t k = 0; k < d; k++) mean[k] /= rows;
    for (int64_t k = 0; k < d; k++) square += mean[k] * mean[k];
    for (int64_t i = 0; i < ROWS; i++) {
        double offset = square / 2;
        for (int64_t k = 0; k < d; k++) {
            row[k] = table->units[i * d + k] - mean[k];
            offset += mean[k] * row[k];
            table->singles[i * d + k] = (float)table->units[i * d + k];
        }
        es_halves_put(es_kernel_find("scalar"), &table->halves, i, row, offset, row + d);
        if (rotated) es_rotation_apply(es_kernel_find("scalar"), &rotation, row, row + d);
        es_bytes_put(&table->pack, i, row, offset);
        es_packed_put(&table->floats, i, table->units + i * d);
    }
    es_rotation_release(&rotation);
    free(mean);
    free(row);
}

static table table_of(make_row *make, int64_t d, bool rotated)
{
    table table = {.d = d};
    es_error error = {0};
    table.units = malloc((size_t)(ROWS * d) * sizeof *table.units);
    table.singles = malloc((size_t)(ROWS * d) * sizeof *table.singles);
    assert_true(table.units && table.singles);
    assert_ok(es_bytes_init(&table.pack, ROWS, d, &error), error);
    assert_ok(es_packed_init(&table.floats, ROWS, d, &error), error);
    assert_ok(es_halves_init(&table.halves, ROWS, d, &error), error);
    make_units(&table, make);
    pack_rows(&table, rotated);
    return table;
}

static void release_table(table *table)
{
    free(table->units);
    free(table->singles);
    es_bytes_release(&table->pack);
    es_packed_release(&table->floats);
    es_halves_release(&table->halves);
}

/* The cosine that decides, and the most that summing it can be off is nothing beside float32. */
static double cosine_of(const es_kernel *kernel, const table *table, int64_t i, int64_t j)
{
    return kernel->dot(table->units + i * table->d, table->units + j * table->d, table->d);
}

/* ---- the bounds ------------------------------------------------------------------------------ */

/* What a row asks for when only its own pair could be its neighbour: as src/analysis/knn.c asks. */
static float asked(double cosine)
{
    float least = nextafterf((float)cosine, -INFINITY), allowance = (float)ES_SCREEN_ALLOWANCE;
    return least - allowance - fabsf(least) * 0x1p-23f;
}

static es_screen_side side_of(const es_bytes_pack *pack, int64_t first, const float *least)
{
    return (es_screen_side){pack->scale + first, pack->offset + first, pack->length + first,
                            pack->residual + first, least};
}

/* Each pair alone asks for its own cosine, of the row and of the column: it must pass both. */
static void check_strip(const es_kernel *kernel, const table *table, const es_strip *place,
                        const char *name)
{
    _Alignas(64) int32_t sums[ES_TILE];
    es_bytes_multiply(kernel, &table->pack, place, sums);
    for (int c = 0; c < ES_PANEL; c++) {
        float row_least[ES_STRIP], column_least[ES_PANEL];
        for (int k = 0; k < ES_PANEL; k++) column_least[k] = INFINITY;
        for (int r = 0; r < ES_STRIP; r++)
            row_least[r] =
                asked(cosine_of(kernel, table, place->first_row + r, place->first_column + c));
        es_screen_side rows = side_of(&table->pack, place->first_row, row_least);
        es_screen_side columns = side_of(&table->pack, place->first_column, column_least);
        es_reached reached;
        kernel->byte_reach(sums, &rows, &columns, &reached);
        for (int r = 0; r < ES_STRIP; r++)
            if (!(reached.row[r] >> c & 1))
                fail_msg("%s, %s, d = %lld: pair %lld, %lld is lost", kernel->name, name,
                         (long long)table->d, (long long)place->first_row + r,
                         (long long)place->first_column + c);
    }
}

static const int64_t depths[] = {1, 2, 3, 47, 64, 300, 768, 4096};

static void no_pair_is_lost(void **state)
{
    (void)state;
    for (int f = 0; f < FAMILIES; f++)
        for (size_t s = 0; s < 2 * sizeof depths / sizeof *depths; s++) {
            table table = table_of(families[f].make, depths[s / 2], s % 2);
            for (int n = 0; es_kernel_names[n]; n++) {
                const es_kernel *kernel = es_kernel_find(es_kernel_names[n]);
                for (int64_t at = 0; kernel && at < ROWS * ROWS; at += ES_TILE) {
                    es_strip place = {.first_row = at / ES_TILE % (ROWS / ES_STRIP) * ES_STRIP,
                                      .first_column = at / ES_TILE / (ROWS / ES_STRIP) * ES_PANEL};
                    check_strip(kernel, &table, &place, families[f].name);
                }
            }
            release_table(&table);
        }
}

/* The deepest rows that are screened: every step of the integer sum stays within 32 bits. */
static void the_deepest_rows_fit(void **state)
{
    (void)state;
    const es_kernel *kernel = es_kernel_find("scalar");
    table table = table_of(make_half_steps, ES_BYTE_DEPTH, false);
    es_strip place = {.first_row = 0, .first_column = 0};
    check_strip(kernel, &table, &place, "half steps");
    release_table(&table);
    table = table_of(make_opposite, ES_BYTE_DEPTH, true);
    check_strip(kernel, &table, &place, "opposite");
    release_table(&table);
}

static void stored_figures_are_rounded_up(void **state)
{
    (void)state;
    for (int f = 0; f < FAMILIES; f++) {
        table table = table_of(families[f].make, 300, false);
        const es_bytes_pack *pack = &table.pack;
        for (int64_t i = 0; i < ROWS; i++) {
            double square = 0;
            int64_t strip = i / ES_STRIP;
            for (int64_t k = 0; k < table.d; k++) {
                int q = pack->left[strip * pack->padded * ES_STRIP +
                                   (k / 4 * ES_STRIP + i % 8) * 4 + k % 4];
                square += (double)q * q;
            }
            assert_true((double)pack->length[i] >= (double)pack->scale[i] * sqrt(square));
            assert_true((double)pack->residual[i] >= 0x1p-44);
        }
        release_table(&table);
    }
}

static void float32_scores_keep_their_bounds(void **state)
{
    (void)state;
    for (int f = 0; f < FAMILIES; f++)
        for (size_t s = 0; s < sizeof depths / sizeof *depths; s++) {
            int64_t d = depths[s];
            table table = table_of(families[f].make, d, false);
            const es_kernel *kernel = es_kernel_find("scalar");
            double dot_bound = es_float_dot_bound(d), product_bound = es_product_bound(d);
            for (int64_t i = 0; i < ROWS; i += ES_STRIP) {
                _Alignas(64) float out[ES_TILE];
                const float *data = table.floats.data;
                kernel->product(d, data + i / ES_PANEL * ES_PANEL * d + i % ES_PANEL, data, out);
                for (int r = 0; r < ES_STRIP; r++)
                    for (int64_t j = 0; j < ES_PANEL; j++) {
                        double cosine = cosine_of(kernel, &table, i + r, j);
                        float dot = kernel->float_dot(table.singles + (i + r) * d,
                                                      table.singles + j * d, d);
                        if (!(fabs(dot - cosine) <= dot_bound) ||
                            !(fabs(out[r * ES_PANEL + j] - cosine) <= product_bound))
                            fail_msg("%s, d = %lld: %.9g and %.9g are not %.17g", families[f].name,
                                     (long long)d, (double)dot, (double)out[r * ES_PANEL + j],
                                     cosine);
                    }
            }
            release_table(&table);
        }
}

/* Rows scored where they lie, of norms as small and as large as that is done for. */
static void scores_in_place_keep_their_bound(void **state)
{
    (void)state;
    const es_kernel *kernel = es_kernel_find("scalar");
    static const double sizes[] = {1e-9, 1, 1e9};
    enum { D = 768 };
    for (int f = 0; f < FAMILIES; f++)
        for (int s = 0; s < 9; s++) {
            table table = table_of(families[f].make, D, false);
            double size_a = sizes[s % 3], size_b = sizes[s / 3];
            float a[D], b[D];
            double bound = es_float_dot_bound(D) + 4 * 0x1p-24;
            for (int64_t i = 0; i + 1 < ROWS; i++) {
                double stored_a[D], stored_b[D];
                for (int k = 0; k < D; k++) {
                    stored_a[k] = a[k] = (float)(table.units[i * D + k] * size_a);
                    stored_b[k] = b[k] = (float)(table.units[(i + 1) * D + k] * size_b);
                }
                double norm_a = sqrt(kernel->dot(stored_a, stored_a, D));
                double norm_b = sqrt(kernel->dot(stored_b, stored_b, D));
                double cosine = kernel->dot(stored_a, stored_b, D) / norm_a / norm_b;
                float score =
                    kernel->float_dot(a, b, D) * ((float)(1 / norm_a) * (float)(1 / norm_b));
                if (!(fabs(score - cosine) <= bound))
                    fail_msg("%s, norms %g and %g: %.9g is not %.17g", families[f].name, size_a,
                             size_b, (double)score, cosine);
            }
            release_table(&table);
        }
}

/* Scores by halves; and the bound is worth something: of ordinary rows, what is seen is not a
 * hundred times less. */
static void scores_by_halves_keep_their_bound(void **state)
{
    (void)state;
    const es_kernel *kernel = es_kernel_find("scalar");
    for (int f = 0; f < FAMILIES; f++)
        for (size_t s = 0; s < sizeof depths / sizeof *depths; s++) {
            table table = table_of(families[f].make, depths[s], false);
            double bound = es_halves_bound(&table.halves), most = 0;
            for (int64_t i = 0; i < ROWS; i++)
                for (int64_t j = 0; j < ROWS; j++) {
                    double cosine = cosine_of(kernel, &table, i, j);
                    float score = es_halves_score(kernel, &table.halves, i, j);
                    most = fmax(most, fabs(score - cosine));
                }
            if (!(most <= bound) || (f == 0 && depths[s] > 1 && !(most > bound / 100)))
                fail_msg("%s, d = %lld: off by %g, allowed %g", families[f].name,
                         (long long)depths[s], most, bound);
            release_table(&table);
        }
}

/* How far the computed rotation is from an orthogonal one, measured: the norm is kept, and so are
 * products, to within what is added to every residual. */
static void the_rotation_is_orthogonal(void **state)
{
    (void)state;
    static const int64_t sizes[] = {1, 2, 3, 48, 300, 768, 1000, 4095, 4096, 65535};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int64_t d = sizes[s];
        es_random random = {(uint64_t)d};
        es_rotation rotation;
        es_error error = {0};
        double *x = malloc(3 * (size_t)d * sizeof *x), *y = x + d;
        assert_non_null(x);
        assert_ok(es_rotation_init(&rotation, d, 5, &error), error);
        long double before[3] = {0}, after[3] = {0};
        for (int64_t k = 0; k < d; k++) {
            x[k] = gaussian(&random) / sqrt((double)d);
            y[k] = k % 3 ? 1e-8 : gaussian(&random) / sqrt((double)d);
            before[0] += (long double)x[k] * x[k];
            before[1] += (long double)y[k] * y[k];
            before[2] += (long double)x[k] * y[k];
        }
        es_rotation_apply(es_kernel_find("scalar"), &rotation, x, x + 2 * d);
        es_rotation_apply(es_kernel_find("scalar"), &rotation, y, x + 2 * d);
        for (int64_t k = 0; k < d; k++) {
            after[0] += (long double)x[k] * x[k];
            after[1] += (long double)y[k] * y[k];
            after[2] += (long double)x[k] * y[k];
        }
        long double scale = sqrtl(before[0] * before[1]);
        assert_true(fabsl(after[0] - before[0]) <= 2 * ES_ROTATION_ERROR * before[0]);
        assert_true(fabsl(after[1] - before[1]) <= 2 * ES_ROTATION_ERROR * before[1]);
        assert_true(fabsl(after[2] - before[2]) <= 2 * ES_ROTATION_ERROR * scale);
        es_rotation_release(&rotation);
        free(x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_pair_is_lost),
        cmocka_unit_test(the_deepest_rows_fit),
        cmocka_unit_test(stored_figures_are_rounded_up),
        cmocka_unit_test(float32_scores_keep_their_bounds),
        cmocka_unit_test(scores_in_place_keep_their_bound),
        cmocka_unit_test(scores_by_halves_keep_their_bound),
        cmocka_unit_test(the_rotation_is_orthogonal),
    };
    return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
