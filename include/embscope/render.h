/* Results in, bytes out: tables for people, JSON, CSV, HTML. Nothing is computed here.
 *
 * Numbers are written with enough digits to read back the same float64; what is undefined is null
 * in JSON and empty in CSV, never NaN. Token text that is not UTF-8 is shown with U+FFFD; its bytes
 * stand in hex beside it where they matter. A write that fails is ES_CANNOT_WRITE; what the stream
 * holds back until it is flushed or closed is the caller's to check. */
#ifndef EMBSCOPE_RENDER_H
#define EMBSCOPE_RENDER_H

#include <embscope/audit.h>
#include <embscope/cluster.h>
#include <embscope/compare.h>
#include <embscope/evaluate.h>
#include <embscope/export.h>
#include <embscope/full_matrix.h>
#include <embscope/knn.h>
#include <embscope/near_pairs.h>
#include <embscope/positions.h>
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

/* The report: a short form for the terminal (or JSON), and one self-contained HTML page with its
 * figures inlined. */
es_status es_render_report(const es_report *report, const es_render_options *options, FILE *out,
                           es_error *error);
es_status es_render_report_html(const es_report *report, FILE *out, es_error *error);

ES_END_DECLARATIONS
#endif
