#include "space/space.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "space/vocabulary.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_ROWS = 64 }; /* rows widened at a time: a few hundred KB of scratch */

void es_space_free(es_space *space)
{
    if (!space) return;
    if (!space->rows_are_borrowed) free(space->rows);
    if (!space->transform_is_borrowed) es_transform_free(space->transform);
    if (!space->is_view) {
        es_container_release(&space->container);
        es_vocabulary_free(space->vocabulary);
        free(space->path);
        free(space->architecture);
        free(space->folder);
    }
    free(space->note);
    free(space->norms);
    free(space->states);
    free(space);
}

const es_source *es_space_source(const es_space *space)
{
    return &space->source;
}

const es_vocabulary *es_space_vocabulary(const es_space *space)
{
    return space->vocabulary;
}

const char *es_space_note(const es_space *space)
{
    return space->note;
}

int64_t es_space_row_count(const es_space *space)
{
    return space->source.rows;
}

int64_t es_space_column_count(const es_space *space)
{
    return space->source.columns;
}

/* Append a line to the space's note; `line` is freed. */
static es_status add_note(es_space *space, char *line, es_error *error)
{
    if (!line) return ES_OK;
    char *joined = space->note ? es_copy_format("%s\n%s", space->note, line) : line;
    if (joined != line) {
        free(space->note);
        free(line);
    }
    space->note = joined;
    return joined ? ES_OK : es_fail_memory(error, "a note", 0);
}

static es_status open_vocabulary(es_space *space, const es_open_options *options,
                                 const es_config *config, es_error *error)
{
    int64_t rows = space->source.rows;
    es_container *container = &space->container;
    char *note = NULL;
    es_status status;
    bool position = options->space && strcmp(options->space, "position") == 0;
    /* The tokenizer names the rows of the embedding and the unembedding, not those of any table. */
    bool tokens = !position && (!options->tensor || space->other || rows == config->vocab_size);
    if (options->vocabulary) {
        status =
            es_vocabulary_open_file(options->vocabulary, rows, &space->vocabulary, &note, error);
    } else if (container->keys && space->tensor == container->tensors) {
        es_bytes *keys = container->keys;
        char *memory = container->key_memory;
        container->keys = NULL;
        container->key_memory = NULL;
        status = es_vocabulary_create_words(keys, memory, rows, &space->vocabulary, &note, error);
    } else if (*space->folder && tokens) {
        status = es_vocabulary_open_folder(space->folder, rows, &space->vocabulary, &note, error);
    } else {
        status = es_vocabulary_create_numbers(rows, &space->vocabulary, error);
    }
    if (status != ES_OK) {
        free(note);
        return status;
    }
    return add_note(space, note, error);
}

static es_status read_raw_rows(void *context, int64_t first, int64_t count, double *out,
                               es_error *error);

es_status es_space_set_transform(es_space *space, const char *chain, es_error *error)
{
    es_transform *made = NULL;
    if (chain && *chain && strcmp(chain, "raw") != 0)
        ES_TRY(es_transform_parse(chain, space->kernel, space->source.columns, &made, error));
    if (!space->transform_is_borrowed) es_transform_free(space->transform);
    space->transform_is_borrowed = false;
    free(space->norms);
    free(space->states);
    space->norms = NULL;
    space->states = NULL;
    space->transform = NULL;
    space->source.transform_count = 0;
    space->source.transforms = NULL;
    if (!made) return ES_OK;
    es_status status = es_space_load(space, error);
    if (status == ES_OK)
        status = es_transform_fit(made, space->source.rows, read_raw_rows, space, error);
    if (status != ES_OK) {
        es_transform_free(made);
        return status;
    }
    space->transform = made;
    space->source.transform_count = es_transform_count(made);
    space->source.transforms = es_transform_names(made);
    return ES_OK;
}

static es_status open_table(es_space *space, const es_open_options *options,
                            const es_location *location, const es_config *config, es_error *error)
{
    es_container *container = &space->container;
    if (location->is_index)
        ES_TRY(es_safetensors_open_index(location->file, space->threads, container, error));
    else
        ES_TRY(es_container_open(location->file, space->threads, container, error));
    char *note = container->note;
    container->note = NULL;
    ES_TRY(add_note(space, note, error));
    ES_TRY(es_table_choose(container, location->file, config, options, &space->tensor,
                           &space->other, &space->tied_by_config, error));
    const es_tensor *tensor = space->tensor;
    const char *path = tensor->memory || !container->file_count
                           ? location->file
                           : container->files[tensor->file].path;
    space->path = es_copy_text(path);
    space->architecture = es_copy_text(config->model_type ? config->model_type : "");
    space->folder = es_copy_text(location->folder ? location->folder : "");
    if (!space->path || !space->architecture || !space->folder)
        return es_fail_memory(error, "a path", strlen(path));
    if (tensor->shape[0] < 1 || tensor->shape[1] < 1)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: tensor '%s' is %lld x %lld; a space needs a row and a column at least",
                       path, tensor->name, (long long)tensor->shape[0],
                       (long long)tensor->shape[1]);
    space->source = (es_source){.path = space->path,
                                .tensor = tensor->name,
                                .dtype = es_dtype_text(tensor->dtype),
                                .format = container->format,
                                .rows = tensor->shape[0],
                                .columns = tensor->shape[1],
                                .architecture = space->architecture,
                                .folder = space->folder};
    return ES_OK;
}

es_status es_space_open(const char *model, const es_open_options *options, es_space **out,
                        es_error *error)
{
    static const es_open_options defaults;
    if (!options) options = &defaults;
    es_location location = {0};
    es_config config = {0};
    es_space *space = es_alloc(1, sizeof *space);
    if (!space) return es_fail_memory(error, "a space", sizeof *space);
    space->threads = options->threads;
    es_status status = es_kernel_get(&space->kernel, error);
    if (status == ES_OK) status = es_location_find(model, options, &location, error);
    if (status == ES_OK && location.folder)
        status = es_config_read(location.folder, &config, error);
    if (status == ES_OK) status = open_table(space, options, &location, &config, error);
    if (status == ES_OK) status = open_vocabulary(space, options, &config, error);
    if (status == ES_OK) status = es_space_set_transform(space, options->transform, error);
    if (status == ES_OK && options->load) status = es_space_load(space, error);
    es_location_release(&location);
    es_config_release(&config);
    if (status != ES_OK) {
        es_space_free(space);
        return status;
    }
    *out = space;
    return ES_OK;
}

es_status es_space_create_view(const es_space *base, const es_tensor *tensor, es_space **out,
                               es_error *error)
{
    es_space *view = es_alloc(1, sizeof *view);
    if (!view) return es_fail_memory(error, "a space", sizeof *view);
    *view = (es_space){.container = base->container,
                       .is_view = true,
                       .tensor = tensor,
                       .source = base->source,
                       .vocabulary = base->vocabulary,
                       .threads = base->threads,
                       .kernel = base->kernel};
    view->source.tensor = tensor->name;
    view->source.dtype = es_dtype_text(tensor->dtype);
    view->source.rows = tensor->shape[0];
    view->source.columns = tensor->shape[1];
    view->source.transform_count = 0;
    view->source.transforms = NULL;
    if (!tensor->memory && base->container.file_count)
        view->source.path = base->container.files[tensor->file].path;
    *out = view;
    return ES_OK;
}

es_status es_space_open_other(const es_space *space, es_space **other, es_error *error)
{
    es_space *view;
    ES_TRY(es_space_create_view(space, space->other, &view, error));
    es_text chain = {0};
    for (int64_t i = 0; i < space->source.transform_count; i++)
        es_text_printf(&chain, "%s%s", i ? "," : "", space->source.transforms[i]);
    es_status status = chain.failed ? es_fail_memory(error, "a transform", chain.size) : ES_OK;
    if (status == ES_OK && chain.data) status = es_space_set_transform(view, chain.data, error);
    es_text_release(&chain);
    if (status == ES_OK)
        *other = view;
    else
        es_space_free(view);
    return status;
}

static int64_t row_bytes(const es_space *space)
{
    return space->source.columns * (int64_t)es_dtype_size(space->tensor->dtype);
}

es_status es_space_load(es_space *space, es_error *error)
{
    if (space->rows) return ES_OK;
    const es_tensor *tensor = space->tensor;
    if (tensor->memory) {
        space->rows = tensor->memory;
        space->rows_are_borrowed = true;
        return ES_OK;
    }
    void *rows = es_alloc_aligned(space->source.rows, (size_t)row_bytes(space));
    if (!rows) return es_fail_memory(error, tensor->name, (size_t)tensor->bytes);
    es_status status = es_file_read_parallel(&space->container.files[tensor->file], tensor->offset,
                                             rows, tensor->bytes, space->threads, error);
    if (status == ES_OK)
        space->rows = rows;
    else
        free(rows);
    return status;
}

void es_space_unload(es_space *space)
{
    if (!space->rows_are_borrowed && space->container.file_count) {
        free(space->rows);
        space->rows = NULL;
    }
}

/* Rows as stored, widened, before any transform. */
static es_status read_raw_rows(void *context, int64_t first, int64_t count, double *out,
                               es_error *error)
{
    const es_space *space = context;
    const es_tensor *tensor = space->tensor;
    int64_t size = row_bytes(space), components = space->source.columns;
    const char *memory = space->rows ? space->rows : tensor->memory;
    if (memory) {
        es_dtype_widen(tensor->dtype, memory + first * size, count * components, out);
        return ES_OK;
    }
    char *block = es_alloc(count, (size_t)size);
    if (!block) return es_fail_memory(error, "rows", (size_t)(count * size));
    es_status status = es_file_read(&space->container.files[tensor->file],
                                    tensor->offset + first * size, block, count * size, error);
    if (status == ES_OK) es_dtype_widen(tensor->dtype, block, count * components, out);
    free(block);
    return status;
}

es_status es_space_read_stored_rows(const es_space *space, int64_t first, int64_t count, void *out,
                                    es_error *error)
{
    const es_tensor *tensor = space->tensor;
    int64_t size = row_bytes(space);
    const char *memory = space->rows ? space->rows : tensor->memory;
    if (!memory)
        return es_file_read(&space->container.files[tensor->file], tensor->offset + first * size,
                            out, count * size, error);
    memcpy(out, memory + first * size, (size_t)(count * size));
    return ES_OK;
}

es_status es_space_read_rows(es_space *space, int64_t first, int64_t count, double *out,
                             es_error *error)
{
    ES_TRY(read_raw_rows(space, first, count, out, error));
    if (!space->transform) return ES_OK;
    return es_transform_apply(space->transform, count, out, error);
}

const float *es_space_plain_rows(const es_space *space)
{
    bool aligned = (uintptr_t)space->rows % sizeof(float) == 0;
    bool plain = space->rows && !space->transform && space->tensor->dtype == ES_DTYPE_F32;
    return plain && aligned ? space->rows : NULL;
}

double es_row_norm(const es_kernel *kernel, const double *row, int64_t count, es_row_state *state)
{
    double largest = 0;
    bool finite = true;
    for (int64_t k = 0; k < count; k++) {
        double size = fabs(row[k]);
        finite = finite && size <= INFINITY && size == size;
        if (size > largest) largest = size;
    }
    if (!finite || largest > 1.7976931348623157e308) return *state = ES_ROW_NON_FINITE, 0;
    if (largest == 0) return *state = ES_ROW_ZERO, 0;
    *state = ES_ROW_DEFINED;
    if (largest > 1e-140 && largest < 1e140) return sqrt(kernel->dot(row, row, count));
    /* Squares would leave the range of a double: scale by a power of two, which is exact. */
    int exponent;
    frexp(largest, &exponent);
    double lane[ES_LANES] = {0}; /* as the kernel's dot: a scaled row has the same bits */
    for (int64_t k = 0; k < count; k++) {
        double scaled = ldexp(row[k], -exponent);
        lane[k % ES_LANES] += scaled * scaled;
    }
    return ldexp(sqrt(es_fold_lanes(lane)), exponent);
}

double es_row_unit(const es_kernel *kernel, const double *row, int64_t count, double *unit,
                   es_row_state *state)
{
    double norm = es_row_norm(kernel, row, count, state);
    if (*state != ES_ROW_DEFINED) return 0;
    double divisor = norm;
    if (!(norm >= DBL_MIN && norm <= DBL_MAX)) {
        /* The norm itself is denormal or too large for a double: of the row scaled, it is not. */
        double largest = 0;
        for (int64_t k = 0; k < count; k++) largest = fmax(largest, fabs(row[k]));
        int exponent;
        frexp(largest, &exponent);
        for (int64_t k = 0; k < count; k++) unit[k] = ldexp(row[k], -exponent);
        divisor = sqrt(kernel->dot(unit, unit, count));
        row = unit;
    }
    for (int64_t k = 0; k < count; k++) unit[k] = row[k] / divisor;
    return norm;
}

typedef struct norm_job {
    es_space *space;
    double *norms;
    unsigned char *states;
} norm_job;

static es_status norms_of_block(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const norm_job *job = context;
    int64_t n = job->space->source.rows, d = job->space->source.columns;
    int64_t first = index * BLOCK_ROWS, count = n - first < BLOCK_ROWS ? n - first : BLOCK_ROWS;
    double *rows = es_alloc(count * d, sizeof *rows);
    if (!rows) return es_fail_memory(error, "rows", (size_t)(count * d) * sizeof *rows);
    es_status status = es_space_read_rows(job->space, first, count, rows, error);
    for (int64_t i = 0; status == ES_OK && i < count; i++) {
        es_row_state state;
        job->norms[first + i] = es_row_norm(job->space->kernel, rows + i * d, d, &state);
        job->states[first + i] = (unsigned char)state;
    }
    free(rows);
    return status;
}

static es_status compute_norms(es_space *space, es_error *error)
{
    if (space->norms) return ES_OK;
    int64_t n = space->source.rows;
    norm_job job = {space, es_alloc(n, sizeof *job.norms), es_alloc(n, 1)};
    es_status status = ES_OK;
    if (!job.norms || !job.states) status = es_fail_memory(error, "norms", (size_t)n * 9);
    if (status == ES_OK)
        status = es_parallel_for(space->threads, (n + BLOCK_ROWS - 1) / BLOCK_ROWS, norms_of_block,
                                 &job, NULL, error);
    if (status != ES_OK) {
        free(job.norms);
        free(job.states);
        return status;
    }
    space->norms = job.norms;
    space->states = job.states;
    return ES_OK;
}

es_status es_space_norms(es_space *space, const double **norms, es_error *error)
{
    ES_TRY(compute_norms(space, error));
    *norms = space->norms;
    return ES_OK;
}

es_status es_space_row_states(es_space *space, const unsigned char **states, es_error *error)
{
    ES_TRY(compute_norms(space, error));
    *states = space->states;
    return ES_OK;
}

es_status es_space_read_unit_rows(es_space *space, int64_t first, int64_t count, double *out,
                                  es_error *error)
{
    int64_t d = space->source.columns;
    ES_TRY(es_space_read_rows(space, first, count, out, error));
    for (int64_t i = 0; i < count; i++) {
        double norm = space->norms[first + i], *row = out + i * d;
        es_row_state state = (es_row_state)space->states[first + i];
        if (state != ES_ROW_DEFINED)
            memset(row, 0, (size_t)d * sizeof *row);
        else if (norm >= DBL_MIN && norm <= DBL_MAX)
            for (int64_t k = 0; k < d; k++) row[k] /= norm;
        else
            es_row_unit(space->kernel, row, d, row, &state);
    }
    return ES_OK;
}

es_status es_space_defined_rows(es_space *space, int64_t **ids, int64_t *count, es_error *error)
{
    ES_TRY(compute_norms(space, error));
    int64_t n = space->source.rows;
    if (!(*ids = es_alloc(n, sizeof **ids)))
        return es_fail_memory(error, "ids", (size_t)n * sizeof **ids);
    *count = 0;
    for (int64_t i = 0; i < n; i++)
        if (space->states[i] == ES_ROW_DEFINED) (*ids)[(*count)++] = i;
    return ES_OK;
}

es_status es_space_row_text(const es_space *space, int64_t id, char **text, size_t *size,
                            es_error *error)
{
    es_bytes token = es_vocabulary_token(space->vocabulary, id);
    *text =
        token.data ? es_copy_bytes(token.data, token.size) : es_copy_format("#%lld", (long long)id);
    if (!*text) return es_fail_memory(error, "a token's text", token.size);
    *size = token.data ? token.size : strlen(*text);
    return ES_OK;
}
