/* Aligned tables for people: columns as wide as their widest cell on a terminal, numbers to the
 * right, a header line. Filled cell by cell, row after row; lack of memory is remembered and told
 * by es_table_print(). */
#ifndef ES_RENDER_TABLE_H
#define ES_RENDER_TABLE_H

#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef enum es_align { ES_ALIGN_LEFT, ES_ALIGN_RIGHT } es_align;

enum { ES_TABLE_COLUMNS = 64 };

/* All zero is an empty table. Release with es_table_release(). */
typedef struct es_table {
    int column_count;
    es_align align[ES_TABLE_COLUMNS];
    bool is_token[ES_TABLE_COLUMNS]; /* coloured as token text */
    int widths[ES_TABLE_COLUMNS];
    es_text text;    /* every cell's bytes, terminated, the titles first */
    size_t *offsets; /* where cell i starts */
    int64_t cell_count, cell_capacity;
    bool bare; /* no header line */
    bool failed;
} es_table;

/* Columns first (at most ES_TABLE_COLUMNS), then cells. */
void es_table_column(es_table *table, const char *title, es_align align);
/* A column titled by a token, or holding tokens. */
void es_table_column_of(es_table *table, const char *data, size_t size, es_align align);
void es_table_token_column(es_table *table, const char *title);

void es_table_cell(es_table *table, const char *text); /* safe text, already escaped */
void es_table_number(es_table *table, double value, int decimals);
void es_table_count(es_table *table, int64_t count); /* "1,262,857" */
void es_table_id(es_table *table, int64_t id);       /* "3797"; "-" for -1, a pooled item */
void es_table_token(es_table *table, const char *data, size_t size);

es_status es_table_print(const es_table *table, FILE *out, bool color, es_error *error);
void es_table_release(es_table *table);

/* ANSI colours of everything printed for people; "" where color is false. */
typedef enum es_ink { ES_INK_PLAIN, ES_INK_BOLD, ES_INK_DIM, ES_INK_TOKEN, ES_INK_MARK } es_ink;
const char *es_ink_code(es_ink ink, bool color);

#endif
