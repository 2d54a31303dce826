/* A spectrum for programs: JSON and CSV. */
#include "render/csv.h"
#include "render/render_common.h"
#include "render/render_spectrum.h"

static void write_eigenvalues(es_json_writer *json, const es_eigenvalues *values)
{
    es_json_write_key(json, "eigenvalues");
    es_json_write_doubles(json, values->values, values->count);
    es_json_member_double(json, "trace", values->trace);
    es_json_member_double(json, "effective_rank", values->effective_rank);
    es_json_member_double(json, "participation_ratio", values->participation_ratio);
    es_json_member_double(json, "stable_rank", values->stable_rank);
    es_json_member_int(json, "directions_90", values->directions_90);
    es_json_write_key(json, "random_edges");
    es_json_write_doubles(json, values->random_edges, 2);
    es_json_member_int(json, "above_random", values->above_random);
}

static void write_null(es_json_writer *json, const es_spectrum *spectrum)
{
    es_json_write_key(json, "null");
    if (!spectrum->null_values) {
        es_json_write_null(json);
        return;
    }
    es_json_write_object(json);
    es_json_member_int(json, "tables", spectrum->null_tables);
    es_json_member_int(json, "seed", (int64_t)spectrum->seed);
    es_json_write_key(json, "eigenvalues");
    es_json_write_doubles(json, spectrum->null_values, spectrum->centered.count);
    es_json_member_int(json, "above", spectrum->above_null);
    es_json_write_end(json);
}

static void write_isotropy(es_json_writer *json, const es_isotropy *isotropy)
{
    es_json_write_key(json, "isotropy");
    es_json_write_object(json);
    es_json_member_double(json, "mean_cosine", isotropy->mean_cosine);
    es_json_member_double(json, "isoscore", isotropy->isoscore);
    es_json_member_double(json, "isoscore_unit", isotropy->isoscore_unit);
    es_json_write_key(json, "partition");
    es_json_write_object(json);
    es_json_member_double(json, "both", isotropy->partition.isotropy);
    es_json_member_double(json, "positive", isotropy->partition.positive);
    es_json_member_double(json, "negative", isotropy->partition.negative);
    es_json_member_double(json, "log_minimum", isotropy->partition.log_min);
    es_json_member_double(json, "log_maximum", isotropy->partition.log_max);
    es_json_write_end(json);
    es_json_write_key(json, "uniformity");
    es_json_write_object(json);
    es_json_member_double(json, "value", isotropy->uniformity);
    es_json_member_double(json, "standard_error", isotropy->uniformity_error);
    es_json_member_int(json, "pairs", isotropy->uniformity_pairs);
    es_json_write_end(json);
    es_json_write_end(json);
}

static void write_dimensions(es_json_writer *json, const es_spectrum *spectrum)
{
    es_json_write_key(json, "dimensions");
    es_json_write_object(json);
    es_json_write_key(json, "contributions");
    es_json_write_doubles(json, spectrum->contributions, spectrum->columns);
    es_json_member_int(json, "outliers", spectrum->outlier_count);
    es_json_write_key(json, "top");
    es_json_write_array(json);
    for (int64_t i = 0; i < spectrum->dimension_count; i++) {
        const es_dimension *dimension = &spectrum->dimensions[i];
        es_json_write_object(json);
        es_json_member_int(json, "dimension", dimension->index);
        es_json_member_double(json, "contribution", dimension->contribution);
        es_json_member_double(json, "share", dimension->share);
        es_json_member_double(json, "mean", dimension->mean);
        es_json_member_double(json, "mean_cosine_without", dimension->without);
        es_json_write_end(json);
    }
    es_json_write_end(json);
    es_json_write_end(json);
}

static void write_ends(es_json_writer *json, const es_space *space, const char *key,
                       const es_direction_end *ends, int64_t count)
{
    es_json_write_key(json, key);
    es_json_write_array(json);
    for (int64_t i = 0; i < count; i++) {
        es_json_write_object(json);
        es_json_member_int(json, "id", ends[i].id);
        es_render_json_token(json, space, ends[i].id);
        es_json_member_double(json, "projection", ends[i].projection);
        es_json_write_end(json);
    }
    es_json_write_end(json);
}

static void write_directions(es_json_writer *json, const es_space *space,
                             const es_spectrum *spectrum)
{
    es_json_write_key(json, "directions");
    es_json_write_array(json);
    for (int64_t i = 0; i < spectrum->direction_count; i++) {
        const es_direction *direction = &spectrum->directions[i];
        es_json_write_object(json);
        es_json_member_double(json, "eigenvalue", direction->eigenvalue);
        es_json_member_double(json, "share", direction->share);
        es_json_member_double(json, "spearman_id", direction->spearman_id);
        es_json_member_double(json, "spearman_norm", direction->spearman_norm);
        write_ends(json, space, "high", direction->high, direction->end_count);
        write_ends(json, space, "low", direction->low, direction->end_count);
        es_json_write_key(json, "vector");
        es_json_write_doubles(json, spectrum->vectors + i * spectrum->columns, spectrum->columns);
        es_json_write_end(json);
    }
    es_json_write_end(json);
}

void es_render_spectrum_members(es_json_writer *json, const es_space *space,
                                const es_spectrum *spectrum)
{
    es_json_member_int(json, "rows", spectrum->rows);
    es_json_member_int(json, "left_out", spectrum->left_out);
    write_eigenvalues(json, &spectrum->raw);
    es_json_write_key(json, "centered");
    es_json_write_object(json);
    write_eigenvalues(json, &spectrum->centered);
    es_json_write_end(json);
    write_null(json, spectrum);
    write_isotropy(json, &spectrum->isotropy);
    write_dimensions(json, spectrum);
    write_directions(json, space, spectrum);
}

void es_spectrum_csv(const es_spectrum *spectrum, FILE *out)
{
    es_csv csv = es_csv_to(out);
    es_csv_header(&csv, (const char *const[]){"index", "raw", "centered", "null", NULL});
    for (int64_t k = 0; k < spectrum->raw.count; k++) {
        es_csv_int(&csv, k + 1);
        es_csv_double(&csv, spectrum->raw.values[k]);
        es_csv_double(&csv, spectrum->centered.values[k]);
        if (spectrum->null_values)
            es_csv_double(&csv, spectrum->null_values[k]);
        else
            es_csv_text(&csv, NULL);
        es_csv_end_line(&csv);
    }
}

void es_spectra_json(const es_space *space, const char *const *chains, const es_spectrum *spectra,
                     int64_t count, const es_render_options *options, FILE *out)
{
    es_json_writer json = es_json_write_to(out);
    es_render_json_begin(&json, space, "spectrum");
    es_json_write_key(&json, "transforms");
    es_json_write_array(&json);
    for (int64_t i = 0; i < count; i++) {
        es_json_write_object(&json);
        es_json_write_key(&json, "chain");
        es_json_write_text(&json, chains[i]);
        es_render_spectrum_members(&json, space, &spectra[i]);
        es_json_write_end(&json);
    }
    es_json_write_end(&json);
    es_render_json_end(&json, options);
}

void es_spectra_csv(const char *const *chains, const es_spectrum *spectra, int64_t count, FILE *out)
{
    es_csv csv = es_csv_to(out);
    es_csv_header(&csv, (const char *const[]){"transform", "mean_cosine", "isoscore", "partition",
                                              "effective_rank", "participation_ratio",
                                              "stable_rank", "directions_90", "above_random",
                                              "above_null", "outliers", NULL});
    for (int64_t i = 0; i < count; i++) {
        const es_spectrum *one = &spectra[i];
        es_csv_text(&csv, chains[i]);
        es_csv_double(&csv, one->isotropy.mean_cosine);
        es_csv_double(&csv, one->isotropy.isoscore);
        es_csv_double(&csv, one->isotropy.partition.isotropy);
        es_csv_double(&csv, one->centered.effective_rank);
        es_csv_double(&csv, one->centered.participation_ratio);
        es_csv_double(&csv, one->centered.stable_rank);
        es_csv_int(&csv, one->centered.directions_90);
        es_csv_int(&csv, one->centered.above_random);
        if (one->null_values)
            es_csv_int(&csv, one->above_null);
        else
            es_csv_text(&csv, NULL);
        es_csv_int(&csv, one->outlier_count);
        es_csv_end_line(&csv);
    }
}
