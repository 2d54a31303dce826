/* A spectrum for people. */
#include "render/render_spectrum.h"

#include "render/display.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/table.h"

#include <math.h>

enum { SHOWN_DIMENSIONS = 5 };

/* ---- eigenvalues ------------------------------------------------------------------------------
 */

/* A value as a share of a whole, which makes S and the covariance comparable. */
static void add_share(es_table *table, double value, double whole, int decimals)
{
    es_text text = {0};
    bool defined = whole > 0 && isfinite(value);
    es_text_fixed(&text, defined ? 100 * value / whole : NAN, decimals);
    if (defined) es_text_add(&text, " %");
    table->failed |= text.failed;
    es_table_cell(table, text.data ? text.data : "");
    es_text_release(&text);
}

static void add_pair_of_shares(es_table *table, const es_spectrum *spectrum, const char *name,
                               double raw, double centered)
{
    es_table_cell(table, name);
    add_share(table, raw, spectrum->raw.trace, 3);
    add_share(table, centered, spectrum->centered.trace, 3);
}

static void add_counts(es_table *table, const char *name, int64_t raw, int64_t centered)
{
    es_table_cell(table, name);
    if (raw < 0)
        es_table_cell(table, "");
    else
        es_table_count(table, raw);
    es_table_count(table, centered);
}

static void add_numbers(es_table *table, const char *name, double raw, double centered)
{
    es_table_cell(table, name);
    es_table_number(table, raw, 2);
    es_table_number(table, centered, 2);
}

static es_status print_eigenvalues(const es_spectrum *spectrum, const es_render_options *options,
                                   FILE *out, es_error *error)
{
    const es_eigenvalues *raw = &spectrum->raw, *centered = &spectrum->centered;
    static const char *const names[] = {"first eigenvalue", "second", "third"};
    es_table table = {0};
    es_table_column(&table, "", ES_ALIGN_LEFT);
    es_table_column(&table, "S", ES_ALIGN_RIGHT);
    es_table_column(&table, "centered", ES_ALIGN_RIGHT);
    for (int64_t k = 0; k < 3 && k < raw->count; k++)
        add_pair_of_shares(&table, spectrum, names[k], raw->values[k], centered->values[k]);
    add_pair_of_shares(&table, spectrum, "random rows end at", raw->random_edges[1],
                       centered->random_edges[1]);
    add_counts(&table, "eigenvalues above that", raw->above_random, centered->above_random);
    if (spectrum->null_values) {
        es_table_cell(&table, "shuffled columns end at");
        es_table_cell(&table, "");
        add_share(&table, spectrum->null_values[0], centered->trace, 3);
        add_counts(&table, "leading ones above shuffled", -1, spectrum->above_null);
    }
    add_counts(&table, "directions that hold 90 %", raw->directions_90, centered->directions_90);
    add_numbers(&table, "effective rank", raw->effective_rank, centered->effective_rank);
    add_numbers(&table, "participation ratio", raw->participation_ratio,
                centered->participation_ratio);
    add_numbers(&table, "stable rank", raw->stable_rank, centered->stable_rank);
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    if (status != ES_OK) return status;
    es_text remark = {0};
    es_text_printf(
        &remark,
        "\nEigenvalues in %% of their sum, of %lld at most. S: all cosines. Centered: the "
        "covariance of the unit rows,\nin which the mean row does not count.",
        (long long)raw->count);
    if (!(centered->trace > 0)) es_text_add(&remark, " All unit rows are equal: it is zero.");
    es_text_add(&remark, "\n");
    return es_render_remark(&remark, options, out, error);
}

/* ---- isotropy ---------------------------------------------------------------------------------
 */

static void add_figure(es_table *table, const char *name, double value, const char *even,
                       const char *meaning)
{
    es_table_cell(table, name);
    es_table_number(table, value, 4);
    es_table_cell(table, even);
    es_table_cell(table, meaning);
}

static es_status print_isotropy(const es_spectrum *spectrum, const es_render_options *options,
                                FILE *out, es_error *error)
{
    const es_isotropy *isotropy = &spectrum->isotropy;
    char pairs[ES_NUMBER_TEXT], spread[ES_NUMBER_TEXT];
    bool all = !(isotropy->uniformity_error > 0);
    es_number_count(isotropy->uniformity_pairs, pairs);
    es_number_fixed(isotropy->uniformity_error, 4, spread);
    es_text uniformity = {0};
    es_text_printf(&uniformity, "log mean exp(-2 |u-v|^2) of %s%s pairs%s%s", all ? "all " : "",
                   pairs, all ? "" : ", error ", all ? "" : spread);
    es_table table = {0};
    es_table_column(&table, "isotropy", ES_ALIGN_LEFT);
    es_table_column(&table, "here", ES_ALIGN_RIGHT);
    es_table_column(&table, "if even", ES_ALIGN_RIGHT);
    es_table_column(&table, "", ES_ALIGN_LEFT);
    add_figure(&table, "mean cosine", isotropy->mean_cosine, "0", "of all pairs");
    add_figure(&table, "IsoScore", isotropy->isoscore, "1", "of the rows as stored");
    add_figure(&table, "IsoScore", isotropy->isoscore_unit, "1", "of the unit rows");
    add_figure(&table, "partition", isotropy->partition.isotropy, "1",
               "min Z(c) / max Z(c), rows as stored, both signs of c");
    add_figure(&table, "partition", isotropy->partition.positive, "1", "c along the mean row only");
    add_figure(&table, "partition", isotropy->partition.negative, "1", "c against it only");
    add_figure(&table, "uniformity", isotropy->uniformity, "-4",
               uniformity.data ? uniformity.data : "");
    table.failed |= uniformity.failed;
    es_status status = es_table_print(&table, out, options->color, error);
    es_text_release(&uniformity);
    es_table_release(&table);
    fputc('\n', out);
    return status;
}

/* ---- dimensions -------------------------------------------------------------------------------
 */

static es_status print_dimensions(const es_spectrum *spectrum, const es_render_options *options,
                                  FILE *out, es_error *error)
{
    es_table table = {0};
    es_table_column(&table, "dimension", ES_ALIGN_RIGHT);
    es_table_column(&table, "of the mean cosine", ES_ALIGN_RIGHT);
    es_table_column(&table, "share", ES_ALIGN_RIGHT);
    es_table_column(&table, "its mean", ES_ALIGN_RIGHT);
    es_table_column(&table, "mean cosine without", ES_ALIGN_RIGHT);
    for (int64_t i = 0; i < spectrum->dimension_count && i < SHOWN_DIMENSIONS; i++) {
        const es_dimension *dimension = &spectrum->dimensions[i];
        es_table_id(&table, dimension->index);
        es_table_number(&table, dimension->contribution, 4);
        add_share(&table, dimension->share, 1, 2);
        es_table_number(&table, dimension->mean, 4);
        es_table_number(&table, dimension->without, 4);
    }
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    if (status != ES_OK) return status;
    es_text remark = {0};
    es_text_add(&remark, "\n\"Without\": less this dimension and those above it. Even shares would "
                         "be ");
    es_text_fixed(&remark, 100 / (double)spectrum->columns, 2);
    es_text_add(&remark, " %;\n");
    es_text_count(&remark, spectrum->outlier_count);
    es_text_printf(&remark, " %s more than 3 standard deviations above that.\n",
                   spectrum->outlier_count == 1 ? "dimension is" : "dimensions are");
    return es_render_remark(&remark, options, out, error);
}

/* ---- directions -------------------------------------------------------------------------------
 */

/* "  +0.6123 ... +0.5571   " the"  " of"  ...": the projections of the first and the last. */
static void add_ends(es_text *line, const es_space *space, const es_direction_end *ends,
                     int64_t count)
{
    for (int e = 0; e < 2 && count; e++) {
        double projection = ends[e ? count - 1 : 0].projection;
        es_text_add(line, e ? " ... " : "  ");
        if (projection >= 0) es_text_add(line, "+");
        es_text_fixed(line, projection, 4);
    }
    es_text_add(line, " ");
    for (int64_t i = 0; i < count; i++) {
        es_bytes token = es_vocabulary_token(es_space_vocabulary(space), ends[i].id);
        es_text_add(line, "  ");
        es_display_quoted(line, token.data, token.size);
    }
    es_text_add(line, "\n");
}

static void add_correlation(es_text *line, const char *with, double value)
{
    es_text_add(line, with);
    if (value >= 0) es_text_add(line, "+");
    es_text_fixed(line, value, 2);
}

static es_status print_directions(const es_space *space, const es_spectrum *spectrum,
                                  const es_render_options *options, FILE *out, es_error *error)
{
    es_status status = ES_OK;
    if (!(spectrum->centered.trace > 0)) return ES_OK; /* rounding has no direction */
    for (int64_t i = 0; i < spectrum->direction_count && status == ES_OK; i++) {
        const es_direction *direction = &spectrum->directions[i];
        if (!(direction->eigenvalue > 0)) break;
        es_text line = {0};
        es_text_printf(&line, "%sdirection %lld%s: ", es_ink_code(ES_INK_BOLD, options->color),
                       (long long)i + 1, es_ink_code(ES_INK_PLAIN, options->color));
        es_text_fixed(&line, 100 * direction->share, 2);
        es_text_add(&line, " % of the variance; Spearman ");
        add_correlation(&line, "with id ", direction->spearman_id);
        add_correlation(&line, ", with norm ", direction->spearman_norm);
        es_text_add(&line, "\n");
        add_ends(&line, space, direction->high, direction->end_count);
        add_ends(&line, space, direction->low, direction->end_count);
        if (line.failed)
            status = es_fail_memory(error, "a direction", line.size);
        else
            fputs(line.data, out);
        es_text_release(&line);
    }
    if (status != ES_OK) return status;
    es_text remark = {0};
    es_text_add(&remark, "\nTokens at both ends of each direction of the covariance, by the "
                         "projection of the unit row less the mean.\nIn a BPE vocabulary low ids "
                         "are frequent tokens.");
    return es_render_remark(&remark, options, out, error);
}

es_status es_render_spectrum_body(const es_space *space, const es_spectrum *spectrum,
                                  const es_render_options *options, FILE *out, es_error *error)
{
    char rows[ES_NUMBER_TEXT], left_out[ES_NUMBER_TEXT];
    es_number_count(spectrum->rows, rows);
    es_number_count(spectrum->left_out, left_out);
    fprintf(out, "the spectrum of %s rows in %lld dimensions", rows, (long long)spectrum->columns);
    if (spectrum->left_out) fprintf(out, " (left out, zero or non-finite: %s)", left_out);
    fputs("\n\n", out);
    ES_TRY(print_eigenvalues(spectrum, options, out, error));
    ES_TRY(print_isotropy(spectrum, options, out, error));
    ES_TRY(print_dimensions(spectrum, options, out, error));
    return print_directions(space, spectrum, options, out, error);
}

es_status es_render_spectrum(const es_space *space, const es_spectrum *spectrum,
                             const es_render_options *options, FILE *out, es_error *error)
{
    if (options->output == ES_OUTPUT_JSON) {
        es_json_writer json = es_json_write_to(out);
        es_render_json_begin(&json, space, "spectrum");
        es_render_spectrum_members(&json, space, spectrum);
        es_render_json_end(&json, options);
    } else if (options->output == ES_OUTPUT_CSV) {
        es_spectrum_csv(spectrum, out);
    } else {
        ES_TRY(es_render_heading(space, options, out, error));
        ES_TRY(es_render_spectrum_body(space, spectrum, options, out, error));
    }
    return es_render_finish(out, error);
}

/* ---- several transforms -----------------------------------------------------------------------
 */

/* Which vectors: the table, and that what was done to it stands below. */
static es_status print_spectra_heading(const es_space *space, const es_render_options *options,
                                       FILE *out, es_error *error)
{
    static const char *const below[] = {"transforms as below"};
    es_source source = *es_space_source(space);
    source.transforms = below;
    source.transform_count = 1;
    es_text line = {0};
    es_source_line(&line, &source);
    if (line.failed) {
        es_text_release(&line);
        return es_fail_memory(error, "a heading", 0);
    }
    fprintf(out, "%s%s%s\n\n", es_ink_code(ES_INK_BOLD, options->color), line.data,
            es_ink_code(ES_INK_PLAIN, options->color));
    es_text_release(&line);
    return ES_OK;
}

static es_status print_spectra(const char *const *chains, const es_spectrum *spectra, int64_t count,
                               const es_render_options *options, FILE *out, es_error *error)
{
    static const char *const titles[] = {"mean cosine", "IsoScore",    "partition", "eff. rank",
                                         "part. ratio", "stable rank", "90 % in",   "> random",
                                         "> shuffled",  "outliers"};
    es_table table = {0};
    es_table_column(&table, "transform", ES_ALIGN_LEFT);
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        es_table_column(&table, titles[i], ES_ALIGN_RIGHT);
    for (int64_t i = 0; i < count; i++) {
        const es_spectrum *one = &spectra[i];
        es_table_cell(&table, chains[i]);
        es_table_number(&table, one->isotropy.mean_cosine, 4);
        es_table_number(&table, one->isotropy.isoscore, 4);
        es_table_number(&table, one->isotropy.partition.isotropy, 4);
        es_table_number(&table, one->centered.effective_rank, 1);
        es_table_number(&table, one->centered.participation_ratio, 1);
        es_table_number(&table, one->centered.stable_rank, 1);
        es_table_count(&table, one->centered.directions_90);
        es_table_count(&table, one->centered.above_random);
        if (one->null_values)
            es_table_count(&table, one->above_null);
        else
            es_table_cell(&table, "-");
        es_table_count(&table, one->outlier_count);
    }
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    if (status != ES_OK) return status;
    es_text remark = {0};
    es_text_add(
        &remark,
        "\nIsoScore and partition: of the transformed rows as they are. Ranks and counts: of the "
        "covariance of their unit rows;\n\"> random\", \"> shuffled\": eigenvalues above the edge "
        "of random rows, above those of shuffled columns. Outliers:\ndimensions whose part of the "
        "mean cosine is more than 3 standard deviations above the mean part.");
    return es_render_remark(&remark, options, out, error);
}

es_status es_render_spectra(const es_space *space, const char *const *chains,
                            const es_spectrum *spectra, int64_t count,
                            const es_render_options *options, FILE *out, es_error *error)
{
    if (options->output == ES_OUTPUT_JSON) {
        es_spectra_json(space, chains, spectra, count, options, out);
    } else if (options->output == ES_OUTPUT_CSV) {
        es_spectra_csv(chains, spectra, count, out);
    } else {
        ES_TRY(print_spectra_heading(space, options, out, error));
        ES_TRY(print_spectra(chains, spectra, count, options, out, error));
    }
    return es_render_finish(out, error);
}
