/* Results in, bytes out: tables for people, JSON, CSV, HTML. Nothing is computed here.
 *
 * Numbers are written with enough digits to read back the same float64; what is undefined is null
 * in JSON and empty in CSV, never NaN. Token text that is not UTF-8 is shown with U+FFFD; its bytes
 * stand in hex beside it where they matter. A write that fails is ES_CANNOT_WRITE; what the stream
 * holds back until it is flushed or closed is the caller's to check. */
#ifndef EMBSCOPE_RENDER_H
#define EMBSCOPE_RENDER_H

#include <embscope/attribution.h>
#include <embscope/audit.h>
#include <embscope/cluster.h>
#include <embscope/compare.h>
#include <embscope/drift.h>
#include <embscope/evaluate.h>
#include <embscope/export.h>
#include <embscope/full_matrix.h>
#include <embscope/generate.h>
#include <embscope/knn.h>
#include <embscope/near_pairs.h>
#include <embscope/pair_report.h>
#include <embscope/positions.h>
#include <embscope/predict.h>
#include <embscope/report.h>
#include <embscope/spectrum.h>
#include <embscope/tying.h>
#include <embscope/unembed.h>
#include <stdio.h>

ES_BEGIN_DECLARATIONS

typedef enum es_output {
    ES_OUTPUT_TABLE = 0,
    ES_OUTPUT_JSON = 1,
    ES_OUTPUT_CSV = 2,
    ES_OUTPUT_JSONL = 3, /* an object a row, where an answer is a long list (knn, neighbors) */
} es_output;

typedef struct es_render_options {
    es_output output;
    bool color;             /* ANSI colours in tables */
    double elapsed_seconds; /* JSON's `elapsed_seconds` */
} es_render_options;

/* `tokenize`'s answer has no analysis behind it: ids as encoded. */
es_status es_render_tokens(const es_space *space, const es_ids *ids,
                           const es_render_options *options, FILE *out, es_error *error);
/* `tokenize --decode`: the text as it is in a table, `text` in JSON. */
es_status es_render_decoded(const es_space *space, const es_ids *ids, es_bytes text,
                            const es_render_options *options, FILE *out, es_error *error);
es_status es_render_info(const es_space *space, const es_info *info,
                         const es_render_options *options, FILE *out, es_error *error);
/* The same, and the two tables side by side (NULL: there are no two). CSV has a line for each
 * token. */
es_status es_render_tying(const es_space *space, const es_info *info,
                          const es_tying_geometry *geometry, const es_render_options *options,
                          FILE *out, es_error *error);

/* What surrounds the answers of es_unembed_vectors(): space is the table that answered. */
typedef struct es_unembed_setting {
    es_tying tying;         /* UNKNOWN: nothing says that the table is an unembedding */
    bool final_norm;        /* did the vectors pass the last LayerNorm? */
    const char *terms_from; /* the tensor that the words' rows are of, where it is another one */
} es_unembed_setting;

/* `as_list`: `queries` in JSON and a column in CSV, however many answers there are. */
es_status es_render_unembed(const es_space *space, const es_unembed_setting *setting,
                            const es_unembedded *answers, int64_t count, bool as_list,
                            const es_render_options *options, FILE *out, es_error *error);
es_status es_render_similarity(const es_space *space, const es_similarity *similarity,
                               const es_render_options *options, FILE *out, es_error *error);
es_status es_render_neighbors(const es_space *space, const es_neighbors *neighbors,
                              const es_render_options *options, FILE *out, es_error *error);
/* Several answers of one metric: `queries` in JSON, a block each in a table, a column in CSV, a
 * line each in JSONL. */
es_status es_render_neighbors_list(const es_space *space, const es_neighbors *answers,
                                   int64_t count, const es_render_options *options, FILE *out,
                                   es_error *error);
es_status es_render_near_pairs(const es_space *space, const es_near_pairs *pairs,
                               const es_render_options *options, FILE *out, es_error *error);
es_status es_render_distribution(const es_space *space, const es_distribution *distribution,
                                 const es_render_options *options, FILE *out, es_error *error);
es_status es_render_spectrum(const es_space *space, const es_spectrum *spectrum,
                             const es_render_options *options, FILE *out, es_error *error);
/* One space under several chains of transforms, chains[i] as the user wrote it: a line each in the
 * table and in CSV; in JSON `transforms`, a whole answer each. */
es_status es_render_spectra(const es_space *space, const char *const *chains,
                            const es_spectrum *spectra, int64_t count,
                            const es_render_options *options, FILE *out, es_error *error);
es_status es_render_matrix(const es_space *space, const es_matrix *matrix,
                           const es_render_options *options, FILE *out, es_error *error);
/* All of S as a .npy file, (n, n), as it is computed: `out` is written from front to back, and how
 * many bytes that makes. A write that fails ends the work. */
es_status es_render_full_matrix_npy(es_space *space, const es_full_matrix_options *options,
                                    FILE *out, es_error *error);
int64_t es_full_matrix_npy_bytes(const es_space *space, es_matrix_dtype dtype);

/* JSON and the table are the summary; CSV has a line for each neighbour, JSONL one for each row. */
es_status es_render_knn(const es_space *space, const es_knn *knn, const es_render_options *options,
                        FILE *out, es_error *error);

/* The graph as a NumPy archive: `ids` int32 (rows, k) and `cosine` float32 (rows, k), stored. */
es_status es_render_knn_npz(const es_knn *knn, FILE *out, es_error *error);

/* CSV is the profile, a line for each distance. */
es_status es_render_positions(const es_space *space, const es_positions *positions,
                              const es_render_options *options, FILE *out, es_error *error);
/* A table shows the `most` strongest findings of each category; CSV and JSONL have a line for each
 * finding, JSON has all of them, too. */
es_status es_render_audit(const es_space *space, const es_audit *audit, int64_t most,
                          const es_render_options *options, FILE *out, es_error *error);
/* JSON and the table are the summary; CSV and JSONL have a line for each row. */
es_status es_render_cluster(const es_space *space, const es_clusters *clusters,
                            const es_render_options *options, FILE *out, es_error *error);

/* As a NumPy archive, stored: `labels` int32 (rows), `cosine` float64 (rows), `centers` float32
 * (clusters, columns), `seeds` int64. */
es_status es_render_cluster_npz(const es_clusters *clusters, FILE *out, es_error *error);

/* CSV has a line for each candidate; with the lens or every position, one for each state. */
es_status es_render_predict(const es_space *space, const es_predictions *predictions,
                            const es_render_options *options, FILE *out, es_error *error);
/* Several prompts: `prompts` in JSON, a block each in a table, a column in CSV, a line each in
 * JSONL. */
es_status es_render_predict_list(const es_space *space, const es_predictions *answers,
                                 int64_t count, const es_render_options *options, FILE *out,
                                 es_error *error);

/* A .npy file of logits, float64 (positions, rows), from front to back: its header, then as many
 * positions at a time as there are. */
void es_render_logits_header(int64_t positions, int64_t rows, FILE *out);
es_status es_render_logits(const double *logits, int64_t positions, int64_t rows, FILE *out,
                           es_error *error);

/* The residual streams, float32 (layers + 1, tokens, d), as a .npy file; needs keep_hidden. */
es_status es_render_hidden_npy(const es_predictions *predictions, FILE *out, es_error *error);

/* `spaces` are those compared, in their order. CSV has a line for each token listed. */
es_status es_render_compare(es_space *const *spaces, const es_comparison *comparison,
                            const es_render_options *options, FILE *out, es_error *error);
/* What an export wrote to `path`, `bytes` in all: a file, or the projector's folder. */
es_status es_render_export(const es_space *space, const es_export *written, const char *path,
                           int64_t bytes, const es_render_options *options, FILE *out,
                           es_error *error);

/* Evaluations of one space on `count` >= 1 data sets, all under the same options. CSV has a line
 * for each score, or with `details` for each question (and method of an analogy); JSON has the
 * questions with `details` only. */
es_status es_render_evaluate(const es_space *space, const es_evaluation *evaluations, int64_t count,
                             bool details, const es_render_options *options, FILE *out,
                             es_error *error);

/* Prompt and continuation as text, its bytes as they are; a token that ended the text is left out.
 * CSV has a line for each new token. */
es_status es_render_generation(const es_space *space, const es_generation *generation,
                               const es_render_options *options, FILE *out, es_error *error);
/* A line for each new token, with probability and rank. */
es_status es_render_generation_table(const es_space *space, const es_generation *generation,
                                     const es_render_options *options, FILE *out, es_error *error);

/* Text that comes in pieces, made safe for a terminal: control characters are escaped, but for line
 * ends and tabs; bytes that are no UTF-8 become U+FFFD; a character whose bytes come apart is held
 * back until it is whole. All zero but for `out` is the start. */
typedef struct es_text_stream {
    FILE *out;
    char held[4];
    size_t held_size;
    char last; /* written */
} es_text_stream;
void es_text_stream_add(es_text_stream *stream, const char *data, size_t size);
void es_text_stream_end(es_text_stream *stream); /* ends the line, too */

/* `spaces` are the checkpoints, in their order, `names` what the user called them. CSV has a line
 * for each checkpoint. */
es_status es_render_drift(es_space *const *spaces, const char *const *names, const es_drift *drift,
                          const es_render_options *options, FILE *out, es_error *error);

/* The report: a short form for the terminal (or JSON), and one self-contained HTML page with its
 * figures inlined. */
es_status es_render_report(const es_report *report, const es_render_options *options, FILE *out,
                           es_error *error);
es_status es_render_report_html(const es_report *report, FILE *out, es_error *error);
/* The same of two models; CSV is that of compare. */
es_status es_render_pair_report(const es_pair_report *report, const es_render_options *options,
                                FILE *out, es_error *error);
es_status es_render_pair_report_html(const es_pair_report *report, FILE *out, es_error *error);

ES_END_DECLARATIONS
#endif
