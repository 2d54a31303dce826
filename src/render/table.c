#include "render/table.h"

#include "base/memory.h"
#include "render/display.h"
#include "render/number_text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { WIDEST_TITLE = 16 }; /* of a token that titles a column */

const char *es_ink_code(es_ink ink, bool color)
{
    static const char *const codes[] = {"\033[0m", "\033[1m", "\033[2m", "\033[36m", "\033[33m"};
    return color ? codes[ink] : "";
}

void es_table_cell(es_table *table, const char *text)
{
    size_t size = strlen(text);
    if (!es_grow((void **)&table->offsets, &table->cell_capacity, table->cell_count + 1,
                 sizeof *table->offsets)) {
        table->failed = true;
        return;
    }
    int column = (int)(table->cell_count % table->column_count);
    int width = es_display_width(text, size);
    if (width > table->widths[column]) table->widths[column] = width;
    table->offsets[table->cell_count++] = table->text.size;
    es_text_append(&table->text, text, size + 1);
}

/* A title is a cell of the first row: it waits in cell order, so columns come before cells. */
void es_table_column(es_table *table, const char *title, es_align align)
{
    assert(table->column_count < ES_TABLE_COLUMNS);
    assert(table->failed || table->cell_count == table->column_count);
    table->align[table->column_count++] = align;
    es_table_cell(table, title);
}

void es_table_token_column(es_table *table, const char *title)
{
    table->is_token[table->column_count] = true;
    es_table_column(table, title, ES_ALIGN_LEFT);
}

void es_table_column_of(es_table *table, const char *data, size_t size, es_align align)
{
    es_text quoted = {0};
    es_display_quoted(&quoted, data, size);
    size_t prefix = quoted.data ? es_display_prefix(quoted.data, quoted.size, WIDEST_TITLE) : 0;
    if (prefix < quoted.size) {
        quoted.size = prefix;
        es_text_add(&quoted, "…");
    }
    table->failed |= quoted.failed;
    es_table_column(table, quoted.data ? quoted.data : "", align);
    es_text_release(&quoted);
}

void es_table_number(es_table *table, double value, int decimals)
{
    char number[ES_NUMBER_TEXT];
    es_number_fixed(value, decimals, number);
    es_table_cell(table, number);
}

void es_table_count(es_table *table, int64_t count)
{
    char number[ES_NUMBER_TEXT];
    es_number_count(count, number);
    es_table_cell(table, number);
}

void es_table_id(es_table *table, int64_t id)
{
    char number[32];
    snprintf(number, sizeof number, "%lld", (long long)id);
    es_table_cell(table, id < 0 ? "-" : number);
}

void es_table_token(es_table *table, const char *data, size_t size)
{
    es_text quoted = {0};
    es_display_quoted(&quoted, data, size);
    table->failed |= quoted.failed;
    es_table_cell(table, quoted.data ? quoted.data : "");
    es_text_release(&quoted);
}

static bool is_empty(const es_table *table, int64_t index)
{
    return !table->text.data[table->offsets[index]];
}

static void print_cell(const es_table *table, int64_t index, bool last, FILE *out, bool color)
{
    int column = (int)(index % table->column_count);
    const char *text = table->text.data + table->offsets[index];
    int room = table->widths[column] - es_display_width(text, strlen(text));
    bool header = index < table->column_count;
    es_ink ink = header ? ES_INK_DIM : table->is_token[column] ? ES_INK_TOKEN : ES_INK_PLAIN;
    bool inked = color && ink != ES_INK_PLAIN && *text;
    if (column) fputs("  ", out);
    if (table->align[column] == ES_ALIGN_RIGHT) fprintf(out, "%*s", room, "");
    fprintf(out, "%s%s%s", inked ? es_ink_code(ink, color) : "", text,
            inked ? es_ink_code(ES_INK_PLAIN, color) : "");
    if (table->align[column] == ES_ALIGN_LEFT && !last) fprintf(out, "%*s", room, "");
}

es_status es_table_print(const es_table *table, FILE *out, bool color, es_error *error)
{
    if (table->failed || table->text.failed)
        return es_fail_memory(error, "a table", table->text.size);
    assert(table->cell_count % table->column_count == 0);
    int64_t first = table->bare ? table->column_count : 0;
    for (int64_t row = first; row < table->cell_count; row += table->column_count) {
        int64_t end = row + table->column_count; /* no blanks at a line's end */
        while (end > row && is_empty(table, end - 1)) end--;
        for (int64_t i = row; i < end; i++) print_cell(table, i, i == end - 1, out, color);
        fputc('\n', out);
    }
    return ES_OK;
}

void es_table_release(es_table *table)
{
    es_text_release(&table->text);
    free(table->offsets);
    *table = (es_table){0};
}
