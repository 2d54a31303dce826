/* All pairs in one pass over tiles: histogram, powers around the mean, extremes. Mean and variance
 * come from closed forms, in float64, before the pass, and check it afterwards. */
#include "analysis/closed_forms.h"
#include "analysis/pack.h"
#include "analysis/row_classes.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <embscope/distribution.h>
#include <embscope/similarity.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEFAULT_BINS = 2000,
    FINE_BINS = 16000, /* so many are counted, for quantiles and KS, or nearly: the answer's bins
                          are sums of them. Their middle stays in the first-level cache */
    MOST_FINE = 1 << 14,
    MOST_BINS = 1 << 16, /* what a 16-bit bin number can name */
    CANDIDATES = 4096,   /* pairs kept for an extreme before they are settled in float64 */
};

static const double quantile_probabilities[ES_QUANTILE_COUNT] = {
    0.0001, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999};

void es_distribution_release(es_distribution *distribution)
{
    free(distribution->edges);
    free(distribution->counts);
    free(distribution->row_means);
    *distribution = (es_distribution){0};
}

/* ---- extremes -------------------------------------------------------------------------------- */

typedef struct candidate_pair {
    float cosine; /* times the sign of the search: the larger, the better */
    int64_t a, b;
} candidate_pair;

/* The search for one extreme by one thread. Its result is the best pair by (float64 cosine, a, b),
 * a total order: it does not depend on which thread saw which pairs. */
typedef struct extreme_search {
    float sign, best; /* best: largest float32 value so far */
    candidate_pair *pairs;
    int64_t count;
    bool settled;
    es_extreme winner;
} extreme_search;

/* A sum in whole units of 2^-48: adding integers is exact, so it does not matter which thread adds
 * what, or in which order. A strip's power sum is below 2^13; 128 bits hold any number of strips.
 */
__extension__ typedef __int128 fixed;

static fixed to_fixed(double x)
{
    return (fixed)llrint(x * 0x1p48);
}

/* In cache lines of its own: two threads that write to one line wait for each other. */
typedef struct worker {
    /* of the last strip, `waiting` of them not yet counted in `fine` */
    _Alignas(64) uint16_t bin[ES_TILE];
    uint32_t *fine; /* (fine bins) */
    int64_t waiting, pairs_since_flush;
    extreme_search minimum, maximum;
    double *rows; /* (2, d) */
    int64_t settled, at_least;
    fixed power[4]; /* sums of (cosine - shift)^p */
} worker;

typedef struct pass {
    es_space *space;
    const es_packed_space *pack;
    float shift, level, half;
    int64_t fine_bins, bins;
    bool certified;
    float margin;
    double power[4];   /* sums over all pairs, once the pass is over */
    int64_t *class_of; /* (rows): pairs of the same two classes have the same cosine */
    worker *workers;
    int64_t *counts;   /* (fine_bins), filled at the end */
    int64_t **flushed; /* a row of (fine_bins) for each worker */
} pass;

static double exact_cosine(const pass *pass, worker *worker, int64_t a, int64_t b)
{
    int64_t d = pass->pack->packed.depth;
    /* Both rows have been read before: a file that has shrunk since gives NaN, and the check of the
     * pass fails. */
    if (es_space_read_unit_rows(pass->space, pass->pack->ids[a], 1, worker->rows, NULL) != ES_OK ||
        es_space_read_unit_rows(pass->space, pass->pack->ids[b], 1, worker->rows + d, NULL) !=
            ES_OK)
        return NAN;
    return pass->space->kernel->dot(worker->rows, worker->rows + d, d);
}

/* Is (cosine, a, b) before `other`: better, or equal and with smaller places? */
static bool comes_before(float sign, double cosine, int64_t a, int64_t b, const es_extreme *other)
{
    double x = cosine * sign, y = other->cosine * sign;
    if (x != y) return x > y;
    return a != other->a ? a < other->a : b < other->b;
}

/* Where many rows are equal, so are many pairs: they need not be multiplied again. */
static bool has_classes_of(const pass *pass, const candidate_pair *pair, const es_extreme *winner)
{
    int64_t a = pass->class_of[pair->a], b = pass->class_of[pair->b];
    int64_t x = pass->class_of[winner->a], y = pass->class_of[winner->b];
    return (a == x && b == y) || (a == y && b == x);
}

static void settle(const pass *pass, worker *worker, extreme_search *search)
{
    for (int64_t i = 0; i < search->count; i++) {
        const candidate_pair *pair = &search->pairs[i];
        if (pair->cosine < search->best - 2 * pass->margin) continue;
        bool known = search->settled && has_classes_of(pass, pair, &search->winner);
        double cosine =
            known ? search->winner.cosine : exact_cosine(pass, worker, pair->a, pair->b);
        if (search->settled &&
            !comes_before(search->sign, cosine, pair->a, pair->b, &search->winner))
            continue;
        search->winner = (es_extreme){cosine, pair->a, pair->b};
        search->settled = true;
    }
    search->count = 0;
}

static void offer_strip(const pass *pass, worker *worker, extreme_search *search,
                        const es_strip *strip)
{
    for (int r = 0; r < strip->row_count; r++)
        for (int c = 0; c < strip->column_count; c++) {
            int64_t a = strip->first_row + r, b = strip->first_column + c;
            float value = strip->cosines[r * ES_PANEL + c] * search->sign;
            if (a >= b || value < search->best - 2 * pass->margin) continue;
            if (value > search->best) search->best = value;
            search->pairs[search->count++] = (candidate_pair){value, a, b};
            if (search->count == CANDIDATES) settle(pass, worker, search);
        }
}

/* ---- certified bins ------------------------------------------------------------------------- */

/* The cosine of two places, float64. Where rows are plain floats a product of the rows as they are
 * settles nearly all; it is within 1e-12 of the one that decides, relative rounding of d <= 2^20
 * products and two norms. */
static double settled_cosine(const pass *pass, worker *worker, int64_t a, int64_t b, double edge)
{
    const float *rows = es_space_plain_rows(pass->space);
    int64_t d = pass->pack->packed.depth, i = pass->pack->ids[a], j = pass->pack->ids[b];
    if (rows) {
        double dot = pass->space->kernel->wide_dot(rows + i * d, rows + j * d, d);
        double cosine = dot / (pass->space->norms[i] * pass->space->norms[j]);
        if (fabs(cosine - edge) > 1e-9) return cosine;
    }
    return exact_cosine(pass, worker, a, b);
}

/* Put one pair, whose float32 cosine is near an edge, in the bin of its float64 cosine. */
static uint16_t settled_bin(const pass *pass, worker *worker, int64_t a, int64_t b, float cosine)
{
    int64_t bins = pass->bins, each = pass->fine_bins / bins;
    int64_t k = (int64_t)rint(((double)cosine + 1) * (double)bins / 2); /* the edge's number */
    worker->settled++;
    if (k <= 0) return 0;
    if (k >= bins) return (uint16_t)(pass->fine_bins - 1); /* the last bin is closed */
    double edge = (double)(2 * k - bins) / (double)bins;
    bool above = settled_cosine(pass, worker, a, b, edge) >= edge;
    return (uint16_t)(above ? k * each : k * each - 1);
}

/* Correct the bins of a strip's pairs that lie within the product's bound of an edge. `bin` is in
 * the order of es_strip_pairs(). */
static void certify(const pass *pass, worker *worker, const es_strip *strip, const float *cosines,
                    int64_t count, uint16_t *bin)
{
    uint16_t near[ES_TILE];
    float half = (float)pass->bins / 2;
    /* In units of a bin's width; the place itself is rounded twice, to within 2 half * 2^-23. */
    float reach = half * (pass->margin * 1.01f + 0x1p-22f);
    int64_t found = pass->space->kernel->near_edges(cosines, count, half, reach, near);
    if (!found) return;
    int64_t index = 0, next = 0;
    bool whole = count == ES_TILE;
    for (int64_t p = 0; whole && p < found; p++) {
        int64_t a = strip->first_row + near[p] / ES_PANEL;
        int64_t b = strip->first_column + near[p] % ES_PANEL;
        bin[near[p]] = settled_bin(pass, worker, a, b, cosines[near[p]]);
    }
    for (int r = 0; !whole && r < strip->row_count; r++)
        for (int c = 0; c < strip->column_count && next < found; c++) {
            int64_t a = strip->first_row + r, b = strip->first_column + c;
            if (a >= b) continue;
            if (index == near[next]) {
                bin[index] = settled_bin(pass, worker, a, b, cosines[index]);
                next++;
            }
            index++;
        }
}

/* ---- the pass -------------------------------------------------------------------------------- */

static void flush_histogram(const pass *pass, int index)
{
    worker *worker = &pass->workers[index];
    for (int64_t i = 0; i < worker->waiting; i++) worker->fine[worker->bin[i]]++;
    for (int64_t k = 0; k < pass->fine_bins; k++) pass->flushed[index][k] += worker->fine[k];
    memset(worker->fine, 0, (size_t)pass->fine_bins * sizeof *worker->fine);
    worker->waiting = worker->pairs_since_flush = 0;
}

/* Multiply a strip while the one before it is counted, and put its pairs in bins. */
static es_status take_strip(void *context, int index, const es_strip *place, es_error *error)
{
    (void)error;
    pass *pass = context;
    const es_kernel *kernel = pass->space->kernel;
    const es_packed *packed = &pass->pack->packed;
    worker *worker = &pass->workers[index];
    _Alignas(64) float products[ES_TILE], scratch[ES_TILE];
    es_strip strip = *place;
    strip.cosines = products;
    kernel->product_and_count(packed->depth, es_strip_left(packed, place),
                              es_strip_right(packed, place), products, worker->bin, worker->waiting,
                              worker->fine);
    const float *cosines;
    int64_t count = es_strip_pairs(&strip, scratch, &cosines);
    worker->waiting = count;
    if (!count) return ES_OK;
    es_tally local = {.minimum = INFINITY, .maximum = -INFINITY};
    kernel->tally(cosines, count, pass->shift, pass->level, pass->half, worker->bin, &local);
    for (int p = 0; p < 4; p++) worker->power[p] += to_fixed(local.power[p]);
    worker->at_least += local.at_least;
    if (pass->certified) certify(pass, worker, &strip, cosines, count, worker->bin);
    worker->pairs_since_flush += count;
    if (worker->pairs_since_flush > INT64_C(1) << 31) flush_histogram(pass, index);
    if (local.maximum >= worker->maximum.best - 2 * pass->margin)
        offer_strip(pass, worker, &worker->maximum, &strip);
    if (-local.minimum >= worker->minimum.best - 2 * pass->margin)
        offer_strip(pass, worker, &worker->minimum, &strip);
    return ES_OK;
}

/* ---- the answer ------------------------------------------------------------------------------ */

static es_status start_workers(pass *pass, int threads, es_error *error)
{
    int64_t d = pass->pack->packed.depth;
    pass->workers = es_alloc_aligned(threads, sizeof *pass->workers);
    if (pass->workers) memset(pass->workers, 0, (size_t)threads * sizeof *pass->workers);
    pass->flushed = es_alloc(threads, sizeof *pass->flushed);
    pass->counts = es_alloc(pass->fine_bins, sizeof *pass->counts);
    bool made = pass->workers && pass->flushed && pass->counts;
    for (int i = 0; made && i < threads; i++) {
        worker *worker = &pass->workers[i];
        extreme_search *both[] = {&worker->minimum, &worker->maximum};
        for (int e = 0; e < 2; e++) {
            both[e]->sign = e ? 1.0f : -1.0f;
            both[e]->best = -INFINITY;
            both[e]->pairs = es_alloc(CANDIDATES, sizeof(candidate_pair));
            made = made && both[e]->pairs;
        }
        worker->fine = es_alloc(pass->fine_bins, sizeof *worker->fine);
        worker->rows = es_alloc(2, (size_t)d * sizeof *worker->rows);
        pass->flushed[i] = es_alloc(pass->fine_bins, sizeof **pass->flushed);
        made = made && worker->fine && worker->rows && pass->flushed[i];
    }
    return made ? ES_OK : es_fail_memory(error, "histograms", (size_t)pass->fine_bins * 8);
}

static void release_pass(pass *pass, int threads)
{
    for (int i = 0; pass->workers && i < threads; i++) {
        free(pass->workers[i].fine);
        free(pass->workers[i].rows);
        free(pass->workers[i].minimum.pairs);
        free(pass->workers[i].maximum.pairs);
        if (pass->flushed) free(pass->flushed[i]);
    }
    free(pass->workers);
    free(pass->flushed);
    free(pass->counts);
    free(pass->class_of);
}

/* The better of all threads' winners. */
static es_extreme join_extremes(const pass *pass, int threads, bool maximum)
{
    es_extreme best = {0};
    bool any = false;
    for (int i = 0; i < threads; i++) {
        worker *worker = &pass->workers[i];
        extreme_search *search = maximum ? &worker->maximum : &worker->minimum;
        settle(pass, worker, search);
        if (!search->settled) continue;
        const es_extreme *w = &search->winner;
        if (!any || comes_before(search->sign, w->cosine, w->a, w->b, &best)) best = *w;
        any = true;
    }
    best.a = pass->pack->ids[best.a];
    best.b = pass->pack->ids[best.b];
    return best;
}

/* Skewness and kurtosis from the powers around the shift, moved to the mean. */
static void fill_moments(const pass *pass, const es_closed_forms *forms, es_distribution *answer)
{
    double pairs = (double)answer->pairs, m[5] = {1};
    for (int p = 0; p < 4; p++) m[p + 1] = pass->power[p] / pairs;
    double x = m[1]; /* the mean as seen from the shift */
    double second = m[2] - x * x;
    double third = m[3] - 3 * x * m[2] + 2 * x * x * x;
    double fourth = m[4] - 4 * x * m[3] + 6 * x * x * m[2] - 3 * x * x * x * x;
    answer->mean = forms->mean;
    answer->variance = forms->has_second ? forms->second - forms->mean * forms->mean : second;
    if (answer->variance < 0) answer->variance = 0; /* rounding, where all cosines are equal */
    answer->standard_deviation = sqrt(answer->variance);
    bool flat = second <= 1e-13; /* float32 rounding is all there is */
    answer->skewness = flat ? NAN : third / (second * sqrt(second));
    answer->excess_kurtosis = flat ? NAN : fourth / (second * second) - 3;
    double n = (double)answer->rows;
    double square = 2 * pairs * (answer->variance + answer->mean * answer->mean) + n;
    answer->equivalent_dimension = n * n / square;
}

/* The pass saw the same pairs as the closed forms: float32 rounding is all that may part them. */
static es_status check_pass(const pass *pass, const es_distribution *answer, es_error *error)
{
    const double *power = pass->power;
    double pairs = (double)answer->pairs;
    int64_t counted = 0;
    for (int64_t k = 0; k < pass->fine_bins; k++) counted += pass->counts[k];
    double seen = (double)pass->shift + power[0] / pairs;
    double spread = power[1] / pairs - (power[0] / pairs) * (power[0] / pairs);
    /* Each cosine is off by the bound at most, and so is their mean; a variance by 4 x that. */
    double bound = es_product_bound(pass->pack->packed.depth);
    bool agree = fabs(seen - answer->mean) <= bound && fabs(spread - answer->variance) <= 4 * bound;
    if (agree && counted == answer->pairs) return ES_OK;
    return es_fail(
        error, ES_INTERNAL,
        "internal error: the pass over all pairs (%lld of %lld, mean %.9g, variance %.9g) "
        "and the closed forms (mean %.9g, variance %.9g) disagree; please report it",
        (long long)counted, (long long)answer->pairs, seen, spread, answer->mean, answer->variance);
}

/* By linear interpolation inside a fine bin. */
static double quantile(const pass *pass, int64_t pairs, double probability)
{
    double wanted = probability * (double)pairs, below = 0, width = 2.0 / (double)pass->fine_bins;
    for (int64_t k = 0; k < pass->fine_bins; k++) {
        double count = (double)pass->counts[k];
        if (count > 0 && below + count >= wanted)
            return -1 + width * ((double)k + (wanted - below) / count);
        below += count;
    }
    return 1;
}

static double clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

static es_status fill_histogram(const pass *pass, es_distribution *answer, es_error *error)
{
    int64_t bins = answer->bins, each = pass->fine_bins / bins;
    answer->edges = es_alloc(bins + 1, sizeof *answer->edges);
    answer->counts = es_alloc(bins, sizeof *answer->counts);
    if (!answer->edges || !answer->counts)
        return es_fail_memory(error, "the histogram", (size_t)bins * 16);
    for (int64_t k = 0; k <= bins; k++) answer->edges[k] = (double)(2 * k - bins) / (double)bins;
    for (int64_t k = 0; k < pass->fine_bins; k++) answer->counts[k / each] += pass->counts[k];
    int64_t below = 0, d = pass->pack->packed.depth, fine = pass->fine_bins;
    for (int64_t k = 0; k <= fine; k++) { /* at every edge of a fine bin */
        /* The last bin is closed: all of the law is below its end, in one dimension too. */
        double edge = (double)(2 * k - fine) / (double)fine;
        double law = k == fine ? 1 : 1 - es_random_cosine_tail(edge, d);
        double distance = fabs((double)below / (double)answer->pairs - law);
        if (distance > answer->ks_random) answer->ks_random = distance;
        if (k < fine) below += pass->counts[k];
    }
    for (int i = 0; i < ES_QUANTILE_COUNT; i++) {
        double p = quantile_probabilities[i], q = quantile(pass, answer->pairs, p);
        answer->quantiles[i] =
            (es_quantile){p, clamp(q, answer->minimum.cosine, answer->maximum.cosine)};
    }
    return ES_OK;
}

/* (u_i . sum of all u - u_i . u_i) / (n - 1) for every row. */
static es_status fill_row_means(es_space *space, const es_packed_space *pack,
                                const es_closed_forms *forms, es_distribution *answer,
                                es_error *error)
{
    int64_t n = pack->packed.rows, d = pack->packed.depth;
    double *row = es_alloc(d, sizeof *row);
    answer->row_means = es_alloc(space->source.rows, sizeof *answer->row_means);
    es_status status = ES_OK;
    if (!row || !answer->row_means) status = es_fail_memory(error, "row means", (size_t)n * 8);
    for (int64_t i = 0; status == ES_OK && i < space->source.rows; i++) answer->row_means[i] = NAN;
    for (int64_t i = 0; status == ES_OK && i < n; i++) {
        status = es_space_read_unit_rows(space, pack->ids[i], 1, row, error);
        double all = space->kernel->dot(row, forms->sum, d), self = space->kernel->dot(row, row, d);
        answer->row_means[pack->ids[i]] = (all - self) / ((double)n - 1);
    }
    free(row);
    return status;
}

static es_status run_pass(pass *pass, int threads, const es_distribution_options *options,
                          const es_closed_forms *forms, es_distribution *answer, es_error *error)
{
    ES_TRY(start_workers(pass, threads, error));
    ES_TRY(es_row_classes(pass->space, pass->pack->ids, pass->pack->packed.rows, threads,
                          &pass->class_of, error));
    ES_TRY(es_strips_run(pass->pack->packed.rows, ES_BLOCK, threads, take_strip, pass,
                         &options->progress, error));
    for (int i = 0; i < threads; i++) {
        flush_histogram(pass, i);
        for (int64_t k = 0; k < pass->fine_bins; k++) pass->counts[k] += pass->flushed[i][k];
        answer->settled_pairs += pass->workers[i].settled;
        answer->above_chance += pass->workers[i].at_least;
    }
    for (int p = 0; p < 4; p++) {
        fixed sum = 0;
        for (int i = 0; i < threads; i++) sum += pass->workers[i].power[p];
        pass->power[p] = (double)sum * 0x1p-48;
    }
    answer->minimum = join_extremes(pass, threads, false);
    answer->maximum = join_extremes(pass, threads, true);
    fill_moments(pass, forms, answer);
    ES_TRY(check_pass(pass, answer, error));
    return fill_histogram(pass, answer, error);
}

static es_status compute(es_space *space, const es_distribution_options *options,
                         const es_packed_space *pack, es_distribution *answer, es_error *error)
{
    int64_t n = pack->packed.rows, d = pack->packed.depth;
    answer->rows = n;
    answer->certified = options->certified;
    answer->left_out = space->source.rows - pack->defined;
    answer->sampled = n < pack->defined;
    answer->pairs = n * (n - 1) / 2;
    answer->random_variance = 1 / (double)d;
    answer->random_standard_deviation = sqrt(answer->random_variance);
    answer->once_level = es_random_cosine_level((double)answer->pairs, d);
    int threads = es_thread_count(options->threads ? options->threads : space->threads);
    es_closed_forms forms;
    ES_TRY(es_closed_forms_compute(space, pack->ids, n, threads, &forms, error));
    /* Where they can be, the fine bins are the same whatever the answer's. */
    int64_t fine = FINE_BINS % answer->bins == 0 ? FINE_BINS
                   : answer->bins < MOST_FINE    ? answer->bins * (MOST_FINE / answer->bins)
                                                 : answer->bins;
    pass pass = {.space = space,
                 .pack = pack,
                 .shift = (float)forms.mean,
                 .level = (float)answer->once_level,
                 .half = (float)fine / 2,
                 .fine_bins = fine,
                 .bins = answer->bins,
                 .certified = options->certified,
                 .margin = (float)es_product_bound(d)};
    es_status status = run_pass(&pass, threads, options, &forms, answer, error);
    if (status == ES_OK && options->per_row)
        status = fill_row_means(space, pack, &forms, answer, error);
    release_pass(&pass, threads);
    es_closed_forms_release(&forms);
    return status;
}

es_status es_distribution_compute(es_space *space, const es_distribution_options *options,
                                  es_distribution *distribution, es_error *error)
{
    static const es_distribution_options defaults;
    if (!options) options = &defaults;
    *distribution = (es_distribution){.bins = options->bins ? options->bins : DEFAULT_BINS};
    if (distribution->bins < 1 || distribution->bins > MOST_BINS)
        return es_fail(error, ES_BAD_ARGUMENT, "bins must be from 1 to %d, not %lld", MOST_BINS,
                       (long long)distribution->bins);
    es_packed_space pack;
    ES_TRY(es_space_load(space, error));
    ES_TRY(es_pack_sample(space, options->sample ? options->sample : INT64_MAX, options->seed,
                          options->threads ? options->threads : space->threads, &pack, error));
    es_status status = ES_OK;
    if (pack.packed.rows < 2)
        status = es_fail(error, ES_BAD_INPUT,
                         "%s: a distribution needs two rows that are finite and not zero; there %s "
                         "%lld",
                         space->source.path, pack.packed.rows == 1 ? "is" : "are",
                         (long long)pack.packed.rows);
    if (status == ES_OK) status = compute(space, options, &pack, distribution, error);
    es_packed_space_release(&pack);
    if (status != ES_OK) es_distribution_release(distribution);
    return status;
}
