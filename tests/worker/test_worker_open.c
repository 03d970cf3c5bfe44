/* test_worker_open.c - an open loop shows the queue behind a stall, a closed one hides it; on a simulated clock, with the worker's own
 * waiting. Then the worker itself: only pass latency, the rate in the options, every request timed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "measure/hx_hist.h"
#include "scenarios/common/sc_arrivals.h"
#include "worker/hx_arrivals.h"
#include "worker/worker_run.h"

enum {
    REQUESTS = 1000,
    SERVICE_NS = 10000,
    STALLED = 400, /* this request takes STALL_NS more */
    STALL_NS = 2000000,
};
#define RATE_PER_S 20000.0 /* one each 50 us */

static uint64_t due_ns[REQUESTS];
static struct hx_hist closed_hist, open_hist;

static void draw(void) {
    struct hx_rng rng;
    hx_rng_init(&rng, 1);
    sc_arrivals_draw(&rng, RATE_PER_S, due_ns, REQUESTS);
}

/* The server: each request takes the same time, one stalls. */
static void serve(struct hx_clock_simulated *clock, size_t request) {
    hx_clock_simulated_advance(clock, SERVICE_NS + (request == STALLED ? STALL_NS : 0));
}

static void run_closed(struct hx_hist *hist) {
    struct hx_clock_simulated clock;
    hx_clock_simulated_init(&clock, 10, 25);
    hx_hist_init(hist);
    for (size_t i = 0; i < REQUESTS; i++) {
        uint64_t start_ns = hx_now_ns(&clock.clock);
        serve(&clock, i);
        hx_hist_record(hist, hx_now_ns(&clock.clock) - start_ns);
    }
}

static void run_open(struct hx_hist *hist, struct hx_arrivals *arrivals) {
    struct hx_clock_simulated clock;
    hx_clock_simulated_init(&clock, 10, 25);
    hx_hist_init(hist);
    *arrivals = (struct hx_arrivals){.clock = &clock.clock};
    hx_arrivals_begin(arrivals);
    for (size_t i = 0; i < REQUESTS; i++) {
        uint64_t intended_ns = hx_arrivals_wait(arrivals, due_ns[i]);
        assert_true(intended_ns == arrivals->begin_ns + due_ns[i]);
        assert_true(clock.true_ns >= intended_ns);
        serve(&clock, i);
        hx_hist_record(hist, hx_now_ns(&clock.clock) - intended_ns);
    }
}

static uint64_t calls_above(const struct hx_hist *hist, uint64_t ns) {
    uint64_t above = 0, low_ns, high_ns, calls;
    size_t cursor = 0;
    while (hx_hist_next(hist, &cursor, &low_ns, &high_ns, &calls)) {
        above += low_ns >= ns ? calls : 0;
    }
    return above;
}

static double p99(const struct hx_hist *hist) {
    struct hx_percentile percentile = hx_hist_percentile(hist, 990000, 10);
    assert_null(percentile.figure.reason);
    return percentile.figure.value;
}

static void a_schedule_is_a_poisson_stream(void **state) {
    (void)state;
    draw();
    size_t long_gaps = 0;
    for (size_t i = 1; i < REQUESTS; i++) {
        assert_true(due_ns[i] >= due_ns[i - 1]);
        long_gaps += due_ns[i] - due_ns[i - 1] > 50000; /* above the mean: a share of 1/e */
    }
    double mean_ns = (double)due_ns[REQUESTS - 1] / REQUESTS;
    assert_true(mean_ns > 50000 * 0.9 && mean_ns < 50000 * 1.1);          /* three sd of the mean */
    assert_true(long_gaps > 0.32 * REQUESTS && long_gaps < 0.415 * REQUESTS); /* 0.368, three sd each side */
}

static void a_stall_is_seen_by_the_queue_behind_it(void **state) {
    (void)state;
    struct hx_arrivals arrivals;
    draw();
    run_closed(&closed_hist);
    run_open(&open_hist, &arrivals);
    /* closed: one slow call, and the 99th percentile is the service time */
    assert_int_equal(calls_above(&closed_hist, 500000), 1);
    assert_true(p99(&closed_hist) < 1.05 * SERVICE_NS);
    /* open: those who came during the stall waited; about 40 come within it and 10 more in its wake */
    assert_true(calls_above(&open_hist, 500000) >= 20);
    assert_true(calls_above(&open_hist, 100000) >= 30 && calls_above(&open_hist, 100000) <= 80);
    assert_true(p99(&open_hist) > 50 * SERVICE_NS);
    assert_true(arrivals.late_most_ns > 1800000 && arrivals.late_most_ns <= STALL_NS + SERVICE_NS);
    /* both saw the stalled request itself */
    assert_true(hx_hist_max_ns(&closed_hist).value >= STALL_NS && hx_hist_max_ns(&open_hist).value >= STALL_NS);
}

/* The control: without a clock nobody waits. */
static void without_a_clock_nothing_begins(void **state) {
    (void)state;
    struct hx_arrivals arrivals = {.clock = NULL};
    hx_arrivals_begin(&arrivals);
    assert_true(arrivals.begin_ns == 0);
}

static struct ask open_ask(const char *pass) {
    struct ask ask = ask_of("worker-arena", pass, "request_open", "arena-kept", "reuse");
    ask.options = "rate=20000";
    return ask;
}

static void the_worker_times_every_request(void **state) {
    (void)state;
    for (unsigned threads = 1; threads <= 2; threads++) {
        struct ask ask = open_ask("latency");
        ask.threads = threads;
        struct answer answer;
        worker_ask(&ask, &answer);
        answer_sound(&answer);
        assert_float_equal(answer_metric(&answer, "all", "latency_request_calls"), 28.0 * 3 * threads, 0); /* 28 at this scale */
        assert_true(answer_metric(&answer, "all", "arrivals_busy") > 0 && answer_metric(&answer, "all", "arrivals_busy") <= 1);
        assert_non_null(strstr(answer.line, "\"metric\":\"loop\",\"unit\":\"word\",\"value\":\"open\""));
        answer_free(&answer);
    }
    struct ask ask = ask_of("worker-arena", "latency", "request_server", "arena-kept", "reuse");
    struct answer answer;
    worker_ask(&ask, &answer);
    answer_sound(&answer);
    assert_non_null(strstr(answer.line, "\"metric\":\"loop\",\"unit\":\"word\",\"value\":\"closed\""));
    answer_free(&answer);
}

static void refused(struct ask ask, const char *says) {
    struct answer answer;
    worker_ask(&ask, &answer);
    assert_int_equal(answer.exit_code, 5);
    assert_non_null(strstr(answer.error, says));
    answer_free(&answer);
}

static void what_makes_no_sense_is_refused(void **state) {
    (void)state;
    refused(open_ask("time"), "open loop");
    refused(open_ask("counters"), "open loop");
    struct ask ask = open_ask("latency");
    ask.options = "-";
    refused(ask, "rate=N");
    ask.options = "rate=often";
    refused(ask, "rate must be a number");
    ask.options = "prezero=nonsense,rate=20000";
    refused(ask, "prezero");
    ask.scenario = "request_server"; /* a closed loop has no rate */
    ask.options = "rate=20000";
    refused(ask, "unknown option");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_schedule_is_a_poisson_stream),  cmocka_unit_test(a_stall_is_seen_by_the_queue_behind_it),
        cmocka_unit_test(without_a_clock_nothing_begins),  cmocka_unit_test(the_worker_times_every_request),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
