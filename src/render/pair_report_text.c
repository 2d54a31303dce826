#include "render/pair_report_text.h"

#include "render/number_text.h"
#include "render/report_text.h"

#include <embscope/vocabulary.h>
#include <math.h>

void es_pair_report_token(es_text *page, const es_pair_report *report, int64_t item)
{
    const int64_t *ids = report->comparison.shared.ids + 2 * item;
    int m = es_vocabulary_get_kind(es_space_vocabulary(report->spaces[0])) == ES_VOCABULARY_NONE &&
            es_vocabulary_get_kind(es_space_vocabulary(report->spaces[1])) != ES_VOCABULARY_NONE;
    es_report_token(page, report->spaces[m], ids[m]);
}

static void add_value(es_text *page, double value)
{
    es_text_fixed(page, value, 4);
}

/* Where chance would be, after a figure. */
static void say_chance(es_text *page, const es_chance *chance, const char *what)
{
    if (!isfinite(chance->mean)) return;
    es_text_printf(page, " With the tokens of one model permuted, %s is ", what);
    add_value(page, chance->mean);
    es_text_add(page, " on average, and below ");
    add_value(page, chance->level);
    es_text_add(page, " in 95&nbsp;% of the cases");
    es_text_add(page, chance->observed > chance->level ? "." : ": this is no more than chance.");
}

/* ---- tokens -----------------------------------------------------------------------------------
 */

void es_pair_report_say_shared(es_text *page, const es_pair_report *report)
{
    static const char *const rules[] = {
        "", "they have the same bytes", "they are the same whole word",
        "they are the same whole word in lower case", "they have the same row number"};
    const es_shared_tokens *shared = &report->comparison.shared;
    es_report_begin(page);
    es_text_add(page, "The two models share ");
    es_report_counted(page, shared->count, "token", "tokens");
    es_text_printf(page, ", where two tokens are one if %s: ", rules[shared->match]);
    es_report_percent(page, shared->of[0].coverage);
    es_text_add(page, " of the rows of A, ");
    es_report_percent(page, shared->of[1].coverage);
    es_text_add(page, " of those of B. What follows is about these tokens.");
    int64_t undefined = shared->of[0].undefined + shared->of[1].undefined;
    if (undefined) {
        es_text_add(page, " Left out, as a row is zero or not finite: ");
        es_text_count(page, undefined);
        es_text_add(page, ".");
    }
    es_report_end(page);
}

/* ---- measures ---------------------------------------------------------------------------------
 */

void es_pair_report_say_rsa(es_text *page, const es_pair_report *report)
{
    const es_rsa *rsa = &report->comparison.pairs[0].rsa;
    es_report_begin(page);
    es_text_add(page, "Over ");
    es_text_count(page, rsa->pairs);
    es_text_add(page,
                " pairs of tokens the cosine in A and the cosine in B have a correlation of ");
    add_value(page, rsa->pearson);
    if (isfinite(rsa->low)) {
        es_text_add(page, " (95&nbsp;% of ");
        es_text_count(page, rsa->resamples);
        es_text_add(page, " resamples of ");
        es_text_count(page, rsa->interval_items);
        es_text_add(page, " tokens: ");
        add_value(page, rsa->low);
        es_text_add(page, " to ");
        add_value(page, rsa->high);
        es_text_add(page, ")");
    }
    es_text_add(page, rsa->pearson > 0.999 ? ": the same geometry, up to a rotation."
                      : rsa->pearson > 0.7 ? ": much the same geometry."
                      : rsa->pearson > 0.3 ? ": two related geometries."
                                           : ": what is near in one says little of what is near in "
                                             "the other.");
    say_chance(page, &rsa->chance, "it");
    es_report_end(page);
}

void es_pair_report_say_cka(es_text *page, const es_pair_report *report)
{
    const es_cka *cka = &report->comparison.pairs[0].cka;
    es_report_begin(page);
    es_text_add(page, "Debiased, CKA is ");
    add_value(page, cka->debiased);
    es_text_add(page, "; in its usual form, which is large by itself where columns are many and "
                      "tokens few, ");
    add_value(page, cka->linear);
    es_text_add(page, ".");
    say_chance(page, &cka->debiased_chance, "the first");
    es_report_end(page);
}

void es_pair_report_say_procrustes(es_text *page, const es_pair_report *report)
{
    const es_procrustes *turn = &report->comparison.pairs[0].procrustes;
    es_report_begin(page);
    es_text_add(page, "Turned as well as a rotation can, a token&rsquo;s two vectors have a cosine "
                      "of ");
    add_value(page, turn->mean_cosine);
    es_text_add(page, " on average");
    if (isfinite(turn->test_cosine)) {
        es_text_add(page, ". Tokens that the rotation was not fitted on come to ");
        add_value(page, turn->test_cosine);
        if (turn->test_cosine > turn->chance.level)
            es_text_add(page, turn->mean_cosine - turn->test_cosine > 0.1
                                  ? ": part of the agreement is the fit itself"
                                  : ": the rotation holds for them, too");
    }
    es_text_add(page, ".");
    say_chance(page, &turn->chance, "the cosine");
    es_report_end(page);
}

void es_pair_report_say_overlap(es_text *page, const es_pair_report *report)
{
    const es_neighbor_overlap *overlap = &report->comparison.pairs[0].overlap;
    es_report_begin(page);
    es_text_printf(page, "Of a token&rsquo;s %lld nearest in A, ", (long long)overlap->k);
    es_report_percent(page, overlap->mutual);
    es_text_printf(page, " are among its %lld nearest in B; lists drawn by lot would share ",
                   (long long)overlap->k);
    es_report_percent(page, overlap->expected);
    es_text_add(page, ". ");
    es_report_counted(page, overlap->disjoint, "token has", "tokens have");
    es_text_add(page, " no neighbour in common; for ");
    es_text_count(page, overlap->unchanged);
    es_text_add(page, " the two lists hold the same.");
    es_report_end(page);
}

/* ---- each by itself ---------------------------------------------------------------------------
 */

void es_pair_report_say_spectra(es_text *page, const es_pair_report *report)
{
    const es_compared_model *a = &report->comparison.models[0], *b = &report->comparison.models[1];
    es_report_begin(page);
    es_text_add(page, "About its mean the geometry of A is spread over as many directions as ");
    es_text_fixed(page, a->effective_rank, 0);
    es_text_add(page, " equal ones would be (effective rank), that of B over ");
    es_text_fixed(page, b->effective_rank, 0);
    es_text_add(page, ". The mean cosine of two tokens is ");
    add_value(page, a->mean_cosine);
    es_text_add(page, " in A and ");
    add_value(page, b->mean_cosine);
    es_text_add(page, " in B");
    double lean_a = fabs(a->mean_cosine) * sqrt((double)a->columns);
    double lean_b = fabs(b->mean_cosine) * sqrt((double)b->columns);
    es_text_add(page, lean_a > 1 && lean_b > 1 ? ": both lean one way."
                      : lean_a > 1             ? ": A leans one way, B does not."
                      : lean_b > 1             ? ": B leans one way, A does not."
                                               : ": neither leans one way.");
    es_report_end(page);
}

void es_pair_report_say_words(es_text *page, const es_pair_report *report)
{
    const es_comparison *words = &report->words;
    const es_compared_model *a = &words->models[0], *b = &words->models[1];
    es_report_begin(page);
    es_text_add(page, "On these ");
    es_text_count(page, words->shared.count);
    es_text_add(page, " words the two matrices have a correlation of ");
    add_value(page, words->pairs[0].rsa.pearson);
    es_text_add(page, ".");
    if (words->shared.missing) {
        es_text_add(page, " (Not tokens of both: ");
        es_text_count(page, words->shared.missing);
        es_text_add(page, ".)");
    }
    if (a->has_categories && b->has_categories && isfinite(a->cohens_d) && isfinite(b->cohens_d)) {
        es_text_add(page, " Words of one kind have a mean cosine of ");
        add_value(page, a->within);
        es_text_add(page, " in A, of different kinds ");
        add_value(page, a->between);
        es_text_add(page, "; in B ");
        add_value(page, b->within);
        es_text_add(page, " and ");
        add_value(page, b->between);
        es_text_add(page, ". In units of the spread (Cohen&rsquo;s <i>d</i>) that is ");
        es_text_fixed(page, a->cohens_d, 2);
        es_text_add(page, " and ");
        es_text_fixed(page, b->cohens_d, 2);
        es_text_add(page, fabs(a->cohens_d - b->cohens_d) < 0.1
                              ? ": the kinds stand apart as clearly in both."
                          : a->cohens_d > b->cohens_d ? ": the kinds stand apart more clearly in A."
                                                      : ": the kinds stand apart more clearly in "
                                                        "B.");
    }
    es_report_end(page);
}
