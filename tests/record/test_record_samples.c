/* test_record_samples.c - what is written is what is read back; a damaged file is refused with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/hx_samples.h"

static char path[] = "/tmp/hx_samples_XXXXXX";

static int make_path(void **state) {
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int drop_path(void **state) {
    (void)state;
    return unlink(path);
}

static void put(const char *text, size_t size_bytes) {
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size_bytes, file), size_bytes);
    assert_int_equal(fclose(file), 0);
}

static struct hx_sample model(void) {
    return (struct hx_sample){.pass = HX_PASS_TIME, .side = "-", .scenario = "json_dom", .backend = "arena-safe", .arm = "fresh",
                              .options = "prezero=none", .threads = 2, .pages = HX_PAGES_HUGE, .rep = 3, .order = 17, .phase = "all",
                              .metric = "time", .unit = "ns/op", .kind = HX_VALUE_NUMBER, .number = 12.25, .text = "12.25", .reason = "-"};
}

static void rows_survive_the_round_trip(void **state) {
    (void)state;
    struct hx_buffer text = {0};
    hx_samples_write_header(&text);
    struct hx_sample rows[4] = {model(), model(), model(), model()};
    rows[1].kind = HX_VALUE_NULL;
    rows[1].reason = "too few calls";
    rows[1].order = -1;
    rows[2].kind = HX_VALUE_WORD;
    rows[2].metric = "checksum";
    rows[2].unit = "hex";
    rows[2].text = "0011223344556677"; /* all digits: still a word */
    rows[3].pass = HX_PASS_COUNTERS;
    rows[3].side = "head";
    rows[3].text = "-4";
    for (size_t i = 0; i < 4; i++) {
        hx_sample_write(&text, &rows[i]);
    }
    put(text.data, text.size_bytes);
    struct hx_samples read;
    struct hx_error error = {{0}};
    assert_true(hx_samples_read(path, &read, &error));
    assert_int_equal(read.row_count, 4);
    assert_string_equal(read.rows[0].backend, "arena-safe");
    assert_string_equal(read.rows[0].options, "prezero=none");
    assert_int_equal(read.rows[0].threads, 2);
    assert_int_equal(read.rows[0].pages, HX_PAGES_HUGE);
    assert_int_equal(read.rows[0].order, 17);
    assert_int_equal(read.rows[0].kind, HX_VALUE_NUMBER);
    assert_true(read.rows[0].number == 12.25);
    assert_int_equal(read.rows[1].kind, HX_VALUE_NULL);
    assert_int_equal(read.rows[1].order, -1);
    assert_string_equal(read.rows[1].reason, "too few calls");
    assert_string_equal(read.rows[1].text, "null");
    assert_int_equal(read.rows[2].kind, HX_VALUE_WORD);
    assert_string_equal(read.rows[2].text, "0011223344556677");
    assert_int_equal(read.rows[3].pass, HX_PASS_COUNTERS);
    assert_string_equal(read.rows[3].side, "head");
    assert_true(read.rows[3].number == -4);
    /* Written again it is the same file. */
    struct hx_buffer again = {0};
    hx_samples_write_header(&again);
    for (size_t i = 0; i < 4; i++) {
        hx_sample_write(&again, &read.rows[i]);
    }
    assert_string_equal(again.data, text.data);
    hx_samples_free(&read);
    hx_buffer_free(&text);
    hx_buffer_free(&again);
}

static void separators_inside_words_become_spaces(void **state) {
    (void)state;
    struct hx_buffer text = {0};
    struct hx_sample row = model();
    row.kind = HX_VALUE_NULL;
    row.reason = "a\tb\nc";
    hx_samples_write_header(&text);
    hx_sample_write(&text, &row);
    put(text.data, text.size_bytes);
    struct hx_samples read;
    assert_true(hx_samples_read(path, &read, NULL));
    assert_string_equal(read.rows[0].reason, "a b c");
    hx_samples_free(&read);
    hx_buffer_free(&text);
}

static void damaged_files_name_their_line(void **state) {
    (void)state;
    static const struct {
        const char *body, *words;
    } cases[] = {
        {"time\t-\tjson_dom\n", "line 2: wrong number of columns"},
        {"times\t-\ts\tb\ta\t1\t4k\t-\t0\t1\tall\ttime\tns\t1\t-\n", "wrong pass"},
        {"time\t-\ts\tb\ta\tx\t4k\t-\t0\t1\tall\ttime\tns\t1\t-\n", "wrong threads"},
        {"time\t-\ts\tb\ta\t1\t2m\t-\t0\t1\tall\ttime\tns\t1\t-\n", "wrong pages"},
        {"time\t-\ts\tb\ta\t1\t4k\t-\t-1\t1\tall\ttime\tns\t1\t-\n", "wrong rep"},
        {"time\t-\ts\tb\ta\t1\t4k\t-\t0\tz\tall\ttime\tns\t1\t-\n", "wrong order"},
        {"time\t-\ts\tb\ta\t1\t4k\t-\t0\t1\tall\ttime\tns\tnull\t-\n", "wrong reason"},
        {"time\t-\ts\tb\ta\t1\t4k\t-\t0\t1\tall\ttime\tns\t1\t-\t\n", "wrong number of columns"},
        {"time\t-\ts\tb\ta\t1\t4k\t-\t0\t1\tall\ttime\tns\t1\t-", "line without an end"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hx_buffer text = {0};
        hx_samples_write_header(&text);
        hx_buffer_print(&text, "%s", cases[i].body);
        put(text.data, text.size_bytes);
        struct hx_samples read;
        struct hx_error error = {{0}};
        assert_false(hx_samples_read(path, &read, &error));
        assert_non_null(strstr(error.line, cases[i].words));
        assert_null(read.rows);
        hx_buffer_free(&text);
    }
    struct hx_samples read;
    struct hx_error error = {{0}};
    put("", 0);
    assert_false(hx_samples_read(path, &read, &error));
    put("pass\n", 5);
    assert_false(hx_samples_read(path, &read, &error));
    assert_non_null(strstr(error.line, "line 1: wrong header"));
    assert_false(hx_samples_read("/tmp/hx_nothing_here.tsv", &read, &error));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_survive_the_round_trip),
        cmocka_unit_test(separators_inside_words_become_spaces),
        cmocka_unit_test(damaged_files_name_their_line),
    };
    return cmocka_run_group_tests(tests, make_path, drop_path);
}
