/* test_record_words.c - copies, globs, lists, decimals and the SHA-256 examples of FIPS 180-4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "base/hx_rng.h"
#include "record/hx_cell.h"
#include "record/hx_sha256.h"
#include "record/hx_words.h"

static void copy_refuses_what_does_not_fit(void **state) {
    (void)state;
    char small[4];
    assert_true(hx_copy(small, sizeof small, "abc"));
    assert_string_equal(small, "abc");
    assert_false(hx_copy(small, sizeof small, "abcd"));
    assert_string_equal(small, "");
}

static void globs_are_joined_by_commas(void **state) {
    (void)state;
    assert_true(hx_glob(NULL, "malloc"));
    assert_true(hx_glob("arena-*,bump", "arena-go"));
    assert_true(hx_glob("arena-*,bump", "bump"));
    assert_false(hx_glob("arena-*,bump", "malloc"));
    assert_false(hx_glob("mallo", "malloc"));
    assert_true(hx_glob("[mj]*malloc", "jemalloc"));
}

static void lists_as_taskset_writes_them(void **state) {
    (void)state;
    unsigned numbers[16];
    size_t count = 0;
    assert_true(hx_parse_list("0-3,8,10-14:2,2", numbers, 16, &count));
    const unsigned want[] = {0, 1, 2, 3, 8, 10, 12, 14};
    assert_int_equal(count, 8);
    assert_memory_equal(numbers, want, sizeof want);
    static const char *const bad[] = {"", ",", "1,", ",1", "1,,2", "3-1", "a", "1-", "-1", "1-2:0", "1-2:x", "0-99", " 1", "1 "};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(hx_parse_list(bad[i], numbers, 16, &count));
    }
}

static void decimals_are_plain_and_read_back(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0"}, {1, "1"}, {-2.5, "-2.5"}, {12.34, "12.34"}, {1e15, "1000000000000000"}, {0.1, "0.1"}, {1e-7, "0.0000001"}};
    char text[HX_DECIMAL_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hx_decimal(cases[i].value, text);
        assert_string_equal(text, cases[i].text);
    }
    struct hx_rng rng;
    hx_rng_init(&rng, 7);
    for (unsigned i = 0; i < 2000; i++) {
        double value = (hx_rng_unit(&rng) - 0.5) * (double)(UINT64_C(1) << (i % 60));
        hx_decimal(value, text);
        assert_true(strtod(text, NULL) == value);
        assert_null(strpbrk(text, "eE"));
    }
    static const double edges[] = {DBL_MAX, -DBL_MAX, DBL_MIN, 4.9406564584124654e-324, 1.2345678901234567e-300};
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        hx_decimal(edges[i], text);
        assert_true(strtod(text, NULL) == edges[i]);
        assert_null(strpbrk(text, "eE"));
    }
}

static void buffers_grow(void **state) {
    (void)state;
    struct hx_buffer buffer = {0};
    for (unsigned i = 0; i < 1000; i++) {
        hx_buffer_print(&buffer, "%u,", i);
    }
    assert_int_equal(buffer.size_bytes, strlen(buffer.data));
    assert_int_equal(strncmp(buffer.data, "0,1,2,", 6), 0);
    hx_buffer_free(&buffer);
    assert_null(buffer.data);
}

static void names_map_both_ways(void **state) {
    (void)state;
    for (unsigned i = 0; i < HX_PASS_COUNT; i++) {
        enum hx_pass pass = HX_PASS_COUNT;
        assert_true(hx_pass_from_name(hx_pass_name((enum hx_pass)i), &pass));
        assert_int_equal(pass, i);
    }
    enum hx_pass pass = HX_PASS_TIME;
    assert_false(hx_pass_from_name("times", &pass));
    struct hx_cell cell = {.scenario = "json_dom", .backend = "arena-safe", .arm = "fresh", .options = "-", .threads = 1, .pages = HX_PAGES_4K};
    char title[HX_CELL_TITLE_BYTES];
    hx_cell_title(&cell, title);
    assert_string_equal(title, "json_dom/arena-safe/fresh/1/4k");
}

/* FIPS 180-4's example messages, and lengths around the padding's edges against each other. */
static void sha256_published_values(void **state) {
    (void)state;
    char out[65];
    hx_sha256_hex("", 0, out);
    assert_string_equal(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    hx_sha256_hex("abc", 3, out);
    assert_string_equal(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    hx_sha256_hex(two_blocks, sizeof two_blocks - 1, out);
    assert_string_equal(out, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    char *million = hx_alloc(1000000);
    memset(million, 'a', 1000000);
    hx_sha256_hex(million, 1000000, out);
    assert_string_equal(out, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copy_refuses_what_does_not_fit),   cmocka_unit_test(globs_are_joined_by_commas),
        cmocka_unit_test(lists_as_taskset_writes_them),     cmocka_unit_test(decimals_are_plain_and_read_back),
        cmocka_unit_test(buffers_grow),                     cmocka_unit_test(names_map_both_ways),
        cmocka_unit_test(sha256_published_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
