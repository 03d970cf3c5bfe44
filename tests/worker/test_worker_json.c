/* test_worker_json.c - malformed JSON ends in one line with file, line and column, exit 5; everything RFC 8259 allows is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/worker_run.h"

struct malformed {
    const char *text;
    unsigned line, column;
    const char *says;
};

static const struct malformed malformed[] = {
    {" ", 1, 2, "expected a value"},
    {"{", 1, 2, "expected a name"},
    {"[1, 2", 1, 6, "expected ',' or ']'"},
    {"[1 2]", 1, 4, "expected ',' or ']'"},
    {"[1,]", 1, 4, "not a value"},
    {"{\"a\":1,}", 1, 8, "expected a name"},
    {"{\"a\" 1}", 1, 6, "expected ':'"},
    {"{\"a\":1 \"b\":2}", 1, 8, "expected ',' or '}'"},
    {"{a:1}", 1, 2, "expected a name"},
    {"[1]\n\n  x", 3, 3, "text after the value"},
    {"[\n1,\n  tru]", 3, 3, "not a value"},
    {"nul", 1, 1, "not a value"},
    {"[01]", 1, 3, "leading zero"},
    {"[-]", 1, 3, "without digits"},
    {"[1.]", 1, 4, "after its point"},
    {"[1e]", 1, 4, "in its exponent"},
    {"[1e+]", 1, 5, "in its exponent"},
    {"[.5]", 1, 2, "not a value"},
    {"[+1]", 1, 2, "not a value"},
    {"[NaN]", 1, 2, "not a value"},
    {"\"abc", 1, 5, "without an end"},
    {"\"abc\\", 1, 5, "without an end"},
    {"\"a\tb\"", 1, 3, "control character"},
    {"\"a\\x\"", 1, 3, "unknown escape"},
    {"\"\\u12g4\"", 1, 2, "\\u escape"},
    {"\"\\ud800\"", 1, 2, "\\u escape"},
    {"\"\\ud800\\u0041\"", 1, 2, "\\u escape"},
    {"\"\\udc00\"", 1, 2, "\\u escape"},
    {"\"\xff\"", 1, 2, "malformed UTF-8"},
    {"\"\xc0\xaf\"", 1, 2, "malformed UTF-8"},
    {"\"\xed\xa0\x80\"", 1, 2, "malformed UTF-8"},
    {"\"\xe2\x82\"", 1, 2, "malformed UTF-8"},
    {"\"\xf5\x80\x80\x80\"", 1, 2, "malformed UTF-8"},
    {"\xef\xbb\xbf{}", 1, 1, "not a value"},
    {"// comment\n{}", 1, 1, "not a value"},
};

static void run_on(const char *path, struct answer *out) {
    char input[300];
    snprintf(input, sizeof input, "[\"%s\"]", path);
    struct ask ask = ask_of("worker-bump", "plan", "json_dom", "bump", "bulk");
    ask.input = input;
    ask.scale = 0.01;
    worker_ask(&ask, out);
}

static void malformed_is_placed(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        const struct malformed *bad = &malformed[i];
        const char *path = temporary_file("bad.json", bad->text, strlen(bad->text));
        struct answer answer;
        run_on(path, &answer);
        char place[400];
        snprintf(place, sizeof place, "input \"%s\", line %u, column %u: ", path, bad->line, bad->column);
        if (answer.exit_code != 5 || strstr(answer.error, place) == NULL || strstr(answer.error, bad->says) == NULL) {
            fail_msg("%s: wanted %u:%u %s, got exit %d: %s", bad->text, bad->line, bad->column, bad->says, answer.exit_code,
                     answer.error);
        }
        assert_ptr_equal(strchr(answer.error, '\n'), answer.error + strlen(answer.error) - 1);
        answer_free(&answer);
    }
}

static void well_formed_is_taken(void **state) {
    (void)state;
    static const char *const texts[] = {
        "0", "-0", "null", "true", "\"\"", "[]", "{}", " \t\r\n[ ] ", "[[],{}]", "{\"\":{}}", "[1e5,1E-400,1e400,123456789012345678901234567890]",
        "\"\\u0000\\uD83D\\uDE00\\/\"", "\"\xe2\x82\xac\xf0\x9f\x98\x80\"", "{\"a\":1,\"a\":2}", "[0.1,-0.0,10,1.5e+3]",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct answer answer;
        run_on(temporary_file("good.json", texts[i], strlen(texts[i])), &answer);
        /* null, true and empty lists of the top allocate nothing: no work is an error of its own, never a crash */
        if (answer.exit_code != 0 && strstr(answer.error, "no allocation") == NULL) {
            fail_msg("%s: exit %d: %s", texts[i], answer.exit_code, answer.error);
        }
        answer_free(&answer);
    }
}

static void depth_has_a_limit(void **state) {
    (void)state;
    enum { LIMIT = 512 };
    char text[2 * (LIMIT + 2)];
    for (size_t depth = LIMIT; depth <= LIMIT + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        struct answer answer;
        run_on(temporary_file("deep.json", text, 2 * depth), &answer);
        bool taken = depth <= LIMIT;
        if ((answer.exit_code == 0) != taken || (!taken && strstr(answer.error, "too deeply") == NULL)) {
            fail_msg("%zu levels: exit %d: %s", depth, answer.exit_code, answer.error);
        }
        answer_free(&answer);
    }
}

static void files_that_are_none(void **state) {
    (void)state;
    static const char *const says[] = {"No such file", "not a regular file", "empty file"};
    const char *empty = temporary_file("empty.json", "", 0);
    const char *paths[] = {"/no/such/file.json", "/dev/null", empty};
    for (size_t i = 0; i < 3; i++) {
        struct answer answer;
        run_on(paths[i], &answer);
        assert_int_equal(answer.exit_code, 5);
        assert_non_null(strstr(answer.error, paths[i]));
        assert_non_null(strstr(answer.error, says[i]));
        answer_free(&answer);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_is_placed), cmocka_unit_test(well_formed_is_taken), cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(files_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
