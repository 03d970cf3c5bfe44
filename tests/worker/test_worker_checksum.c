/* test_worker_checksum.c - all backends build the same, whatever the seed, scale and input; a backend that hands out wrong memory is
 * found out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/worker_run.h"

struct place {
    const char *worker, *backend, *arm;
};

static const struct place places[] = {
    {"worker-bump", "bump", "bulk"},         {"worker-malloc", "malloc", "each"},     {"worker-malloc", "malloc", "keep"},
    {"worker-malloc", "malloc", "fresh"},    {"worker-arena", "arena-kept", "reuse"}, {"worker-arena", "arena-safe", "fresh"},
    {"worker-arena", "arena-go", "fresh"},   {"worker-gcheap", "gcheap", "collect"},
    {"worker-gcheap", "gcheap-concurrent", "collect"},
#ifdef AB_HAVE_BDWGC
    {"worker-bdwgc", "bdwgc", "collect"},
#endif
};

/* Regions that others use; a library that was not there when this was built leaves its worker without an arm. */
static const struct place regions[] = {
    {"worker-obstack", "obstack", "bulk"},
    {"worker-apr", "apr", "bulk"},
    {"worker-talloc", "talloc", "bulk"},
    {"worker-mimalloc-heap", "mimalloc-heap", "bulk"},
};

/* Warm arms: what the machinery scenarios are made for. */
static const struct place warm[] = {
    {"worker-bump", "bump", "bulk"},         {"worker-malloc", "malloc", "each"},    {"worker-arena", "arena-kept", "reuse"},
    {"worker-arena", "arena-safe", "reuse"}, {"worker-arena", "arena-go", "reuse"},
};

static const char *const machinery[] = {
    "alloc_paths_p16",      "alloc_paths_p40",       "alloc_paths_p64",      "alloc_paths_n16",      "alloc_paths_n40",
    "alloc_paths_n64",      "alloc_paths_p16_out",   "alloc_paths_p40_out",  "alloc_paths_p64_out",  "alloc_paths_n16_out",
    "alloc_paths_n40_out",  "alloc_paths_n64_out",   "alloc_paths_str",      "alloc_slices_p100",    "alloc_slices_n100",
    "alloc_slices_m100",    "alloc_slices_w100",     "alloc_slices_m1000",   "alloc_slices_w1000",   "alloc_slices_m10000",
    "alloc_slices_w10000",  "arena_lifecycle_one",   "arena_lifecycle_many", "refill_2m",            "refill_1k",
    "zeroing_written_small", "zeroing_written_large", "zeroing_relied_small", "zeroing_relied_large",
    "empty",
};

static const char *const scenarios[] = {"json_dom", "binary_trees", "request_server", "gc_pacing"};

static const char document[] = "{\"a\": [1, -2.5e3, \"x\\u00e9\\ud83d\\ude00\", true, false, null, {}, [], \"\"],"
                               " \"a\": {\"deep\": [[[[0]]]]}, \"\": \"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}";

struct sums {
    char contents[32];
    char requests[32];
};

static void ask_sums(const struct ask *ask, struct sums *out) {
    struct answer answer;
    worker_ask(ask, &answer);
    answer_sound(&answer);
    snprintf(out->contents, sizeof out->contents, "%s", answer_word(&answer, "checksum"));
    snprintf(out->requests, sizeof out->requests, "%s", answer_word(&answer, "allocation_checksum"));
    answer_free(&answer);
}

static void equal_at(const struct place *at, size_t count, const char *scenario, const char *seed, double scale, const char *input,
                     struct sums *first) {
    for (size_t i = 0; i < count; i++) {
        struct ask ask = ask_of(at[i].worker, "counts", scenario, at[i].backend, at[i].arm);
        ask.seed = seed;
        ask.scale = scale;
        ask.input = input;
        ask.blocks = 2;
        struct sums sums;
        ask_sums(&ask, &sums);
        if (first->contents[0] == '\0') {
            *first = sums;
        }
        assert_string_equal(sums.contents, first->contents);
        assert_string_equal(sums.requests, first->requests);
    }
}

static bool is_here(const struct place *place) {
    struct answer list;
    worker_run(worker_path(place->worker), "--list", NULL, NULL, &list);
    bool here = strstr(list.line, "\"arms\":[]") == NULL;
    answer_free(&list);
    return here;
}

static void equal_in_regions(const char *scenario, const char *seed, double scale, struct sums *first) {
    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++) {
        if (is_here(&regions[i])) {
            equal_at(&regions[i], 1, scenario, seed, scale, NULL, first);
        }
    }
}

static void equal_everywhere(const char *scenario, const char *seed, double scale, const char *input) {
    struct sums first = {{0}, {0}};
    equal_at(places, sizeof places / sizeof places[0], scenario, seed, scale, input, &first);
}

/* obstack, APR pools, talloc and mimalloc's heaps build what bump builds. */
static void regions_agree(void **state) {
    (void)state;
    for (size_t s = 0; s < 3; s++) {
        struct sums first = {{0}, {0}};
        equal_at(places, 1, scenarios[s], "7", 0.3, NULL, &first);
        equal_in_regions(scenarios[s], "7", 0.3, &first);
    }
}

static void machinery_agrees(void **state) {
    (void)state;
    for (size_t s = 0; s < sizeof machinery / sizeof machinery[0]; s++) {
        struct sums first = {{0}, {0}};
        equal_at(warm, sizeof warm / sizeof warm[0], machinery[s], "3", 0.05, NULL, &first);
        if (s % 5 == 0) { /* the regions' code is the same for all of them */
            equal_in_regions(machinery[s], "3", 0.05, &first);
        }
    }
}

static void backends_agree(void **state) {
    (void)state;
    for (size_t s = 0; s < sizeof scenarios / sizeof scenarios[0]; s++) {
        equal_everywhere(scenarios[s], "1", 0.01, NULL);
        equal_everywhere(scenarios[s], "4000000007", 0.3, NULL);
    }
    char input[300];
    snprintf(input, sizeof input, "[\"%s\"]", temporary_file("small.json", document, sizeof document - 1));
    equal_everywhere("json_dom", "1", 0.01, input);
}

/* mimalloc's heaps must not bring mimalloc's malloc with them: a process where it has taken over is refused, a usual one has glibc's. */
static void mimalloc_heap_leaves_malloc_alone(void **state) {
    (void)state;
    if (!is_here(&regions[3])) {
        skip();
    }
    struct ask ask = ask_of("worker-mimalloc-heap", "counts", "binary_trees", "mimalloc-heap", "bulk");
    ask.scale = 0.05;
    struct answer answer;
    worker_ask(&ask, &answer);
    answer_sound(&answer);
    answer_free(&answer);
    ask.preload = "libmimalloc.so.2";
    worker_ask(&ask, &answer);
    assert_int_equal(answer.exit_code, 5);
    assert_non_null(strstr(answer.error, "replaced malloc"));
    answer_free(&answer);
}

/* Passes agree too: the probes change nothing, and one cycle is as good as six. */
static void passes_agree(void **state) {
    (void)state;
    static const char *const passes[] = {"plan", "time", "latency", "counters", "memory", "counts"};
    struct sums first = {{0}, {0}};
    for (size_t p = 0; p < 6; p++) {
        struct ask ask = ask_of("worker-malloc", passes[p], "request_server", "malloc", "each");
        ask.cycles_per_block = (unsigned)p + 1;
        struct sums sums;
        ask_sums(&ask, &sums);
        if (p == 0) {
            first = sums;
        }
        assert_string_equal(sums.contents, first.contents);
        assert_string_equal(sums.requests, first.requests);
    }
}

static void seeds_decide(void **state) {
    (void)state;
    for (size_t s = 0; s < 3; s++) {
        struct ask ask = ask_of("worker-bump", "plan", scenarios[s], "bump", "bulk");
        struct sums one, again, other;
        ask_sums(&ask, &one);
        ask_sums(&ask, &again);
        ask.seed = "2";
        ask_sums(&ask, &other);
        assert_string_equal(one.contents, again.contents);
        assert_string_equal(one.requests, again.requests);
        if (s > 0) {
            assert_string_not_equal(one.contents, other.contents);
        }
        /* documents and trees differ in order only: one document, or equal nodes, give the same sequence */
        if (s == 2) {
            assert_string_not_equal(one.requests, other.requests);
        }
    }
}

static void scale_scales(void **state) {
    (void)state;
    for (size_t s = 0; s < 3; s++) {
        struct ask ask = ask_of("worker-bump", "plan", scenarios[s], "bump", "bulk");
        double ops[2];
        for (size_t i = 0; i < 2; i++) {
            ask.scale = i == 0 ? 0.5 : 2;
            struct answer answer;
            worker_ask(&ask, &answer);
            answer_sound(&answer);
            ops[i] = json_number_value(json_object_get(answer.observation, "ops_per_block"));
            answer_free(&answer);
        }
        assert_true(ops[1] / ops[0] > 3.5 && ops[1] / ops[0] < 4.5);
    }
}

/* The planted backend ends with an error or a signal, or shows another checksum than the sound one. */
static bool found_out_as(const char *planted, const char *backend, const char *arm, const char *scenario) {
    struct ask ask = ask_of("worker-bump", "counts", scenario, "bump", "bulk");
    ask.scale = 0.3;
    struct sums sound;
    ask_sums(&ask, &sound);
    ask.worker = planted_path(planted);
    ask.backend = backend;
    ask.arm = arm;
    struct answer answer;
    worker_ask(&ask, &answer);
    bool found = answer.exit_code != 0 || strcmp(answer_word(&answer, "checksum"), sound.contents) != 0;
    answer_free(&answer);
    return found;
}

static bool found_out(const char *planted, const char *scenario) {
    return found_out_as(planted, "bump", "bulk", scenario);
}

static void planted_backends_are_found_out(void **state) {
    (void)state;
    for (size_t s = 0; s < 3; s++) {
        assert_true(found_out("planted-overlap", scenarios[s]));
        assert_true(found_out("planted-early_reuse", scenarios[s]));
    }
    assert_true(found_out("planted-unzeroed", "request_server"));
    assert_true(found_out_as("planted-missed_root", "gcheap", "collect", "json_dom"));
    assert_false(found_out_as("planted-missed_root", "gcheap", "collect", "binary_trees"));
    /* The control: scenarios that do not rely on zeros are not disturbed by the lack of them. */
    assert_false(found_out("planted-unzeroed", "json_dom"));
    assert_false(found_out("planted-unzeroed", "binary_trees"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backends_agree), cmocka_unit_test(regions_agree), cmocka_unit_test(machinery_agrees),
        cmocka_unit_test(mimalloc_heap_leaves_malloc_alone),
        cmocka_unit_test(passes_agree),   cmocka_unit_test(seeds_decide),
        cmocka_unit_test(scale_scales),   cmocka_unit_test(planted_backends_are_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
