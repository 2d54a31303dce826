#include "base/map.h"
#include "base/random.h"
#include "test.h"

static es_bytes bytes_of(const char *text)
{
    return (es_bytes){text, strlen(text)};
}

static void finds_what_was_put(void **state)
{
    (void)state;
    enum { KEYS = 20000 };
    static char keys[KEYS][12];
    es_map map = {0};
    assert_int_equal(es_map_find(&map, bytes_of("nothing")), -1);
    for (int i = 0; i < KEYS; i++) {
        snprintf(keys[i], sizeof keys[i], "key %d", i);
        int64_t existing = -7;
        assert_int_equal(es_map_insert(&map, bytes_of(keys[i]), i, &existing), ES_MAP_ADDED);
        assert_int_equal(existing, -7);
    }
    assert_int_equal(map.count, KEYS);
    assert_true(map.capacity >= 2 * KEYS);
    for (int i = 0; i < KEYS; i++) assert_int_equal(es_map_find(&map, bytes_of(keys[i])), i);
    assert_int_equal(es_map_find(&map, bytes_of("key")), -1);
    assert_int_equal(es_map_find(&map, bytes_of("key 20000")), -1);
    es_map_release(&map);
    assert_null(map.slots);
    es_map_release(&map);
}

/* The first value of a key stays; bytes count, not text; an empty key is a key. */
static void keys_are_bytes(void **state)
{
    (void)state;
    es_map map = {0};
    int64_t existing = 0;
    assert_int_equal(es_map_insert(&map, bytes_of("a"), 1, NULL), ES_MAP_ADDED);
    assert_int_equal(es_map_insert(&map, bytes_of("a"), 2, &existing), ES_MAP_EXISTS);
    assert_int_equal(existing, 1);
    assert_int_equal(es_map_insert(&map, (es_bytes){"a\0b", 3}, 3, NULL), ES_MAP_ADDED);
    assert_int_equal(es_map_insert(&map, (es_bytes){"a\0c", 3}, 4, NULL), ES_MAP_ADDED);
    assert_int_equal(es_map_insert(&map, (es_bytes){NULL, 0}, 5, NULL), ES_MAP_ADDED);
    assert_int_equal(es_map_insert(&map, (es_bytes){"x", 0}, 6, &existing), ES_MAP_EXISTS);
    assert_int_equal(existing, 5);
    assert_int_equal(es_map_find(&map, (es_bytes){"a\0c", 3}), 4);
    assert_int_equal(es_map_find(&map, bytes_of("a")), 1);
    assert_int_equal(map.count, 4);
    es_map_release(&map);
}

static void reserves(void **state)
{
    (void)state;
    es_map map = {0};
    assert_false(es_map_reserve(&map, -1));
    assert_false(es_map_reserve(&map, INT64_MAX));
    assert_true(es_map_reserve(&map, 1000));
    int64_t capacity = map.capacity;
    static char keys[1000][8];
    for (int i = 0; i < 1000; i++) {
        snprintf(keys[i], sizeof keys[i], "%d", i);
        es_map_insert(&map, bytes_of(keys[i]), i, NULL);
    }
    assert_int_equal(map.capacity, capacity);
    es_map_release(&map);
}

/* Differing keys hash differently, a bit of the input flips half of the output on average. */
static void hash_spreads(void **state)
{
    (void)state;
    assert_true(es_hash("abc", 3, 1) == es_hash("abc", 3, 1));
    assert_true(es_hash("abc", 3, 1) != es_hash("abc", 3, 2));
    assert_true(es_hash("abc", 3, 1) != es_hash("abc\0", 4, 1));
    es_random random = {1};
    int64_t flipped = 0;
    enum { ROUNDS = 4000 };
    for (int i = 0; i < ROUNDS; i++) {
        unsigned char data[24];
        for (size_t k = 0; k < sizeof data; k++) data[k] = (unsigned char)es_random_next(&random);
        size_t size = 1 + (size_t)es_random_below(&random, sizeof data);
        uint64_t before = es_hash(data, size, 9);
        data[es_random_below(&random, (int64_t)size)] ^=
            (unsigned char)(1 << es_random_below(&random, 8));
        flipped += __builtin_popcountll(before ^ es_hash(data, size, 9));
    }
    /* mean 32, standard deviation 4 / sqrt(4000) = 0.063: eight of them */
    double mean = (double)flipped / ROUNDS;
    assert_true(mean > 31.5 && mean < 32.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_put),
        cmocka_unit_test(keys_are_bytes),
        cmocka_unit_test(reserves),
        cmocka_unit_test(hash_spreads),
    };
    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
