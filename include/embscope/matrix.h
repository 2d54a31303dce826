/* The similarity matrix of a chosen set of tokens, its eigen-structure and its hierarchy. */
#ifndef EMBSCOPE_MATRIX_H
#define EMBSCOPE_MATRIX_H

#include <embscope/selection.h>

ES_BEGIN_DECLARATIONS

/* One merge, as SciPy's linkage lays it out: clusters a < b (0 ... n-1 single items, n + r the
 * result of row r) joined at `height`, the mean of 1 - cos over all pairs between them (average
 * linkage); `size` items below. */
typedef struct es_merge {
    int64_t a, b;
    double height;
    int64_t size;
} es_merge;

typedef struct es_matrix {
    int64_t n;
    es_item *items;       /* (n) copies: id and text */
    double *cosine;       /* (n, n) symmetric, diagonal exactly 1 */
    double *eigenvalues;  /* (n) descending; S u = lambda u */
    double *eigenvectors; /* (n, n): row k belongs to eigenvalue k; largest |component| positive */
    double
        random_edges[2]; /* (1 -+ sqrt(n/d))^2, the Marchenko-Pastur edges of n random unit rows */
    int64_t *order;      /* (n) optimal leaf order (Bar-Joseph et al. 2001), places from 0 */
    es_merge *linkage;   /* (n - 1) */
    double residual;     /* max_k ||S u_k - lambda_k u_k|| */
} es_matrix;

/* 2 to 4,096 items with defined rows (BAD_INPUT names one that is not). Release with
 * es_matrix_release().
 */
es_status es_matrix_compute(es_space *space, const es_selection *selection, es_matrix *matrix,
                            es_error *error);
void es_matrix_release(es_matrix *matrix);

ES_END_DECLARATIONS
#endif
