/* The tensors of a GPT-2, found by name, held against config.json, read as float32. */
#include "base/memory.h"
#include "base/parallel.h"
#include "model/gpt2.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 1 << 18, /* components that one piece of reading takes */
    TENSORS_OF_A_LAYER = 12,
    TENSORS_BESIDE = 5, /* wte, wpe, ln_f twice, lm_head */
    SHAPE_SIZES = 4,    /* of a tensor that an error names */
    SHAPE_TEXT = 128,
};

/* A weight that is to come, and where it goes: row by row, or into panels. */
typedef struct wanted {
    const es_tensor *tensor;
    float *out;
    es_weight *panels;
    bool is_read; /* by the space, in its own memory */
} wanted;

typedef struct reading {
    es_space *space;
    const char *prefix; /* "transformer." or "" */
    es_gpt2_weights *weights;
    wanted *wanted;
    int64_t wanted_count;
    int threads;
} reading;

static const char *path_of(const es_space *space, const es_tensor *tensor)
{
    if (!tensor || tensor->memory || !space->container.file_count) return space->path;
    return space->container.files[tensor->file].path;
}

/* Tensor "h.LAYER.NAME", or NAME alone for a negative layer. */
static es_status find(const reading *reading, int64_t layer, const char *name,
                      const es_tensor **tensor, es_error *error)
{
    char *full = layer < 0 ? es_copy_format("%s%s", reading->prefix, name)
                           : es_copy_format("%sh.%lld.%s", reading->prefix, (long long)layer, name);
    if (!full) return es_fail_memory(error, "a name", strlen(name));
    *tensor = es_container_find(&reading->space->container, full);
    es_status status = ES_OK;
    if (!*tensor)
        status = es_fail(error, ES_BAD_INPUT,
                         "%s: no tensor '%s', which a GPT-2 of config.json's %s has",
                         reading->space->path, full, layer < 0 ? "kind" : "n_layer");
    free(full);
    return status;
}

/* "3 x 4"; a tensor's rank is the file's to choose, and its first few sizes tell enough. */
static void write_shape(const es_tensor *tensor, char text[SHAPE_TEXT])
{
    size_t used = (size_t)snprintf(text, SHAPE_TEXT, tensor->rank ? "" : "a single number");
    for (int i = 0; i < tensor->rank && i < SHAPE_SIZES; i++)
        used += (size_t)snprintf(text + used, SHAPE_TEXT - used, "%s%lld", i ? " x " : "",
                                 (long long)tensor->shape[i]);
    if (tensor->rank > SHAPE_SIZES) (void)snprintf(text + used, SHAPE_TEXT - used, " x ...");
}

static es_status check_shape(const es_space *space, const es_tensor *tensor, int64_t rows,
                             int64_t columns, es_error *error)
{
    const char *path = path_of(space, tensor);
    if (tensor->dtype == ES_DTYPE_OTHER)
        return es_fail(error, ES_UNSUPPORTED,
                       "%s: tensor '%s' is %s; running a model needs F32, F16, BF16 or F64", path,
                       tensor->name, tensor->dtype_text);
    if (columns && tensor->rank == 2 && tensor->shape[0] == rows && tensor->shape[1] == columns)
        return ES_OK;
    if (!columns && tensor->rank == 1 && tensor->shape[0] == rows) return ES_OK;
    char shape[SHAPE_TEXT];
    write_shape(tensor, shape);
    if (columns)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: at byte %lld: tensor '%s' is %s, not %lld x %lld, as config.json says",
                       path, (long long)tensor->offset, tensor->name, shape, (long long)rows,
                       (long long)columns);
    return es_fail(error, ES_BAD_INPUT,
                   "%s: at byte %lld: tensor '%s' is %s; config.json asks for %lld components",
                   path, (long long)tensor->offset, tensor->name, shape, (long long)rows);
}

static int64_t components(const es_tensor *tensor)
{
    return tensor->rank == 2 ? tensor->shape[0] * tensor->shape[1] : tensor->shape[0];
}

/* Make room for a tensor of the right shape and remember to read it. */
static es_status want(reading *reading, const es_tensor *tensor, int64_t rows, int64_t columns,
                      const float **place, es_error *error)
{
    ES_TRY(check_shape(reading->space, tensor, rows, columns, error));
    int64_t count = components(tensor);
    float *out = es_alloc_aligned(count, sizeof *out);
    if (!out) return es_fail_memory(error, tensor->name, (size_t)count * sizeof *out);
    es_gpt2_weights *weights = reading->weights;
    weights->memory[weights->memory_count++] = out;
    reading->wanted[reading->wanted_count++] = (wanted){.tensor = tensor, .out = out};
    *place = out;
    return ES_OK;
}

/* The embedding: the space's own rows where those are float32 already. */
static es_status want_embedding(reading *reading, const es_gpt2_config *config, es_error *error)
{
    es_space *space = reading->space;
    int64_t rows = config->vocabulary ? config->vocabulary : space->source.rows;
    ES_TRY(check_shape(space, space->tensor, rows, config->width, error));
    ES_TRY(es_space_load(space, error));
    const float *plain = es_space_plain_rows(space);
    if (!plain)
        return want(reading, space->tensor, rows, config->width, &reading->weights->wte, error);
    reading->weights->wte = plain;
    reading->wanted[reading->wanted_count++] =
        (wanted){.tensor = space->tensor, .out = (float *)plain, .is_read = true};
    return ES_OK;
}

static es_status want_named(reading *reading, int64_t layer, const char *name, int64_t rows,
                            int64_t columns, const float **place, es_error *error)
{
    const es_tensor *tensor;
    ES_TRY(find(reading, layer, name, &tensor, error));
    return want(reading, tensor, rows, columns, place, error);
}

/* The same of a matrix, which goes into panels. */
static es_status want_matrix(reading *reading, int64_t layer, const char *name, int64_t rows,
                             int64_t columns, es_weight *weight, es_error *error)
{
    const es_tensor *tensor;
    ES_TRY(find(reading, layer, name, &tensor, error));
    ES_TRY(check_shape(reading->space, tensor, rows, columns, error));
    int64_t floats = es_panel_count(columns) * ES_PANEL;
    float *panels = es_alloc_aligned(rows, (size_t)floats * sizeof *panels);
    if (!panels) return es_fail_memory(error, tensor->name, (size_t)tensor->bytes);
    es_gpt2_weights *weights = reading->weights;
    weights->memory[weights->memory_count++] = panels;
    *weight = (es_weight){rows, columns, panels};
    reading->wanted[reading->wanted_count++] = (wanted){.tensor = tensor, .panels = weight};
    return ES_OK;
}

static es_status want_layer(reading *reading, int64_t index, const es_gpt2_config *config,
                            es_error *error)
{
    es_gpt2_layer *layer = &reading->weights->layers[index];
    int64_t d = config->width, inner = config->inner;
    const struct {
        const char *name;
        int64_t size;
        const float **place;
    } vectors[] = {
        {"ln_1.weight", d, &layer->ln_1_weight},
        {"ln_1.bias", d, &layer->ln_1_bias},
        {"attn.c_attn.bias", 3 * d, &layer->qkv_bias},
        {"attn.c_proj.bias", d, &layer->attention_bias},
        {"ln_2.weight", d, &layer->ln_2_weight},
        {"ln_2.bias", d, &layer->ln_2_bias},
        {"mlp.c_fc.bias", inner, &layer->up_bias},
        {"mlp.c_proj.bias", d, &layer->down_bias},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        ES_TRY(want_named(reading, index, vectors[i].name, vectors[i].size, 0, vectors[i].place,
                          error));
    ES_TRY(want_matrix(reading, index, "attn.c_attn.weight", d, 3 * d, &layer->qkv, error));
    ES_TRY(want_matrix(reading, index, "attn.c_proj.weight", d, d, &layer->attention, error));
    ES_TRY(want_matrix(reading, index, "mlp.c_fc.weight", d, inner, &layer->up, error));
    return want_matrix(reading, index, "mlp.c_proj.weight", inner, d, &layer->down, error);
}

/* What a piece of reading is: components first ... of one tensor, whole rows of a matrix. */
typedef struct piece {
    int64_t wanted, first, count;
} piece;

typedef struct piece_list {
    const reading *reading;
    piece *pieces;
    int64_t count;
} piece_list;

static int64_t piece_size(const wanted *wanted)
{
    int64_t row = wanted->panels ? wanted->panels->m : 1;
    return row < BLOCK ? BLOCK / row * row : row;
}

static void narrow(const double *values, int64_t count, float *out)
{
    for (int64_t i = 0; i < count; i++) out[i] = (float)values[i];
}

/* The bytes of a piece as stored: in place where they are float32 already. */
static es_status read_as_float(const reading *reading, const es_tensor *tensor, int64_t first,
                               int64_t count, float *out, es_error *error)
{
    int64_t size = (int64_t)es_dtype_size(tensor->dtype);
    const es_file *file = &reading->space->container.files[tensor->file];
    if (tensor->dtype == ES_DTYPE_F32 && !tensor->memory)
        return es_file_read(file, tensor->offset + first * size, out, count * size, error);
    enum { STEP = 4096 };
    char stored[STEP * sizeof(double)];
    double wide[STEP];
    for (int64_t at = 0; at < count; at += STEP) {
        int64_t step = count - at < STEP ? count - at : STEP;
        const char *from = (const char *)tensor->memory;
        if (from)
            from += (first + at) * size;
        else
            ES_TRY(es_file_read(file, tensor->offset + (first + at) * size, stored, step * size,
                                error));
        es_dtype_widen(tensor->dtype, from ? from : stored, step, wide);
        narrow(wide, step, out + at);
    }
    return ES_OK;
}

/* The first component that is not finite, or -1. */
static int64_t find_non_finite(const float *values, int64_t count)
{
    float lane[ES_LANES] = {0}, sum = 0; /* of zeros, and of NaN for what is not finite */
    int64_t at = 0;
    for (; at + ES_LANES <= count; at += ES_LANES)
        for (int j = 0; j < ES_LANES; j++) lane[j] += values[at + j] * 0.0F;
    for (; at < count; at++) sum += values[at] * 0.0F;
    for (int j = 0; j < ES_LANES; j++) sum += lane[j];
    if (sum == 0.0F) return -1;
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(values[i])) return i;
    return -1;
}

static es_status check_finite(const reading *reading, const es_tensor *tensor, const piece *piece,
                              const float *values, es_error *error)
{
    int64_t bad = find_non_finite(values, piece->count);
    if (bad < 0) return ES_OK;
    int64_t at = piece->first + bad;
    return es_fail(error, ES_BAD_INPUT,
                   "%s: at byte %lld: component %lld of tensor '%s' is not a finite float32: the "
                   "model cannot be run",
                   path_of(reading->space, tensor),
                   (long long)(tensor->offset + at * (int64_t)es_dtype_size(tensor->dtype)),
                   (long long)at, tensor->name);
}

static es_status read_piece(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const piece_list *list = context;
    const reading *reading = list->reading;
    const piece *piece = &list->pieces[index];
    const wanted *wanted = &reading->wanted[piece->wanted];
    const es_tensor *tensor = wanted->tensor;
    float *block =
        wanted->panels ? es_alloc_aligned(piece->count, sizeof *block) : wanted->out + piece->first;
    if (!block) return es_fail_memory(error, tensor->name, (size_t)piece->count * sizeof *block);
    es_status status =
        wanted->is_read ? ES_OK
                        : read_as_float(reading, tensor, piece->first, piece->count, block, error);
    if (status == ES_OK) status = check_finite(reading, tensor, piece, block, error);
    if (!wanted->panels) return status;
    int64_t m = wanted->panels->m;
    if (status == ES_OK)
        es_weight_set_rows(wanted->panels, piece->first / m, piece->count / m, block);
    free(block);
    return status;
}

static es_status read_all(reading *reading, es_error *error)
{
    piece_list list = {reading, NULL, 0};
    for (int64_t i = 0; i < reading->wanted_count; i++) {
        int64_t size = piece_size(&reading->wanted[i]);
        list.count += (components(reading->wanted[i].tensor) + size - 1) / size;
    }
    list.pieces = es_alloc(list.count, sizeof *list.pieces);
    if (!list.pieces) return es_fail_memory(error, "weights", 0);
    int64_t made = 0;
    for (int64_t i = 0; i < reading->wanted_count; i++) {
        int64_t whole = components(reading->wanted[i].tensor);
        int64_t size = piece_size(&reading->wanted[i]);
        for (int64_t first = 0; first < whole; first += size)
            list.pieces[made++] = (piece){i, first, whole - first < size ? whole - first : size};
    }
    es_status status =
        es_parallel_for(reading->threads, list.count, read_piece, &list, NULL, error);
    free(list.pieces);
    return status;
}

/* The unembedding is the embedding unless the file holds another one. */
static es_status want_unembedding(reading *reading, const es_gpt2_config *config, es_error *error)
{
    es_space *space = reading->space;
    es_gpt2_weights *weights = reading->weights;
    es_tying tying;
    int64_t differing;
    ES_TRY(es_space_tying(space, &tying, &differing, error));
    if (tying == ES_TYING_TIED) {
        weights->unembedding = weights->wte;
        return ES_OK;
    }
    if (space->other && space->other->shape[0] < 1)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: at byte %lld: tensor '%s' has no row: there is no token to predict",
                       path_of(space, space->other), (long long)space->other->offset,
                       space->other->name);
    if (space->other)
        return want(reading, space->other, space->other->shape[0], config->width,
                    &weights->unembedding, error);
    const es_tensor *unfit = es_container_find(&space->container, "lm_head.weight");
    if (unfit) return check_shape(space, unfit, space->source.rows, config->width, error);
    return es_fail(error, ES_BAD_INPUT,
                   "%s: no lm_head.weight, and config.json says that the unembedding is not the "
                   "embedding: no logits without it",
                   space->path);
}

static es_status want_all(reading *reading, es_gpt2_config *config, es_error *error)
{
    es_gpt2_weights *weights = reading->weights;
    int64_t d = config->width;
    const es_tensor *wpe;
    ES_TRY(find(reading, -1, "wpe.weight", &wpe, error));
    if (!config->context) config->context = wpe->shape[0];
    ES_TRY(want_embedding(reading, config, error));
    ES_TRY(want(reading, wpe, config->context, d, &weights->wpe, error));
    if (config->context < 1 || config->context > INT32_MAX)
        return es_fail(error, ES_BAD_INPUT, "%s: tensor '%s' has %lld rows: no context to run in",
                       path_of(reading->space, wpe), wpe->name, (long long)config->context);
    ES_TRY(want_named(reading, -1, "ln_f.weight", d, 0, &weights->ln_f_weight, error));
    ES_TRY(want_named(reading, -1, "ln_f.bias", d, 0, &weights->ln_f_bias, error));
    for (int64_t i = 0; i < config->layers; i++) ES_TRY(want_layer(reading, i, config, error));
    return want_unembedding(reading, config, error);
}

es_status es_gpt2_weights_read(es_space *space, es_gpt2_config *config, int threads,
                               es_gpt2_weights *weights, es_error *error)
{
    *weights = (es_gpt2_weights){0};
    static const char name[] = "transformer.";
    bool prefixed = strncmp(space->source.tensor, name, strlen(name)) == 0;
    /* Held against the file before it is allocated by: every layer has tensors of its own. */
    if (config->layers > space->container.tensor_count)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: %lld tensors, too few for the %lld layers that config.json says",
                       space->path, (long long)space->container.tensor_count,
                       (long long)config->layers);
    int64_t most = config->layers * TENSORS_OF_A_LAYER + TENSORS_BESIDE;
    reading reading = {.space = space,
                       .prefix = prefixed ? name : "",
                       .weights = weights,
                       .wanted = es_alloc(most, sizeof *reading.wanted),
                       .threads = threads};
    weights->layers = es_alloc(config->layers, sizeof *weights->layers);
    weights->memory = es_alloc(most, sizeof *weights->memory);
    es_status status = reading.wanted && weights->layers && weights->memory
                           ? ES_OK
                           : es_fail_memory(error, "weights", 0);
    if (status == ES_OK) status = want_all(&reading, config, error);
    if (status == ES_OK) status = read_all(&reading, error);
    free(reading.wanted);
    if (status != ES_OK) es_gpt2_weights_release(weights);
    return status;
}

void es_gpt2_weights_release(es_gpt2_weights *weights)
{
    for (int64_t i = 0; i < weights->memory_count; i++) free(weights->memory[i]);
    free(weights->memory);
    free(weights->layers);
    *weights = (es_gpt2_weights){0};
}
