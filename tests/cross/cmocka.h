/* As much of cmocka as test_kernel.c takes, for a machine that has none: a list of tests, each of
 * which ends at its first failed assertion; TAP on standard output. test.h includes it by name. */
#ifndef ES_TEST_CROSS_CMOCKA_H
#define ES_TEST_CROSS_CMOCKA_H

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
};

#define cmocka_unit_test(function)                                                                 \
    {                                                                                              \
#function, function                                                                        \
    }

static jmp_buf test_failed;

#define print_message(...) printf(__VA_ARGS__)

#define fail_msg(...)                                                                              \
    do {                                                                                           \
        printf("# %s:%d: ", __FILE__, __LINE__);                                                   \
        printf(__VA_ARGS__);                                                                       \
        putchar('\n');                                                                             \
        longjmp(test_failed, 1);                                                                   \
    } while (0)

#define assert_true(condition)                                                                     \
    do {                                                                                           \
        if (!(condition)) fail_msg("%s", #condition);                                              \
    } while (0)

#define assert_null(pointer)      assert_true((pointer) == NULL)
#define assert_non_null(pointer)  assert_true((pointer) != NULL)
#define assert_int_equal(a, b)    assert_true((a) == (b))
#define assert_ptr_equal(a, b)    assert_true((a) == (b))
#define assert_string_equal(a, b) assert_true(strcmp((a), (b)) == 0)

/* How many failed; cmocka's set-up and tear-down of a group are not here. */
static inline int test_run(const struct CMUnitTest *tests, int count)
{
    static int failed, i; /* longjmp() may spoil automatic ones */
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    printf("1..%d\n", count);
    for (i = 0; i < count; i++) {
        void *state = NULL;
        int bad = setjmp(test_failed);
        if (!bad) tests[i].run(&state);
        failed += bad != 0;
        printf("%s %d - %s\n", bad ? "not ok" : "ok", i + 1, tests[i].name);
    }
    return failed;
}

#define cmocka_run_group_tests_name(name, tests, set_up, tear_down)                                \
    test_run(tests, sizeof(tests) / sizeof *(tests))

#endif
