/* test_worker_litter.c - an aged heap: as much stays as was asked for, the work is the same, and only a malloc can be aged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker/worker_run.h"

static struct ask littered(const char *pass, const char *litter) {
    struct ask ask = ask_of("worker-malloc", pass, "binary_trees", "malloc", "each");
    ask.litter = litter;
    return ask;
}

static double litter_bytes(const char *litter, unsigned threads, double *live_bytes) {
    struct ask ask = littered("memory", litter);
    ask.threads = threads;
    ask.pages = "4k";
    struct answer answer;
    worker_ask(&ask, &answer);
    answer_sound(&answer);
    double bytes = answer_metric(&answer, "all", "litter_bytes");
    *live_bytes = answer_metric(&answer, "all", "live_bytes");
    answer_free(&answer);
    return bytes;
}

static void occupancy_times_multiplier_stays(void **state) {
    (void)state;
    double live_bytes, other;
    double half = litter_bytes("0.5,40,1", 1, &live_bytes);
    assert_true(half > 0.98 * 0.5 * 40 * live_bytes && half < 1.02 * 0.5 * 40 * live_bytes);
    assert_float_equal(litter_bytes("0.5,40,1", 1, &other), half, 0); /* the same seed, the same litter */
    double all = litter_bytes("1,40,1", 1, &other);
    assert_true(all > 1.98 * half && all < 2.02 * half);
    assert_float_equal(litter_bytes("0,40,1", 1, &other), 0, 0);
    double two = litter_bytes("0.5,40,1", 2, &other); /* each lane its own */
    assert_true(two > 1.98 * half && two < 2.02 * half);
}

/* Objects between the litter instead of behind it: the holes are used, so what is new stays below what is live. */
static void holes_are_used(void **state) {
    (void)state;
    struct ask ask = littered("memory", "0.5,40,1");
    struct answer aged, fresh;
    worker_ask(&ask, &aged);
    answer_sound(&aged);
    ask.litter = NULL;
    worker_ask(&ask, &fresh);
    answer_sound(&fresh);
    assert_true(answer_metric(&aged, "use", "rss_anon_bytes") < answer_metric(&fresh, "use", "rss_anon_bytes"));
    answer_free(&aged);
    answer_free(&fresh);
}

static void the_work_is_the_same(void **state) {
    (void)state;
    static const char *const passes[] = {"time", "latency", "counters", "counts", "plan"};
    static const char *const arms[] = {"each", "keep", "fresh"};
    struct ask ask = littered("plan", NULL);
    struct answer sound;
    worker_ask(&ask, &sound);
    answer_sound(&sound);
    for (size_t p = 0; p < 5; p++) {
        ask = littered(passes[p], "0.9,5,3");
        ask.arm = arms[p % 3];
        struct answer answer;
        worker_ask(&ask, &answer);
        answer_sound(&answer);
        assert_string_equal(answer_word(&answer, "checksum"), answer_word(&sound, "checksum"));
        const char *flag = json_string_value(json_array_get(json_object_get(answer.observation, "flags"), 0));
        assert_true(p == 4 ? flag == NULL : flag != NULL && strcmp(flag, "littered") == 0); /* a plan has no heap to age */
        answer_free(&answer);
    }
    answer_free(&sound);
}

static void too_much_is_refused(void **state) {
    (void)state;
    struct ask ask = littered("time", "0.5,1000,1");
    ask.scale = 30;
    struct answer answer;
    worker_ask(&ask, &answer);
    assert_int_equal(answer.exit_code, 5);
    assert_non_null(strstr(answer.error, "smaller multiplier"));
    answer_free(&answer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(occupancy_times_multiplier_stays),
        cmocka_unit_test(holes_are_used),
        cmocka_unit_test(the_work_is_the_same),
        cmocka_unit_test(too_much_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
