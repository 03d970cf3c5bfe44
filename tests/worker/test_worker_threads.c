/* test_worker_threads.c - cells of several threads: what is built does not depend on who runs when, and every pass sums all lanes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hx_rng.h"
#include "worker/worker_run.h"

struct place {
    const char *worker, *backend, *arm;
};

static const struct place places[] = {
    {"worker-bump", "bump", "bulk"},         {"worker-malloc", "malloc", "each"},     {"worker-malloc", "malloc", "fresh"},
    {"worker-arena", "arena-kept", "reuse"}, {"worker-arena", "arena-safe", "reuse"}, {"worker-arena", "arena-go", "reuse"},
    {"worker-arena", "arena-safe", "fresh"},
};
enum { PLACES = sizeof places / sizeof places[0] };

static uint64_t hex(const struct answer *answer, const char *key) {
    unsigned long long value = 0;
    assert_int_equal(sscanf(answer_word(answer, key), "%llx", &value), 1);
    return value;
}

static uint64_t count(const struct answer *answer, const char *key) {
    return (uint64_t)json_integer_value(json_object_get(answer->observation, key));
}

/* The same sums everywhere, also when all threads share one processor, and one after the other in each block. */
static void any_schedule_builds_the_same(void **state) {
    (void)state;
    static const char *const scenarios[] = {"json_dom", "binary_trees", "request_server"};
    static const char *const pus[] = {"null", "[0,0,0,0]"};
    for (size_t s = 0; s < 3; s++) {
        for (unsigned threads = 1; threads <= 4; threads *= 2) {
            uint64_t contents = 0, requests = 0, ops = 0;
            for (size_t p = 0; p < PLACES + 1; p++) {
                const struct place *place = &places[p % PLACES];
                struct ask ask = ask_of(place->worker, "counts", scenarios[s], place->backend, place->arm);
                ask.threads = threads;
                ask.pus = pus[threads == 4 && p == PLACES];
                struct answer answer;
                worker_ask(&ask, &answer);
                answer_sound(&answer);
                if (p == 0) {
                    contents = hex(&answer, "checksum");
                    requests = hex(&answer, "allocation_checksum");
                    ops = count(&answer, "ops_total");
                }
                assert_true(hex(&answer, "checksum") == contents);
                assert_true(hex(&answer, "allocation_checksum") == requests);
                assert_true(count(&answer, "ops_total") == ops);
                answer_free(&answer);
            }
        }
    }
}

/* Thread 0 does what a cell of one thread does; the second draws from a seed of its own. */
static void lanes_have_seeds_of_their_own(void **state) {
    (void)state;
    struct ask ask = ask_of("worker-bump", "plan", "request_server", "bump", "bulk");
    struct answer answer;
    uint64_t sums[2], ops[2];
    for (unsigned i = 0; i < 2; i++) {
        char seed[32];
        uint64_t second = hx_checksum_word(hx_checksum_word(HX_CHECKSUM_INIT, 7), 1);
        snprintf(seed, sizeof seed, i == 0 ? "%llu" : "\"%llu\"", i == 0 ? 7ULL : (unsigned long long)second);
        ask.seed = seed;
        worker_ask(&ask, &answer);
        answer_sound(&answer);
        sums[i] = hex(&answer, "checksum");
        ops[i] = count(&answer, "ops_per_block");
        answer_free(&answer);
    }
    ask.seed = "7";
    ask.threads = 2;
    worker_ask(&ask, &answer);
    answer_sound(&answer);
    assert_true(sums[0] != sums[1]);
    assert_true(hex(&answer, "checksum") == hx_checksum_word(hx_checksum_word(HX_CHECKSUM_INIT, sums[0]), sums[1]));
    assert_true(count(&answer, "ops_per_block") == ops[0] + ops[1]);
    answer_free(&answer);
}

static bool flagged(const struct answer *answer, const char *flag) {
    size_t i;
    json_t *word;
    json_array_foreach(json_object_get(answer->observation, "flags"), i, word) {
        if (strcmp(json_string_value(word), flag) == 0) {
            return true;
        }
    }
    return false;
}

/* ns/op is the block's wall time by the threads over all ops; more threads than processors run, and are marked. */
static void time_of_several_threads(void **state) {
    (void)state;
    for (size_t p = 0; p < PLACES; p++) {
        struct ask ask = ask_of(places[p].worker, "time", "request_server", places[p].backend, places[p].arm);
        ask.threads = 3;
        ask.pus = "[0,0,0]";
        struct answer answer;
        worker_ask(&ask, &answer);
        answer_sound(&answer);
        double best = 1e30;
        size_t i;
        json_t *block;
        json_array_foreach(json_object_get(answer.observation, "block_ns"), i, block) {
            best = json_number_value(block) < best ? json_number_value(block) : best;
        }
        assert_int_equal(i, 3);
        assert_float_equal(answer_metric(&answer, "all", "time"), best * 3 / (double)count(&answer, "ops_per_block"), 1e-6);
        assert_true(answer_metric(&answer, "all", "time_cpu") > 0);
        assert_float_equal(answer_metric(&answer, "all", "threads_per_pu"), 3, 0);
        assert_true(flagged(&answer, "oversubscribed"));
        assert_int_equal(json_array_size(json_object_get(answer.observation, "pus")), 3);
        answer_free(&answer);
    }
}

/* Every allocation of every lane is in the merged histogram. */
static void latency_merges_lanes(void **state) {
    (void)state;
    struct ask ask = ask_of("worker-malloc", "latency", "request_server", "malloc", "each");
    ask.threads = 2;
    ask.blocks = 4;
    struct answer answer;
    worker_ask(&ask, &answer);
    answer_sound(&answer);
    assert_float_equal(answer_metric(&answer, "alloc", "latency_alloc_calls"), 2.0 * (double)count(&answer, "ops_per_block"), 0);
    /* 28 requests a lane and block at this scale, two blocks of four time them */
    assert_float_equal(answer_metric(&answer, "all", "latency_request_calls"), 2 * 2 * 28, 0);
    answer_free(&answer);
}

static void memory_sums_lanes(void **state) {
    (void)state;
    for (size_t p = 0; p < PLACES; p += 3) {
        struct ask ask = ask_of(places[p].worker, "memory", "binary_trees", places[p].backend, places[p].arm);
        ask.threads = 2;
        struct answer answer;
        worker_ask(&ask, &answer);
        answer_sound(&answer);
        json_t *series = json_object_get(answer.observation, "series");
        assert_int_equal(json_array_size(series), 200);
        json_int_t last = 0;
        size_t i;
        json_t *row;
        json_array_foreach(series, i, row) {
            assert_true(json_integer_value(json_array_get(row, 1)) > last);
            last = json_integer_value(json_array_get(row, 1));
        }
        uint64_t total = count(&answer, "ops_total");
        assert_true((uint64_t)last > total / 2 && (uint64_t)last <= total); /* lane 0 has done all of its half */
        assert_float_equal(answer_metric(&answer, "release", "live_bytes"), 0, 0);
        answer_free(&answer);
    }
}

/* The sum of two threads' faults: each lane of arm fresh touches about as many new pages as one alone. */
static void counters_sum_lanes(void **state) {
    (void)state;
    double faults[2];
    for (unsigned i = 0; i < 2; i++) {
        struct ask ask = ask_of("worker-malloc", "counters", "binary_trees", "malloc", "fresh");
        ask.threads = i + 1;
        ask.pages = "4k";
        ask.scale = 0.3;
        ask.events = "[\"PAGE-FAULTS\"]";
        struct answer answer;
        worker_ask(&ask, &answer);
        answer_sound(&answer);
        faults[i] = answer_metric(&answer, "all", "faults_minor");
        answer_free(&answer);
    }
    assert_true(faults[1] > 1.8 * faults[0] && faults[1] < 2.2 * faults[0]);
}

/* Seeds above 2^63 - 1 travel as decimal strings, there and back. */
static void the_greatest_seed_travels(void **state) {
    (void)state;
    struct ask ask = ask_of("worker-bump", "plan", "request_server", "bump", "bulk");
    ask.seed = "\"18446744073709551615\"";
    struct answer answer, other;
    worker_ask(&ask, &answer);
    answer_sound(&answer);
    assert_string_equal(answer_word(&answer, "seed"), "18446744073709551615");
    ask.seed = "9223372036854775807";
    worker_ask(&ask, &other);
    answer_sound(&other);
    assert_true(count(&other, "seed") == INT64_MAX);
    assert_string_not_equal(answer_word(&answer, "checksum"), answer_word(&other, "checksum"));
    answer_free(&answer);
    answer_free(&other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_schedule_builds_the_same), cmocka_unit_test(lanes_have_seeds_of_their_own),
        cmocka_unit_test(time_of_several_threads),      cmocka_unit_test(latency_merges_lanes),
        cmocka_unit_test(memory_sums_lanes),            cmocka_unit_test(counters_sum_lanes),
        cmocka_unit_test(the_greatest_seed_travels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
