/* test_dump.c - the text of a heap says what the heap's own figures say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "gc/gc_support.h"
#include "include/ua_debug.h"

#define MIB ((size_t)1 << 20)

static size_t count_lines(FILE *text, const char *with, const char *and)
{
    char line[512];
    size_t count = 0;

    rewind(text);
    while (fgets(line, sizeof line, text) != NULL) {
        assert_non_null(strchr(line, '\n')); /* none is cut */
        count += strstr(line, with) == line && strstr(line, and) != NULL ? 1 : 0;
    }
    return count;
}

static void fill(struct ua_arena *arena, size_t bytes)
{
    for (size_t done = 0; done < bytes; done += MIB)
        assert_non_null(ua_arena_alloc(arena, gs_byte_type(), MIB));
}

static void test_dump_agrees_with_the_figures(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct ua_arena *kept = ua_arena_new(heap);
    struct ua_arena *freed;
    struct gs_node *root = NULL;
    struct ua_lists lists;
    struct ua_stats stats;
    char wanted[128];
    FILE *text = tmpfile();

    (void)state;
    assert_non_null(text);
    fill(kept, 20 * MIB);
    freed = ua_arena_new(heap);
    fill(freed, 30 * MIB);
    ua_arena_free(freed);
    assert_int_equal(ua_root_add(heap, &root), 0);
    for (int i = 0; i < 1000; i++)
        assert_non_null(ua_heap_alloc(heap, gs_node_type(), 1));
    root = ua_heap_alloc(heap, gs_byte_type(), MIB);
    assert_non_null(root);

    assert_int_equal(ua_debug_dump(heap, fileno(text)), 0);
    ua_debug_lists(heap, &lists);
    stats = ts_stats(heap);
    assert_int_equal(count_lines(text, "heap ", "chunk_bytes="), 1);
    assert_int_equal(count_lines(text, "end", ""), 1);
    assert_int_equal(count_lines(text, "chunk ", "state=quarantine"), lists.quarantine);
    assert_true(lists.quarantine > 0);
    assert_int_equal(count_lines(text, "chunk ", "state=reuse") + count_lines(text, "chunk ", "state=parked"), lists.reuse);
    assert_int_equal(count_lines(text, "chunk ", "state=active") + count_lines(text, "chunk ", "state=full"), stats.chunks_active);
    assert_int_equal(count_lines(text, "chunk ", "broken"), 0);
    assert_int_equal(count_lines(text, "large ", "object_bytes=1048576 "), 1);
    assert_true(count_lines(text, "small ", "object_bytes=24 ") >= 3); /* 341 to a span */
    assert_in_range(count_lines(text, "small ", "place=owned\n"), 1, 8);
    assert_int_equal(count_lines(text, "small ", "place=full\n") + count_lines(text, "small ", "place=owned\n"),
                     count_lines(text, "small ", "place="));
    snprintf(wanted, sizeof wanted, "name=in_use bytes=%llu\n", (unsigned long long)stats.heap_in_use_bytes);
    assert_int_equal(count_lines(text, "account ", wanted), 1);
    snprintf(wanted, sizeof wanted, "slots=1 ");
    assert_int_equal(count_lines(text, "roots ", wanted), 1);
    /* No pause yet, then one: told by all three histograms, each in one bucket. */
    assert_int_equal(count_lines(text, "pauses ", " count=0 sum_ns=0 max_ns=0 p50_ns=0 p99_ns=0\n"), 3);
    assert_int_equal(count_lines(text, "pause_bucket ", ""), 0);

    ua_root_remove(heap, &root);
    ua_arena_free(kept);
    ua_collect(heap);
    rewind(text);
    assert_int_equal(ftruncate(fileno(text), 0), 0);
    assert_int_equal(ua_debug_dump(heap, fileno(text)), 0);
    assert_int_equal(count_lines(text, "pauses ", gs_is_concurrent() ? " count=2 " : " count=1 "), 3);
    assert_in_range(count_lines(text, "pause_bucket ", "from_ns="), 3, 6);
    ua_heap_close(heap);
    fclose(text);
}

static void expect_waiting(struct ua_heap *heap, size_t reuse, size_t parked)
{
    FILE *text = tmpfile();
    char wanted[64];

    assert_non_null(text);
    assert_int_equal(ua_debug_dump(heap, fileno(text)), 0);
    assert_int_equal(count_lines(text, "chunk ", "state=reuse"), reuse);
    assert_int_equal(count_lines(text, "chunk ", "state=parked"), parked);
    snprintf(wanted, sizeof wanted, "lists reuse=%zu parked=%zu ", reuse, parked);
    assert_int_equal(count_lines(text, wanted, ""), 1);
    fclose(text);
}

static void *park_one(void *heap)
{
    ua_arena_free(ua_arena_new(heap));
    expect_waiting(heap, 0, 1);
    return NULL;
}

/* The last chunk that a thread's arenas gave up stays with the thread; the one before it is on the list. */
static void test_a_parked_chunk_is_told_from_one_on_the_list(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct ua_arena *arenas[2] = {ua_arena_new(heap), ua_arena_new(heap)};
    struct ua_arena *third;
    pthread_t thread;

    (void)state;
    expect_waiting(heap, 0, 0);
    ua_arena_free(arenas[0]);
    expect_waiting(heap, 0, 1);
    ua_arena_free(arenas[1]);
    expect_waiting(heap, 1, 1);
    third = ua_arena_new(heap); /* takes the parked one */
    expect_waiting(heap, 1, 0);
    /* Another thread takes the one on the list, parks it, and gives it back at its end. */
    assert_int_equal(pthread_create(&thread, NULL, park_one, heap), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    expect_waiting(heap, 1, 0);
    ua_arena_free(third);
    ua_heap_close(heap);
}

static void test_dump_to_a_bad_descriptor(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();

    (void)state;
    errno = 0;
    assert_int_equal(ua_debug_dump(heap, -1), -1);
    assert_int_equal(errno, EBADF);
    assert_non_null(strstr(ua_last_error(), "ua_debug_dump"));
    ua_heap_close(heap);
}

static void test_every_time_has_its_bucket(void **state)
{
    unsigned before = 0;

    (void)state;
    assert_int_equal(ua_histogram_low_ns(0), 0);
    for (unsigned i = 0; i + 1 < UA_HISTOGRAM_BUCKETS; i++) {
        uint64_t low = ua_histogram_low_ns(i);
        uint64_t end = ua_histogram_low_ns(i + 1);

        assert_true(end > low && (end - low) * 8 <= (low > 8 ? low : 8));
        assert_int_equal(ua_histogram_bucket(low), i);
        assert_int_equal(ua_histogram_bucket(end - 1), i);
    }
    for (uint64_t ns = 1; ns != 0; ns <<= 1) {
        assert_true(ua_histogram_bucket(ns) > before);
        before = ua_histogram_bucket(ns) == UA_HISTOGRAM_BUCKETS - 1 ? 0 : ua_histogram_bucket(ns);
    }
    assert_int_equal(ua_histogram_bucket(UINT64_MAX), UA_HISTOGRAM_BUCKETS - 1);
}

static uint64_t sum_of(const struct ua_histogram *histogram)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < UA_HISTOGRAM_BUCKETS; i++)
        sum += histogram->buckets[i];
    return sum;
}

/* The histograms say what the cycles' events say. */
static void test_pauses_are_counted(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct ua_gc_event events[8];
    struct ua_gc_pauses pauses;
    uint64_t pause_ns = 0, stop_ns = 0, cpu_ns = 0, count = 0;

    (void)state;
    for (int i = 0; i < 8; i++)
        ua_collect(heap);
    assert_int_equal(ua_gc_events(heap, events, 8), 8);
    for (int i = 0; i < 8; i++) {
        pause_ns += events[i].pause_ns;
        stop_ns += events[i].stop_ns;
        cpu_ns += events[i].open_cpu_ns + events[i].close_cpu_ns;
        count += (gs_is_concurrent() ? 2 : 1) + events[i].restart_count;
    }
    ua_gc_pauses(heap, &pauses);
    assert_int_equal(pauses.pause.count, count);
    assert_int_equal(sum_of(&pauses.pause), count);
    assert_int_equal(sum_of(&pauses.stop), count);
    assert_int_equal(sum_of(&pauses.cpu), count);
    assert_int_equal(pauses.pause.sum_ns, pause_ns);
    assert_int_equal(pauses.stop.sum_ns, stop_ns);
    assert_int_equal(pauses.cpu.sum_ns, cpu_ns);
    assert_true(pauses.pause.max_ns > 0 && pauses.pause.max_ns <= pause_ns);
    assert_true(ua_histogram_at_ns(&pauses.pause, 500) <= ua_histogram_at_ns(&pauses.pause, 990));
    assert_int_equal(ua_histogram_at_ns(&pauses.pause, 1000), pauses.pause.max_ns);
    ua_heap_close(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dump_agrees_with_the_figures),
        cmocka_unit_test(test_a_parked_chunk_is_told_from_one_on_the_list),
        cmocka_unit_test(test_dump_to_a_bad_descriptor),
        cmocka_unit_test(test_every_time_has_its_bucket),
        cmocka_unit_test(test_pauses_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
