/* Analogies: every question against every row.
 *
 * A question needs the cosines of all rows to three words, and many questions share words: the
 * products of a block of rows with all words of a batch of questions are made once (float64), then
 * each question combines three of them. Products are OpenBLAS's, whose last digits depend on the
 * machine; so answers are only kept that could be the best one for all that these digits can do,
 * and decided by the kernels' own order of sums. */
#include "analysis/evaluate_parts.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "kernel/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EPSILON 0.001 /* of 3CosMul, as published */
#define UNIT    0x1p-53

enum {
    SLICE = 128,           /* rows whose products lie together */
    SLICES = 64,           /* at most so many slices in a block */
    BLOCK_BYTES = 1 << 25, /* of a block's products */
    WORD_BYTES = 1 << 26,  /* of a batch's unit vectors */
    BATCH = 1 << 16,       /* questions in a batch, at most */
    CHUNK = 64,            /* questions in a piece of work */
    KEPT = 8,              /* answers within rounding of the best */
    SCORES = 3,            /* add, mul, only c */
    LANES = 8,
};

/* What may be the best answer. */
typedef struct leaders {
    double value;
    int32_t count; /* past KEPT: the list is not whole */
    int32_t ids[KEPT];
} leaders;

/* A question that is asked: its number, and its words' places in the batch. */
typedef struct asked {
    int64_t question;
    int32_t place[3]; /* of a, b, c */
} asked;

typedef struct batch {
    int64_t first, count; /* of `asked` */
    int64_t words;
} batch;

typedef struct solving {
    es_evaluating *work;
    int64_t batch_count, batch_capacity, asked_count, most_words, most_asked;
    batch *batches;
    asked *asked;
    leaders *leaders;   /* (batch's questions, SCORES) */
    int64_t *word_rows; /* (batch's words) */
    int32_t *places;    /* (data set's words) place in the batch; only where stamped */
    int32_t *stamps;    /* (data set's words) the last batch that has the word, from 1 */
    double *vectors;    /* (words, d) unit rows */
    double *rows;       /* (threads, SLICE, d) */
    double *products;   /* (slices, words, SLICE) */
    const batch *batch;
    int64_t block_first, block_rows;
} solving;

static double combine(int score, double a, double b, double c)
{
    if (score == 0) return (b - a) + c;
    if (score == 2) return c;
    return (1 + b) * (1 + c) / 4 / ((1 + a) / 2 + EPSILON);
}

/* How far a value may lie below the best one by OpenBLAS's sums and yet be the best by ours. A
 * product of unit rows is within e = (d + 16) u of the exact one, by either. Two values are
 * compared, each once by each: 4 e for each product that enters. For 3CosMul a product counts by at
 * most (2 + value) / 2 / EPSILON. */
static double margin_of(int score, int64_t d, double value)
{
    double e = 4 * ((double)d + 16) * UNIT;
    if (score == 0) return 3 * e;
    if (score == 2) return e;
    return e * (2 + fabs(value)) / EPSILON;
}

/* ---- which rows may answer --------------------------------------------------------------------
 */

/* Calls for each row that shares its key with row `id` (itself alone, unless case is ignored). */
static int64_t next_alias(const es_evaluating *work, int64_t id)
{
    return work->next_same ? work->next_same[id] : -1;
}

static int64_t first_alias(const es_evaluating *work, int64_t id)
{
    return work->same_key ? work->same_key[id] : id;
}

static int64_t row_of(const solving *solving, const asked *asked, int word)
{
    return solving->work->result->word_ids[solving->work->set->members[4 * asked->question + word]];
}

static leaders *leaders_of(const solving *solving, const asked *asked, int score)
{
    return &solving->leaders[(asked - solving->asked - solving->batch->first) * SCORES + score];
}

static bool is_input(const solving *solving, const asked *asked, int64_t id)
{
    int64_t first = first_alias(solving->work, id);
    for (int i = 0; i < 3; i++)
        if (first == first_alias(solving->work, row_of(solving, asked, i))) return true;
    return false;
}

/* ---- batches: as many questions as whose words' vectors fit ------------------------------------
 */

static void note_word(solving *solving, int32_t word, int64_t *words)
{
    if (solving->stamps[word] == solving->batch_count) return;
    solving->stamps[word] = (int32_t)solving->batch_count;
    solving->places[word] = (int32_t)(*words)++;
}

static es_status make_batches(solving *solving)
{
    es_evaluating *work = solving->work;
    const es_dataset *set = work->set;
    int64_t limit = WORD_BYTES / (work->d * (int64_t)sizeof(double));
    if (limit < 64) limit = 64;
    batch *batch = NULL;
    for (int64_t q = 0; q < set->count; q++) {
        if (work->result->states[q] != ES_WORD_ROW) continue;
        if (!batch || batch->words + 3 > limit || batch->count == BATCH) {
            if (!es_grow((void **)&solving->batches, &solving->batch_capacity,
                         solving->batch_count + 1, sizeof *batch))
                return es_fail_memory(work->error, "questions", 0);
            batch = &solving->batches[solving->batch_count++];
            *batch = (struct batch){.first = solving->asked_count};
        }
        asked *asked = &solving->asked[solving->asked_count++];
        asked->question = q;
        batch->count++;
        for (int i = 0; i < 3; i++) {
            int32_t word = set->members[4 * q + i];
            note_word(solving, word, &batch->words);
            asked->place[i] = solving->places[word];
        }
        if (batch->words > solving->most_words) solving->most_words = batch->words;
        if (batch->count > solving->most_asked) solving->most_asked = batch->count;
    }
    return ES_OK;
}

static es_status read_words(solving *solving)
{
    es_evaluating *work = solving->work;
    const batch *batch = solving->batch;
    for (int64_t i = batch->first; i < batch->first + batch->count; i++)
        for (int w = 0; w < 3; w++)
            solving->word_rows[solving->asked[i].place[w]] = row_of(solving, &solving->asked[i], w);
    for (int64_t w = 0; w < batch->words; w++)
        ES_TRY(es_space_read_unit_rows(work->space, solving->word_rows[w], 1,
                                       solving->vectors + w * work->d, work->error));
    return ES_OK;
}

/* ---- the pass over rows -----------------------------------------------------------------------
 */

static es_status multiply_slice(void *context, int64_t index, int worker, es_error *error)
{
    const solving *solving = context;
    const es_evaluating *work = solving->work;
    int64_t d = work->d, first = solving->block_first + index * SLICE;
    int64_t left = solving->block_first + solving->block_rows - first;
    int64_t count = left < SLICE ? left : SLICE;
    double *rows = solving->rows + worker * SLICE * d;
    memset(rows, 0, (size_t)(SLICE * d) * sizeof *rows);
    ES_TRY(es_space_read_unit_rows(work->space, first, count, rows, error));
    es_products(solving->batch->words, d, SLICE, solving->vectors, rows,
                solving->products + index * solving->batch->words * SLICE);
    return ES_OK;
}

/* No answer: inputs, rows without a direction, places past the last row. */
static void strike_out(const solving *solving, const asked *asked, int64_t first, int64_t count,
                       double *values)
{
    const es_evaluating *work = solving->work;
    for (int i = 0; i < 3; i++)
        for (int64_t id = first_alias(work, row_of(solving, asked, i)); id >= 0;
             id = next_alias(work, id))
            if (id >= first && id < first + count) values[id - first] = -INFINITY;
    for (int64_t i = count; i < SLICE; i++) values[i] = -INFINITY;
}

static double largest(const double *values)
{
    double lanes[LANES];
    memcpy(lanes, values, sizeof lanes);
    for (int i = LANES; i < SLICE; i += LANES)
        for (int l = 0; l < LANES; l++)
            lanes[l] = values[i + l] > lanes[l] ? values[i + l] : lanes[l];
    for (int l = 1; l < LANES; l++)
        if (lanes[l] > lanes[0]) lanes[0] = lanes[l];
    return lanes[0];
}

static void keep_leaders(const double *values, int64_t first, double margin, leaders *leaders)
{
    double least = leaders->value - margin;
    for (int i = 0; i < SLICE; i++) {
        if (!(values[i] >= least)) continue;
        if (leaders->count < KEPT) leaders->ids[leaders->count] = (int32_t)(first + i);
        if (leaders->count <= KEPT) leaders->count++;
    }
}

/* One question against a slice of rows. */
static void scan_slice(const solving *solving, const asked *asked, int64_t first, int64_t count,
                       const double *products, const unsigned char *undefined)
{
    const double *a = products + (int64_t)asked->place[0] * SLICE;
    const double *b = products + (int64_t)asked->place[1] * SLICE;
    const double *c = products + (int64_t)asked->place[2] * SLICE;
    double values[SCORES][SLICE];
    for (int i = 0; i < SLICE; i++) values[0][i] = (b[i] - a[i]) + c[i];
    for (int i = 0; i < SLICE; i++)
        values[1][i] = (1 + b[i]) * (1 + c[i]) / 4 / ((1 + a[i]) / 2 + EPSILON);
    memcpy(values[2], c, sizeof values[2]);
    for (int s = 0; s < SCORES; s++) {
        leaders *leaders = leaders_of(solving, asked, s);
        for (int64_t i = 0; undefined && i < count; i++)
            if (undefined[i] != ES_ROW_DEFINED) values[s][i] = -INFINITY;
        strike_out(solving, asked, first, count, values[s]);
        double most = largest(values[s]), before = leaders->value;
        if (most == -INFINITY) continue;
        double margin = margin_of(s, solving->work->d, fmax(most, before));
        if (before != -INFINITY && most < before - margin) continue;
        if (most > before + margin) leaders->count = 0;
        leaders->value = fmax(most, before);
        keep_leaders(values[s], first, margin, leaders);
    }
}

static bool any_undefined(const unsigned char *states, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (states[i] != ES_ROW_DEFINED) return true;
    return false;
}

static es_status scan_piece(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker, (void)error;
    const solving *solving = context;
    const batch *batch = solving->batch;
    int64_t from = index * CHUNK, to = from + CHUNK < batch->count ? from + CHUNK : batch->count;
    for (int64_t row = 0; row < solving->block_rows; row += SLICE) {
        int64_t first = solving->block_first + row, left = solving->block_rows - row;
        int64_t count = left < SLICE ? left : SLICE;
        const unsigned char *states = solving->work->row_states + first;
        if (!any_undefined(states, count)) states = NULL;
        for (int64_t i = from; i < to; i++)
            scan_slice(solving, &solving->asked[batch->first + i], first, count,
                       solving->products + row * batch->words, states);
    }
    return ES_OK;
}

/* ---- the decision ------------------------------------------------------------------------------
 */

typedef struct choice {
    double value;
    int64_t id;
} choice;

typedef struct deciding {
    const solving *solving;
    const asked *asked;
    double *row; /* scratch (d) */
    es_error *error;
} deciding;

/* The row as an answer, by the kernels' sums; it takes the lead where it is better, or as good and
 * before. */
static es_status weigh(const deciding *deciding, int score, int64_t id, choice *best)
{
    const es_evaluating *work = deciding->solving->work;
    const double *vectors = deciding->solving->vectors;
    double cosines[3];
    if (work->row_states[id] != ES_ROW_DEFINED) return ES_OK;
    ES_TRY(es_space_read_unit_rows(work->space, id, 1, deciding->row, deciding->error));
    for (int i = 0; i < 3; i++)
        cosines[i] = work->space->kernel->dot(
            deciding->row, vectors + deciding->asked->place[i] * work->d, work->d);
    double value = combine(score, cosines[0], cosines[1], cosines[2]);
    if (best->id < 0 || value > best->value || (value == best->value && id < best->id))
        *best = (choice){value, id};
    return ES_OK;
}

static es_status choose(const deciding *deciding, int score, choice *best)
{
    const es_evaluating *work = deciding->solving->work;
    const leaders *leaders = leaders_of(deciding->solving, deciding->asked, score);
    *best = (choice){.id = -1};
    for (int i = 0; i < leaders->count && leaders->count <= KEPT; i++)
        ES_TRY(weigh(deciding, score, leaders->ids[i], best));
    for (int64_t id = 0; id < work->rows && leaders->count > KEPT; id++)
        if (!is_input(deciding->solving, deciding->asked, id))
            ES_TRY(weigh(deciding, score, id, best));
    return ES_OK;
}

static es_status decide_piece(void *context, int64_t index, int worker, es_error *error)
{
    const solving *solving = context;
    es_evaluating *work = solving->work;
    const asked *asked = &solving->asked[solving->batch->first + index];
    deciding deciding = {solving, asked, solving->rows + worker * SLICE * work->d, error};
    int64_t count = work->set->count, *ids = work->result->answer_ids + asked->question;
    for (int score = 0; score < SCORES; score++) {
        choice best;
        ES_TRY(choose(&deciding, score, &best));
        ids[count * (score == 2 ? ES_ANALOGY_ONLY_C : score)] = best.id;
        if (score == 2) break;
        for (int i = 0; i < 3; i++)
            for (int64_t id = first_alias(work, row_of(solving, asked, i)); id >= 0;
                 id = next_alias(work, id))
                ES_TRY(weigh(&deciding, score, id, &best));
        ids[count * (ES_ANALOGY_ADD_INPUTS + score)] = best.id;
    }
    return ES_OK;
}

static es_status solve_batch(solving *solving, es_stages *stages)
{
    es_evaluating *work = solving->work;
    const batch *batch = solving->batch;
    ES_TRY(read_words(solving));
    for (int64_t i = 0; i < batch->count * SCORES; i++)
        solving->leaders[i] = (leaders){.value = -INFINITY};
    int64_t slices = BLOCK_BYTES / (batch->words * SLICE * (int64_t)sizeof(double));
    slices = slices < 1 ? 1 : slices > SLICES ? SLICES : slices;
    int64_t pieces = (batch->count + CHUNK - 1) / CHUNK;
    for (int64_t first = 0; first < work->rows; first += slices * SLICE) {
        int64_t left = work->rows - first;
        solving->block_first = first;
        solving->block_rows = left < slices * SLICE ? left : slices * SLICE;
        double rows = (double)solving->block_rows;
        es_progress progress =
            es_stages_next(stages, rows * (double)batch->words * (double)work->d / 8);
        ES_TRY(es_parallel_for(work->threads, (solving->block_rows + SLICE - 1) / SLICE,
                               multiply_slice, solving, &progress, work->error));
        progress = es_stages_next(stages, rows * (double)batch->count * 4);
        ES_TRY(es_parallel_for(work->threads, pieces, scan_piece, solving, &progress, work->error));
    }
    es_progress progress = es_stages_next(stages, 0);
    return es_parallel_for(work->threads, batch->count, decide_piece, solving, &progress,
                           work->error);
}

static es_status solve_batches(solving *solving)
{
    es_evaluating *work = solving->work;
    es_stages stages = {.outer = work->options->progress};
    for (int64_t b = 0; b < solving->batch_count; b++)
        stages.total +=
            (double)work->rows * ((double)solving->batches[b].words * (double)work->d / 8 +
                                  (double)solving->batches[b].count * 4);
    for (int64_t b = 0; b < solving->batch_count; b++) {
        solving->batch = &solving->batches[b];
        ES_TRY(solve_batch(solving, &stages));
    }
    return ES_OK;
}

static es_status solve(solving *solving)
{
    es_evaluating *work = solving->work;
    int64_t count = work->set->count, words = work->set->word_count;
    solving->asked = es_alloc(count, sizeof *solving->asked);
    solving->places = es_alloc(words, sizeof *solving->places);
    solving->stamps = es_alloc(words, sizeof *solving->stamps);
    if (!solving->asked || !solving->places || !solving->stamps)
        return es_fail_memory(work->error, "questions", (size_t)count * sizeof *solving->asked);
    ES_TRY(make_batches(solving));
    if (!solving->asked_count) return ES_OK;
    int64_t most = solving->most_words, slices = (work->rows + SLICE - 1) / SLICE;
    int64_t held = BLOCK_BYTES / (int64_t)sizeof(double) + most * SLICE;
    if (held > slices * most * SLICE) held = slices * most * SLICE;
    solving->word_rows = es_alloc(most, sizeof *solving->word_rows);
    solving->leaders = es_alloc(solving->most_asked, SCORES * sizeof *solving->leaders);
    solving->vectors = es_alloc(most, (size_t)work->d * sizeof(double));
    solving->rows = es_alloc(work->threads, SLICE * (size_t)work->d * sizeof(double));
    solving->products = es_alloc(held, sizeof(double));
    if (!solving->leaders || !solving->word_rows || !solving->vectors || !solving->rows ||
        !solving->products)
        return es_fail_memory(work->error, "products", (size_t)held * sizeof(double));
    int before = es_products_begin();
    es_status status = solve_batches(solving);
    es_products_end(before);
    return status;
}

/* ---- scores ------------------------------------------------------------------------------------
 */

static es_analogy_score score_questions(const es_evaluating *work, int64_t first, int64_t count)
{
    const es_evaluation *result = work->result;
    es_analogy_score score = {.questions = count};
    for (int m = 0; m < ES_ANALOGY_METHODS; m++) {
        int64_t asked = 0, correct = 0;
        for (int64_t q = first; q < first + count; q++) {
            int64_t answer = result->answer_ids[m * work->set->count + q];
            int64_t right = result->word_ids[work->set->members[4 * q + 3]];
            asked += result->states[q] == ES_WORD_ROW || result->options.missing_counts;
            bool same = answer >= 0 && first_alias(work, answer) == first_alias(work, right);
            result->right[m * work->set->count + q] = same;
            correct += same;
        }
        score.methods[m] = es_accuracy_of(asked, correct);
    }
    return score;
}

static void count_answers(es_evaluating *work)
{
    es_evaluation *result = work->result;
    for (int64_t i = 0; i < work->rows; i++)
        result->answers += work->row_states[i] == ES_ROW_DEFINED;
    if (result->answers > 3) result->chance = 1 / (double)(result->answers - 3);
}

es_status es_evaluate_analogies(es_evaluating *work)
{
    es_evaluation *result = work->result;
    const es_dataset *set = work->set;
    solving solving = {.work = work};
    count_answers(work);
    result->answer_ids = es_alloc(set->count, ES_ANALOGY_METHODS * sizeof *result->answer_ids);
    result->sections = es_alloc(set->section_count, sizeof *result->sections);
    result->right = es_alloc(set->count, ES_ANALOGY_METHODS);
    if (!result->answer_ids || !result->right || !result->sections)
        return es_fail_memory(work->error, "questions", (size_t)set->count * sizeof(int64_t));
    for (int64_t i = 0; i < ES_ANALOGY_METHODS * set->count; i++) result->answer_ids[i] = -1;
    es_status status = solve(&solving);
    free(solving.batches);
    free(solving.asked);
    free(solving.leaders);
    free(solving.word_rows);
    free(solving.places);
    free(solving.stamps);
    free(solving.vectors);
    free(solving.rows);
    free(solving.products);
    if (status) return status;
    for (int64_t s = 0; s < set->section_count; s++)
        result->sections[s] = score_questions(work, set->sections[s].first, set->sections[s].count);
    result->total = score_questions(work, 0, set->count);
    result->counted = result->total.methods[0].questions;
    return ES_OK;
}
