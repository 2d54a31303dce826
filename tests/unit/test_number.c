#include "base/number.h"
#include "base/random.h"
#include "test.h"

#include <math.h>

static void agree(const char *text)
{
    double value = -1, expected = strtod(text, NULL); /* the test runs in the C locale */
    size_t size = es_number_parse(text, strlen(text), &value);
    if (size != strlen(text) || memcmp(&value, &expected, sizeof value) != 0)
        fail_msg("'%s': %a (%zu bytes), expected %a", text, value, size, expected);
}

/* The exact ways and the library's agree, whatever the number of digits and the exponent. */
static void rounds_as_strtod_does(void **state)
{
    (void)state;
    static const char *const hard[] = {"0",
                                       "-0",
                                       "1",
                                       "+1.5",
                                       ".5",
                                       "5.",
                                       "1e22",
                                       "1e23",
                                       "9007199254740993",
                                       "9007199254740992.5",
                                       "0.1",
                                       "8.269973595356034e-05",
                                       "-0.0007369242445224787",
                                       "1.7976931348623157e308",
                                       "2.2250738585072014e-308",
                                       "4.9e-324",
                                       "1e-400",
                                       "1e400",
                                       "0.500000000000000166533453693773481063544750213623046875",
                                       "123456789012345678901234567890",
                                       "0.00000000000000000000000000000000000000001",
                                       "18446744073709551615",
                                       "18446744073709551616",
                                       "9999999999999999999e-27",
                                       "1e-27",
                                       "7450580596923828125e-27",
                                       "1e0000000000000000000001",
                                       "0.000000000000000000000000000000",
                                       "4503599627370497.5",
                                       "4503599627370496.5",
                                       "0.1000000000000000055511151231257827"};
    for (size_t i = 0; i < sizeof hard / sizeof *hard; i++) agree(hard[i]);
    es_random random = {1};
    for (int i = 0; i < 300000; i++) {
        char text[80];
        int digits = 1 + (int)es_random_below(&random, 20);
        int used = snprintf(text, sizeof text, "%s", i & 1 ? "-" : "");
        int point = (int)es_random_below(&random, digits + 1);
        for (int k = 0; k < digits; k++) {
            if (k == point) text[used++] = '.';
            text[used++] = (char)('0' + es_random_below(&random, 10));
        }
        text[used] = '\0';
        if (i & 2)
            snprintf(text + used, sizeof text - (size_t)used, "e%d",
                     (int)es_random_below(&random, 60) - 35);
        agree(text);
    }
    /* What programs print: shortest and full forms of random doubles. */
    for (int i = 0; i < 100000; i++) {
        char text[80];
        double value = ((double)es_random_next(&random) / 0x1p64 - 0.5) * exp2(i % 40 - 20);
        snprintf(text, sizeof text, i & 1 ? "%.17g" : "%.9g", value);
        agree(text);
    }
}

static void takes_what_is_a_number(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t taken;
    } cases[] = {{"", 0},     {"-", 0},        {".", 0},       {"e5", 0},     {"abc", 0},
                 {"1,5", 1},  {"0x1p3", 1},    {"1e", 1},      {"1e+", 1},    {"1.2.3", 3},
                 {"1e5x", 3}, {"--1", 0},      {"nan", 3},     {"NaN", 3},    {"-inf", 4},
                 {"inf", 3},  {"Infinity", 8}, {"infinit", 3}, {"+.5e1 ", 5}, {"12 3", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double value = 0;
        size_t taken = es_number_parse(cases[i].text, strlen(cases[i].text), &value);
        if (taken != cases[i].taken)
            fail_msg("'%s': %zu bytes taken, expected %zu", cases[i].text, taken, cases[i].taken);
    }
    double value;
    es_number_parse("-inf", 4, &value);
    assert_true(value == -INFINITY);
    es_number_parse("1e999", 5, &value);
    assert_true(value == INFINITY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_as_strtod_does),
        cmocka_unit_test(takes_what_is_a_number),
    };
    return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
