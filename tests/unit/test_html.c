#include "render/html.h"
#include "test.h"

#include <math.h>

static void text_cannot_become_markup(void **state)
{
    (void)state;
    es_text page = {0};
    static const char bytes[] = "<script>\"&'\0\n\xFF\xE2\x80\xAE";
    es_html_text(&page, bytes, sizeof bytes - 1);
    assert_string_equal(page.data, "&lt;script&gt;&quot;&amp;&#39;\\x00\\x0A\xEF\xBF\xBD\\u{202E}");
    es_text_release(&page);
    es_html_token(&page, "</code>", 7);
    assert_string_equal(page.data, "<code class=\"token\">&quot;&lt;/code&gt;&quot;</code>");
    es_text_release(&page);
    es_html_token(&page, NULL, 0);
    assert_non_null(strstr(page.data, "(no token)"));
    es_text_release(&page);
}

static void undefined_cells_are_dashes(void **state)
{
    (void)state;
    es_text page = {0};
    es_html_number_cell(&page, NAN, 4);
    assert_string_equal(page.data, "<td class=\"n\">-</td>");
    es_text_release(&page);
    es_html_cosine_cell(&page, NAN);
    assert_null(strstr(page.data, "nan"));
    assert_null(strstr(page.data, "width"));
    es_text_release(&page);
    es_html_cosine_cell(&page, -0.25);
    assert_non_null(strstr(page.data, "width:25.0%"));
    assert_non_null(strstr(page.data, "-0.2500"));
    es_text_release(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_cannot_become_markup),
        cmocka_unit_test(undefined_cells_are_dashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
