/* test_limits.c - memory that is only kept goes back: over the memory limit at once, idle after decay_ms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "gc/gc_support.h"
#include "heap/heap.h"
#include "include/ua_debug.h"

#define MIB ((size_t)1 << 20)
#define LIMIT_MIB 64
#define CHUNK_MIB 8

static void use_arena(struct ua_heap *heap, int megabytes)
{
    struct ua_arena *arena = ua_arena_new(heap);

    assert_non_null(arena);
    for (int i = 0; i < megabytes; i++)
        assert_non_null(ua_arena_alloc(arena, gs_byte_type(), MIB));
    ua_arena_free(arena);
}

static void check_arenas_under_limit(const char *preset)
{
    struct ua_heap *heap = gs_heap(preset, "roots=registered sanitizer=off memory_limit=64MiB");

    for (int i = 0; i < 60; i++) {
        use_arena(heap, 25);
        assert_true(ts_stats(heap).mapped_ready_bytes <= (LIMIT_MIB + CHUNK_MIB + 1) * MIB);
    }
    ua_heap_close(heap);
}

static void test_arenas_stay_under_the_memory_limit(void **state)
{
    (void)state;
    check_arenas_under_limit("safe");
    check_arenas_under_limit("go");
    check_arenas_under_limit("kept");
}

static void test_objects_stay_under_the_memory_limit(void **state)
{
    static const size_t sizes[] = {64, 3000, 40000, 3000000};
    struct ua_heap *heap = gs_heap("safe", "roots=registered sanitizer=off memory_limit=64MiB");

    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (size_t bytes = 0; bytes < 300 * MIB; bytes += sizes[s]) {
            assert_non_null(ua_heap_alloc(heap, gs_byte_type(), sizes[s]));
            if (bytes / sizes[s] % 1000 == 0)
                assert_true(ts_stats(heap).mapped_ready_bytes <= (LIMIT_MIB + CHUNK_MIB + 1) * MIB);
        }
    ua_heap_close(heap);
}

/* What a limit may be exceeded by. */
static uint64_t slack_bytes(uint64_t limit_bytes)
{
    uint64_t five_percent = limit_bytes / 20;

    return five_percent > (CHUNK_MIB + 1) * MIB ? five_percent : (CHUNK_MIB + 1) * MIB;
}

struct limited {
    struct ua_heap *heap;
    uint64_t limit_bytes;
    struct gs_node *live; /* a root */
    uint64_t most_bytes;  /* atomic; what was mapped, the most that was seen */
};

static void look(struct limited *limited)
{
    uint64_t mapped = ts_stats(limited->heap).mapped_ready_bytes;
    uint64_t most = __atomic_load_n(&limited->most_bytes, __ATOMIC_RELAXED);

    while (mapped > most && !__atomic_compare_exchange_n(&limited->most_bytes, &most, mapped, true, __ATOMIC_RELAXED,
                                                         __ATOMIC_RELAXED)) {
    }
}

/* Arenas and garbage come and go beside what lives. */
static void *churn(void *context)
{
    struct limited *limited = context;
    uint64_t arena_mib = limited->limit_bytes / 8 / MIB < 25 ? limited->limit_bytes / 8 / MIB : 25;

    assert_int_equal(ua_thread_attach(), 0);
    for (uint64_t bytes = 0; bytes < 2 * limited->limit_bytes; bytes += arena_mib * MIB) {
        struct ua_arena *arena = ua_arena_new(limited->heap);

        assert_non_null(arena);
        for (uint64_t i = 0; i < arena_mib; i++) {
            assert_non_null(ua_arena_alloc(arena, gs_byte_type(), MIB));
            if (i % 5 == 0)
                assert_non_null(ua_heap_alloc(limited->heap, gs_byte_type(), MIB));
            look(limited);
        }
        ua_arena_free(arena);
    }
    ua_thread_detach();
    return NULL;
}

/* What lives is `live_share` percent of the limit. */
static void check_limit(const char *preset, unsigned limit_mib, unsigned live_share, unsigned thread_count)
{
    struct limited limited = {.limit_bytes = limit_mib * MIB};
    pthread_t threads[2];
    char settings[96];

    snprintf(settings, sizeof settings, "roots=registered sanitizer=off memory_limit=%uMiB", limit_mib);
    limited.heap = gs_heap(preset, settings);
    assert_int_equal(ua_root_add(limited.heap, &limited.live), 0);
    for (uint64_t bytes = 0; bytes < limited.limit_bytes / 100 * live_share; bytes += 4096) {
        struct gs_node *node = ua_heap_alloc(limited.heap, gs_node_type(), 4096 / sizeof *node);

        assert_non_null(node);
        node->left = limited.live;
        limited.live = node;
    }
    for (unsigned i = 1; i < thread_count; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, churn, &limited), 0);
    churn(&limited);
    ua_blocking_begin();
    for (unsigned i = 1; i < thread_count; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    ua_blocking_end();
    printf("%s, limit %u MiB, %u %% alive, %u thread(s): at most %.3f of it, %llu cycles\n", preset, limit_mib, live_share,
           thread_count, (double)limited.most_bytes / (double)limited.limit_bytes,
           (unsigned long long)ts_stats(limited.heap).gc_cycles);
    assert_true(limited.most_bytes <= limited.limit_bytes + slack_bytes(limited.limit_bytes));
    ua_root_remove(limited.heap, &limited.live);
    ua_heap_close(limited.heap);
}

/* TSan reports races, which a larger heap does not add to, and takes 100 s for the last size. */
#ifdef __SANITIZE_THREAD__
#define LARGEST_LIMIT_MIB 256
#else
#define LARGEST_LIMIT_MIB 1024
#endif

static void test_limits_from_64_mib_to_1_gib_are_held(void **state)
{
    (void)state;
    for (unsigned limit_mib = 64; limit_mib <= LARGEST_LIMIT_MIB; limit_mib *= 4) {
        check_limit("safe", limit_mib, 25, 1);
        check_limit("go", limit_mib, 25, 2);
    }
}

static void test_limits_are_held_with_little_room(void **state)
{
    (void)state;
    check_limit("safe", 256, 60, 2);
    check_limit("kept", 256, 70, 1);
}

/* More lives than the limit allows: it is passed, and the program goes on, without a collection at each step. */
static void test_a_live_heap_over_the_limit(void **state)
{
    struct ua_heap *heap = gs_heap("safe", "roots=registered sanitizer=off memory_limit=16MiB");
    struct gs_node *live = NULL;

    (void)state;
    assert_int_equal(ua_root_add(heap, &live), 0);
    for (size_t bytes = 0; bytes < 48 * MIB; bytes += 4096) {
        struct gs_node *node = ua_heap_alloc(heap, gs_node_type(), 4096 / sizeof *node);

        assert_non_null(node);
        node->left = live;
        live = node;
    }
    assert_true(ts_stats(heap).mapped_ready_bytes > 48 * MIB);
    /* 12,288 spans; one cycle a MiB and 32nd of the heap from the limit on. */
    assert_in_range(ts_stats(heap).gc_cycles, 5, 80);
    ua_root_remove(heap, &live);
    ua_heap_close(heap);
}

static size_t resident_pages(const void *at, size_t bytes)
{
    static unsigned char pages[1024];
    size_t count = 0;

    assert_true(bytes / 4096 <= sizeof pages);
    assert_int_equal(mincore((void *)(uintptr_t)at, bytes, pages), 0);
    for (size_t i = 0; i < bytes / 4096; i++)
        count += pages[i] & 1;
    return count;
}

/* Go's way has no limit on quarantine: its bitmaps must not pile up. */
static void test_quarantined_chunks_keep_no_bitmap(void **state)
{
    static const char *const presets[] = {"go", "safe"};

    (void)state;
    for (size_t p = 0; p < 2; p++) {
        struct ua_heap *heap = gs_heap(presets[p], "roots=registered sanitizer=off gogc=off quarantine_limit=0");
        struct ua_arena *arena = ua_arena_new(heap);
        struct gs_node *first = ua_arena_alloc(arena, gs_node_type(), 1);
        struct ua_span *chunk = ua_space_span(&heap->space, (uintptr_t)first);
        size_t bitmap_bytes = CHUNK_MIB * MIB / 64;
        uint64_t meta_before = ts_stats(heap).meta_bytes;
        uint64_t meta_full;

        for (size_t bytes = 0; bytes < CHUNK_MIB * MIB; bytes += sizeof *first)
            assert_non_null(ua_arena_alloc(arena, gs_node_type(), 1));
        ua_debug_write_out(heap);
        assert_int_equal(resident_pages(chunk->bits, bitmap_bytes), bitmap_bytes / 4096);
        meta_full = ts_stats(heap).meta_bytes;
        assert_true(meta_full >= meta_before + bitmap_bytes);
        ua_arena_free(arena);
        assert_int_equal(chunk->chunk_state, UA_CHUNK_QUARANTINE);
        assert_int_equal(resident_pages(chunk->bits, bitmap_bytes), 0);
        assert_true(ts_stats(heap).meta_bytes + bitmap_bytes <= meta_full);
        /* Used again, it has one again. */
        ua_collect(heap);
        arena = ua_arena_new(heap);
        for (size_t bytes = 0; bytes < 2 * CHUNK_MIB * MIB; bytes += sizeof *first)
            assert_non_null(ua_arena_alloc(arena, gs_node_type(), 1));
        ua_debug_write_out(heap);
        ua_debug_verify(heap);
        ua_arena_free(arena);
        ua_heap_close(heap);
    }
}

static uint64_t test_now_ns; /* atomic: workers read it */

static uint64_t read_test_clock(void *context)
{
    (void)context;
    return __atomic_load_n(&test_now_ns, __ATOMIC_RELAXED);
}

static void test_idle_memory_goes_back_after_decay_ms(void **state)
{
    static const struct ua_clock clock = {read_test_clock, NULL, NULL};
    struct ua_heap *heap = gs_heap("safe", "roots=registered sanitizer=off gogc=off quarantine_limit=0 decay_ms=1000");
    uint64_t kept;

    (void)state;
    heap->clock = &clock;
    __atomic_store_n(&test_now_ns, (uint64_t)1 << 50, __ATOMIC_RELAXED);
    use_arena(heap, 41);
    ua_collect(heap);
    kept = ts_stats(heap).kept_resident_bytes;
    assert_true(kept >= 4 * CHUNK_MIB * MIB);
    /* Busy through a period: what it takes and frees again is not idle, and is not given back within it. */
    __atomic_fetch_add(&test_now_ns, 500u * 1000000u, __ATOMIC_RELAXED);
    use_arena(heap, 2);
    ua_collect(heap);
    assert_true(ts_stats(heap).kept_resident_bytes >= kept);
    for (int i = 0; i < 3; i++) {
        __atomic_fetch_add(&test_now_ns, 1000u * 1000000u + 1, __ATOMIC_RELAXED);
        assert_non_null(ua_heap_alloc(heap, gs_byte_type(), 100000));
    }
    assert_true(ts_stats(heap).kept_resident_bytes < kept);
    ua_heap_close(heap);
}

/* Go's forced collection: two minutes after the last one the next allocation that looks starts one, unless gogc is off. */
static void test_a_collection_two_minutes_after_the_last(void **state)
{
    static const struct ua_clock clock = {read_test_clock, NULL, NULL};
    static const char *const percents[] = {"100", "off"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char settings[96];
        struct ua_heap *heap;
        struct ua_gc_event event;
        uint64_t first;

        snprintf(settings, sizeof settings, "roots=registered sanitizer=off quarantine_limit=0 gogc=%s", percents[i]);
        heap = gs_heap("safe", settings);
        heap->clock = &clock;
        __atomic_store_n(&test_now_ns, (uint64_t)1 << 50, __ATOMIC_RELAXED);
        ua_collect(heap);
        first = ua_gc_cycles(heap);
        __atomic_fetch_add(&test_now_ns, 119 * (uint64_t)1000000000, __ATOMIC_RELAXED);
        assert_non_null(ua_heap_alloc(heap, gs_byte_type(), 100000));
        assert_int_equal(ua_gc_cycles(heap), first);
        __atomic_fetch_add(&test_now_ns, 2 * (uint64_t)1000000000, __ATOMIC_RELAXED);
        assert_non_null(ua_heap_alloc(heap, gs_byte_type(), 100000));
        if (i == 1) {
            assert_int_equal(ua_gc_cycles(heap), first);
        } else {
            while (ua_gc_cycles(heap) == first) /* workers mark it, under collect=concurrent */
                ua_safepoint();
            assert_int_equal(ua_gc_events(heap, &event, 1), 1);
            assert_int_equal(event.cause, UA_GC_TIME);
        }
        ua_heap_close(heap);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arenas_stay_under_the_memory_limit),
        cmocka_unit_test(test_objects_stay_under_the_memory_limit),
        cmocka_unit_test(test_limits_from_64_mib_to_1_gib_are_held),
        cmocka_unit_test(test_limits_are_held_with_little_room),
        cmocka_unit_test(test_a_live_heap_over_the_limit),
        cmocka_unit_test(test_quarantined_chunks_keep_no_bitmap),
        cmocka_unit_test(test_idle_memory_goes_back_after_decay_ms),
        cmocka_unit_test(test_a_collection_two_minutes_after_the_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
