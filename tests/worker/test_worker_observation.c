/* test_worker_observation.c - every backend, arm and pass gives the observation that docs/PROTOCOL.md describes; bad input gives one
 * line and exit 5. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/worker_run.h"

static const char *const workers[] = {"worker-bump", "worker-malloc", "worker-arena", "worker-gcheap",
#ifdef AB_HAVE_BDWGC
                                      "worker-bdwgc",
#endif
};
static const char *const passes[] = {"time", "latency", "counters", "memory", "counts", "plan"};
static const char software[] = "[\"PAGE-FAULTS\",\"CONTEXT-SWITCHES\"]";

static void must_be(const json_t *observation, const char *key, json_type type) {
    const json_t *value = json_object_get(observation, key);
    if (value == NULL || json_typeof(value) != type) {
        fail_msg("\"%s\" is missing or of the wrong type", key);
    }
}

static void check_hex(const json_t *observation, const char *key) {
    const char *word = json_string_value(json_object_get(observation, key));
    assert_non_null(word);
    assert_int_equal(strlen(word), 16);
    assert_int_equal(strspn(word, "0123456789abcdef"), 16);
}

static void check_head(const struct ask *ask, const json_t *observation) {
    static const char *const numbers[] = {"protocol", "threads", "rep", "order", "seed", "cycles_per_block", "blocks",
                                          "ops_per_block", "ops_total", "refills_per_block"};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        must_be(observation, numbers[i], JSON_INTEGER);
    }
    assert_int_equal(json_integer_value(json_object_get(observation, "protocol")), 1);
    assert_int_equal(json_integer_value(json_object_get(observation, "rep")), 2);
    assert_int_equal(json_integer_value(json_object_get(observation, "order")), 17);
    assert_int_equal(json_integer_value(json_object_get(observation, "blocks")), ask->blocks);
    assert_int_equal(json_integer_value(json_object_get(observation, "ops_total")),
                     json_integer_value(json_object_get(observation, "ops_per_block")) * ask->blocks);
    assert_string_equal(json_string_value(json_object_get(observation, "pass")), ask->pass);
    assert_string_equal(json_string_value(json_object_get(observation, "backend")), ask->backend);
    assert_string_equal(json_string_value(json_object_get(observation, "arm")), ask->arm);
    must_be(observation, "version", JSON_STRING);
    must_be(observation, "pus", JSON_ARRAY);
    must_be(observation, "flags", JSON_ARRAY);
    check_hex(observation, "checksum");
    check_hex(observation, "allocation_checksum");
}

/* A metric is a finite number, or null with a reason. */
static void check_metrics(const json_t *observation) {
    json_t *metrics = json_object_get(observation, "metrics");
    assert_true(json_array_size(metrics) > 0);
    size_t i;
    json_t *row;
    json_array_foreach(metrics, i, row) {
        assert_int_equal(json_object_size(row), 5);
        must_be(row, "phase", JSON_STRING);
        must_be(row, "metric", JSON_STRING);
        must_be(row, "unit", JSON_STRING);
        json_t *value = json_object_get(row, "value");
        json_t *reason = json_object_get(row, "reason");
        if (strcmp(json_string_value(json_object_get(row, "unit")), "word") == 0) {
            assert_true(json_string_length(value) > 0 && json_is_null(reason));
            continue;
        }
        assert_true(json_is_number(value) ? json_is_null(reason) : json_is_null(value) && json_string_length(reason) > 0);
    }
}

static void check_time(const struct answer *answer, const struct ask *ask) {
    json_t *blocks = json_object_get(answer->observation, "block_ns");
    assert_int_equal(json_array_size(blocks), ask->blocks);
    double best = 1e30, total = 0;
    for (size_t i = 0; i < json_array_size(blocks); i++) {
        double block = json_number_value(json_array_get(blocks, i));
        best = block < best ? block : best;
        total += block;
    }
    double ops = json_number_value(json_object_get(answer->observation, "ops_per_block"));
    assert_float_equal(answer_metric(answer, "all", "time"), best / ops, 1e-6);
    assert_float_equal(answer_metric(answer, "all", "time_typical"), total / ops / ask->blocks, 1e-6);
    json_t *row = json_object_get(answer->observation, "gbench");
    assert_int_equal(json_integer_value(json_object_get(row, "iterations")),
                     json_integer_value(json_object_get(answer->observation, "ops_total")));
    assert_float_equal(json_number_value(json_object_get(row, "real_time")), best / ops, 1e-6);
    assert_string_equal(json_string_value(json_object_get(row, "time_unit")), "ns");
}

/* Every allocation of the blocks that time single calls is in exactly one bucket. */
static void check_latency(const struct answer *answer, const struct ask *ask) {
    size_t i, j;
    json_t *hist, *bucket;
    bool seen = false;
    json_array_foreach(json_object_get(answer->observation, "hist"), i, hist) {
        if (strcmp(json_string_value(json_object_get(hist, "call")), "alloc") != 0) {
            continue;
        }
        seen = true;
        json_int_t calls = 0;
        json_array_foreach(json_object_get(hist, "buckets"), j, bucket) {
            assert_true(json_integer_value(json_array_get(bucket, 0)) < json_integer_value(json_array_get(bucket, 1)));
            calls += json_integer_value(json_array_get(bucket, 2));
        }
        json_int_t per_block = json_integer_value(json_object_get(answer->observation, "ops_per_block"));
        assert_int_equal(calls, per_block * ((ask->blocks + 1) / 2));
    }
    assert_true(seen);
    assert_true(answer_metric(answer, "all", "latency_request_p50") > 0);
    assert_true(answer_metric(answer, "all", "clock_step") >= 1);
}

static void check_memory(const struct answer *answer) {
    json_t *series = json_object_get(answer->observation, "series");
    assert_int_equal(json_array_size(series), 200);
    double last = -1;
    size_t i;
    json_t *row;
    json_array_foreach(series, i, row) {
        assert_int_equal(json_array_size(row), 6);
        assert_int_equal(json_integer_value(json_array_get(row, 0)), i);
        double ops = json_number_value(json_array_get(row, 1));
        assert_true(ops > last);
        last = ops;
    }
    assert_float_equal(last, json_number_value(json_object_get(answer->observation, "ops_total")), 0);
    assert_true(answer_metric(answer, "use", "live_bytes") > 0);
    assert_true(answer_metric(answer, "use", "rss_bytes") > 0);
    assert_float_equal(answer_metric(answer, "release", "live_bytes"), 0, 0);
    assert_true(answer_metric(answer, "all", "drag") > 0);
}

static void check_pass(struct ask *ask) {
    struct answer answer;
    worker_ask(ask, &answer);
    answer_sound(&answer);
    check_head(ask, answer.observation);
    check_metrics(answer.observation);
    if (strcmp(ask->pass, "time") == 0) {
        check_time(&answer, ask);
    } else if (strcmp(ask->pass, "latency") == 0) {
        check_latency(&answer, ask);
    } else if (strcmp(ask->pass, "memory") == 0) {
        check_memory(&answer);
    } else if (strcmp(ask->pass, "counters") == 0) {
        assert_true(answer_metric(&answer, "all", "faults_minor") >= 0);
    } else if (strcmp(ask->pass, "counts") == 0) {
        assert_true(answer_metric(&answer, "all", "ops") > 0);
    }
    answer_free(&answer);
}

/* Everything that --list offers can be asked for, and what it calls absent is refused with its reason. */
static void every_arm_and_pass(void **state) {
    (void)state;
    for (size_t w = 0; w < sizeof workers / sizeof workers[0]; w++) {
        struct answer list;
        worker_run(worker_path(workers[w]), "--list", NULL, NULL, &list);
        answer_sound(&list);
        assert_string_equal(answer_word(&list, "worker"), workers[w]);
        assert_true(json_array_size(json_object_get(list.observation, "scenarios")) >= 3);
        size_t i, j;
        json_t *backend, *arm;
        json_array_foreach(json_object_get(list.observation, "backends"), i, backend) {
            const char *name = json_string_value(json_object_get(backend, "name"));
            json_array_foreach(json_object_get(backend, "arms"), j, arm) {
                for (size_t p = 0; p < sizeof passes / sizeof passes[0]; p++) {
                    struct ask ask = ask_of(workers[w], passes[p], "request_server", name, json_string_value(arm));
                    ask.events = software;
                    check_pass(&ask);
                }
            }
            json_array_foreach(json_object_get(backend, "absent"), j, arm) {
                struct ask ask = ask_of(workers[w], "time", "request_server", name,
                                        json_string_value(json_object_get(arm, "arm")));
                struct answer answer;
                worker_ask(&ask, &answer);
                assert_int_equal(answer.exit_code, 5);
                assert_non_null(strstr(answer.error, json_string_value(json_object_get(arm, "reason"))));
                answer_free(&answer);
            }
        }
        answer_free(&list);
    }
}

/* Each block of a collected backend holds a collection, however little it allocates. */
static void every_block_collects(void **state) {
    (void)state;
    struct ask ask = ask_of("worker-gcheap", "time", "binary_trees", "gcheap", "collect");
    ask.scale = 0.01;
    struct answer answer;
    worker_ask(&ask, &answer);
    answer_sound(&answer);
    assert_true(json_integer_value(json_object_get(answer.observation, "refills_per_block")) >= 1);
    answer_free(&answer);
}

/* The pauses of the same rows, summed up: one a collection that was terminated since the first block. */
static void expect_pauses(const struct answer *answer, const json_t *rows) {
    json_int_t count = 0, total_ns = 0, max_ns = 0;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        json_int_t pause_ns = json_integer_value(json_array_get(row, 9));
        if (strcmp(json_string_value(json_array_get(row, 1)), "termination") == 0) {
            count++;
            total_ns += pause_ns;
            max_ns = pause_ns > max_ns ? pause_ns : max_ns;
        }
    }
    assert_true(max_ns > 0 && max_ns <= total_ns);
    assert_true(answer_metric(answer, "all", "gc_pause_count") == (double)count);
    assert_true(answer_metric(answer, "all", "gc_pause_total") == (double)total_ns);
    assert_true(answer_metric(answer, "all", "gc_pause_max") == (double)max_ns);
}

/* Collections come with the memory pass, in the order of their time, three rows each but for the first, which may have begun before. */
static void collections_are_traced(void **state) {
    (void)state;
    struct ask ask = ask_of("worker-gcheap", "memory", "gc_pacing", "gcheap", "collect");
    ask.scale = 0.5;
    struct answer answer;
    worker_ask(&ask, &answer);
    answer_sound(&answer);
    const json_t *rows = json_object_get(answer.observation, "gc");
    size_t count = json_array_size(rows);
    assert_true(count >= 9);
    json_int_t last_ns = 0, swept_ns = 0;
    for (size_t i = 0; i < count; i++) {
        static const char *const phases[] = {"mark", "termination", "off"};
        const json_t *row = json_array_get(rows, i);
        json_int_t time_ns = json_integer_value(json_array_get(row, 3)), live = json_integer_value(json_array_get(row, 4));
        assert_int_equal(json_array_size(row), 11);
        swept_ns += json_integer_value(json_array_get(row, 10));
        assert_true(json_integer_value(json_array_get(row, 10)) == 0 || (i + 3 - count % 3) % 3 == 2); /* with the phase that it ended */
        assert_string_equal(json_string_value(json_array_get(row, 1)), phases[(i + 3 - count % 3) % 3]);
        assert_true(time_ns >= last_ns);
        assert_true(json_integer_value(json_array_get(row, 5)) > 0);
        if (strcmp(json_string_value(json_array_get(row, 2)), "heap") == 0 && i % 3 == (count % 3)) {
            assert_true(live >= json_integer_value(json_array_get(row, 6))); /* it was started because the trigger was reached */
        }
        last_ns = time_ns;
    }
    assert_true(swept_ns > 0);
    expect_pauses(&answer, rows);
    answer_free(&answer);
    ask = ask_of("worker-malloc", "memory", "gc_pacing", "malloc", "each");
    worker_ask(&ask, &answer);
    answer_sound(&answer);
    assert_null(json_object_get(answer.observation, "gc"));
    answer_free(&answer);
}

/* A library that was missing at build time: the backend is listed, with the package, and asking for it says so. */
static void missing_library_is_listed(void **state) {
    (void)state;
    struct answer answer;
    worker_run(planted_path("planted-absent"), "--list", NULL, NULL, &answer);
    assert_int_equal(answer.exit_code, 0);
    const json_t *backend = json_array_get(json_object_get(answer.observation, "backends"), 0);
    const json_t *arm = json_array_get(json_object_get(backend, "absent"), 0);
    assert_string_equal(json_string_value(json_object_get(backend, "name")), "nolib");
    assert_non_null(strstr(json_string_value(json_object_get(arm, "reason")), "libno-dev"));
    answer_free(&answer);
    struct ask ask = ask_of(planted_path("planted-absent"), "time", "binary_trees", "nolib", "bulk");
    ask.worker = planted_path("planted-absent");
    worker_ask(&ask, &answer);
    assert_int_equal(answer.exit_code, 5);
    assert_non_null(strstr(answer.error, "libno-dev"));
    answer_free(&answer);
}

static void other_scenarios_and_pages(void **state) {
    (void)state;
    static const char *const scenarios[] = {"json_dom", "binary_trees"};
    for (size_t s = 0; s < 2; s++) {
        for (size_t p = 0; p < sizeof passes / sizeof passes[0]; p++) {
            struct ask ask = ask_of("worker-malloc", passes[p], scenarios[s], "malloc", "each");
            ask.pages = "4k";
            ask.cycles_per_block = 2;
            ask.scale = 0.2;
            check_pass(&ask);
        }
    }
}

/* Eight requests are fewer than the curve has steps; the peak must be there, not 0. */
static void a_life_of_few_requests_has_its_memory(void **state) {
    (void)state;
    struct ask ask = ask_of("worker-bump", "memory", "refill_2m", "bump", "bulk");
    ask.scale = 0.25; /* four pieces of 2 MiB a life */
    ask.blocks = 2;
    struct answer answer;
    worker_ask(&ask, &answer);
    answer_sound(&answer);
    assert_true(answer_metric(&answer, "use", "live_bytes") == 4 * 2097152.0);
    assert_true(answer_metric(&answer, "use", "rss_bytes") >= 4 * 2097152.0);
    answer_free(&answer);
}

/* The dials obey DESIGN: never under 3 blocks, 8 in quick where a page fault does not eat the budget; at least 16 in gate, which runs huge pages only. */
static void dials(void **state) {
    (void)state;
    struct answer list;
    worker_run(worker_path("worker-bump"), "--list", NULL, NULL, &list);
    answer_sound(&list);
    size_t i;
    json_t *scenario, *dial;
    const char *profile, *pages;
    json_array_foreach(json_object_get(list.observation, "scenarios"), i, scenario) {
        json_t *profiles = json_object_get(scenario, "dials"), *modes;
        assert_int_equal(json_object_size(profiles), 3);
        json_object_foreach(profiles, profile, modes) {
            bool gate = strcmp(profile, "gate") == 0;
            if (gate && json_object_get(scenario, "rate_per_s") != NULL) {
                assert_int_equal(json_object_size(modes), 0); /* an open loop has no times to gate */
                continue;
            }
            /* What shows the allocator's machinery has huge pages alone: 4 KiB faults would drown it. */
            assert_non_null(json_object_get(modes, "huge"));
            assert_in_range(json_object_size(modes), 1, gate ? 1 : 2);
            json_object_foreach(modes, pages, dial) {
                json_int_t blocks = json_integer_value(json_object_get(dial, "blocks"));
                assert_true(blocks >= (gate ? 16 : strcmp(profile, "quick") == 0 && strcmp(pages, "huge") == 0 ? 8 : 3));
                assert_true(!gate || strcmp(pages, "huge") == 0);
            }
        }
    }
    answer_free(&list);
}

static void few_blocks_is_flagged(void **state) {
    (void)state;
    struct ask ask = ask_of("worker-bump", "time", "binary_trees", "bump", "bulk");
    ask.blocks = 2;
    struct answer answer;
    worker_ask(&ask, &answer);
    answer_sound(&answer);
    assert_string_equal(json_string_value(json_array_get(json_object_get(answer.observation, "flags"), 0)), "few_blocks");
    answer_free(&answer);
}

struct bad {
    const char *from, *to; /* replaced in a sound request */
    const char *says;
};

static void bad_input(void **state) {
    (void)state;
    static const struct bad table[] = {
        {"\"protocol\":1", "\"protocol\":2", "protocol 1"},
        {"\"pass\":\"time\"", "\"pass\":\"tme\"", "unknown pass \"tme\""},
        {"binary_trees", "binary_tree", "unknown scenario \"binary_tree\""},
        {"\"backend\":\"bump\"", "\"backend\":\"bmp\"", "unknown backend \"bmp\""},
        {"\"arm\":\"bulk\"", "\"arm\":\"each\"", "unknown arm \"each\""},
        {"\"threads\":1", "\"threads\":0", "\"threads\" is out of range"},
        {"\"pages\":\"huge\"", "\"pages\":\"8k\"", "unknown pages \"8k\""},
        {"\"scale\":0.05", "\"scale\":0.001", "\"scale\""},
        {"\"scale\":0.05", "\"scale\":\"big\"", "\"scale\""},
        {"\"blocks\":3", "\"blocks\":0", "\"blocks\" is out of range"},
        {"\"blocks\":3", "\"blocks\":2.5", "\"blocks\" must be a whole number"},
        {"\"seed\":1,", "", "\"seed\" is missing"},
        {"\"seed\":1,", "\"seed\":-1,", "\"seed\" is out of range"},
        {"\"seed\":1,", "\"seed\":\"18446744073709551616\",", "2^64 - 1"},
        {"\"seed\":1,", "\"seed\":1,\"colour\":3,", "unknown member \"colour\""},
        {"\"pus\":null", "\"pus\":[0,1]", "2 \"pus\" for 1 threads"},
        {"\"pus\":null", "\"pus\":[100000]", "PU 100000"},
        {"\"options\":\"-\"", "\"options\":\"a=b\"", "option"},
        {"\"litter\":null", "\"litter\":\"1,2,3\"", "only a malloc's heap"},
        {"\"litter\":null", "\"litter\":\"1,2,x\"", "occupancy,multiplier,seed"},
        {"\"litter\":null", "\"litter\":\"1,2,3,4\"", "occupancy,multiplier,seed"},
        {"\"litter\":null", "\"litter\":7", "litter"},
        {"binary_trees", "json_dom", "needs input"},
        {"}", "", "no JSON object"},
    };
    struct ask ask = ask_of("worker-bump", "time", "binary_trees", "bump", "bulk");
    char *sound = ask_json(&ask);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const char *at = strstr(sound, table[i].from);
        assert_non_null(at);
        char request[2048];
        snprintf(request, sizeof request, "%.*s%s%s", (int)(at - sound), sound, table[i].to, at + strlen(table[i].from));
        struct answer answer;
        worker_run(ask.worker, "--observe", request, NULL, &answer);
        if (answer.exit_code != 5 || strstr(answer.error, table[i].says) == NULL) {
            fail_msg("\"%s\" gave exit %d: %s", table[i].to, answer.exit_code, answer.error);
        }
        /* one line, and nothing that looks like an observation */
        assert_ptr_equal(strchr(answer.error, '\n'), answer.error + strlen(answer.error) - 1);
        assert_string_equal(answer.line, "");
        answer_free(&answer);
    }
    free(sound);
}

static void bad_event_and_verb(void **state) {
    (void)state;
    struct ask ask = ask_of("worker-bump", "counters", "binary_trees", "bump", "bulk");
    ask.events = "[\"NO-SUCH-EVENT\"]";
    struct answer answer;
    worker_ask(&ask, &answer);
    assert_int_equal(answer.exit_code, 5);
    assert_non_null(strstr(answer.error, "NO-SUCH-EVENT"));
    answer_free(&answer);
    worker_run(ask.worker, "--obsrve", "{}", NULL, &answer);
    assert_int_equal(answer.exit_code, 5);
    assert_non_null(strstr(answer.error, "--obsrve"));
    answer_free(&answer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_arm_and_pass), cmocka_unit_test(other_scenarios_and_pages),
        cmocka_unit_test(a_life_of_few_requests_has_its_memory), cmocka_unit_test(dials),
        cmocka_unit_test(few_blocks_is_flagged), cmocka_unit_test(bad_input), cmocka_unit_test(bad_event_and_verb),
        cmocka_unit_test(every_block_collects), cmocka_unit_test(collections_are_traced), cmocka_unit_test(missing_library_is_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
