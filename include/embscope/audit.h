/* What is wrong with a vocabulary: tokens that training never touched, tokens that no text can
 * produce, rows that are equal, empty or of an odd size. Each finding has a number that says why.
 */
#ifndef EMBSCOPE_AUDIT_H
#define EMBSCOPE_AUDIT_H

#include <embscope/progress.h>
#include <embscope/space.h>

ES_BEGIN_DECLARATIONS

/* In the order of the findings. The comment says what es_audit_finding.indicator is. */
typedef enum es_audit_category {
    ES_AUDIT_UNTOUCHED = 0,   /* the row lies where training left the unused ones; its distance */
    ES_AUDIT_UNREACHABLE = 1, /* its text encodes to other tokens; how many (0: to none) */
    ES_AUDIT_UNDECODABLE = 2, /* its bytes alone are no text; how many of them are ill-formed */
    ES_AUDIT_SPECIAL = 3,     /* no plain text encodes to it, on purpose; the row's norm */
    ES_AUDIT_NO_TOKEN = 4,    /* a row that the tokenizer has no token for; its norm */
    ES_AUDIT_NO_ROW = 5,      /* a token beyond the last row; its id */
    ES_AUDIT_NON_FINITE = 6,  /* how many components are NaN or infinite */
    ES_AUDIT_ZERO = 7,        /* the norm: 0 */
    ES_AUDIT_NORM = 8,        /* the norm is far from the others'; its robust z-score */
    ES_AUDIT_DUPLICATE = 9,   /* equal, bit for bit, to an earlier row (`other`); rows so equal */
    ES_AUDIT_NEAR = 10,       /* nearly the direction of a later row (`other`); the cosine */
    ES_AUDIT_CATEGORIES = 11,
} es_audit_category;

/* "untouched", "no_token" ... */
const char *es_audit_category_text(es_audit_category category);

enum { ES_AUDIT_ENCODED = 8 };

typedef struct es_audit_finding {
    es_audit_category category;
    int64_t id;
    int64_t other;                     /* DUPLICATE and NEAR: the other row; else -1 */
    double indicator;                  /* NaN where the row is undefined */
    int64_t encoded[ES_AUDIT_ENCODED]; /* UNREACHABLE: the first ids that the text encodes to */
    int64_t encoded_count;             /* of all of them */
    bool encodable;                    /* UNTOUCHED: the token's own text encodes to it */
} es_audit_finding;

/* Rows that nobody can have trained, to begin with. */
typedef enum es_audit_seed {
    ES_SEED_NONE = 0,
    ES_SEED_BYTES = 1,       /* tokens of single bytes that UTF-8 never has: C0, C1, F5 ... FF */
    ES_SEED_ROWS = 2,        /* rows beyond the tokenizer */
    ES_SEED_UNREACHABLE = 3, /* tokens that no text encodes to */
} es_audit_seed;
const char *es_audit_seed_text(es_audit_seed seed); /* "none", "bytes", "rows", "unreachable" */

/* How the untouched rows were found, by growth from a seed: docs/mathematics.md. */
typedef struct es_untouched {
    es_audit_seed seed;          /* the one that was followed, or the last that was tried */
    int64_t seed_count;          /* its rows that are defined */
    int64_t seed_kept;           /* those that ended among the untouched */
    bool found;                  /* false: no seed, or one that does not stand apart */
    int64_t count;               /* untouched rows */
    int64_t encodable;           /* of these, tokens that their own text encodes to */
    int64_t iterations;          /* until the set stayed the same */
    double radius;               /* median distance of untouched rows; these four NaN if !found */
    double typical;              /* of all other rows */
    double inner, outer;         /* an untouched row is below both: see the mathematics */
    int64_t between;             /* other rows below `outer`: trained little */
    const double *distance;      /* (rows) each; NULL if !found; NaN where undefined */
    const double *cosine;        /* 1 - cos(row, u), u the mean of the untouched rows */
    const double *without_first; /* the same without the first principal component */
    const double *centered;      /* the same from the mean of all rows */
} es_untouched;

typedef struct es_audit_options {
    bool near;           /* look for pairs, over all of them ... */
    double near_minimum; /* ... at this cosine or more, -1 to 1 */
    int threads;         /* 0: as many as the machine has */
    es_progress progress;
} es_audit_options;

typedef struct es_audit {
    int64_t rows;
    bool round_trip; /* is there a tokenizer to encode with? */
    /* By category, then the strongest first, then by id; of the untouched, those that a text can
     * produce by itself come first. */
    es_audit_finding *findings;
    int64_t count;
    int64_t counts[ES_AUDIT_CATEGORIES];
    int64_t duplicate_groups;
    es_untouched untouched;
    double *norms;       /* (rows); 0 undefined */
    double *norm_scores; /* (rows): (log norm - median) / scale; NaN undefined */
    double *other_norms; /* (rows): in the other table of an untied model; NULL tied */
    double median_norm;  /* exp of the median of log norms; NaN without defined rows */
    double norm_scale;   /* 1.4826 MAD of log norms, at least ES_AUDIT_NORM_SCALE */
    bool near;           /* were pairs looked for? */
    double near_minimum;
    double *indicators; /* what `untouched` points into */
} es_audit;

#define ES_AUDIT_NORM_SCORE 6.0  /* a norm is odd from here on */
#define ES_AUDIT_NORM_SCALE 1e-3 /* a spread below this is rounding's */

/* Findings are no failure. Statuses: those of reading; BAD_ARGUMENT for near_minimum outside -1 to
 * 1, or more than 100 million pairs; CANCELLED. Release with es_audit_release(). */
es_status es_audit_compute(es_space *space, const es_audit_options *options, es_audit *audit,
                           es_error *error);
void es_audit_release(es_audit *audit);

ES_END_DECLARATIONS
#endif
