#include "space/decompose.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum {
    CLASSES = 256,      /* canonical combining classes; 0 is a starter, which nothing crosses */
    LONGEST_CHAIN = 32, /* code points of one character's decomposition: Unicode has 18 at most */
    FEW_MARKS = 32      /* sorted in place */
};

static int class_of(int32_t code_point)
{
    return (int)utf8proc_get_property(code_point)->combining_class;
}

static void sort_few(int32_t *marks, int64_t count)
{
    for (int64_t i = 1; i < count; i++) {
        int32_t mark = marks[i];
        int class = class_of(mark);
        int64_t at = i;
        for (; at && class_of(marks[at - 1]) > class; at--) marks[at] = marks[at - 1];
        marks[at] = mark;
    }
}

/* By counting; marks of one class keep their order. */
static bool sort_many(int32_t *marks, int64_t count)
{
    int64_t start[CLASSES + 1] = {0};
    int32_t *sorted = es_alloc(count, sizeof *sorted);
    if (!sorted) return false;
    for (int64_t i = 0; i < count; i++) start[class_of(marks[i]) + 1]++;
    for (int class = 0; class < CLASSES; class ++) start[class + 1] += start[class];
    for (int64_t i = 0; i < count; i++) sorted[start[class_of(marks[i])]++] = marks[i];
    memcpy(marks, sorted, (size_t)count * sizeof *marks);
    free(sorted);
    return true;
}

/* Every run of marks by class. */
static bool put_in_order(int32_t *points, int64_t count)
{
    for (int64_t at = 0; at < count; at++) {
        int64_t start = at;
        while (at < count && class_of(points[at])) at++;
        if (at - start <= FEW_MARKS)
            sort_few(points + start, at - start);
        else if (!sort_many(points + start, at - start))
            return false;
    }
    return true;
}

int64_t es_decompose(es_bytes text, int options, int32_t **points)
{
    void *made = NULL;
    int64_t capacity = 0, count = 0;
    int boundary = 0;
    *points = NULL;
    for (size_t at = 0; at < text.size || !made;) {
        if (!es_grow(&made, &capacity, count + LONGEST_CHAIN, sizeof **points)) goto fail;
        if (at == text.size) break;
        utf8proc_int32_t code_point;
        at += (size_t)utf8proc_iterate((const utf8proc_uint8_t *)text.data + at,
                                       (utf8proc_ssize_t)(text.size - at), &code_point);
        utf8proc_ssize_t size =
            utf8proc_decompose_char(code_point, (utf8proc_int32_t *)made + count, LONGEST_CHAIN - 1,
                                    (utf8proc_option_t)options, &boundary);
        if (size < 0 || size >= LONGEST_CHAIN) goto fail;
        count += size;
    }
    if (!put_in_order(made, count)) goto fail;
    *points = made;
    return count;
fail:
    free(made);
    return -1;
}
