#include "render/html.h"
#include "render/number_text.h"
#include "render/report_text.h"

#include <math.h>

/* ---- the nearest of every token ---------------------------------------------------------------
 */

void es_report_token(es_text *page, const es_space *space, int64_t id)
{
    es_bytes token = es_vocabulary_token(es_space_vocabulary(space), id);
    if (token.data)
        es_html_token(page, token.data, token.size);
    else
        es_text_printf(page, "row %lld", (long long)id);
}

static void say_hubs(es_text *page, const es_report *report)
{
    const es_knn *knn = &report->knn;
    double rows = (double)(knn->rows - knn->left_out), p = (double)knn->k / (rows - 1);
    if (knn->maximum_occurrence == knn->k && knn->antihub_share == 0) {
        es_text_add(page, "Every token stands in as many lists as any other: there are no hubs.");
        return;
    }
    es_text_add(page, "The first hub, ");
    es_report_token(page, report->space, knn->hubs[0].id);
    es_text_add(page, ", stands in ");
    es_report_counted(page, knn->maximum_occurrence, "list", "lists");
    es_text_printf(page, " where %lld would be the mean; ", (long long)knn->k);
    es_report_percent(page, knn->antihub_share);
    es_text_add(page, " of the tokens stand in none (by lot: ");
    es_report_percent(page, pow(1 - p, rows - 1));
    es_text_add(page, "). ");
    if (isnan(knn->hubness_skewness)) return;
    es_text_add(page, "The skewness of these numbers, which measures hubness, is ");
    es_text_fixed(page, knn->hubness_skewness, 2);
    es_text_add(page, knn->hubness_skewness > 5   ? ": strong hubness. A neighbour that is a hub "
                                                    "tells little about the token that has it."
                      : knn->hubness_skewness > 1 ? ": some hubness."
                                                  : ": little hubness.");
}

void es_report_say_nearest(es_text *page, const es_report *report)
{
    const es_knn *knn = &report->knn;
    double rows = (double)(knn->rows - knn->left_out);
    es_report_begin(page);
    say_hubs(page, report);
    es_report_next(page);
    es_text_add(page, "Of all entries, ");
    es_report_percent(page, knn->mutual_share);
    es_text_add(page, " are mutual: the neighbour has the token in its own list, too. Lists drawn "
                      "by lot would have ");
    es_report_percent(page, (double)knn->k / (rows - 1));
    es_text_add(page, ".");
    if (isfinite(knn->twonn_dimension)) {
        es_report_next(page);
        es_text_add(page, "Seen from the distances of the first two neighbours, the tokens lie as "
                          "points of about ");
        es_text_fixed(page, knn->twonn_dimension, 1);
        es_text_printf(page, " dimensions would (TwoNN), though the vectors have %lld components.",
                       (long long)es_space_column_count(report->space));
    }
    es_report_end(page);
}

/* ---- directions -------------------------------------------------------------------------------
 */

void es_report_say_spectrum(es_text *page, const es_report *report)
{
    const es_spectrum *spectrum = &report->spectrum;
    const es_eigenvalues *raw = &spectrum->raw, *centered = &spectrum->centered;
    es_report_begin(page);
    if (!(centered->trace > 0)) {
        es_text_add(page, "All rows have one direction: there is nothing to tell apart.");
        es_report_end(page);
        return;
    }
    es_text_add(page, "The first eigenvalue of <i>S</i> holds ");
    es_report_percent(page, raw->values[0] / raw->trace);
    es_text_add(page, " of their sum, beside a mean cosine of ");
    es_text_fixed(page, spectrum->isotropy.mean_cosine, 4);
    es_text_add(page, ". Once the mean row is off, the first direction holds ");
    es_report_percent(page, centered->values[0] / centered->trace);
    es_text_printf(page, ", and %s", centered->directions_90 == 1 ? "" : "it takes ");
    es_text_count(page, centered->directions_90);
    es_text_printf(page, " of %lld %s 90&nbsp;%% of the variance.",
                   (long long)es_space_column_count(report->space),
                   centered->directions_90 == 1 ? "holds" : "directions to hold");
    es_report_next(page);
    if (centered->above_random) {
        es_report_counted(page, centered->above_random, "eigenvalue lies", "eigenvalues lie");
        es_text_add(page, " above those of random rows of as much variance");
    } else {
        es_text_add(page, "No eigenvalue lies above those of random rows of as much variance");
    }
    if (spectrum->null_tables > 0) {
        es_text_add(page, "; ");
        es_text_count(page, spectrum->above_null);
        es_text_add(page, " when the comparison is this table with each of its columns shuffled");
    }
    es_text_add(page, ". An evenly spread space would have an IsoScore of 1; this one has ");
    es_text_fixed(page, spectrum->isotropy.isoscore_unit, 3);
    es_text_add(page, ".");
    es_report_end(page);
}

void es_report_say_clusters(es_text *page, const es_report *report)
{
    const es_clusters *clusters = &report->clusters;
    const es_cluster *tightest = &clusters->clusters[0];
    for (int64_t c = 1; c < clusters->count; c++)
        if (clusters->clusters[c].cohesion > tightest->cohesion && clusters->clusters[c].size > 1)
            tightest = &clusters->clusters[c];
    es_report_begin(page);
    es_text_add(page, "A token&rsquo;s cosine to the centre of its cluster is ");
    es_text_fixed(page, clusters->objective, 4);
    es_text_add(page, " on average. The tightest cluster has ");
    es_report_counted(page, tightest->size, "token", "tokens");
    es_text_add(page, " (");
    es_text_fixed(page, tightest->cohesion, 4);
    es_text_add(page, "), ");
    if (tightest->shown) es_report_token(page, report->space, tightest->members[0].id);
    es_text_add(page, " in its middle.");
    if (isfinite(clusters->silhouette)) {
        es_text_add(page, " The silhouette, 1 for clusters far apart, is ");
        es_text_fixed(page, clusters->silhouette, 3);
        es_text_add(page, clusters->silhouette > 0.5   ? ": the vocabulary falls into groups."
                          : clusters->silhouette > 0.2 ? ": groups with much between them."
                                                       : ": the clusters run into each other. They "
                                                         "divide the vocabulary; they are not "
                                                         "groups that stand apart in it.");
    }
    if (!clusters->converged) {
        es_text_add(page, " Stopped after ");
        es_report_counted(page, clusters->iterations, "step", "steps");
        es_text_add(page, ", before every token kept its cluster.");
    }
    es_report_end(page);
}

static void say_untouched(es_text *page, const es_report *report)
{
    const es_untouched *untouched = &report->audit.untouched;
    if (untouched->found) {
        es_report_counted(page, untouched->count, "row lies", "rows lie");
        es_text_add(page, " together where training left what it never touched: tokens that the "
                          "tokenizer has and the model has hardly seen.");
    } else if (untouched->seed == ES_SEED_NONE) {
        es_text_add(page, "Which rows training never touched cannot be told here: there is no row "
                          "that it surely never did, to start from.");
    } else {
        es_text_add(page, "Rows that training cannot have touched lie no nearer to each other than "
                          "other rows do, so that no others can be told by them.");
    }
}

void es_report_say_audit(es_text *page, const es_report *report)
{
    const es_audit *audit = &report->audit;
    es_report_begin(page);
    say_untouched(page, report);
    es_report_next(page);
    int64_t odd = audit->counts[ES_AUDIT_NORM];
    if (odd) {
        es_report_counted(page, odd, "row has", "rows have");
        es_text_add(page, " a norm far from the others&rsquo; (beyond ");
        es_text_fixed(page, ES_AUDIT_NORM_SCORE, 0);
        es_text_add(page, " robust standard deviations of its logarithm).");
    } else {
        es_text_add(page, "No row has a norm far from the others&rsquo;.");
    }
    if (audit->counts[ES_AUDIT_UNREACHABLE]) {
        es_text_add(page, " ");
        es_report_counted(page, audit->counts[ES_AUDIT_UNREACHABLE], "token comes", "tokens come");
        es_text_add(page, " of no text: what they stand for is encoded by other tokens.");
    }
    es_report_end(page);
}

void es_report_say_map(es_text *page, const es_report *report)
{
    const es_token_map *map = &report->map;
    es_report_begin(page);
    es_text_add(page, "The plane holds ");
    es_report_percent(page, map->share[0] + map->share[1]);
    es_text_add(page, " of the variance.");
    if (!isnan(map->kept)) {
        es_text_printf(page, " Of the %lld nearest of a token in the whole space, ",
                       (long long)map->k);
        es_report_percent(page, map->kept);
        es_text_printf(page, " are among its %lld nearest on the map (chance: ", (long long)map->k);
        es_report_percent(page, map->chance);
        es_text_add(page, "; ");
        es_report_counted(page, map->tested, "token", "tokens");
        es_text_add(page, " drawn by lot). ");
        es_text_add(page, map->kept < 0.1   ? "Two tokens side by side on the map need not be near."
                          : map->kept < 0.5 ? "The map keeps some of the neighbourhoods."
                                            : "The map keeps most of the neighbourhoods.");
    }
    es_report_end(page);
}

/* ---- positions --------------------------------------------------------------------------------
 */

static void say_distance(es_text *page, const es_positions *positions)
{
    if (isnan(positions->toeplitz_share)) {
        es_text_add(page, "All cosines are equal: there is nothing for the distance to explain.");
        return;
    }
    es_text_add(page, "The distance of two positions alone explains ");
    es_report_percent(page, positions->toeplitz_share);
    es_text_add(page, " of the variance of the cosines; with the rows in orders drawn by lot it "
                      "explains ");
    es_report_percent(page, positions->shuffled_mean);
    es_text_add(page, positions->toeplitz_share > 2 * positions->shuffled_maximum
                          ? ". The table knows how far apart two positions are."
                      : positions->toeplitz_p <= 0.05
                          ? ". The distance matters, a little."
                          : ". The distance does not matter more than chance would have it.");
    if (isfinite(positions->profile[0].mean)) {
        es_text_add(page, " Neighbouring positions have a mean cosine of ");
        es_text_fixed(page, positions->profile[0].mean, 4);
        es_text_add(page, ", all pairs ");
        es_text_fixed(page, positions->mean, 4);
        es_text_add(page, ".");
    }
}

static void say_waves(es_text *page, const es_positions *positions)
{
    const es_position_component *first = &positions->components[0];
    es_text_count(page, positions->components_90);
    es_text_add(page, positions->components_90 == 1 ? " direction holds" : " directions hold");
    es_text_add(page, " 90&nbsp;% of the variance of the table. Along the first, ");
    bool one = first->period >= (double)positions->rows;
    if (one) {
        es_text_add(page, "a single swing over the whole table makes ");
    } else {
        es_text_add(page, "the strongest wave has a period of ");
        es_text_fixed(page, first->period, 0);
        es_text_add(page, " positions and makes ");
    }
    es_report_percent(page, first->peak_share);
    es_text_add(page, " of what varies there");
    if (!one && positions->component_count > 1 && first->period == first[1].period &&
        first->peak_share > 0.4 && first[1].peak_share > 0.4)
        es_text_add(page, "; the second has the same period: seen along both, the positions wind "
                          "around, as on a helix");
    es_text_add(page, ".");
}

void es_report_say_positions(es_text *page, const es_report *report)
{
    const es_positions *positions = &report->positions;
    es_report_begin(page);
    say_distance(page, positions);
    if (positions->component_count) {
        es_report_next(page);
        say_waves(page, positions);
    }
    es_report_next(page);
    es_text_add(page, "The longest row is that of position ");
    es_text_count(page, positions->longest);
    es_text_add(page, " (");
    es_text_fixed(page, positions->norms[positions->longest], 2);
    es_text_add(page, "), the shortest that of position ");
    es_text_count(page, positions->shortest);
    es_text_add(page, " (");
    es_text_fixed(page, positions->norms[positions->shortest], 2);
    es_text_add(page, "); half of all lie between ");
    es_text_fixed(page, positions->norm_quartiles[0], 2);
    es_text_add(page, " and ");
    es_text_fixed(page, positions->norm_quartiles[2], 2);
    es_text_add(page, ".");
    es_report_end(page);
}
