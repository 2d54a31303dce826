#include "render/text_chart.h"

#include "base/memory.h"
#include "render/display.h"
#include "render/number_text.h"
#include "render/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BARS = 32, BAR_WIDTH = 48, TREE_WIDTH = 40, WIDEST_LEAF = 24 };

/* Each bar is a whole number of bins. */
typedef struct bars {
    int count;
    double edges[BARS + 1];
    double share[BARS];        /* of all pairs */
    double random_share[BARS]; /* what random directions would have there */
    double longest;
} bars;

/* The bins drawn: from the first to the last pair but for one in 10,000 at each end, and at least
 * four standard deviations of random directions about 0. */
static void choose_bins(const es_distribution *distribution, int64_t *first, int64_t *last)
{
    double cut = 1e-4 * (double)distribution->pairs, sum = 0;
    double reach = 4 * distribution->random_standard_deviation;
    int64_t from = 0, to = distribution->bins - 1;
    const double *edges = distribution->edges;
    for (; from < to && (sum += (double)distribution->counts[from]) <= cut; from++) {
    }
    for (sum = 0; to > from && (sum += (double)distribution->counts[to]) <= cut; to--) {
    }
    while (from > 0 && edges[from] > -reach) from--;
    while (to < distribution->bins - 1 && edges[to + 1] < reach) to++;
    *first = from;
    *last = to;
}

static bars make_bars(const es_distribution *distribution, int64_t columns)
{
    int64_t first, last;
    choose_bins(distribution, &first, &last);
    int64_t bins = last - first + 1, group = (bins + BARS - 1) / BARS;
    bars bar = {.count = (int)((bins + group - 1) / group)};
    for (int k = 0; k < bar.count; k++) {
        int64_t from = first + k * group, to = from + group;
        if (to > distribution->bins) to = distribution->bins;
        for (int64_t i = from; i < to; i++)
            bar.share[k] += (double)distribution->counts[i] / (double)distribution->pairs;
        bar.edges[k] = distribution->edges[from];
        bar.edges[k + 1] = distribution->edges[to];
        bar.random_share[k] = es_random_cosine_tail(bar.edges[k], columns) -
                              es_random_cosine_tail(bar.edges[k + 1], columns);
        bar.longest = fmax(bar.longest, fmax(bar.share[k], bar.random_share[k]));
    }
    return bar;
}

static void print_bar(double length, int mark, bool color, FILE *out)
{
    static const char *const eighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int whole = (int)length, part = (int)((length - whole) * 8);
    int end = whole + (part > 0) > mark + 1 ? whole + (part > 0) : mark + 1;
    while (end && end - 1 != mark && end - 1 >= whole && !(end - 1 == whole && part)) end--;
    if (end) fputs("  ", out);
    for (int at = 0; at < end; at++) {
        if (at == mark)
            fprintf(out, "%s┊%s", es_ink_code(ES_INK_MARK, color),
                    es_ink_code(ES_INK_PLAIN, color));
        else
            fputs(at < whole ? "█" : at == whole ? eighths[part] : " ", out);
    }
    fputc('\n', out);
}

es_status es_text_histogram(const es_distribution *distribution, int64_t columns, bool color,
                            FILE *out, es_error *error)
{
    (void)error;
    if (!distribution->bins || !distribution->pairs) return ES_OK;
    bars bar = make_bars(distribution, columns);
    fprintf(out, "%s cosine   pairs  random%s\n", es_ink_code(ES_INK_DIM, color),
            es_ink_code(ES_INK_PLAIN, color));
    for (int k = 0; k < bar.count; k++) {
        char from[ES_NUMBER_TEXT], share[ES_NUMBER_TEXT], random_share[ES_NUMBER_TEXT];
        es_number_fixed((bar.edges[k] + bar.edges[k + 1]) / 2, 3, from);
        es_number_fixed(100 * bar.share[k], 2, share);
        es_number_fixed(100 * bar.random_share[k], 2, random_share);
        fprintf(out, "%7s  %5s%%  %5s%%", from, share, random_share);
        double scale = bar.longest > 0 ? (BAR_WIDTH - 1) / bar.longest : 0;
        int mark = bar.random_share[k] * scale >= 0.5 ? (int)(bar.random_share[k] * scale) : -1;
        print_bar(bar.share[k] * scale, mark, color, out);
    }
    fprintf(out, "%s█ pairs of this space   ┊ random directions in %lld dimensions%s\n",
            es_ink_code(ES_INK_DIM, color), (long long)columns, es_ink_code(ES_INK_PLAIN, color));
    return ES_OK;
}

/* One cell of the drawing: which of its four arms are drawn. */
enum { LEFT = 1, RIGHT = 2, UP = 4, DOWN = 8 };

typedef struct tree {
    int64_t n;
    unsigned char *cells; /* (n, TREE_WIDTH) arms */
    int64_t *row;         /* (2n - 1) the line of each cluster */
    int *column;          /* (2n - 1) where its own bar stands; 0 for a leaf */
} tree;

static void draw_merge(tree *tree, const es_merge *merge, int64_t cluster, double highest)
{
    int at = highest > 0 ? (int)lround(merge->height / highest * (TREE_WIDTH - 2)) + 1 : 1;
    const int64_t children[] = {merge->a, merge->b};
    for (int c = 0; c < 2; c++) {
        if (tree->column[children[c]] >= at) at = tree->column[children[c]] + 1;
        if (at > TREE_WIDTH - 1) at = TREE_WIDTH - 1;
    }
    for (int c = 0; c < 2; c++) {
        unsigned char *line = tree->cells + tree->row[children[c]] * TREE_WIDTH;
        for (int x = tree->column[children[c]]; x <= at; x++) {
            if (x > tree->column[children[c]] || !tree->column[children[c]]) line[x] |= LEFT;
            if (x < at) line[x] |= RIGHT;
        }
    }
    int64_t top = tree->row[merge->a], bottom = tree->row[merge->b];
    if (top > bottom) {
        int64_t swap = top;
        top = bottom;
        bottom = swap;
    }
    for (int64_t y = top; y <= bottom; y++) {
        if (y > top) tree->cells[y * TREE_WIDTH + at] |= UP;
        if (y < bottom) tree->cells[y * TREE_WIDTH + at] |= DOWN;
    }
    tree->row[cluster] = (top + bottom) / 2;
    tree->column[cluster] = at;
}

static void print_tree(const tree *tree, const es_matrix *matrix, bool color, FILE *out,
                       es_text *label)
{
    static const char *const shapes[] = {" ", "─", "─", "─", "│", "┘", "└", "┴",
                                         "│", "┐", "┌", "┬", "│", "┤", "├", "┼"};
    int widest = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t y = 0; y < tree->n; y++) {
            const es_item *item = &matrix->items[matrix->order[y]];
            label->size = 0;
            es_display_quoted(label, item->text, item->text_size);
            if (label->failed) return;
            size_t size = es_display_prefix(label->data, label->size, WIDEST_LEAF);
            int width = es_display_width(label->data, size);
            if (width > widest) widest = width;
            if (!pass) continue;
            fprintf(out, "%s%.*s%s%*s ", es_ink_code(ES_INK_TOKEN, color), (int)size, label->data,
                    es_ink_code(ES_INK_PLAIN, color), widest - width, "");
            int end = TREE_WIDTH;
            while (end && !tree->cells[y * TREE_WIDTH + end - 1]) end--;
            for (int x = 0; x < end; x++) fputs(shapes[tree->cells[y * TREE_WIDTH + x]], out);
            fputc('\n', out);
        }
    }
}

es_status es_text_tree(const es_matrix *matrix, bool color, FILE *out, es_error *error)
{
    int64_t n = matrix->n;
    tree drawing = {.n = n,
                    .cells = es_alloc(n * TREE_WIDTH, 1),
                    .row = es_alloc(2 * n, sizeof *drawing.row),
                    .column = es_alloc(2 * n, sizeof *drawing.column)};
    es_status status = ES_OK;
    es_text label = {0};
    if (!drawing.cells || !drawing.row || !drawing.column) {
        status = es_fail_memory(error, "a tree", (size_t)n * TREE_WIDTH);
    } else {
        double highest = 0;
        for (int64_t y = 0; y < n; y++) drawing.row[matrix->order[y]] = y;
        for (int64_t r = 0; r < n - 1; r++) highest = fmax(highest, matrix->linkage[r].height);
        for (int64_t r = 0; r < n - 1; r++)
            draw_merge(&drawing, &matrix->linkage[r], n + r, highest);
        print_tree(&drawing, matrix, color, out, &label);
        if (label.failed) status = es_fail_memory(error, "a tree", label.size);
    }
    es_text_release(&label);
    free(drawing.cells);
    free(drawing.row);
    free(drawing.column);
    return status;
}
