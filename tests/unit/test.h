/* What every unit test includes: cmocka and a few helpers. */
#ifndef ES_TEST_H
#define ES_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A call that must succeed; its message is shown where it does not. */
#define assert_ok(call, error)                                                                     \
    do {                                                                                           \
        int test_status_ = (call);                                                                 \
        if (test_status_) fail_msg("%s: %s", #call, (error).text);                                 \
    } while (0)

/* The message must contain `part`. */
#define assert_says(error, part)                                                                   \
    do {                                                                                           \
        if (!strstr((error).text, (part)))                                                         \
            fail_msg("expected '%s' in '%s'", (part), (error).text);                               \
    } while (0)

/* The folder of real data, or NULL: then call skip() after saying so with test_data_missing(). */
static inline const char *test_data_folder(void)
{
    const char *folder = getenv("EMBSCOPE_TEST_DATA");
    return folder && *folder ? folder : NULL;
}

/* A file of the source tree, in a static buffer. */
static inline const char *test_source_path(const char *relative)
{
    static char path[4][4096];
    static int next;
    char *out = path[next++ % 4];
    const char *root = getenv("EMBSCOPE_SOURCE_ROOT");
    snprintf(out, sizeof path[0], "%s/%s", root ? root : ".", relative);
    return out;
}

#endif
