/* test_report_format.c - digits, units, escapes, tics and inline pictures: what every form of the report is made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_html.h"

static void shows(void (*show)(char *, double), double value, const char *wanted) {
    char shown[HX_REPORT_SHOWN_BYTES];
    show(shown, value);
    assert_string_equal(shown, wanted);
}

static void test_numbers(void **state) {
    (void)state;
    shows(hx_report_show_number, 0, "0.00");
    shows(hx_report_show_number, 0.0123, "0.0123");
    shows(hx_report_show_number, 3.14159, "3.14");
    shows(hx_report_show_number, 9.996, "10.0");
    shows(hx_report_show_number, 99.96, "100");
    shows(hx_report_show_number, 1234567.4, "1,234,567");
    shows(hx_report_show_number, -1234.5, "-1,234");
    shows(hx_report_show_count, 17744, "17,744");
    shows(hx_report_show_count, 17744.5, "17,744.5");
    shows(hx_report_show_count, 0, "0");
}

static void test_units(void **state) {
    (void)state;
    shows(hx_report_show_duration, 20, "20 ns");
    shows(hx_report_show_duration, 999.4, "999.4 ns");
    shows(hx_report_show_duration, 999.6, "1.00 us");
    shows(hx_report_show_duration, 12345, "12.3 us");
    shows(hx_report_show_duration, 999.6e3, "1.00 ms");
    shows(hx_report_show_duration, 3.5e9, "3.50 s");
    shows(hx_report_show_bytes, 0, "0 B");
    shows(hx_report_show_bytes, 512, "512 B");
    shows(hx_report_show_bytes, 1536, "1.50 KiB");
    shows(hx_report_show_bytes, -3 * 1048576.0, "-3.00 MiB");
    shows(hx_report_show_bytes, 1023.9 * 1024, "1.00 MiB");
    shows(hx_report_show_ratio, 0.4, "2.50x faster");
    shows(hx_report_show_ratio, 1.35, "1.35x slower");
    shows(hx_report_show_ratio, 1.001, "same");
}

static void test_escapes(void **state) {
    (void)state;
    struct hx_text text;
    assert_true(hx_text_init(&text, 4096));
    hx_report_escape_html(&text, "<b a=\"1\" c='2'>&amp;");
    assert_string_equal(text.data, "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;");
    hx_text_reset(&text);
    hx_report_escape_markdown(&text, "a|b\n<i>");
    assert_string_equal(text.data, "a\\|b &lt;i&gt;");
    hx_text_reset(&text);
    hx_report_quote_gnuplot(&text, "it's\n`ls` \"x\"");
    assert_string_equal(text.data, "'it''s `ls` \"x\"'");
    hx_text_deinit(&text);
}

static size_t tics(double low_ns, double high_ns, const char *first) {
    struct hx_text text;
    assert_true(hx_text_init(&text, 4096));
    hx_figure_duration_tics(&text, low_ns, high_ns);
    assert_int_equal(strncmp(text.data, first, strlen(first)), 0);
    size_t count = 1;
    for (const char *at = text.data; *at != '\0'; at++) {
        count += *at == ',';
    }
    hx_text_deinit(&text);
    return count;
}

static void test_tics(void **state) {
    (void)state;
    assert_int_equal(tics(7, 3000, "'10 ns' 10"), 8);          /* 1-2-5 below three decades */
    assert_int_equal(tics(8, 2e6, "'10 ns' 10"), 6);           /* decades alone above */
    assert_int_equal(tics(150e3, 900e3, "'200 µs' 200000"), 2); /* never fewer than two on the narrowest axis */
    assert_int_equal(tics(4e8, 3e10, "'500 ms' 500000000, '1 s' 1000000000"), 6);
}

static void test_inline_svg(void **state) {
    (void)state;
    struct hx_text text;
    assert_true(hx_text_init(&text, 4096));
    hx_html_inline_svg(&text,
                       "<?xml version=\"1.0\"?>\n<svg viewBox=\"0 0 1 1\" xmlns=\"http://www.w3.org/2000/svg\""
                       " xmlns:xlink=\"http://www.w3.org/1999/xlink\"><circle id='gpDot'/><use xlink:href='#gpDot'/>"
                       "<g fill=\"url(#p1)\" id=\"p1\"><text>a &lt; id='b'</text></g></svg>\n",
                       "time");
    assert_null(strstr(text.data, "http"));
    assert_null(strstr(text.data, "<?xml"));
    assert_non_null(strstr(text.data, "<circle id='time-gpDot'/><use xlink:href='#time-gpDot'/>"));
    assert_non_null(strstr(text.data, "fill=\"url(#time-p1)\" id=\"time-p1\""));
    assert_non_null(strstr(text.data, "<text>a &lt; id='b'</text>"));
    hx_text_reset(&text);
    hx_html_inline_svg(&text, "no picture", "time");
    assert_non_null(strstr(text.data, "damaged"));
    hx_text_deinit(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_units),      cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_tics),    cmocka_unit_test(test_inline_svg),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
