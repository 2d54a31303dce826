/* Categories of tokens: are pairs within one more alike than pairs between two? Pairs that share a
 * token are not independent, so chance is judged by permuting the labels of tokens, never by a
 * t-test over pairs. */
#include "analysis/matrix_parts.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A standard deviation of cosines below this is rounding. */
#define CONSTANT_DEVIATION 1e-13
#define TIE                1e-12 /* means this near are equal but for rounding */

void es_contrast_free(es_contrast *contrast)
{
    if (!contrast) return;
    for (int64_t c = 0; contrast->list && c < contrast->count; c++) free(contrast->list[c].name);
    free(contrast->list);
    free(contrast->labels);
    free(contrast->means);
    free(contrast);
}

/* ---- labels ------------------------------------------------------------------------------------
 */

static es_status label_items(const char *const *names, es_matrix *matrix, es_error *error)
{
    es_contrast *contrast = matrix->categories;
    for (int64_t i = 0; i < matrix->n; i++) {
        if (!names[i] || !*names[i])
            return es_fail(error, ES_BAD_INPUT,
                           "'%s' has no category; give every token one, or leave it out",
                           matrix->items[i].text);
        int64_t c = 0;
        while (c < contrast->count && strcmp(contrast->list[c].name, names[i]) != 0) c++;
        if (c == contrast->count) {
            contrast->list[c].name = es_copy_text(names[i]);
            if (!contrast->list[c].name)
                return es_fail_memory(error, "categories", strlen(names[i]));
            contrast->count++;
        }
        contrast->labels[i] = c;
        contrast->list[c].size++;
    }
    return ES_OK;
}

static int compare_sizes(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* How many partitions of n items have these sizes: n! / (product of sizes!), each counted once for
 * every way to swap categories of one size. A product of whole numbers as long as float64 holds
 * them. */
static double count_partitions(int64_t n, int64_t count, int64_t *sizes)
{
    double partitions = 1;
    int64_t left = n, equal = 0;
    qsort(sizes, (size_t)count, sizeof *sizes, compare_sizes);
    for (int64_t c = 0; c < count; c++) {
        equal = c && sizes[c] == sizes[c - 1] ? equal + 1 : 1;
        double ways = 1; /* left over sizes[c] */
        for (int64_t k = 1; k <= sizes[c]; k++)
            ways = ways * (double)(left - sizes[c] + k) / (double)k;
        partitions = partitions * ways / (double)equal;
        left -= sizes[c];
    }
    return partitions;
}

static es_status check_contrast(es_matrix *matrix, es_error *error)
{
    es_contrast *contrast = matrix->categories;
    if (contrast->count < 2)
        return es_fail(error, ES_BAD_INPUT,
                       "all tokens are of the category '%s'; a contrast needs two categories",
                       contrast->list[0].name);
    for (int64_t c = 0; c < contrast->count; c++)
        contrast->within_pairs += contrast->list[c].size * (contrast->list[c].size - 1) / 2;
    if (!contrast->within_pairs)
        return es_fail(error, ES_BAD_INPUT,
                       "every category has a single token; a contrast needs one of two or more");
    contrast->between_pairs = matrix->n * (matrix->n - 1) / 2 - contrast->within_pairs;
    int64_t *sizes = es_alloc(contrast->count, sizeof *sizes);
    contrast->means = es_alloc(contrast->count, (size_t)contrast->count * sizeof(double));
    if (!sizes || !contrast->means) {
        free(sizes);
        return es_fail_memory(error, "categories", (size_t)contrast->count * sizeof *sizes);
    }
    for (int64_t c = 0; c < contrast->count; c++) sizes[c] = contrast->list[c].size;
    contrast->labelings = count_partitions(matrix->n, contrast->count, sizes);
    free(sizes);
    contrast->p_floor = fmax(1 / contrast->labelings, 1 / (1 + (double)contrast->permutations));
    return ES_OK;
}

es_status es_contrast_prepare(const es_matrix_options *options, es_matrix *matrix, es_error *error)
{
    es_contrast *contrast = es_alloc(1, sizeof *contrast);
    if (!contrast) return es_fail_memory(error, "categories", sizeof *contrast);
    matrix->categories = contrast;
    contrast->permutations = options->permutations ? options->permutations : ES_MATRIX_PERMUTATIONS;
    contrast->list = es_alloc(matrix->n, sizeof *contrast->list);
    contrast->labels = es_alloc(matrix->n, sizeof *contrast->labels);
    if (!contrast->list || !contrast->labels)
        return es_fail_memory(error, "categories", (size_t)matrix->n * sizeof *contrast->list);
    ES_TRY(label_items(options->categories, matrix, error));
    return check_contrast(matrix, error);
}

/* ---- figures -----------------------------------------------------------------------------------
 */

static void fill_means(es_matrix *matrix)
{
    es_contrast *contrast = matrix->categories;
    int64_t n = matrix->n, count = contrast->count;
    double within = 0, between = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++) {
            int64_t a = contrast->labels[i], b = contrast->labels[j];
            double cosine = matrix->cosine[i * n + j];
            contrast->means[(a < b ? a : b) * count + (a < b ? b : a)] += cosine;
            if (a == b)
                within += cosine;
            else
                between += cosine;
        }
    contrast->within = within / (double)contrast->within_pairs;
    contrast->between = between / (double)contrast->between_pairs;
    contrast->difference = contrast->within - contrast->between;
    for (int64_t a = 0; a < count; a++)
        for (int64_t b = a; b < count; b++) {
            double na = (double)contrast->list[a].size, nb = (double)contrast->list[b].size;
            double pairs = a == b ? na * (na - 1) / 2 : na * nb;
            double *mean = &contrast->means[a * count + b];
            *mean = pairs > 0 ? *mean / pairs : NAN;
            contrast->means[b * count + a] = *mean;
        }
    for (int64_t c = 0; c < count; c++) contrast->list[c].within = contrast->means[c * count + c];
}

static void fill_effect(es_matrix *matrix)
{
    es_contrast *contrast = matrix->categories;
    double squares = 0; /* about each kind's own mean: (w-1) s_w^2 + (b-1) s_b^2 */
    for (int64_t i = 0; i < matrix->n; i++)
        for (int64_t j = 0; j < i; j++) {
            bool same = contrast->labels[i] == contrast->labels[j];
            double off =
                matrix->cosine[i * matrix->n + j] - (same ? contrast->within : contrast->between);
            squares += off * off;
        }
    double freedom = (double)(contrast->within_pairs + contrast->between_pairs - 2);
    double deviation = freedom > 0 ? sqrt(squares / freedom) : 0;
    contrast->cohens_d = deviation > CONSTANT_DEVIATION ? contrast->difference / deviation : NAN;
}

typedef struct permuting {
    const es_matrix *matrix;
    const int64_t *grouped; /* (n) items, those of a category side by side */
    uint64_t seed;
    int64_t *items; /* (threads, n) */
    int64_t *reach; /* (threads) */
} permuting;

/* The sum over pairs within categories, had `items` been the items in order of category. With the
 * sizes fixed, the difference of the means grows with it and nothing else. */
static double within_sum(const es_matrix *matrix, const int64_t *items)
{
    double sum = 0;
    int64_t first = 0;
    for (int64_t c = 0; c < matrix->categories->count; c++) {
        int64_t end = first + matrix->categories->list[c].size;
        for (int64_t i = first; i < end; i++)
            for (int64_t j = first; j < i; j++)
                sum += matrix->cosine[items[i] * matrix->n + items[j]];
        first = end;
    }
    return sum;
}

static es_status permute_piece(void *context, int64_t index, int worker, es_error *error)
{
    (void)error;
    const permuting *work = context;
    int64_t n = work->matrix->n, *items = work->items + worker * n;
    const es_contrast *contrast = work->matrix->categories;
    es_random random = {es_draw_seed(work->seed, index)};
    memcpy(items, work->grouped, (size_t)n * sizeof *items);
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = es_random_below(&random, i + 1), held = items[i];
        items[i] = items[j];
        items[j] = held;
    }
    double mean = within_sum(work->matrix, items) / (double)contrast->within_pairs;
    work->reach[worker] += mean >= contrast->within - TIE;
    return ES_OK;
}

double es_contrast_work(const es_matrix *matrix)
{
    return matrix->categories ? (double)matrix->categories->permutations *
                                    (double)(matrix->categories->within_pairs + 10 * matrix->n)
                              : 0;
}

es_status es_contrast_compute(const es_matrix_options *options, const es_progress *progress,
                              es_matrix *matrix, es_error *error)
{
    es_contrast *contrast = matrix->categories;
    int64_t n = matrix->n, placed = 0, reach = 0;
    int threads = es_thread_count(options->threads);
    int64_t *grouped = es_alloc(n, sizeof *grouped);
    permuting work = {.matrix = matrix, .grouped = grouped, .seed = ~options->seed};
    work.items = es_alloc(threads, (size_t)n * sizeof *work.items);
    work.reach = es_alloc(threads, sizeof *work.reach);
    es_status status = ES_OK;
    if (!grouped || !work.items || !work.reach) {
        status = es_fail_memory(error, "permutations", (size_t)n * sizeof *grouped);
    } else {
        fill_means(matrix);
        fill_effect(matrix);
        for (int64_t c = 0; c < contrast->count; c++)
            for (int64_t i = 0; i < n; i++)
                if (contrast->labels[i] == c) grouped[placed++] = i;
        status =
            es_parallel_for(threads, contrast->permutations, permute_piece, &work, progress, error);
    }
    for (int w = 0; status == ES_OK && w < threads; w++) reach += work.reach[w];
    contrast->p = (double)(1 + reach) / (double)(1 + contrast->permutations);
    free(grouped);
    free(work.items);
    free(work.reach);
    return status;
}
