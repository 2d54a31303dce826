/* What a report says of the model at work, and of its two tables. */
#include "render/html.h"
#include "render/number_text.h"
#include "render/report_text.h"

#include <math.h>

enum { LISTED = 3 };

/* ---- weight tying -----------------------------------------------------------------------------
 */

static void say_rows_differ(es_text *page, const es_table_comparison *tables)
{
    bool few = tables->equal_rows > tables->differing_rows;
    es_text_add(page, few ? "In this model the weights are tied but for "
                          : "In this model the weights are not tied: of ");
    if (few) {
        es_report_counted(page, tables->differing_rows, "row", "rows");
        es_text_add(page, ".");
    } else {
        es_text_count(page, tables->equal_rows + tables->differing_rows);
        es_text_add(page, " rows, embedding and unembedding have ");
        if (tables->equal_rows)
            es_text_count(page, tables->equal_rows);
        else
            es_text_add(page, "none");
        es_text_add(page, " in common.");
    }
    es_text_add(page, " What follows is about the table named above.");
}

void es_report_say_tying(es_text *page, const es_report *report)
{
    const es_table_comparison *tables = &report->info.tables;
    switch (tables->how) {
    case ES_TYING_ONE_TENSOR:
        es_text_add(page, "In this model the weights are tied: one tensor is both embedding and "
                          "unembedding. The vectors that read a token in also score it on the way "
                          "out.");
        break;
    case ES_TYING_EQUAL_BYTES:
        es_text_add(page, "In this model the weights are tied: embedding and unembedding are "
                          "stored twice, byte for byte the same.");
        break;
    case ES_TYING_EQUAL_VALUES:
        es_text_printf(page,
                       "In this model the weights are tied: embedding (%s) and unembedding (%s) "
                       "are stored in two types, with equal values.",
                       tables->dtypes[0], tables->dtypes[1]);
        break;
    case ES_TYING_ROWS_DIFFER: say_rows_differ(page, tables); break;
    case ES_TYING_OTHER_COLUMNS:
        es_text_add(page, "In this model the weights are not tied: embedding and unembedding have "
                          "rows of different lengths. What follows is about the table named "
                          "above.");
        break;
    default:
        es_text_add(page, "The file holds this one table, so nothing can be said of weight tying.");
    }
}

void es_report_say_tying_geometry(es_text *page, const es_report *report)
{
    const es_tying_geometry *tying = &report->tying;
    if (report->info.tables.how != ES_TYING_ROWS_DIFFER) return;
    if (!report->has_tying) {
        es_text_add(page, "<p class=\"small\">Side by side the two tables are too large for this "
                          "page: <code>embscope info --tying</code> compares them.</p>\n");
        return;
    }
    es_text_add(page, "<p>A token&rsquo;s two rows have a cosine of ");
    es_text_fixed(page, tying->cosine.mean, 4);
    es_text_add(page, " on average, half of them between ");
    es_text_fixed(page, tying->cosine.quartile1, 4);
    es_text_add(page, " and ");
    es_text_fixed(page, tying->cosine.quartile3, 4);
    es_text_add(page, ". Among all rows of the unembedding the token&rsquo;s own is the nearest to "
                      "its row of the embedding for ");
    es_report_percent(page, (double)tying->own_nearest[0] / (double)tying->rows);
    es_text_add(page, " of the tokens");
    if (isfinite(tying->rsa_pearson)) {
        es_text_add(page, ". The cosines of all pairs in one table and in the other have a "
                          "correlation of ");
        es_text_fixed(page, tying->rsa_pearson, 4);
        es_text_add(page, tying->rsa_pearson > 0.9   ? ": much the same geometry twice"
                          : tying->rsa_pearson > 0.4 ? ": two related geometries"
                                                     : ": two geometries");
    }
    es_text_add(page, ".</p>\n");
}

/* ---- angle and norm ---------------------------------------------------------------------------
 */

static void add_token(es_text *page, const es_report *report, const es_next_token *token)
{
    es_report_token(page, report->unembedding, token->id);
}

/* Who leads, and by what. */
static void say_first_two(es_text *page, const es_report *report)
{
    const es_prediction *final = es_predict_final(&report->prediction);
    const es_next_token *first = &final->next[0];
    es_text_add(page, "The likeliest next token is ");
    add_token(page, report, first);
    es_text_add(page, ", at ");
    es_report_percent(page, first->probability);
    if (final->count < 2) {
        es_text_add(page, ".");
        return;
    }
    const es_next_token *second = &final->next[1];
    es_text_add(page, "; ");
    add_token(page, report, second);
    es_text_add(page, " follows at ");
    es_report_percent(page, second->probability);
    es_text_add(page, ".");
    const es_logit_gap *gap = &second->behind_first;
    if (isnan(gap->angle)) return;
    es_text_add(page, " Of the ");
    es_text_fixed(page, gap->logit, 3);
    es_text_add(page, " between their logits, ");
    es_text_fixed(page, gap->angle, 3);
    es_text_add(page, " is by angle and ");
    es_text_fixed(page, gap->norm, 3);
    es_text_add(page, gap->angle < 0 ? " by norm: by its angle the second would be first, and only "
                                       "the norms put it behind."
                      : gap->norm < 0 ? " by norm: the second is helped by its length, and behind "
                                        "by its angle alone."
                      : gap->norm > gap->angle ? " by norm, the larger part."
                                               : " by norm: the angle decides.");
}

static void say_variance(es_text *page, const es_logit_order *order)
{
    es_text_add(page, " Of the variance of the logits the angles alone make ");
    es_report_percent(page, order->angle_share);
    es_text_add(page, ", the norms alone ");
    es_report_percent(page, order->norm_share);
    es_text_add(page, order->shared < 0 ? "; the two pull against each other, which takes away "
                                        : "; the two pull together, which adds ");
    es_report_percent(page, fabs(order->shared));
    es_text_add(page, ".");
}

void es_report_say_order(es_text *page, const es_report *report)
{
    const es_prediction *final = es_predict_final(&report->prediction);
    const es_logit_order *order = &final->order;
    double rho = order->spearman_cosine;
    es_report_begin(page);
    say_first_two(page, report);
    if (isfinite(rho)) {
        es_report_next(page);
        es_text_add(page, "Over the whole vocabulary, the order of the logits and the order of the "
                          "cosines have a rank correlation of ");
        es_text_fixed(page, rho, 3);
        es_text_add(page, rho > 0.98   ? ": next to the angles, the norms change little."
                          : rho > 0.9  ? ": the ranking is the angles&rsquo; for the most part."
                          : rho > 0.5  ? ": the angles decide more than the norms, but not alone."
                          : rho > -0.5 ? ": the ranking is not that of the angles."
                                       : ": the ranking runs against the angles.");
        if (isfinite(order->spearman_norm)) {
            es_text_add(page, " With the norms it is ");
            es_text_fixed(page, order->spearman_norm, 3);
            es_text_add(page, ".");
        }
        if (isfinite(order->angle_share)) say_variance(page, order);
    }
    if (final->next[0].cosine < 0) {
        es_report_next(page);
        es_text_add(page, "Every cosine is negative here, so that a longer row has the lower "
                          "logit: being short helps.");
    }
    es_report_end(page);
}

static void say_moved(es_text *page, const es_report *report, const char *words,
                      const es_next_token *moved, int64_t count)
{
    es_text_add(page, words);
    for (int64_t i = 0; i < count && i < LISTED; i++) {
        if (i) es_text_add(page, ", ");
        add_token(page, report, &moved[i]);
        es_text_add(page, " (from ");
        es_text_count(page, moved[i].rank_by_cosine);
        es_text_add(page, " to ");
        es_text_count(page, moved[i].rank);
        es_text_add(page, ")");
    }
    es_text_add(page, ".");
}

void es_report_say_promoted(es_text *page, const es_report *report)
{
    const es_prediction *final = es_predict_final(&report->prediction);
    es_report_begin(page);
    if (final->promoted_count)
        say_moved(page, report,
                  "By their norm these move up, from their rank by cosine to that by logit: ",
                  final->promoted, final->promoted_count);
    if (final->held_back_count) {
        if (final->promoted_count) es_text_add(page, " ");
        say_moved(page, report, "Held back by it: ", final->held_back, final->held_back_count);
    }
    if (!final->promoted_count && !final->held_back_count)
        es_text_add(page, "Among the first hundred by logit and by cosine, no token owes half of "
                          "its rank to its norm.");
    es_report_next(page);
    es_text_add(page, "The entropy of the whole distribution is ");
    es_text_fixed(page, final->entropy, 3);
    es_text_add(page, " nats, as of ");
    es_text_fixed(page, exp(final->entropy), exp(final->entropy) < 10 ? 1 : 0);
    es_text_add(page, " equally likely tokens.");
    es_report_end(page);
}

/* ---- depth ------------------------------------------------------------------------------------
 */

/* The first state from which on the final answer is first. */
static int64_t settled_at(const es_predictions *prediction)
{
    int64_t at = prediction->depth - 1;
    while (at > 0 && prediction->states[at - 1].answer_rank == 1) at--;
    return at;
}

void es_report_say_lens(es_text *page, const es_report *report)
{
    const es_predictions *prediction = &report->prediction;
    const es_prediction *states = prediction->states, *start = &states[0];
    const es_next_token *answer = &es_predict_final(prediction)->next[0];
    int64_t last = prediction->depth - 1, at = settled_at(prediction);
    es_report_begin(page);
    es_text_add(page, "After the embedding alone, ");
    if (start->next[0].id == prediction->tokens[prediction->token_count - 1]) {
        es_text_add(page, "the first candidate is the last token of the text itself, ");
        add_token(page, report, &start->next[0]);
    } else {
        es_text_add(page, "the first candidate is ");
        add_token(page, report, &start->next[0]);
    }
    es_text_add(page, "; ");
    add_token(page, report, answer);
    es_text_add(page, " has rank ");
    es_text_count(page, start->answer_rank);
    es_text_add(page, ". ");
    if (at == 0) {
        es_text_add(page, "It is first from there on.");
    } else {
        es_text_printf(page, "It becomes first%s after layer %lld",
                       at < last ? ", and stays so," : " only", (long long)at);
        es_text_printf(page, at == last ? ", the last." : " of %lld.", (long long)last);
        es_text_add(page, " One layer before it had rank ");
        es_text_count(page, states[at - 1].answer_rank);
        es_text_add(page, " and a probability of ");
        es_report_percent(page, states[at - 1].answer_probability);
        es_text_add(page, "; there it has ");
        es_report_percent(page, states[at].answer_probability);
        es_text_add(page, ".");
    }
    es_report_end(page);
}

/* ---- parts ------------------------------------------------------------------------------------
 */

typedef struct part {
    const char *kind; /* "head", "MLP" */
    int64_t layer, head;
    double value;
} part;

static void keep_larger(part *largest, part candidate)
{
    if (fabs(candidate.value) > fabs(largest->value)) *largest = candidate;
}

void es_report_say_attribution(es_text *page, const es_report *report)
{
    const es_attribution *parts = report->attribution;
    part largest = {"the token&rsquo;s own embedding", 0, 0, parts->token_embedding};
    double heads = 0, mlps = 0;
    for (int64_t i = 0; i < parts->layers; i++) {
        for (int64_t h = 0; h < parts->heads; h++) {
            double value = parts->head[i * parts->heads + h];
            heads += value;
            keep_larger(&largest, (part){"head", i + 1, h + 1, value});
        }
        mlps += parts->mlp[i];
        keep_larger(&largest, (part){"the MLP", i + 1, 0, parts->mlp[i]});
    }
    es_report_begin(page);
    es_text_add(page, "The logit is a sum over the parts of the model. Of the difference of ");
    es_text_fixed(page, parts->logit, 3);
    es_text_add(page, ", the attention heads write ");
    es_text_fixed(page, heads, 3);
    es_text_add(page, ", the MLPs ");
    es_text_fixed(page, mlps, 3);
    es_text_add(page, ", the embeddings of token and position ");
    es_text_fixed(page, parts->token_embedding + parts->position_embedding, 3);
    es_text_add(page, "; biases are the rest. The largest single part is ");
    es_text_add(page, largest.kind);
    if (largest.head) es_text_printf(page, " %lld", (long long)largest.head);
    if (largest.layer) es_text_printf(page, " of layer %lld", (long long)largest.layer);
    es_text_add(page, ", with ");
    es_text_fixed(page, largest.value, 3);
    es_text_add(page, largest.value < 0 ? ": it speaks for the second." : ".");
    es_report_end(page);
}
