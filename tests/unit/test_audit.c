#define _GNU_SOURCE /* setenv */
/* The audit: planted rows are found and no others, nothing is claimed where nothing can be known,
 * tokens go round, and every end is a clean one. */
#include "failing_allocation.h"
#include "models.h"

#include <stdatomic.h>

/* ---- tables with planted rows ------------------------------------------------------------------
 */

enum { N = 1500, D = 64, PLANTED = 60, IMPOSSIBLE = 13 };

/* The ids of bytes C0, C1, F5 ... FF in write_bpe()'s vocabulary, which are those bytes. */
static int64_t impossible(int i)
{
    return i < 2 ? 0xC0 + i : 0xF5 + i - 2;
}

typedef struct planting {
    double trained_mean, trained_size; /* of a component: a common part, and its spread */
    double drift, noise;               /* where untouched rows are, and their spread */
    int trained_seeds; /* of the impossible bytes, how many were trained after all */
    int planted;       /* untouched rows in all */
    double spread;     /* of the logarithm of trained rows' sizes; 0: 0.2 */
    int little;        /* rows trained little: at 1.8 to 5.4 times the noise */
} planting;

/* A GPT-2-shaped folder of N rows, of which `tokens` have a token; planted[id] is 1 for an
 * untouched row. */
static es_space *plant(planting how, uint64_t seed, bool *planted)
{
    static float rows[N * D];
    es_random random = {seed};
    double mean[D], drift[D];
    memset(planted, 0, N * sizeof *planted);
    for (int i = how.trained_seeds; i < IMPOSSIBLE; i++) planted[impossible(i)] = true;
    int count = IMPOSSIBLE - how.trained_seeds;
    while (count < how.planted) {
        int64_t id = es_random_below(&random, N - how.little);
        bool is_seed = false;
        for (int i = 0; i < IMPOSSIBLE; i++) is_seed |= impossible(i) == id;
        if (is_seed || planted[id]) continue;
        planted[id] = true;
        count++;
    }
    for (int k = 0; k < D; k++) {
        mean[k] = how.trained_mean * draw_normal(&random);
        drift[k] = how.drift * draw_normal(&random);
    }
    for (int i = 0; i < N; i++) {
        double size =
            how.trained_size * exp((how.spread > 0 ? how.spread : 0.2) * draw_normal(&random));
        for (int k = 0; k < D; k++) {
            double g = draw_normal(&random);
            rows[i * D + k] =
                (float)(planted[i]            ? drift[k] + how.noise * g
                        : i >= N - how.little ? drift[k] + how.noise * g * (1.8 + 0.03 * (i % 120))
                                              : mean[k] + size * g);
        }
    }
    make_folder("planted");
    const test_tensor tensor = {"wte.weight", "F32", N, D, rows};
    write_safetensors("planted/model.safetensors", &tensor, 1);
    write_in("planted", "config.json", "{\"model_type\": \"gpt2\"}");
    write_bpe("planted");
    return open_path(scratch_path("planted"), NULL);
}

static es_audit audit_of(es_space *space)
{
    es_error error = {0};
    es_audit audit;
    assert_ok(es_audit_compute(space, &(es_audit_options){.threads = 2}, &audit, &error), error);
    return audit;
}

static int64_t find(const es_audit *audit, es_audit_category category, int64_t id)
{
    for (int64_t i = 0; i < audit->count; i++)
        if (audit->findings[i].category == category && audit->findings[i].id == id) return i;
    return -1;
}

static void check_planted(planting how)
{
    bool planted[N];
    for (uint64_t seed = 1; seed <= 3; seed++) {
        es_space *space = plant(how, seed, planted);
        es_audit audit = audit_of(space);
        const es_untouched *untouched = &audit.untouched;
        assert_true(untouched->found);
        assert_int_equal(untouched->seed, ES_SEED_BYTES);
        assert_int_equal(untouched->seed_count, IMPOSSIBLE);
        assert_int_equal(untouched->seed_kept, IMPOSSIBLE - how.trained_seeds);
        for (int64_t i = 0; i < N; i++)
            if ((find(&audit, ES_AUDIT_UNTOUCHED, i) >= 0) != planted[i])
                fail_msg("seed %d, row %d: planted %d, distance %g of %g, %g", (int)seed, (int)i,
                         planted[i], untouched->distance[i], untouched->inner, untouched->outer);
        assert_int_equal(untouched->count, how.planted);
        assert_int_equal(audit.counts[ES_AUDIT_UNTOUCHED], how.planted);
        assert_true(untouched->radius < untouched->typical);
        es_audit_release(&audit);
        es_space_free(space);
    }
}

/* As weight decay and the softmax leave them: near each other, at cosines of 0.9 and more. */
static void finds_rows_that_drifted_together(void **state)
{
    (void)state;
    check_planted((planting){0.3, 0.5, 0.5, 0.15, 0, PLANTED, 0, 0});
    check_planted((planting){0.05, 0.13, 0.12, 0.02, 0, PLANTED, 0, 0}); /* GPT-2's sizes */
}

/* Initialised, and never anything else: small rows with no direction in common. */
static void finds_rows_as_initialised(void **state)
{
    (void)state;
    check_planted((planting){0.05, 0.14, 0, 0.02, 0, PLANTED, 0, 0});
    check_planted((planting){0, 0.14, 0, 0.02, 0, PLANTED, 0, 0});
}

/* Weight decay has brought them to one point, to rounding. */
static void finds_equal_rows(void **state)
{
    (void)state;
    check_planted((planting){0.1, 0.3, 0.2, 0, 0, PLANTED, 0, 0});
    check_planted((planting){0.1, 0.3, 0.2, 1e-9, 0, PLANTED, 0, 0});
}

static void bears_trained_seeds(void **state)
{
    (void)state;
    check_planted((planting){0.3, 0.5, 0.5, 0.15, 5, PLANTED, 0, 0});
    check_planted((planting){0.05, 0.14, 0, 0.02, 6, PLANTED, 0, 0});
}

/* They grade into the trained ones; the untouched end where their own spread does. */
static void leaves_out_rows_trained_little(void **state)
{
    (void)state;
    check_planted((planting){0.3, 0.5, 0.5, 0.1, 0, PLANTED, 0, 120});
    check_planted((planting){0.05, 0.14, 0, 0.02, 0, PLANTED, 0, 120});
}

/* Where trained rows come close to the untouched ones, rows are missed before one is accused: 0.05
 * false ones a table are expected. */
static void rather_misses_than_accuses(void **state)
{
    (void)state;
    bool planted[N];
    int accused = 0, found = 0;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        es_space *space = plant((planting){0, 0.5, 0, 0.135, 0, PLANTED, 0.3, 0}, seed, planted);
        es_audit audit = audit_of(space);
        for (int64_t i = 0; i < audit.counts[ES_AUDIT_UNTOUCHED]; i++)
            accused += !planted[audit.findings[i].id];
        found += (int)audit.untouched.count;
        es_audit_release(&audit);
        es_space_free(space);
    }
    assert_true(accused <= 2);
    assert_true(found > PLANTED);
}

static void finds_the_seed_alone_and_most_of_the_table(void **state)
{
    (void)state;
    check_planted((planting){0.3, 0.5, 0.5, 0.15, 0, IMPOSSIBLE, 0, 0});
    check_planted((planting){0.3, 0.5, 0.5, 0.15, 0, N - 100, 0, 0});
}

/* Nothing stands apart, so nothing is claimed. */
static void claims_nothing_of_a_uniform_table(void **state)
{
    (void)state;
    bool planted[N];
    static const planting ways[] = {
        {0.3, 0.5, 0, 0, IMPOSSIBLE, 0, 0, 0}, /* all trained, the seed as well */
        {0, 0.5, 0, 0, IMPOSSIBLE, 0, 0.6, 0}, /* rows of all sizes */
        {1, 0.5, 0, 0, IMPOSSIBLE, 0, 0.4, 0},  {0, 0.02, 0, 0.02, 0, N, 0, 0}, /* none trained */
        {0.1, 0.02, 0.1, 0.02, 0, N, 0, 0},     /* none trained, a drift in common */
        {0.3, 0.5, 0.5, 0.15, 9, PLANTED, 0, 0} /* the seed's majority was trained */
    };
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++)
        for (uint64_t seed = 1; seed <= 3; seed++) {
            es_space *space = plant(ways[w], seed, planted);
            es_audit audit = audit_of(space);
            if (audit.untouched.found)
                fail_msg("table %d, seed %d: %d untouched", (int)w, (int)seed,
                         (int)audit.untouched.count);
            assert_int_equal(audit.counts[ES_AUDIT_UNTOUCHED], 0);
            assert_int_equal(audit.untouched.count, 0);
            assert_true(isnan(audit.untouched.radius) && isnan(audit.untouched.outer));
            assert_null(audit.untouched.distance);
            es_audit_release(&audit);
            es_space_free(space);
        }
}

/* ---- spaces without a tokenizer, and small ones ------------------------------------------------
 */

static void check_plain(const double *values, int64_t rows, int64_t columns, int64_t findings)
{
    es_space *space = open_values("f4", rows, columns, values);
    es_audit audit = audit_of(space);
    assert_int_equal(audit.untouched.seed, ES_SEED_NONE);
    assert_false(audit.untouched.found);
    assert_false(audit.round_trip);
    assert_int_equal(audit.count, findings);
    es_audit_release(&audit);
    es_space_free(space);
}

static void knows_tables_without_names(void **state)
{
    (void)state;
    static const double one[] = {3, 4}, equal[] = {1, 1, 1, 1, 1, 1, 1, 1}, line[] = {1, 2, 3, 4},
                        none[] = {0, 0, NAN, 1};
    check_plain(one, 1, 2, 0);
    check_plain(equal, 4, 2, 3); /* three equal the first */
    check_plain(line, 4, 1, 0);
    check_plain(none, 2, 2, 2);
}

/* d = 1 and equal rows, with a seed. */
static void bears_degenerate_tables(void **state)
{
    (void)state;
    float rows[MODEL_ROWS];
    make_folder("flat");
    write_bpe("flat");
    write_in("flat", "config.json", "{\"model_type\": \"gpt2\"}");
    for (int way = 0; way < 3; way++) {
        for (int i = 0; i < MODEL_ROWS; i++)
            rows[i] = way == 0 ? 1 : way == 1 ? 0 : 1 + (float)(i * 37 % 100);
        for (int i = 0; i < IMPOSSIBLE && way == 2; i++) rows[impossible(i)] = 0.001f;
        const test_tensor tensor = {"wte.weight", "F32", MODEL_ROWS, 1, rows};
        write_safetensors("flat/model.safetensors", &tensor, 1);
        es_space *space = open_path(scratch_path("flat"), NULL);
        es_audit audit = audit_of(space);
        assert_true(audit.untouched.found == (way == 2));
        assert_int_equal(audit.untouched.seed, way == 1 ? ES_SEED_NONE : ES_SEED_BYTES);
        if (way == 2) {
            assert_int_equal(audit.untouched.count, IMPOSSIBLE);
            for (int i = 0; i < MODEL_ROWS; i++) /* on a line nothing is left without it */
                assert_true(isnan(audit.untouched.without_first[i]));
        }
        es_audit_release(&audit);
        es_space_free(space);
    }
}

static void lists_odd_rows(void **state)
{
    (void)state;
    enum { ROWS = 400, COLUMNS = 16 };
    double *values = draw_table(ROWS, COLUMNS, 5);
    for (int k = 0; k < COLUMNS; k++) {
        values[3 * COLUMNS + k] = 0;
        values[9 * COLUMNS + k] = values[200 * COLUMNS + k] = values[7 * COLUMNS + k];
        values[11 * COLUMNS + k] *= 1e4;
        values[12 * COLUMNS + k] *= 1e-6;
        values[30 * COLUMNS + k] = values[31 * COLUMNS + k];
    }
    values[30 * COLUMNS] *= 1.001;
    values[4 * COLUMNS + 1] = NAN;
    values[4 * COLUMNS + 5] = INFINITY;
    es_space *space = open_values("f4", ROWS, COLUMNS, values);
    free(values);
    es_error error = {0};
    es_audit audit;
    es_audit_options options = {.near = true, .near_minimum = 0.99999};
    assert_ok(es_audit_compute(space, &options, &audit, &error), error);
    static const int64_t expected[][3] = {
        {ES_AUDIT_NON_FINITE, 4, -1}, {ES_AUDIT_ZERO, 3, -1},     {ES_AUDIT_NORM, 12, -1},
        {ES_AUDIT_NORM, 11, -1},      {ES_AUDIT_DUPLICATE, 9, 7}, {ES_AUDIT_DUPLICATE, 200, 7},
        {ES_AUDIT_NEAR, 7, 9},        {ES_AUDIT_NEAR, 7, 200},    {ES_AUDIT_NEAR, 9, 200},
        {ES_AUDIT_NEAR, 30, 31}};
    assert_int_equal(audit.count, sizeof expected / sizeof *expected);
    for (int64_t i = 0; i < audit.count; i++) {
        assert_int_equal(audit.findings[i].category, expected[i][0]);
        assert_int_equal(audit.findings[i].id, expected[i][1]);
        assert_int_equal(audit.findings[i].other, expected[i][2]);
    }
    assert_true(audit.findings[0].indicator == 2);
    assert_true(audit.findings[2].indicator < -6 && audit.findings[3].indicator > 6);
    assert_true(audit.findings[4].indicator == 3);
    assert_int_equal(audit.duplicate_groups, 1);
    es_audit_release(&audit);
    options.near_minimum = 1.5;
    assert_int_equal(es_audit_compute(space, &options, &audit, &error), ES_BAD_ARGUMENT);
    assert_null(audit.findings);
    es_space_free(space);
}

/* Rows of one length have no spread: what rounding makes of it is not odd. */
static void unit_rows_are_not_odd(void **state)
{
    (void)state;
    enum { ROWS = 500, COLUMNS = 24 };
    double *values = draw_table(ROWS, COLUMNS, 6);
    for (int i = 0; i < ROWS; i++) {
        double square = 0, *row = values + i * COLUMNS;
        for (int k = 0; k < COLUMNS; k++) square += row[k] * row[k];
        for (int k = 0; k < COLUMNS; k++) row[k] /= sqrt(square);
    }
    check_plain(values, ROWS, COLUMNS, 0);
    free(values);
}

/* ---- the round trip ----------------------------------------------------------------------------
 */

static es_space *open_tokens(const char *folder, int64_t rows)
{
    double *values = draw_table(rows, 8, 7);
    float *narrow = malloc((size_t)rows * 8 * sizeof *narrow);
    assert_non_null(narrow);
    for (int64_t i = 0; i < rows * 8; i++) narrow[i] = (float)values[i];
    char name[128];
    snprintf(name, sizeof name, "%s/model.safetensors", folder);
    const test_tensor tensor = {"embeddings.word_embeddings.weight", "F32", rows, 8, narrow};
    write_safetensors(name, &tensor, 1);
    free(values);
    free(narrow);
    return open_path(scratch_path(folder), NULL);
}

/* Of "abc", "bc" is merged first: the merge of "ab" and "c" is never reached. */
static void finds_unreachable_byte_pairs(void **state)
{
    (void)state;
    make_folder("bpe");
    es_text vocab = {0};
    int extra = 0;
    es_text_add(&vocab, "{");
    for (int byte = 0; byte < 256; byte++) {
        es_text_add(&vocab, byte ? ",\"" : "\"");
        add_letter(&vocab, byte, &extra);
        es_text_printf(&vocab, "\":%d", byte);
    }
    /* "Ã©" is 0xC3 0xA9, one character; "Ãa" is no text. */
    es_text_add(&vocab, ",\"bc\":256,\"ab\":257,\"abc\":258,\"\xC3\x83\xC2\xA9\":259,"
                        "\"\xC3\x83"
                        "a\":260,\"<end>\":261,\"\xC4\xA0"
                        "ab\":262}");
    write_in("bpe", "vocab.json", vocab.data);
    es_text_release(&vocab);
    write_in("bpe", "merges.txt",
             "#version: 0.2\nb c\na b\nab c\n\xC3\x83 \xC2\xA9\n\xC3\x83 a\n\xC4\xA0 ab\n");
    write_in("bpe", "config.json", "{\"model_type\": \"gpt2\"}");
    es_space *space = open_tokens("bpe", 261);
    es_audit audit = audit_of(space);
    assert_true(audit.round_trip);
    assert_int_equal(audit.counts[ES_AUDIT_UNREACHABLE], 1);
    int64_t at = find(&audit, ES_AUDIT_UNREACHABLE, 258);
    assert_true(at >= 0);
    assert_int_equal(audit.findings[at].encoded_count, 2);
    assert_int_equal(audit.findings[at].encoded[0], 'a');
    assert_int_equal(audit.findings[at].encoded[1], 256);
    assert_int_equal(audit.counts[ES_AUDIT_UNDECODABLE], 128 + 1);
    assert_true(find(&audit, ES_AUDIT_UNDECODABLE, 260) >= 0);
    assert_true(find(&audit, ES_AUDIT_UNDECODABLE, 259) < 0);
    assert_int_equal(audit.counts[ES_AUDIT_NO_ROW], 2); /* "<end>" and " ab" */
    assert_int_equal(audit.counts[ES_AUDIT_NO_TOKEN], 0);
    es_audit_release(&audit);
    es_space_free(space);
    space = open_tokens("bpe", 270);
    audit = audit_of(space);
    assert_int_equal(audit.counts[ES_AUDIT_SPECIAL], 1);
    assert_true(find(&audit, ES_AUDIT_SPECIAL, 261) >= 0);
    assert_int_equal(audit.counts[ES_AUDIT_NO_TOKEN], 7);
    assert_true(find(&audit, ES_AUDIT_NO_TOKEN, 269) >= 0);
    es_audit_release(&audit);
    es_space_free(space);
}

/* "##ana" is reached in "bana"; "##劉" never: an ideograph stands alone; "##xa" only behind "xa",
 * where "xxa" takes it, but behind "bb" it is. */
static void looks_for_continuations_inside_words(void **state)
{
    (void)state;
    make_folder("pieces");
    write_in("pieces", "vocab.txt",
             "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n[unused0]\n[unused1]\nx\nb\n##b\n##ana\n"
             "##\xE5\x8A\x89\n\xE5\x8A\x89\n##xa\nbxa\nxxa\nUpper\n,\n##,\n[\n]\nunused\n##0\n");
    write_in("pieces", "config.json", "{\"model_type\": \"bert\"}");
    es_space *space = open_tokens("pieces", 23);
    es_audit audit = audit_of(space);
    /* [unused0], [unused1], ##劉, Upper (text is lower-cased), "##,", and "##0", as digits go. */
    static const int64_t unreachable[] = {5, 6, 11, 16, 18};
    assert_int_equal(audit.counts[ES_AUDIT_UNREACHABLE], 5);
    for (size_t i = 0; i < sizeof unreachable / sizeof *unreachable; i++)
        assert_true(find(&audit, ES_AUDIT_UNREACHABLE, unreachable[i]) >= 0);
    assert_int_equal(audit.counts[ES_AUDIT_SPECIAL], 5);
    assert_int_equal(audit.untouched.seed, ES_SEED_UNREACHABLE);
    assert_int_equal(audit.untouched.seed_count, 5);
    assert_false(audit.untouched.found);
    es_audit_release(&audit);
    es_space_free(space);
}

/* Rows beyond the tokenizer are the seed where bytes are not. */
static void starts_from_padding(void **state)
{
    (void)state;
    bool planted[N];
    es_space *space = plant((planting){0.3, 0.5, 0.5, 0.15, IMPOSSIBLE, 0, 0, 0}, 1, planted);
    es_space_free(space);
    enum { PADDED = MODEL_ROWS + 20 };
    static float rows[PADDED * D];
    es_random random = {8};
    for (int i = 0; i < PADDED; i++)
        for (int k = 0; k < D; k++)
            rows[i * D + k] = (float)((i < MODEL_ROWS ? 0.3 : 0.02) * draw_normal(&random));
    const test_tensor tensor = {"wte.weight", "F32", PADDED, D, rows};
    write_safetensors("planted/model.safetensors", &tensor, 1);
    space = open_path(scratch_path("planted"), NULL);
    es_audit audit = audit_of(space);
    assert_true(audit.untouched.found);
    assert_int_equal(audit.untouched.seed, ES_SEED_ROWS);
    assert_int_equal(audit.untouched.count, 20);
    assert_int_equal(audit.untouched.encodable, 0);
    es_audit_release(&audit);
    es_space_free(space);
}

/* ---- GPT-2 itself ------------------------------------------------------------------------------
 */

/* The five tokens of text nearest to the untouched ones by cosine, as published. */
static void knows_gpt2(void **state)
{
    (void)state;
    static const char *const published[] = {"InstoreAndOnline", "rawdownload", "quickShip",
                                            "oreAndOnline", "embedreportprint"};
    const char *folder = test_data_folder();
    char path[1024] = "", weights[1100];
    if (folder) snprintf(path, sizeof path, "%s/gpt2", folder);
    snprintf(weights, sizeof weights, "%s/model.safetensors", path);
    if (!folder || access(weights, R_OK) != 0) {
        print_message("skipped: needs GPT-2's model.safetensors, vocab.json and merges.txt in "
                      "$EMBSCOPE_TEST_DATA/gpt2\n");
        skip();
    }
    es_space *space = open_path(path, NULL);
    es_audit audit = audit_of(space);
    assert_true(audit.untouched.found);
    int found = 0;
    for (int place = 0; place < 5; place++) {
        int64_t best = -1;
        for (int64_t i = 0; i < audit.counts[ES_AUDIT_UNTOUCHED]; i++) {
            const es_audit_finding *f = &audit.findings[i];
            if (!f->encodable || f->other == -2) continue;
            if (best < 0 ||
                audit.untouched.cosine[f->id] < audit.untouched.cosine[audit.findings[best].id])
                best = i;
        }
        assert_true(best >= 0);
        audit.findings[best].other = -2; /* taken */
        es_bytes token = es_vocabulary_token(es_space_vocabulary(space), audit.findings[best].id);
        while (token.size && token.data[0] == ' ') token.data++, token.size--;
        for (int i = 0; i < 5; i++)
            found += strlen(published[i]) == token.size &&
                     memcmp(published[i], token.data, token.size) == 0;
    }
    assert_int_equal(found, 5);
    es_audit_release(&audit);
    es_space_free(space);
}

/* ---- ends --------------------------------------------------------------------------------------
 */

static void can_be_cancelled(void **state)
{
    (void)state;
    bool planted[N];
    es_space *space = plant((planting){0.3, 0.5, 0.5, 0.15, 0, PLANTED, 0, 0}, 1, planted);
    es_error error = {0};
    es_audit audit;
    es_audit_options options = {.threads = 1, .progress = {stop_at_once, NULL}};
    assert_int_equal(es_audit_compute(space, &options, &audit, &error), ES_CANCELLED);
    assert_null(audit.findings);
    assert_ok(es_audit_compute(space, NULL, &audit, &error), error);
    assert_int_equal(audit.untouched.count, PLANTED);
    es_audit_release(&audit);
    es_space_free(space);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    bool planted[N], failed = true;
    int64_t n = 0;
    es_space *space = plant((planting){0.3, 0.5, 0.5, 0.15, 0, PLANTED, 0, 0}, 1, planted);
    es_space_free(space);
    for (; failed; n += n < 40 ? 1 : 7) {
        space = open_path(scratch_path("planted"), NULL);
        es_error error = {0};
        es_audit audit = {0};
        atomic_store(&failures, 0);
        atomic_store(&allocations_left, n);
        es_audit_options options = {.threads = 1, .near = true, .near_minimum = 0.9};
        es_status status = es_audit_compute(space, &options, &audit, &error);
        atomic_store(&allocations_left, -1);
        failed = atomic_load(&failures) > 0;
        if (status != ES_OK && (status != ES_NO_MEMORY || !failed))
            fail_msg("allocation %lld: %s", (long long)n, error.text);
        es_audit_release(&audit);
        es_space_free(space);
    }
    assert_true(n > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_rows_that_drifted_together),
        cmocka_unit_test(finds_rows_as_initialised),
        cmocka_unit_test(finds_equal_rows),
        cmocka_unit_test(bears_trained_seeds),
        cmocka_unit_test(leaves_out_rows_trained_little),
        cmocka_unit_test(rather_misses_than_accuses),
        cmocka_unit_test(finds_the_seed_alone_and_most_of_the_table),
        cmocka_unit_test(claims_nothing_of_a_uniform_table),
        cmocka_unit_test(knows_tables_without_names),
        cmocka_unit_test(bears_degenerate_tables),
        cmocka_unit_test(lists_odd_rows),
        cmocka_unit_test(unit_rows_are_not_odd),
        cmocka_unit_test(finds_unreachable_byte_pairs),
        cmocka_unit_test(looks_for_continuations_inside_words),
        cmocka_unit_test(starts_from_padding),
        cmocka_unit_test(knows_gpt2),
        cmocka_unit_test(can_be_cancelled),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("audit", tests, scratch_setup, scratch_teardown);
}
