#include "base/number.h"
#include "render/number_text.h"
#include "test.h"

#include <float.h>
#include <locale.h>
#include <math.h>

static void check_round_trip(double value)
{
    char text[ES_NUMBER_TEXT];
    es_number_shortest(value, text);
    double back = NAN;
    assert_int_equal(es_number_parse(text, strlen(text), &back), strlen(text));
    if (memcmp(&back, &value, sizeof value) != 0) fail_msg("%a became %s, %a", value, text, back);
}

static void reads_back_the_same_float(void **state)
{
    (void)state;
    uint64_t bits = 88172645463325252u;
    char text[ES_NUMBER_TEXT];
    for (int i = 0; i < 200000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        uint32_t low = (uint32_t)bits;
        float value;
        memcpy(&value, &low, sizeof value);
        if (!isfinite(value)) continue;
        es_number_shortest_float(value, text);
        double back = NAN;
        assert_int_equal(es_number_parse(text, strlen(text), &back), strlen(text));
        float narrow = (float)back;
        if (memcmp(&narrow, &value, sizeof value) != 0)
            fail_msg("%a became %s", (double)value, text);
    }
    es_number_shortest_float(0.1f, text);
    assert_string_equal(text, "0.1");
    es_number_shortest_float(0.58290505f, text);
    assert_string_equal(text, "0.58290505");
}

/* The first of %.6g ... %.9g that reads back: what the fast way must print, to the byte. */
static void check_as_by_trial(float value)
{
    char text[ES_NUMBER_TEXT], expected[64];
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(expected, sizeof expected, "%.*g", digits, (double)value);
        if ((float)strtod(expected, NULL) == value) break;
    }
    int length = es_number_shortest_float(value, text);
    assert_int_equal(length, strlen(text));
    if (strcmp(text, expected) != 0) fail_msg("%a became %s, not %s", value, text, expected);
}

static void floats_are_printed_as_by_trial(void **state)
{
    (void)state;
    uint64_t bits = 88172645463325252u;
    for (int i = 0; i < 300000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        double size = (double)(bits >> 11) * 0x1p-53 - 0.5;
        float value = (float)(size * pow(10, (double)(i % 24) - 13)); /* 1e-14 ... 1e10 */
        check_as_by_trial(value);
        char few[32]; /* and short decimals: 0.5, 0.125, 3e-05 */
        snprintf(few, sizeof few, "%.*g", 1 + i % 6, (double)value);
        check_as_by_trial(strtof(few, NULL));
    }
    /* Where a digit more begins, and on both sides of it. */
    for (int exponent = -45; exponent <= 38; exponent++)
        for (int direction = -1; direction <= 1; direction++) {
            float value = (float)pow(10, exponent);
            for (int step = 0; step < 40; step++) {
                if (isfinite(value)) check_as_by_trial(-value);
                value = direction ? nextafterf(value, direction * INFINITY) : value * 9.999999f;
            }
        }
    check_as_by_trial(0);
    check_as_by_trial(-0.0f);
    check_as_by_trial(FLT_MAX);
    check_as_by_trial(FLT_MIN);
}

static void reads_back_the_same(void **state)
{
    (void)state;
    const double values[] = {0.0,
                             -0.0,
                             1,
                             -1,
                             0.1,
                             1.0 / 3,
                             DBL_MAX,
                             -DBL_MAX,
                             DBL_MIN,
                             5e-324,
                             -5e-324,
                             DBL_EPSILON,
                             1e22,
                             1e23,
                             1e-7,
                             123456789012345678.0,
                             0.3,
                             0.1 + 0.2,
                             2.2250738585072011e-308,
                             9007199254740993.0,
                             1.7976931348623157e308};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) check_round_trip(values[i]);
    uint64_t bits = 88172645463325252u;
    for (int i = 0; i < 200000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) check_round_trip(value);
    }
}

static void is_short(void **state)
{
    (void)state;
    char text[ES_NUMBER_TEXT];
    const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"},      {1, "1"},
                 {-2.5, "-2.5"},    {0.1 + 0.2, "0.30000000000000004"},
                 {1e300, "1e+300"}, {1.0 / 3, "0.3333333333333333"},
                 {100, "100"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        es_number_shortest(cases[i].value, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void shows_for_people(void **state)
{
    (void)state;
    char text[ES_NUMBER_TEXT];
    const struct {
        double value;
        int decimals;
        const char *text;
    } cases[] = {{0.56091, 4, "0.5609"},   {-0.00001, 4, "0.0000"},
                 {-0.0, 2, "0.00"},        {NAN, 4, "-"},
                 {INFINITY, 4, "inf"},     {-INFINITY, 1, "-inf"},
                 {1e300, 4, "1.000e+300"}, {1e-300, 6, "0.000000"},
                 {-3.14159, 2, "-3.14"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        es_number_fixed(cases[i].value, cases[i].decimals, text);
        assert_string_equal(text, cases[i].text);
    }
    const struct {
        int64_t count;
        const char *text;
    } counts[] = {{0, "0"},
                  {999, "999"},
                  {1000, "1,000"},
                  {-1000, "-1,000"},
                  {-999, "-999"},
                  {1262857896, "1,262,857,896"},
                  {INT64_MAX, "9,223,372,036,854,775,807"}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        es_number_count(counts[i].count, text);
        assert_string_equal(text, counts[i].text);
    }
}

static void the_locale_does_not_matter(void **state)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8",
                                        "ps_AF.UTF-8"};
    bool any = false;
    for (size_t i = 0; i < sizeof names / sizeof *names && !any; i++)
        any = setlocale(LC_ALL, names[i]) != NULL;
    if (!any) {
        printf("no locale with a decimal comma is installed\n");
        skip();
    }
    char comma[16];
    snprintf(comma, sizeof comma, "%.1f", 0.5);
    assert_null(strchr(comma, '.')); /* the test itself can fail */
    is_short(state);
    shows_for_people(state);
    check_round_trip(-1234.5678e-9);
    setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_back_the_same),
        cmocka_unit_test(reads_back_the_same_float),
        cmocka_unit_test(floats_are_printed_as_by_trial),
        cmocka_unit_test(is_short),
        cmocka_unit_test(shows_for_people),
        cmocka_unit_test(the_locale_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
