/* test_no_malloc.c - nothing that a worker calls while it measures may call malloc.
 *
 * Why: the worker runs under a preloaded malloc, which is what is being measured. This program takes malloc's place, passes calls
 * on to glibc, and counts them while `watching`. Not built with sanitizers, which take malloc's place themselves. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/hx_file.h"
#include "base/hx_rng.h"
#include "base/hx_text.h"
#include "measure/hx_clock.h"
#include "measure/hx_counters.h"
#include "measure/hx_hist.h"
#include "measure/hx_memory.h"
#include "measure/hx_pin.h"
#include "measure/hx_stats.h"
#include "measure/hx_usage.h"

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void __libc_free(void *);

static volatile bool watching;
static volatile unsigned calls;

void *malloc(size_t size_bytes) {
    calls += watching;
    return __libc_malloc(size_bytes);
}

void *calloc(size_t count, size_t size_bytes) {
    calls += watching;
    return __libc_calloc(count, size_bytes);
}

void *realloc(void *old, size_t size_bytes) {
    calls += watching;
    return __libc_realloc(old, size_bytes);
}

void free(void *old) {
    calls += watching && old != NULL;
    __libc_free(old);
}

static void watch(void) {
    calls = 0;
    watching = true;
}

static void assert_quiet(const char *what) {
    watching = false;
    if (calls != 0) {
        fail_msg("%s called malloc %u times", what, calls);
    }
}

static void the_watch_sees_malloc(void **state) {
    (void)state;
    watch();
    void *volatile memory = malloc(10);
    free(memory);
    watching = false;
    assert_int_equal(calls, 2);
}

static void memory_figures(void **state) {
    (void)state;
    struct hx_memory memory;
    struct hx_memory_now now;
    struct hx_memory_phase phase;
    struct hx_series series;
    struct hx_usage usage;
    watch();
    hx_memory_open(&memory, "/proc/self");
    hx_series_init(&series, HX_SERIES_ROWS);
    for (int i = 0; i < 10; i++) {
        hx_memory_now(&memory, &now);
        hx_series_append(&series, &(struct hx_series_row){.work_ops = (uint64_t)i, .rss_bytes = now.rss_bytes});
    }
    (void)hx_memory_peak_reset(&memory);
    hx_memory_phase(&memory, &phase);
    (void)hx_series_drag(&series, 0);
    hx_usage_process(&usage);
    hx_usage_thread(&usage);
    hx_series_deinit(&series);
    hx_memory_close(&memory);
    assert_quiet("memory");
}

static void counters_from_their_text(void **state) {
    (void)state;
    static const char text[] = "software;page-faults_user,u,1,0x2,0x0,0x0;task-clock,a,1,0x1,0x0,0x0;cycles_user,u,0,0x0,0x0,0x0";
    struct hx_counter_group group;
    struct hx_counters set;
    struct hx_counters_snapshot before;
    struct hx_counters_snapshot after;
    struct hx_counter_result result[HX_COUNTERS_PER_GROUP_MAX];
    char back[HX_COUNTER_TEXT_BYTES];
    watch();
    bool parsed = hx_counter_group_parse(text, &group);
    hx_counters_open(&set, hx_counter_ops_perf(), &group);
    hx_counters_enable(&set);
    hx_counters_read(&set, &before);
    hx_counters_read(&set, &after);
    hx_counters_disable(&set);
    hx_counters_phase(&set, &before, &after, result);
    (void)hx_counters_cost_ns(&set);
    hx_counters_close(&set);
    bool printed = hx_counter_group_print(&group, back, sizeof back);
    assert_quiet("counters");
    assert_true(parsed && printed);
    assert_string_equal(back, text);
}

static void clock_histogram_and_pinning(void **state) {
    (void)state;
    struct hx_clock_quality quality;
    struct hx_pin_proof proof;
    struct hx_hist *hist = hx_map_touched(2 * sizeof *hist);
    watch();
    hx_clock_quality(hx_clock_real(), &quality);
    (void)hx_thread_cpu_ns(hx_clock_real());
    hx_hist_init(&hist[0]);
    hx_hist_init(&hist[1]);
    for (int i = 0; i < 1000; i++) {
        hx_hist_record(&hist[0], hx_monotonic_ns() & 0xffff);
    }
    hx_hist_merge(&hist[1], &hist[0]);
    (void)hx_hist_percentile(&hist[1], 500000, quality.step_ns);
    hx_pin_proof_take(&proof, 0);
    (void)hx_pin_proof_check(&proof);
    assert_quiet("clock, histogram, pinning");
    hx_unmap(hist, 2 * sizeof *hist);
}

static void writing_the_observation(void **state) {
    (void)state;
    struct hx_text text;
    struct hx_rng rng;
    double values[64];
    int fd = open("/dev/null", O_WRONLY);
    watch();
    hx_rng_init(&rng, 1);
    hx_text_init(&text, 4096);
    hx_json_object(&text, NULL);
    hx_json_array(&text, "rows");
    for (size_t i = 0; i < 5000; i++) {
        values[i % 64] = hx_rng_unit(&rng) * 1e200;
        hx_json_double(&text, NULL, values[i % 64]);
    }
    hx_json_close(&text);
    hx_json_figure(&text, "time", hx_figure_of(hx_stats_median_interval(values, 64, 0.95).value.value));
    hx_json_string(&text, "name", "a\nb");
    hx_text_format(&text, "%s", ""); /* grows like the others */
    hx_json_close(&text);
    int error = hx_text_finish(&text);
    error += hx_write_all(fd, text.data, text.used_bytes);
    hx_text_deinit(&text);
    assert_quiet("text");
    close(fd);
    assert_int_equal(error, 0);
}

static void publishing_and_reading(void **state) {
    (void)state;
    char folder[] = "/tmp/hx_quiet_XXXXXX";
    char path[64];
    char back[64];
    assert_non_null(mkdtemp(folder));
    watch();
    bool joined = hx_path_join(path, sizeof path, folder, "x");
    int error = hx_file_publish(path, "text", 4);
    long got = hx_file_read(path, back, sizeof back);
    assert_quiet("files");
    assert_true(joined);
    assert_int_equal(error, 0);
    assert_int_equal(got, 4);
    unlink(path);
    rmdir(folder);
}

static void paired_statistics(void **state) {
    (void)state;
    double base[32];
    double head[32];
    static double scratch[32 + 32 * 33 / 2];
    struct hx_rng rng;
    hx_rng_init(&rng, 4);
    for (size_t i = 0; i < 32; i++) {
        base[i] = 1 + hx_rng_unit(&rng);
        head[i] = 1 + hx_rng_unit(&rng);
    }
    watch();
    (void)hx_stats_paired_ratio(base, head, 32, 0.95, scratch);
    (void)hx_stats_signed_rank_p_greater(base, 32, 1.5);
    assert_quiet("statistics");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_watch_sees_malloc),       cmocka_unit_test(memory_figures),
        cmocka_unit_test(counters_from_their_text),    cmocka_unit_test(clock_histogram_and_pinning),
        cmocka_unit_test(writing_the_observation),     cmocka_unit_test(publishing_and_reading),
        cmocka_unit_test(paired_statistics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
