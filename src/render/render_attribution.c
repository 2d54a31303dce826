#include "base/memory.h"
#include "render/csv.h"
#include "render/display.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HEADS_SHOWN = 8 };

static es_bytes token_of(const es_space *space, int64_t id)
{
    return es_vocabulary_token(es_space_vocabulary(space), id);
}

/* ---- for programs -----------------------------------------------------------------------------
 */

static void write_token(es_json_writer *json, const es_space *space, const char *key, int64_t id)
{
    es_json_write_key(json, key);
    if (id < 0) {
        es_json_write_null(json);
        return;
    }
    es_json_write_object(json);
    es_json_member_int(json, "id", id);
    es_render_json_token(json, space, id);
    es_json_write_end(json);
}

/* The parts one by one, in the order of the forward pass, ln_f's bias last; layer and head are from
 * 1, 0 where the part has none. */
typedef struct part {
    const char *name;
    int64_t layer, head;
    double contribution;
} part;

static int64_t part_count(const es_attribution *attribution)
{
    return 3 + attribution->layers * (attribution->heads + 2);
}

static part part_at(const es_attribution *attribution, int64_t place)
{
    int64_t heads = attribution->heads, layer = (place - 2) / (heads + 2);
    int64_t head = (place - 2) % (heads + 2);
    if (place == 0) return (part){"token_embedding", 0, 0, attribution->token_embedding};
    if (place == 1) return (part){"position_embedding", 0, 0, attribution->position_embedding};
    if (layer == attribution->layers) return (part){"final_bias", 0, 0, attribution->final_bias};
    if (head < heads)
        return (part){"head", layer + 1, head + 1, attribution->head[layer * heads + head]};
    return head == heads
               ? (part){"attention_bias", layer + 1, 0, attribution->attention_bias[layer]}
               : (part){"mlp", layer + 1, 0, attribution->mlp[layer]};
}

static void write_place(es_json_writer *json, const char *key, int64_t place)
{
    es_json_write_key(json, key);
    if (place)
        es_json_write_int(json, place);
    else
        es_json_write_null(json);
}

static void write_parts(es_json_writer *json, const es_attribution *attribution)
{
    es_json_write_key(json, "parts");
    es_json_write_array(json);
    for (int64_t i = 0; i < part_count(attribution); i++) {
        part part = part_at(attribution, i);
        es_json_write_object(json);
        es_json_write_key(json, "part");
        es_json_write_text(json, part.name);
        write_place(json, "layer", part.layer);
        write_place(json, "head", part.head);
        es_json_member_double(json, "contribution", part.contribution);
        es_json_write_end(json);
    }
    es_json_write_end(json);
}

static void add_place(es_csv *csv, int64_t place)
{
    if (place)
        es_csv_int(csv, place);
    else
        es_csv_bytes(csv, NULL, 0);
}

void es_render_attribution_csv(const es_attribution *attribution, FILE *out)
{
    es_csv csv = es_csv_to(out);
    es_csv_header(&csv, (const char *const[]){"part", "layer", "head", "contribution", NULL});
    for (int64_t i = 0; i < part_count(attribution); i++) {
        part part = part_at(attribution, i);
        es_csv_bytes(&csv, part.name, strlen(part.name));
        add_place(&csv, part.layer);
        add_place(&csv, part.head);
        es_csv_double(&csv, part.contribution);
        es_csv_end_line(&csv);
    }
}

void es_render_attribution_members(es_json_writer *json, const es_space *space,
                                   const es_attribution *attribution)
{
    es_json_write_key(json, "attribution");
    es_json_write_object(json);
    write_token(json, space, "token", attribution->token);
    write_token(json, space, "against", attribution->against);
    es_json_member_int(json, "position", attribution->position);
    es_json_member_double(json, "logit", attribution->logit);
    es_json_member_double(json, "scale", attribution->scale);
    write_parts(json, attribution);
    es_json_write_key(json, "path");
    es_json_write_doubles(json, attribution->path, attribution->layers + 1);
    es_json_member_double(json, "remainder", attribution->remainder);
    es_json_write_end(json);
}

/* ---- for people -------------------------------------------------------------------------------
 */

static void add_token(es_text *text, const es_space *space, int64_t id)
{
    es_bytes token = token_of(space, id);
    if (token.data)
        es_display_quoted(text, token.data, token.size);
    else
        es_text_printf(text, "@%lld", (long long)id);
}

void es_attribution_title(es_text *text, const es_space *space, const es_attribution *attribution)
{
    es_text_add(text, "the logit of ");
    add_token(text, space, attribution->token);
    if (attribution->against >= 0) {
        es_text_add(text, " less that of ");
        add_token(text, space, attribution->against);
    }
    es_text_add(text, ", ");
    es_text_fixed(text, attribution->logit, 4);
}

static void add_row(es_table *table, const char *name, const double values[4])
{
    es_table_cell(table, name);
    for (int i = 0; i < 4; i++) {
        if (isnan(values[i]))
            es_table_cell(table, "");
        else
            es_table_number(table, values[i], 4);
    }
}

static es_status print_layers(const es_attribution *attribution, const es_render_options *options,
                              FILE *out, es_error *error)
{
    es_table table = {0};
    static const char *const titles[] = {"attention", "MLP", "adds", "so far"};
    es_table_column(&table, "layer", ES_ALIGN_LEFT);
    for (int i = 0; i < 4; i++) es_table_column(&table, titles[i], ES_ALIGN_RIGHT);
    double sum = attribution->final_bias;
    add_row(&table, "bias of ln_f", (double[]){NAN, NAN, sum, sum});
    sum += attribution->token_embedding;
    add_row(&table, "token", (double[]){NAN, NAN, attribution->token_embedding, sum});
    add_row(&table, "position",
            (double[]){NAN, NAN, attribution->position_embedding, attribution->path[0]});
    for (int64_t i = 0; i < attribution->layers; i++) {
        char name[24];
        double attention = attribution->attention[i], mlp = attribution->mlp[i];
        snprintf(name, sizeof name, "%lld", (long long)i + 1);
        add_row(&table, name,
                (double[]){attention, mlp, attention + mlp, attribution->path[i + 1]});
    }
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

typedef struct strong_head {
    int64_t place;
    double size;
} strong_head;

static int by_size(const void *left, const void *right)
{
    const strong_head *a = left, *b = right;
    if (a->size != b->size) return a->size > b->size ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

static es_status print_heads(const es_attribution *attribution, const es_render_options *options,
                             FILE *out, es_error *error)
{
    int64_t count = attribution->layers * attribution->heads;
    strong_head *heads = es_alloc(count, sizeof *heads);
    if (!heads) return es_fail_memory(error, "heads", (size_t)count * sizeof *heads);
    for (int64_t i = 0; i < count; i++) heads[i] = (strong_head){i, fabs(attribution->head[i])};
    qsort(heads, (size_t)count, sizeof *heads, by_size);
    es_table table = {0};
    es_table_column(&table, "layer", ES_ALIGN_RIGHT);
    es_table_column(&table, "head", ES_ALIGN_RIGHT);
    es_table_column(&table, "adds", ES_ALIGN_RIGHT);
    for (int64_t i = 0; i < count && i < HEADS_SHOWN; i++) {
        es_table_id(&table, heads[i].place / attribution->heads + 1);
        es_table_id(&table, heads[i].place % attribution->heads + 1);
        es_table_number(&table, attribution->head[heads[i].place], 4);
    }
    free(heads);
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

es_status es_render_attribution_body(const es_space *space, const es_attribution *attribution,
                                     const es_render_options *options, FILE *out, es_error *error)
{
    es_text title = {0}, remark = {0};
    es_text_add(&title, "what adds to ");
    es_attribution_title(&title, space, attribution);
    es_text_add(&title, "\n\n");
    bool failed = title.failed;
    if (!failed) fputs(title.data, out);
    es_text_release(&title);
    if (failed) return es_fail_memory(error, "a title", 0);
    ES_TRY(print_layers(attribution, options, out, error));
    if (attribution->layers * attribution->heads > HEADS_SHOWN)
        es_text_printf(&remark, "\nThe %d of %lld heads that add or take most:\n", HEADS_SHOWN,
                       (long long)(attribution->layers * attribution->heads));
    else
        es_text_add(&remark, "\nThe heads:\n");
    ES_TRY(es_render_remark(&remark, options, out, error));
    ES_TRY(print_heads(attribution, options, out, error));
    es_text_add(&remark,
                "\nadds: what the part writes into the residual stream, through ln_f's gain "
                "and its scale here\n(");
    es_text_fixed(&remark, attribution->scale, 4);
    es_text_add(&remark, "), times the token's row of the unembedding. The parts add up to the "
                         "logit; ");
    es_text_printf(&remark, "%.1e is left\nover by float32 states.", attribution->remainder);
    return es_render_remark(&remark, options, out, error);
}
