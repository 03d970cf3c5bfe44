/* test_clock.c - what the harness says about a clock, on simulated clocks whose answer is known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "measure/hx_clock.h"

static void a_simulated_clock_moves_only_when_told(void **state) {
    (void)state;
    struct hx_clock_simulated simulated;
    hx_clock_simulated_init(&simulated, 1, 0);
    uint64_t start_ns = hx_now_ns(&simulated.clock);
    assert_int_equal(hx_now_ns(&simulated.clock), start_ns);
    hx_clock_simulated_advance(&simulated, 1234);
    assert_int_equal(hx_now_ns(&simulated.clock) - start_ns, 1234);
    assert_int_equal(hx_thread_cpu_ns(&simulated.clock), hx_now_ns(&simulated.clock));
}

static void step_and_cost_of_a_simulated_clock_are_found(void **state) {
    (void)state;
    static const struct {
        uint64_t step_ns;
        uint64_t cost_ns;
    } clocks[] = {{10, 3}, {10, 25}, {100, 30}, {4000000, 25}};
    for (size_t i = 0; i < HX_COUNT_OF(clocks); i++) {
        struct hx_clock_simulated simulated;
        struct hx_clock_quality quality;
        hx_clock_simulated_init(&simulated, clocks[i].step_ns, clocks[i].cost_ns);
        hx_clock_quality(&simulated.clock, &quality);
        if (clocks[i].step_ns < 1000) {
            assert_int_equal(quality.step_ns, clocks[i].step_ns);
            assert_true(fabs(quality.cost_ns - (double)clocks[i].cost_ns) < 0.1);
        } else {
            assert_true(quality.step_ns == 1 || quality.step_ns == clocks[i].step_ns); /* it hardly moved while being read */
        }
    }
}

/* The kvm clock of a machine whose counter moves in 10 ns steps showed 20, 21 and 29..31 between readings. */
static void a_ten_ns_counter_behind_rounding_is_seen(void **state) {
    (void)state;
    uint64_t differences[1000];
    for (size_t i = 0; i < 1000; i++) {
        static const uint64_t seen[] = {20, 21, 20, 29, 30, 31, 20, 21};
        differences[i] = seen[i % 8];
    }
    differences[500] = 48000; /* an interruption */
    assert_int_equal(hx_clock_step_ns(differences, 1000), 10);
}

static void a_fine_clock_has_step_one(void **state) {
    (void)state;
    uint64_t differences[1000];
    for (size_t i = 0; i < 1000; i++) {
        differences[i] = 18 + i % 9;
    }
    assert_int_equal(hx_clock_step_ns(differences, 1000), 1);
    assert_int_equal(hx_clock_step_ns(differences, 0), 1);
    for (size_t i = 0; i < 1000; i++) {
        differences[i] = i % 5 == 0 ? 1000 : 0; /* a clock of 1 us, read often */
    }
    assert_int_equal(hx_clock_step_ns(differences, 1000), 1000);
}

static void the_real_clock_runs_forward(void **state) {
    (void)state;
    struct hx_clock *clock = hx_clock_real();
    struct hx_clock_quality quality;
    uint64_t before_ns = hx_now_ns(clock);
    uint64_t cpu_before_ns = hx_thread_cpu_ns(clock);
    hx_clock_quality(clock, &quality);
    assert_true(hx_now_ns(clock) > before_ns);
    assert_true(hx_thread_cpu_ns(clock) > cpu_before_ns);
    assert_true(quality.step_ns >= 1);
    assert_true(quality.cost_ns > 0);
    print_message("[   NOTE   ] step %llu ns, cost %.1f ns, least %llu ns\n", (unsigned long long)quality.step_ns,
                  quality.cost_ns, (unsigned long long)quality.least_ns);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_simulated_clock_moves_only_when_told),
        cmocka_unit_test(step_and_cost_of_a_simulated_clock_are_found),
        cmocka_unit_test(a_ten_ns_counter_behind_rounding_is_seen),
        cmocka_unit_test(a_fine_clock_has_step_one),
        cmocka_unit_test(the_real_clock_runs_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
