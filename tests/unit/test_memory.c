#include "base/memory.h"
#include "test.h"

/* Under AddressSanitizer too, an allocation that is too large is NULL. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void multiplies(void **state)
{
    (void)state;
    size_t size = 1;
    int64_t count = 1;
    assert_true(es_multiply(SIZE_MAX / 2, 2, &size));
    assert_true(size == SIZE_MAX - 1);
    assert_false(es_multiply(SIZE_MAX / 2 + 1, 2, &size));
    assert_true(es_multiply(0, SIZE_MAX, &size) && size == 0);
    assert_true(es_multiply_counts(INT64_C(1) << 31, INT64_C(1) << 31, &count));
    assert_true(count == INT64_C(1) << 62);
    assert_false(es_multiply_counts(INT64_C(1) << 32, INT64_C(1) << 31, &count));
    assert_false(es_multiply_counts(-1, 1, &count));
    assert_false(es_multiply_counts(1, -1, &count));
}

static void allocates_zeroed(void **state)
{
    (void)state;
    char *memory = es_alloc(1000, 3);
    assert_non_null(memory);
    for (int i = 0; i < 3000; i++) assert_int_equal(memory[i], 0);
    free(memory);
    memory = es_alloc(0, 8);
    assert_non_null(memory);
    free(memory);
    assert_null(es_alloc(-1, 8));
    assert_null(es_alloc(INT64_MAX, 8));
    assert_null(es_alloc(INT64_MAX / 2, SIZE_MAX / 2));
}

static void aligns(void **state)
{
    (void)state;
    static const int64_t counts[] = {0, 1, 63, 64, 65, 1000, 3 << 20};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        char *memory = es_alloc_aligned(counts[i], sizeof(double));
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % 64, 0);
        if (counts[i]) memory[counts[i] * 8 - 1] = 1; /* it is there */
        free(memory);
    }
    assert_null(es_alloc_aligned(-1, 8));
    assert_null(es_alloc_aligned(INT64_MAX, 8));
    assert_null(es_alloc_aligned(INT64_MAX, 2));
}

static void grows_by_doubling(void **state)
{
    (void)state;
    void *array = NULL;
    int64_t capacity = 0, changes = 0;
    for (int64_t needed = 0; needed < 100000; needed++) {
        int64_t before = capacity;
        assert_true(es_grow(&array, &capacity, needed, sizeof(int64_t)));
        assert_true(capacity >= needed);
        changes += capacity != before;
        if (needed) ((int64_t *)array)[needed - 1] = needed;
    }
    assert_true(changes < 20);
    for (int64_t i = 0; i < 99999; i++) assert_int_equal(((int64_t *)array)[i], i + 1);
    void *kept = array;
    int64_t held = capacity;
    assert_false(es_grow(&array, &capacity, INT64_MAX, sizeof(int64_t)));
    assert_ptr_equal(array, kept);
    assert_int_equal(capacity, held);
    free(array);
}

static void copies(void **state)
{
    (void)state;
    char *copy = es_copy_bytes("a\0b", 3);
    assert_memory_equal(copy, "a\0b", 4);
    free(copy);
    copy = es_copy_bytes(NULL, 0);
    assert_string_equal(copy, "");
    free(copy);
    copy = es_copy_text("text");
    assert_string_equal(copy, "text");
    free(copy);
    copy = es_copy_format("%s-%d", "n", 7);
    assert_string_equal(copy, "n-7");
    free(copy);
    assert_null(es_copy_bytes("", SIZE_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(multiplies), cmocka_unit_test(allocates_zeroed),
        cmocka_unit_test(aligns),     cmocka_unit_test(grows_by_doubling),
        cmocka_unit_test(copies),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
