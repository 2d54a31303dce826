#include "render/report_text.h"

#include "render/html.h"
#include "render/number_text.h"

#include <math.h>
#include <string.h>

void es_report_begin(es_text *page)
{
    es_text_add(page, "<div class=\"finding\">\n<p>");
}

void es_report_next(es_text *page)
{
    es_text_add(page, "</p>\n<p>");
}

void es_report_end(es_text *page)
{
    es_text_add(page, "</p>\n</div>\n");
}

void es_report_counted(es_text *page, int64_t count, const char *one, const char *many)
{
    es_text_count(page, count);
    es_text_printf(page, " %s", count == 1 ? one : many);
}

void es_report_percent(es_text *page, double share)
{
    double percent = 100 * share;
    es_text_fixed(page, percent, percent != 0 && percent < 0.1 ? 4 : percent < 10 ? 2 : 1);
    es_text_add(page, "&nbsp;%");
}

static void add_norm_token(es_text *page, const es_token_norm *token)
{
    es_html_token(page, token->text, token->text_size);
}

void es_report_say_loaded(es_text *page, const es_report *report)
{
    const es_info *info = &report->info;
    es_report_begin(page);
    es_report_say_tying(page, report);
    int64_t undefined = info->zero.count + info->non_finite.count;
    if (undefined) {
        es_text_add(page, " ");
        es_report_counted(page, undefined, "row is", "rows are");
        es_text_add(page,
                    " zero or not finite: no direction, hence no cosine. They are left out of "
                    "everything below.");
    }
    if (info->duplicates.count) {
        es_text_add(page, " ");
        es_report_counted(page, info->duplicates.count, "row equals", "rows equal");
        es_text_add(page, " an earlier one bit for bit.");
    }
    es_report_end(page);
}

void es_report_say_norms(es_text *page, const es_report *report)
{
    const es_info *info = &report->info;
    es_report_begin(page);
    if (!isfinite(info->norm_median)) {
        es_text_add(page, "No row of this table has a defined norm.");
        es_report_end(page);
        return;
    }
    es_text_add(page, "Half of the rows have a norm between ");
    es_text_fixed(page, info->norm_quartile1, 4);
    es_text_add(page, " and ");
    es_text_fixed(page, info->norm_quartile3, 4);
    double ratio = info->norm_maximum / info->norm_minimum;
    if (ratio < 1.001) {
        es_text_add(page, ": all rows are equally long, so that dot product, cosine and Euclidean "
                          "distance rank them alike.");
    } else {
        es_text_add(page, "; the longest is ");
        es_text_fixed(page, ratio, ratio < 10 ? 2 : 0);
        es_text_add(page, " times as long as the shortest. The cosine does not see this; the dot "
                          "product and the Euclidean distance do.");
    }
    es_report_end(page);
}

/* The article's question: is the first nearer to the second than to the third? */
static void say_nearer(es_text *page, const es_similarity *pairs)
{
    const es_token_norm *tokens = pairs->tokens;
    double near = pairs->cosine[1], far = pairs->cosine[2];
    int first = 1, second = 2;
    if (far > near) {
        double swap = near;
        near = far;
        far = swap;
        first = 2;
        second = 1;
    }
    bool alike = near - far < 0.00005;
    add_norm_token(page, &tokens[0]);
    es_text_add(page, alike ? " is about as near to " : " is nearer to ");
    add_norm_token(page, &tokens[first]);
    es_text_add(page, " (");
    es_text_fixed(page, near, 4);
    es_text_add(page, alike ? ") as to " : ") than to ");
    add_norm_token(page, &tokens[second]);
    es_text_add(page, " (");
    es_text_fixed(page, far, 4);
    es_text_add(page, ").");
}

void es_report_say_pairs(es_text *page, const es_report *report)
{
    const es_similarity *pairs = &report->pairs;
    es_report_begin(page);
    bool three = pairs->token_count >= 3 && pairs->cosine && isfinite(pairs->cosine[1]) &&
                 isfinite(pairs->cosine[2]);
    if (three) say_nearer(page, pairs);
    const es_pair *pair = pairs->pair_count ? &pairs->pairs[0] : NULL;
    if (pair && isfinite(pair->cosine) && isfinite(pair->z_random)) {
        if (three) es_report_next(page);
        es_text_add(page, "The cosine of ");
        add_norm_token(page, &pairs->tokens[pair->a]);
        es_text_add(page, " and ");
        add_norm_token(page, &pairs->tokens[pair->b]);
        es_text_add(page, ", ");
        es_text_fixed(page, pair->cosine, 4);
        es_text_add(page, ", is ");
        es_text_fixed(page, fabs(pair->z_random), 1);
        es_text_printf(page, " standard deviations of random directions %s 0",
                       pair->z_random < 0 ? "below" : "above");
        if (isfinite(pair->percentile)) {
            es_text_add(page, "; ");
            es_text_fixed(page, pair->percentile, 2);
            es_text_add(page, "&nbsp;% of this space&rsquo;s own pairs lie below it");
            if (fabs(report->distribution.mean) > report->distribution.random_standard_deviation)
                es_text_add(page, ". Since the rows of this space lean one way, the second is the "
                                  "fairer measure");
        }
        es_text_add(page, ".");
    } else if (!three) {
        es_text_add(page,
                    "The cosine of these tokens is not defined: a row is zero or not finite.");
    }
    es_report_end(page);
}

void es_report_say_neighbors(es_text *page, const es_report *report)
{
    es_report_begin(page);
    const es_neighbors *query = report->query_count ? &report->queries[0] : NULL;
    if (!query || !query->count) {
        es_text_add(page, "No token has a neighbour here.");
        es_report_end(page);
        return;
    }
    const es_neighbor *first = &query->neighbors[0], *last = &query->neighbors[query->count - 1];
    es_text_add(page, "The token nearest to ");
    es_html_token(page, query->query, strlen(query->query));
    es_text_add(page, " is ");
    es_html_token(page, first->text.data, first->text.size);
    es_text_add(page, " (");
    es_text_fixed(page, first->cosine, 4);
    es_text_add(page, ")");
    if (query->count > 1) {
        es_text_printf(page, "; number %lld, ", (long long)query->count);
        es_html_token(page, last->text.data, last->text.size);
        es_text_add(page, ", is at ");
        es_text_fixed(page, last->cosine, 4);
    }
    es_text_add(page, ". A pair of tokens taken at random from this space is at ");
    es_text_fixed(page, report->distribution.mean, 4);
    es_text_add(page, " on average.");
    es_report_end(page);
}

/* The two single tokens joined first. */
static void say_first_merge(es_text *page, const es_matrix *matrix)
{
    for (int64_t r = 0; r < matrix->n - 1; r++) {
        const es_merge *merge = &matrix->linkage[r];
        if (merge->a >= matrix->n || merge->b >= matrix->n) continue;
        const es_item *a = &matrix->items[merge->a], *b = &matrix->items[merge->b];
        es_text_add(page, "Joined first: ");
        es_html_token(page, a->text, a->text_size);
        es_text_add(page, " and ");
        es_html_token(page, b->text, b->text_size);
        es_text_add(page, ", at cosine ");
        es_text_fixed(page, 1 - merge->height, 4);
        es_text_add(page, ".");
        return;
    }
}

static void say_groups(es_text *page, const es_matrix *matrix)
{
    const es_flat_clusters *clusters = &matrix->clusters;
    if (clusters->count < 2) return;
    es_report_next(page);
    es_text_add(page, "Cut where the mean silhouette is best, the tree has ");
    es_report_counted(page, clusters->count, "cluster", "clusters");
    es_text_add(page, "; the silhouette there is ");
    es_text_fixed(page, clusters->mean_silhouette, 3);
    es_text_add(page, ", where 1 would be far apart and 0 no groups at all.");
}

/* What random sets of the same table show is the fair comparison: it has its common direction. */
static void say_sets(es_text *page, const es_matrix *matrix)
{
    const es_null_sets *sets = &matrix->null_sets;
    const es_null_figure *mean = &sets->mean_cosine;
    if (!sets->count) return;
    es_report_next(page);
    es_text_printf(page,
                   "Beside %lld sets of as many tokens drawn by lot from this space: the mean "
                   "cosine of these words is ",
                   (long long)sets->count);
    es_text_fixed(page, mean->observed, 4);
    es_text_add(page, ", that of the sets ");
    es_text_fixed(page, mean->mean, 4);
    es_text_add(page, " (95&nbsp;% of them from ");
    es_text_fixed(page, mean->low, 4);
    es_text_add(page, " to ");
    es_text_fixed(page, mean->high, 4);
    es_text_add(page, mean->observed > mean->high
                          ? "): these words are nearer to each other than chance."
                      : mean->observed < mean->low
                          ? "): these words are farther apart than chance."
                          : "): no nearer to each other than tokens drawn by lot.");
}

void es_report_say_matrix(es_text *page, const es_report *report)
{
    const es_matrix *matrix = &report->matrix;
    es_report_begin(page);
    if (matrix->n < 2) {
        es_text_add(page, "Fewer than two of the words have a direction: there is no matrix.");
        es_report_end(page);
        return;
    }
    int64_t above = 0;
    for (int64_t k = 0; k < matrix->n; k++)
        above += matrix->eigenvalues[k] > matrix->random_edges[1];
    say_first_merge(page, matrix);
    es_report_next(page);
    es_text_printf(page, "The largest of the %lld eigenvalues, ", (long long)matrix->n);
    es_text_fixed(page, matrix->eigenvalues[0], 3);
    es_text_add(page, ", holds ");
    es_report_percent(page, matrix->eigenvalues[0] / (double)matrix->n);
    es_text_add(page, " of their sum. ");
    if (above) {
        es_report_counted(page, above, "lies", "lie");
        es_text_add(page, " above ");
    } else {
        es_text_add(page, "None lies above ");
    }
    es_text_fixed(page, matrix->random_edges[1], 3);
    es_text_printf(page, ", about where those of %lld random directions end", (long long)matrix->n);
    es_text_add(page, above ? ": more than chance, but in a space whose rows "
                              "lean one way any words have one such direction; the others "
                              "are what sets these apart."
                            : ": these words look like random directions.");
    say_groups(page, matrix);
    say_sets(page, matrix);
    es_report_end(page);
}

static void say_mean(es_text *page, const es_distribution *all)
{
    double sd = all->random_standard_deviation, off = fabs(all->mean) / sd;
    es_text_add(page, "The mean cosine is ");
    es_text_fixed(page, all->mean, 4);
    if (!isfinite(off)) {
        es_text_add(page, ".");
    } else if (off < 0.1) {
        es_text_add(page, ", next to the 0 of random directions: no common direction stands out.");
    } else {
        es_text_add(page, ", ");
        es_text_fixed(page, off, 1);
        es_text_printf(page, " standard deviations of random directions %s 0: ",
                       all->mean < 0 ? "below" : "above");
        es_text_add(page, all->mean < 0 ? "the rows lean away from each other."
                          : off < 1     ? "the rows lean slightly one way."
                                        : "the rows share a direction (the space is anisotropic).");
    }
}

void es_report_say_distribution(es_text *page, const es_report *report)
{
    const es_distribution *all = &report->distribution;
    es_report_begin(page);
    if (!all->pairs) {
        es_text_add(page, "Fewer than two rows have a direction: there is no pair.");
        es_report_end(page);
        return;
    }
    say_mean(page, all);
    double ratio = all->standard_deviation / all->random_standard_deviation;
    if (isfinite(ratio)) {
        es_text_add(page, " Their spread, ");
        es_text_fixed(page, all->standard_deviation, 4);
        es_text_add(page, ", is ");
        es_text_fixed(page, ratio, 2);
        es_text_add(page, " times that of random directions (");
        es_text_fixed(page, all->random_standard_deviation, 4);
        es_text_add(page, ").");
    }
    if (isfinite(all->once_level)) {
        es_report_next(page);
        es_text_add(page, "Among as many random pairs, one would be expected to pass ");
        es_text_fixed(page, all->once_level, 4);
        es_text_add(page, ". Here ");
        if (all->above_chance) {
            es_text_count(page, all->above_chance);
            es_text_add(page, all->above_chance == 1 ? " does (" : " do (");
            es_report_percent(page, (double)all->above_chance / (double)all->pairs);
            es_text_add(page, ").");
        } else {
            es_text_add(page, "none does.");
        }
    }
    es_report_end(page);
}

void es_report_say_euclid(es_text *page, const es_report *report)
{
    double rho = report->order_spearman;
    es_report_begin(page);
    if (!isfinite(rho)) {
        es_text_add(page, "Too few rows are defined to compare the two orders here.");
        es_report_end(page);
        return;
    }
    es_text_add(page,
                "Seen from the first token, the order of all others by cosine and their order by "
                "the Euclidean distance of the raw rows have a rank correlation of ");
    es_text_fixed(page, rho, 4);
    es_text_add(page, rho > 0.9995 ? ": the same, or next to it."
                      : rho > 0.95 ? ": much the same, but not the same."
                      : rho > 0.5
                          ? ": related, yet different. The length of a row decides much of its "
                            "distance."
                          : ": two different orders. The length of a row, not its direction, "
                            "decides most of its distance.");
    es_report_end(page);
}
