/* Every function of every instruction set this machine can run against the scalar one: the same
 * bits, on random input, odd sizes, denormals, extremes and values that lie on a bin's edge. The
 * scalar functions themselves are held against float64.
 *
 *     test_kernel           check
 *     test_kernel --bench   check, then time every function (ns a call, ratio to scalar) */
#define _GNU_SOURCE /* clock_gettime */
#include "base/memory.h"
#include "base/random.h"
#include "kernel/kernel.h"
#include "kernel_bench.h"
#include "kernel_inputs.h"
#include "test.h"

#include <math.h>

static void product_is_the_same(void **state)
{
    (void)state;
    const es_kernel *sets[8];
    int64_t count = usable(sets);
    float *left = es_alloc_aligned((int64_t)MOST_DEPTH * ES_PANEL, sizeof(float));
    float *right = es_alloc_aligned((int64_t)MOST_DEPTH * ES_PANEL, sizeof(float));
    assert_true(left && right);
    es_random random = {1};
    for (int i = 0; i < DEPTHS; i++)
        for (pattern pattern = 0; pattern < PATTERNS; pattern++) {
            int64_t floats = depths[i] * ES_PANEL;
            for (int64_t k = 0; k < floats; k++) left[k] = draw(&random, pattern);
            for (int64_t k = 0; k < floats; k++) right[k] = draw(&random, pattern);
            for (int strip = 0; strip < ES_PANEL; strip += 40) { /* the first and the last one */
                float expected[ES_TILE], found[ES_TILE];
                scalar()->product(depths[i], left + strip, right, expected);
                for (int64_t s = 0; s < count; s++) {
                    memset(found, 0xA5, sizeof found);
                    sets[s]->product(depths[i], left + strip, right, found);
                    if (!same_floats(expected, found, ES_TILE))
                        fail_msg("%s: product, depth %lld, pattern %d", sets[s]->name,
                                 (long long)depths[i], pattern);
                }
            }
        }
    free(left);
    free(right);
}

/* The products of product(), and every bin counted once, however many there are for the depth. */
static void products_count_on_the_side(void **state)
{
    (void)state;
    const es_kernel *sets[9];
    int64_t count = usable(sets);
    sets[count++] = scalar();
    float *left = es_alloc_aligned((int64_t)MOST_DEPTH * ES_PANEL, sizeof(float));
    float *right = es_alloc_aligned((int64_t)MOST_DEPTH * ES_PANEL, sizeof(float));
    assert_true(left && right);
    es_random random = {9};
    for (int i = 0; i < DEPTHS; i++)
        for (int waiting = 0; waiting <= ES_TILE; waiting = waiting ? 2 * waiting : 1) {
            enum { BINS = 5 };
            uint16_t bin[ES_TILE];
            uint32_t expected[BINS] = {1, 2, 3, 4, 5}, found[BINS];
            float without[ES_TILE], with[ES_TILE];
            if (waiting == 256) waiting = ES_TILE;
            for (int b = 0; b < ES_TILE; b++) bin[b] = (uint16_t)es_random_below(&random, BINS);
            for (int b = 0; b < waiting; b++) expected[bin[b]]++;
            for (int64_t k = 0; k < depths[i] * ES_PANEL; k++) {
                left[k] = draw(&random, ORDINARY);
                right[k] = draw(&random, ORDINARY);
            }
            scalar()->product(depths[i], left, right, without);
            for (int64_t s = 0; s < count; s++) {
                for (uint32_t b = 0; b < BINS; b++) found[b] = b + 1;
                sets[s]->product_and_count(depths[i], left, right, with, bin, waiting, found);
                if (!same_floats(without, with, ES_TILE) ||
                    !same_bits(expected, found, sizeof found))
                    fail_msg("%s: product and count, depth %lld, %d bins", sets[s]->name,
                             (long long)depths[i], waiting);
            }
        }
    free(left);
    free(right);
}

/* Unit rows, rounded to float32: the product is the exact dot product to within the proven bound,
 * for rows that are alike (no cancellation: the worst case) as well as for random ones. */
static void product_keeps_its_bound(void **state)
{
    (void)state;
    double *rows = es_alloc(2 * ES_PANEL * (int64_t)MOST_DEPTH, sizeof *rows);
    float *packed = es_alloc_aligned(2 * ES_PANEL * (int64_t)MOST_DEPTH, sizeof *packed);
    assert_true(rows && packed);
    es_random random = {2};
    for (int i = 0; i < DEPTHS; i++)
        for (int alike = 0; alike < 2; alike++) {
            int64_t d = depths[i];
            float *left = packed, *right = packed + ES_PANEL * d;
            for (int64_t r = 0; r < 2 * ES_PANEL; r++) {
                double *row = rows + r * d, square = 0;
                for (int64_t k = 0; k < d; k++) {
                    row[k] = alike ? 1 + 1e-3 * uniform(&random) : uniform(&random);
                    square += row[k] * row[k];
                }
                float *to = (r < ES_PANEL ? left : right) + r % ES_PANEL;
                for (int64_t k = 0; k < d; k++) {
                    row[k] /= sqrt(square);
                    to[k * ES_PANEL] = (float)row[k];
                }
            }
            float out[ES_TILE];
            scalar()->product(d, left, right, out);
            for (int r = 0; r < ES_STRIP; r++)
                for (int c = 0; c < ES_PANEL; c++) {
                    long double exact = 0;
                    for (int64_t k = 0; k < d; k++)
                        exact += (long double)rows[r * d + k] * rows[(ES_PANEL + c) * d + k];
                    double off = fabs((double)(out[r * ES_PANEL + c] - exact));
                    if (!(off <= es_product_bound(d)))
                        fail_msg("depth %lld: off by %g, bound %g", (long long)d, off,
                                 es_product_bound(d));
                }
        }
    free(rows);
    free(packed);
}

typedef struct tally_input {
    float cosines[ES_TILE], shift, level, half;
} tally_input;

/* Cosines of a kind: anywhere, close to each other, on the edges of bins and a hair beside them. */
static void draw_cosines(es_random *random, int kind, tally_input *input)
{
    static const float halves[] = {32000, 32768, 1000, 0.5f, 1.5f, 32767.5f, 50};
    enum { HALVES = sizeof halves / sizeof *halves };
    input->half = halves[es_random_below(random, HALVES)];
    input->shift = (float)(0.3 * uniform(random));
    input->level = (float)(0.5 * uniform(random));
    int64_t bins = (int64_t)(2 * input->half);
    for (int i = 0; i < ES_TILE; i++) {
        float *c = &input->cosines[i];
        double edge = 2 * (double)es_random_below(random, bins + 1) / (double)bins - 1;
        switch (kind) {
        case 0: *c = (float)uniform(random); break;
        case 1: *c = input->shift + (float)(0.01 * uniform(random)); break;
        case 2: *c = (float)edge; break;
        case 3: *c = nextafterf((float)edge, -2); break;
        case 4: *c = nextafterf((float)edge, 2); break;
        case 5: *c = draw(random, SIGNED_ZEROS) > 0.5f ? 1.0000002f : -1.0000002f; break;
        default: *c = uniform(random) < 0 ? input->level : draw(random, SIGNED_ZEROS); break;
        }
    }
}

static bool same_tally(const es_tally *a, const es_tally *b)
{
    return same_bits(a->power, b->power, sizeof a->power) &&
           same_bits(&a->minimum, &b->minimum, sizeof a->minimum) &&
           same_bits(&a->maximum, &b->maximum, sizeof a->maximum) && a->at_least == b->at_least;
}

static void tally_is_the_same(void **state)
{
    (void)state;
    const es_kernel *sets[8];
    int64_t set_count = usable(sets);
    es_random random = {3};
    for (int64_t count = 0; count <= ES_TILE; count++)
        for (int kind = 0; kind < 7; kind++) {
            tally_input in;
            draw_cosines(&random, kind, &in);
            uint16_t bins[ES_TILE], found_bins[ES_TILE];
            memset(bins, 0xA5, sizeof bins);
            es_tally start = {{1, -2, 3, 0.125}, INFINITY, -INFINITY, 7}, expected = start;
            scalar()->tally(in.cosines, count, in.shift, in.level, in.half, bins, &expected);
            for (int64_t s = 0; s < set_count; s++) {
                es_tally found = start;
                memset(found_bins, 0xA5, sizeof found_bins);
                sets[s]->tally(in.cosines, count, in.shift, in.level, in.half, found_bins, &found);
                if (!same_tally(&expected, &found) || !same_bits(bins, found_bins, sizeof bins))
                    fail_msg("%s: tally of %lld, kind %d", sets[s]->name, (long long)count, kind);
            }
        }
}

/* Against float64, written out plainly. */
static void tally_counts_right(void **state)
{
    (void)state;
    es_random random = {4};
    for (int round = 0; round < 2000; round++) {
        tally_input in;
        draw_cosines(&random, round % 7, &in);
        uint16_t bins[ES_TILE];
        es_tally tally = {.minimum = INFINITY, .maximum = -INFINITY};
        int64_t count = 1 + es_random_below(&random, ES_TILE), at_least = 0;
        scalar()->tally(in.cosines, count, in.shift, in.level, in.half, bins, &tally);
        double power[4] = {0}, size[4] = {0}, least = INFINITY, most = -INFINITY;
        for (int64_t i = 0; i < count; i++) {
            double c = in.cosines[i], x = c - (double)in.shift, term = 1;
            for (int p = 0; p < 4; p++) power[p] += term *= x, size[p] += fabs(term);
            least = fmin(least, c);
            most = fmax(most, c);
            at_least += c >= (double)in.level;
            double place = c * in.half + in.half, last = 2 * (double)in.half - 1;
            double bin = floor(fmin(fmax(place, 0), last));
            /* The place is rounded to float32 once: only next to an edge may that show. */
            double doubt = (place + 1) * 0x1p-24;
            bool edge = fabs(place - nearbyint(place)) <= doubt;
            if (bins[i] != bin && !(edge && fabs(bins[i] - bin) <= 1))
                fail_msg("cosine %.9g in bin %d of %g, not %g", c, bins[i], 2 * in.half, bin);
        }
        assert_int_equal(tally.at_least, at_least);
        assert_true(tally.minimum == (float)least && tally.maximum == (float)most);
        /* A lane adds 24 terms of at most p roundings each on top of the rounding of c - shift. */
        for (int p = 0; p < 4; p++)
            assert_true(fabs(tally.power[p] - power[p]) <= (24 + 3 * (p + 1)) * 0x1p-24 * size[p]);
    }
}

/* A limit that is met exactly, just missed, met by everything, by nothing, or anywhere. */
static float draw_limit(es_random *random, float value)
{
    switch (es_random_below(random, 6)) {
    case 0: return value;
    case 1: return nextafterf(value, 2);
    case 2: return -INFINITY;
    case 3: return INFINITY;
    case 4: return NAN;
    default: return (float)uniform(random);
    }
}

static void reached_pairs_are_the_same(void **state)
{
    (void)state;
    const es_kernel *sets[8];
    int64_t count = usable(sets);
    es_random random = {5};
    for (int round = 0; round < 2000; round++) {
        float cosines[ES_TILE], rows[ES_STRIP], columns[ES_PANEL];
        for (int i = 0; i < ES_TILE; i++) cosines[i] = draw(&random, SIGNED_ZEROS);
        for (int r = 0; r < ES_STRIP; r++)
            rows[r] = draw_limit(&random, cosines[r * ES_PANEL + round % ES_PANEL]);
        for (int c = 0; c < ES_PANEL; c++)
            columns[c] = draw_limit(&random, cosines[round % ES_STRIP * ES_PANEL + c]);
        es_reached expected = {0};
        for (int i = 0; i < ES_TILE; i++) {
            int r = i / ES_PANEL, c = i % ES_PANEL;
            expected.row[r] |= (uint64_t)(cosines[i] >= rows[r]) << c;
            expected.column[r] |= (uint64_t)(cosines[i] >= columns[c]) << c;
            expected.any = expected.any || cosines[i] >= rows[r] || cosines[i] >= columns[c];
        }
        for (int64_t s = 0; s < count; s++) {
            es_reached found;
            sets[s]->reach(cosines, rows, columns, &found);
            if (!same_bits(found.row, expected.row, sizeof found.row) ||
                !same_bits(found.column, expected.column, sizeof found.column) ||
                found.any != expected.any)
                fail_msg("%s: reach, round %d", sets[s]->name, round);
        }
    }
}

static void byte_products_are_the_same(void **state)
{
    (void)state;
    const es_kernel *sets[8];
    int64_t count = usable(sets);
    int8_t *left = es_alloc_aligned(MOST_DEPTH, ES_STRIP);
    uint8_t *right = es_alloc_aligned(MOST_DEPTH, ES_PANEL);
    assert_true(left && right);
    es_random random = {8};
    for (int64_t depth = 4; depth <= MOST_DEPTH; depth = depth < 64 ? depth + 4 : depth * 2)
        for (int extreme = 0; extreme < 2; extreme++) {
            int32_t start[ES_STRIP], expected[ES_TILE], found[ES_TILE];
            for (int64_t i = 0; i < depth * ES_STRIP; i++)
                left[i] = extreme ? -127 : (int8_t)(es_random_below(&random, 255) - 127);
            for (int64_t i = 0; i < depth * ES_PANEL; i++)
                right[i] = extreme ? 255 : (uint8_t)(es_random_below(&random, 255) + 1);
            for (int r = 0; r < ES_STRIP; r++) start[r] = (int32_t)es_random_below(&random, 999999);
            scalar()->byte_product(depth, left, start, right, expected);
            for (int64_t s = 0; s < count; s++) {
                sets[s]->byte_product(depth, left, start, right, found);
                if (!same_bits(expected, found, sizeof found))
                    fail_msg("%s: byte product, depth %lld", sets[s]->name, (long long)depth);
            }
            int64_t sum = start[1]; /* row 1, column 5, by the layout in the header */
            for (int64_t k = 0; k < depth; k++)
                sum += (int64_t)left[(k / 4 * ES_STRIP + 1) * 4 + k % 4] *
                       right[(k / 4 * ES_PANEL + 5) * 4 + k % 4];
            assert_int_equal(sum, expected[ES_PANEL + 5]);
        }
    free(left);
    free(right);
}

typedef struct screen_data {
    float scale[ES_PANEL], offset[ES_PANEL], length[ES_PANEL], residual[ES_PANEL], least[ES_PANEL];
} screen_data;

static es_screen_side draw_side(es_random *random, screen_data *data)
{
    for (int i = 0; i < ES_PANEL; i++) {
        data->scale[i] = (float)fabs(uniform(random)) * 0.002f;
        data->offset[i] = (float)uniform(random);
        data->length[i] = (float)fabs(uniform(random));
        data->residual[i] = (float)fabs(uniform(random)) * 0.01f;
        data->least[i] = draw_limit(random, 0.5f);
    }
    return (es_screen_side){data->scale, data->offset, data->length, data->residual, data->least};
}

/* The bound of es_screen_side, less its allowance, as kernel.h has it. */
static float screen_value(int32_t sum, const screen_data *rows, int r, const screen_data *columns,
                          int c)
{
    float value = fmaf((float)sum, rows->scale[r] * columns->scale[c], columns->offset[c]);
    value = fmaf(rows->length[r], columns->residual[c], value);
    value = fmaf(rows->residual[r], columns->length[c] + columns->residual[c], value);
    return value + rows->offset[r];
}

static void byte_screens_are_the_same(void **state)
{
    (void)state;
    const es_kernel *sets[8];
    int64_t count = usable(sets);
    es_random random = {9};
    for (int round = 0; round < 1000; round++) {
        int32_t sums[ES_TILE];
        screen_data left, right;
        es_screen_side rows = draw_side(&random, &left), columns = draw_side(&random, &right);
        for (int i = 0; i < ES_TILE; i++)
            sums[i] = (int32_t)es_random_below(&random, 2 << 20) - (1 << 20);
        for (int i = 0; i < ES_TILE; i++) { /* some are met exactly */
            int r = i / ES_PANEL, c = i % ES_PANEL;
            float value = screen_value(sums[i], &left, r, &right, c);
            if (i % 7 == round % 7) left.least[r] = right.least[c] = value;
        }
        es_reached expected, found;
        scalar()->byte_reach(sums, &rows, &columns, &expected);
        for (int64_t s = 0; s < count; s++) {
            sets[s]->byte_reach(sums, &rows, &columns, &found);
            if (!same_bits(found.row, expected.row, sizeof found.row) ||
                !same_bits(found.column, expected.column, sizeof found.column) ||
                found.any != expected.any)
                fail_msg("%s: byte screen, round %d", sets[s]->name, round);
        }
    }
}

static void float_dots_are_the_same(void **state)
{
    (void)state;
    const es_kernel *sets[8];
    int64_t count = usable(sets);
    float *a = es_alloc(MOST_DEPTH, sizeof *a), *b = es_alloc(MOST_DEPTH, sizeof *b);
    assert_true(a && b);
    es_random random = {10};
    for (int64_t size = 0; size <= 100 + DEPTHS; size++) {
        int64_t n = size <= 100 ? size : depths[size - 101];
        double norm_a = 0, norm_b = 0, exact = 0;
        for (int64_t k = 0; k < n; k++) {
            a[k] = draw(&random, SIGNED_ZEROS);
            b[k] = draw(&random, ORDINARY);
            norm_a += (double)a[k] * a[k];
            norm_b += (double)b[k] * b[k];
            exact += (double)a[k] * b[k];
        }
        float expected = scalar()->float_dot(a, b, n);
        double allowed = es_float_dot_bound(n) * sqrt(norm_a * norm_b);
        if (!(fabs(expected - exact) <= allowed)) fail_msg("float dot of %lld", (long long)n);
        for (int64_t s = 0; s < count; s++) {
            float found = sets[s]->float_dot(a, b, n);
            if (!same_bits(&found, &expected, sizeof found))
                fail_msg("%s: float dot of %lld", sets[s]->name, (long long)n);
        }
    }
    free(a);
    free(b);
}

static void dots_are_the_same(void **state)
{
    (void)state;
    const es_kernel *sets[8];
    int64_t set_count = usable(sets);
    double *a = es_alloc(MOST_DEPTH + 1, sizeof *a), *b = es_alloc(MOST_DEPTH + 1, sizeof *b);
    float *row = es_alloc(MOST_DEPTH + 1, sizeof *row);
    float *other = es_alloc(MOST_DEPTH + 1, sizeof *other);
    assert_true(a && b && row && other);
    es_random random = {6};
    for (int64_t size = 0; size <= 100 + DEPTHS; size++)
        for (pattern pattern = 0; pattern < PATTERNS; pattern++) {
            int64_t count = size <= 100 ? size : depths[size - 101];
            int64_t skew = es_random_below(&random, 2); /* not aligned */
            for (int64_t k = 0; k < count + skew; k++) {
                a[k] = draw_double(&random, pattern);
                b[k] = draw_double(&random, pattern);
                row[k] = draw(&random, pattern);
                other[k] = draw(&random, pattern);
            }
            const double *x = a + skew, *y = b + skew;
            const float *z = row + skew, *w = other + skew;
            double expected[4] = {scalar()->dot(x, y, count)};
            scalar()->dot_and_square(z, y, count, &expected[1], &expected[2]);
            expected[3] = scalar()->wide_dot(z, w, count);
            for (int64_t s = 0; s < set_count; s++) {
                double found[4] = {sets[s]->dot(x, y, count)};
                sets[s]->dot_and_square(z, y, count, &found[1], &found[2]);
                found[3] = sets[s]->wide_dot(z, w, count);
                if (!same_doubles(expected, found, 4))
                    fail_msg("%s: dots of %lld, pattern %d", sets[s]->name, (long long)count,
                             pattern);
            }
            if (pattern != ORDINARY) continue;
            long double exact[4] = {0}, magnitude[4] = {0};
            for (int64_t k = 0; k < count; k++) {
                long double term[4] = {(long double)x[k] * y[k], (long double)z[k] * y[k],
                                       (long double)z[k] * z[k], (long double)z[k] * w[k]};
                for (int t = 0; t < 4; t++) exact[t] += term[t], magnitude[t] += fabsl(term[t]);
            }
            /* count / 16 sums in a lane and four more when folded, a rounding of each product */
            double bound = ((double)count / 16 + 6) * 0x1p-53;
            for (int t = 0; t < 4; t++)
                assert_true(fabsl(expected[t] - exact[t]) <= bound * magnitude[t]);
        }
    free(a);
    free(b);
    free(row);
    free(other);
}

static void near_edges_are_the_same(void **state)
{
    (void)state;
    const es_kernel *sets[8];
    int64_t set_count = usable(sets);
    static const float reaches[] = {0, 0.001f, 0.01f, 0.25f, 0.5f};
    es_random random = {12};
    for (int64_t count = 0; count <= ES_TILE; count++)
        for (int kind = 0; kind < 7; kind++) {
            tally_input in;
            draw_cosines(&random, kind, &in);
            float reach = reaches[es_random_below(&random, sizeof reaches / sizeof *reaches)];
            uint16_t near[ES_TILE], expected[ES_TILE];
            int64_t expected_count = 0;
            for (int64_t i = 0; i < count; i++) {
                double place = (double)fmaf(in.cosines[i], in.half, in.half);
                if (fabs(place - nearbyint(place)) <= (double)reach)
                    expected[expected_count++] = (uint16_t)i;
            }
            for (int64_t s = -1; s < set_count; s++) {
                const es_kernel *set = s < 0 ? scalar() : sets[s];
                int64_t found = set->near_edges(in.cosines, count, in.half, reach, near);
                if (found != expected_count ||
                    !same_bits(near, expected, (size_t)found * sizeof *near))
                    fail_msg("%s: near edges, %lld, kind %d", set->name, (long long)count, kind);
            }
        }
}

static void environment_forces_a_set(void **state)
{
    (void)state;
    es_error error = {0};
    const es_kernel *kernel = NULL;
    setenv("EMBSCOPE_KERNEL", "scalar", 1);
    assert_ok(es_kernel_get(&kernel, &error), error);
    assert_ptr_equal(kernel, scalar());
    setenv("EMBSCOPE_KERNEL", "sse9", 1);
    assert_int_equal(es_kernel_get(&kernel, &error), ES_BAD_ARGUMENT);
    assert_says(error, "no such kernel");
    setenv("EMBSCOPE_KERNEL", "", 1);
    assert_ok(es_kernel_get(&kernel, &error), error);
    for (const char *const *name = es_kernel_names; *name; name++)
        if (es_kernel_find(*name)) {
            assert_ptr_equal(kernel, es_kernel_find(*name)); /* the best one */
            break;
        }
    unsetenv("EMBSCOPE_KERNEL");
    assert_null(es_kernel_find("sse9"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(product_is_the_same),        cmocka_unit_test(product_keeps_its_bound),
        cmocka_unit_test(tally_is_the_same),          cmocka_unit_test(tally_counts_right),
        cmocka_unit_test(reached_pairs_are_the_same), cmocka_unit_test(byte_products_are_the_same),
        cmocka_unit_test(byte_screens_are_the_same),  cmocka_unit_test(float_dots_are_the_same),
        cmocka_unit_test(dots_are_the_same),          cmocka_unit_test(near_edges_are_the_same),
        cmocka_unit_test(environment_forces_a_set),   cmocka_unit_test(products_count_on_the_side),
    };
    int failed = cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
    if (!failed && argc == 2 && strcmp(argv[1], "--bench") == 0) return bench(uniform);
    return failed;
}
