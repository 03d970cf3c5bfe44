/* test_record_observation.c - requests survive their text; an observation is believed only when it answers the request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "record/hx_observation.h"

static const unsigned pus[] = {3, 1};
static const char *const input[] = {"/data/a \"quoted\".json", "/data/b"};
static const char *const events[] = {"software;page-faults,a,1,0x2"};

static struct hx_request model(void) {
    return (struct hx_request){.pass = HX_PASS_TIME,
                               .cell = {.scenario = "json_dom", .backend = "arena-safe", .arm = "fresh", .options = "prezero=none",
                                        .threads = 2, .pages = HX_PAGES_HUGE, .scale = 0.1, .cycles_per_block = 3, .blocks = 8},
                               .seed = UINT64_MAX - 1, .rep = 4, .order = 17, .pus = pus, .pu_count = 2, .input = input, .input_count = 2,
                               .events = events, .event_count = 1, .event_group = 1};
}

static void requests_survive_their_text(void **state) {
    (void)state;
    struct hx_request request = model(), read;
    struct hx_error error = {{0}};
    char *text = hx_request_json(&request);
    assert_null(strchr(text, '\n'));
    assert_true(hx_request_parse(text, &read, &error));
    assert_true(hx_cell_same(&read.cell, &request.cell));
    assert_true(read.cell.scale == 0.1);
    assert_int_equal(read.cell.cycles_per_block, 3);
    assert_true(read.seed == UINT64_MAX - 1);
    assert_int_equal(read.pu_count, 2);
    assert_int_equal(read.pus[1], 1);
    assert_string_equal(read.input[0], input[0]);
    assert_string_equal(read.events[0], events[0]);
    assert_null(read.litter);
    char *again = hx_request_json(&read);
    assert_string_equal(text, again);
    free(text);
    free(again);
    hx_request_free(&read);
}

static void wrong_requests_are_refused(void **state) {
    (void)state;
    struct hx_request request = model(), read;
    struct hx_error error = {{0}};
    char *text = hx_request_json(&request);
    char *spoilt = strdup(text);
    strstr(spoilt, "\"protocol\":1")[11] = '9';
    assert_false(hx_request_parse(spoilt, &read, &error));
    assert_non_null(strstr(error.line, "protocol 9"));
    free(spoilt);
    spoilt = strdup(text);
    memcpy(strstr(spoilt, "\"time\""), "\"tame\"", 6);
    assert_false(hx_request_parse(spoilt, &read, &error));
    assert_non_null(strstr(error.line, "tame"));
    free(spoilt);
    assert_false(hx_request_parse("", &read, &error));
    assert_false(hx_request_parse("[1]", &read, &error));
    free(text);
}

#define ECHO                                                                                                                      \
    "\"protocol\":1,\"pass\":\"time\",\"scenario\":\"json_dom\",\"backend\":\"arena-safe\",\"arm\":\"fresh\",\"threads\":2,"       \
    "\"pages\":\"huge\",\"options\":\"prezero=none\",\"rep\":4,\"order\":17,\"seed\":\"18446744073709551614\""
#define SUMS "\"checksum\":\"00112233445566aa\",\"allocation_checksum\":\"0011223344556677\""
#define FIGURES                                                                                                                   \
    "\"metrics\":[{\"phase\":\"all\",\"metric\":\"time\",\"unit\":\"ns/op\",\"value\":12.5,\"reason\":null},"                      \
    "{\"phase\":\"all\",\"metric\":\"faults_minor\",\"unit\":\"count\",\"value\":12345678901234,\"reason\":null},"                 \
    "{\"phase\":\"use\",\"metric\":\"cycles\",\"unit\":\"count\",\"value\":null,\"reason\":\"no PMU\"}]"

static void a_good_observation_is_read(void **state) {
    (void)state;
    static const char line[] = "{" ECHO ",\"ops_per_block\":10,\"ops_total\":80," SUMS ",\"pus\":[3,1],\"migrated\":true," FIGURES
                               ",\"block_ns\":[1000,1200.5]}\n";
    struct hx_request request = model();
    struct hx_observation observation;
    struct hx_error error = {{0}};
    assert_true(hx_observation_parse(line, &request, &observation, &error));
    assert_int_equal(observation.ops_per_block, 10);
    assert_true(observation.migrated);
    assert_int_equal(observation.pu, 3);
    assert_int_equal(observation.metric_count, 3);
    assert_int_equal(observation.block_count, 2);
    assert_string_equal(observation.checksum, "00112233445566aa");
    const struct hx_metric *time = hx_observation_metric(&observation, "all", "time");
    assert_non_null(time);
    assert_string_equal(time->text, "12.5");
    assert_string_equal(hx_observation_metric(&observation, "all", "faults_minor")->text, "12345678901234");
    assert_int_equal(hx_observation_metric(&observation, "use", "cycles")->kind, HX_VALUE_NULL);
    assert_null(hx_observation_metric(&observation, "all", "cycles"));
    struct hx_buffer rows = {0};
    hx_observation_rows(&observation, &request, "head", &rows);
    assert_string_equal(rows.data,
                        "time\thead\tjson_dom\tarena-safe\tfresh\t2\thuge\tprezero=none\t4\t17\tall\ttime\tns/op\t12.5\t-\n"
                        "time\thead\tjson_dom\tarena-safe\tfresh\t2\thuge\tprezero=none\t4\t17\tall\tfaults_minor\tcount\t12345678901234\t-\n"
                        "time\thead\tjson_dom\tarena-safe\tfresh\t2\thuge\tprezero=none\t4\t17\tuse\tcycles\tcount\tnull\tno PMU\n");
    hx_buffer_free(&rows);
    hx_observation_free(&observation);
}

static void wrong_observations_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *line, *words;
    } cases[] = {
        {"", "no observation"},
        {"\n", "no observation"},
        {"{\"protocol\":1", "malformed JSON"},
        {"{" ECHO ",\"ops_per_block\":10,\"ops_total\":80," SUMS "}", "metrics"},
        {"{" ECHO ",\"ops_per_block\":0,\"ops_total\":0," SUMS "," FIGURES "}", "no operation"},
        {"{" ECHO ",\"ops_total\":80," SUMS "," FIGURES "}", "ops_per_block"},
        {"{" ECHO ",\"ops_per_block\":1,\"ops_total\":8,\"checksum\":\"xyz\"," FIGURES "}", "hex digits"},
        {"{" ECHO ",\"ops_per_block\":1,\"ops_total\":8,\"metrics\":[{\"phase\":\"all\",\"metric\":\"m\",\"unit\":\"u\",\"value\":null,"
         "\"reason\":null}]}",
         "neither a value nor a reason"},
        {"{" ECHO ",\"ops_per_block\":1,\"ops_total\":8,\"metrics\":[{\"phase\":\"all\",\"unit\":\"u\",\"value\":1}]}", "metric"},
        {"{" ECHO ",\"ops_per_block\":1,\"ops_total\":8,\"metrics\":[],\"block_ns\":[0]}", "block_ns"},
        {"{\"protocol\":1,\"pass\":\"time\",\"scenario\":\"json_dom\",\"backend\":\"arena-go\",\"arm\":\"fresh\",\"threads\":2,"
         "\"pages\":\"huge\",\"options\":\"prezero=none\",\"rep\":4,\"order\":17,\"seed\":\"18446744073709551614\",\"ops_per_block\":1,\"ops_total\":8,"
         "\"metrics\":[]}",
         "another request"},
    };
    struct hx_request request = model();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hx_observation observation;
        struct hx_error error = {{0}};
        assert_false(hx_observation_parse(cases[i].line, &request, &observation, &error));
        assert_non_null(strstr(error.line, cases[i].words));
        assert_null(observation.root);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_survive_their_text),
        cmocka_unit_test(wrong_requests_are_refused),
        cmocka_unit_test(a_good_observation_is_read),
        cmocka_unit_test(wrong_observations_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
