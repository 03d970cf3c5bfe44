/* test_churn.c - protection in steady churn: six chunks share one call, and nobody waits for ever. The clock is the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <ua_debug.h>
#include <ua_gc.h>

#include "arena/arena.h"
#include "debug/verify.h"
#include "support/make_heap.h"

#define PIECE_BYTES ((size_t)16 << 10) /* four fill a chunk of 64 KiB */
#define DELAY_NS ((uint64_t)25 * 1000 * 1000)

UA_SCALAR_TYPE(piece_type, struct { uint8_t x[PIECE_BYTES]; });

static uint64_t now_ns;

static uint64_t read_clock(void *unused)
{
    (void)unused;
    return now_ns;
}

static const struct ua_clock test_clock = {read_clock, NULL, NULL};

static struct ua_heap *heap_of(const char *preset, const char *settings)
{
    struct ua_heap *heap = ts_heap(preset, settings);

    heap->chunks.clock = &test_clock;
    now_ns = 1000 * DELAY_NS;
    return heap;
}

#define SAFE "chunk_bytes=64KiB roots=registered sanitizer=off gogc=off quarantine_limit=1MiB"

/* An arena that fills `chunks` chunks and is freed; the one it had in hand is parked and goes on being used. */
static void *life(struct ua_heap *heap, size_t chunks)
{
    struct ua_arena *arena = ua_arena_new(heap);
    void *first = ua_new(arena, &piece_type);

    memset(first, 1, PIECE_BYTES);
    for (size_t i = 1; i < 4 * chunks; i++)
        memset(ua_new(arena, &piece_type), 1, PIECE_BYTES);
    ua_arena_free(arena);
    return first;
}

static void test_first_free_after_quiet_protects_at_once(void **state)
{
    struct ua_heap *heap = heap_of("safe", SAFE);

    (void)state;
    life(heap, 2);
    assert_int_equal(heap->chunks.delayed_count, 0);
    assert_int_equal(ts_stats(heap).sys_protect_count, 1);
    now_ns += DELAY_NS;
    life(heap, 1);
    assert_int_equal(heap->chunks.delayed_count, 0);
    assert_int_equal(ts_stats(heap).sys_protect_count, 2);
    ua_debug_verify(heap);
    ua_heap_close(heap);
}

static void test_six_chunks_of_churn_share_a_call(void **state)
{
    struct ua_heap *heap = heap_of("safe", SAFE " quarantine_limit=1GiB");
    struct ua_stats stats;

    (void)state;
    for (int i = 0; i < 80; i++)
        life(heap, 1);
    stats = ts_stats(heap);
    assert_true(stats.chunks_quarantine >= 78);
    /* The first one alone. Never used chunks come by ascending address, so six in a row are neighbours; reservations end. */
    assert_in_range(stats.sys_protect_count, stats.chunks_quarantine / 6, stats.chunks_quarantine / 6 + 2);
    ua_debug_verify(heap);
    ua_heap_close(heap);
}

/* Of the 15 chunks that come back at a time with this limit, twice six are protected and the rest need neither call: three calls with the
 * one that opens them all (decision 0069), and one for four is what may be at most. */
static void test_steady_churn_makes_as_few_calls_as_can_be(void **state)
{
    struct ua_heap *heap = heap_of("safe", SAFE);
    struct ua_stats before;
    struct ua_stats after;
    uint64_t taken;
    uint64_t protect_calls;
    uint64_t open_calls;

    (void)state;
    for (int i = 0; i < 200; i++)
        life(heap, 1);
    before = ts_stats(heap);
    for (int i = 0; i < 2000; i++)
        life(heap, 1);
    after = ts_stats(heap);
    taken = after.refill_count - before.refill_count - (after.arena_new_count - before.arena_new_count);
    protect_calls = after.sys_protect_count - before.sys_protect_count;
    open_calls = after.sys_unprotect_count - before.sys_unprotect_count;
    print_message("%lu chunks taken: %lu calls to protect, %lu to open\n", (unsigned long)taken, (unsigned long)protect_calls,
                  (unsigned long)open_calls);
    assert_true(taken >= 1900);
    /* A turn may be cut off at either end of the count. */
    assert_in_range(protect_calls, 1, taken / 15 * 2 + 4);
    assert_in_range(open_calls, 1, taken / 15 + 2);
    assert_true((protect_calls + open_calls) * 4 <= taken);
    ua_debug_verify(heap);
    ua_heap_close(heap);
}

/* New memory is not mapped while the quarantine is all but full: here 15 of its 16 chunks and the one in hand are all there are. */
static void test_the_heap_does_not_grow_past_a_full_quarantine(void **state)
{
    struct ua_heap *heap = heap_of("safe", SAFE);
    uint64_t mapped;

    (void)state;
    for (int i = 0; i < 40; i++)
        life(heap, 1);
    mapped = ts_stats(heap).sys_map_count;
    for (int i = 0; i < 400; i++)
        life(heap, 1);
    assert_int_equal(ts_stats(heap).sys_map_count, mapped);
    assert_in_range(mapped, 16, 17);
    ua_heap_close(heap);
}

static void test_who_waits_too_long_is_protected_at_the_next_refill(void **state)
{
    struct ua_heap *heap = heap_of("safe", SAFE);
    struct ua_arena *arena;
    uint64_t calls;

    (void)state;
    life(heap, 2);
    life(heap, 2);
    assert_int_not_equal(heap->chunks.delayed_count, 0);
    calls = ts_stats(heap).sys_protect_count;
    arena = ua_arena_new(heap);
    now_ns += DELAY_NS - 1;
    for (int i = 0; i < 6; i++)
        ua_new(arena, &piece_type);
    assert_int_equal(ts_stats(heap).sys_protect_count, calls);
    now_ns += 1;
    for (int i = 0; i < 6; i++)
        ua_new(arena, &piece_type);
    assert_int_equal(heap->chunks.delayed_count, 0);
    assert_true(ts_stats(heap).sys_protect_count > calls);
    ua_heap_close(heap);
}

/* A collection may ready a chunk that still waits: it must be left alone from then on. */
static void test_who_leaves_quarantine_waits_no_more(void **state)
{
    struct ua_heap *heap = heap_of("safe", SAFE);
    struct ua_arena *arena;

    (void)state;
    life(heap, 2);
    life(heap, 2);
    assert_int_not_equal(heap->chunks.delayed_count, 0);
    ua_collect(heap);
    assert_int_equal(ts_stats(heap).chunks_quarantine, 0);
    assert_int_equal(heap->chunks.delayed_count, 0);
    arena = ua_arena_new(heap);
    for (int i = 0; i < 20; i++) {
        now_ns += DELAY_NS; /* whatever is overdue is protected now */
        memset(ua_new(arena, &piece_type), 1, PIECE_BYTES);
    }
    ua_debug_verify(heap);
    ua_arena_free(arena);
    ua_heap_close(heap);
}

static void test_without_a_limit_nobody_waits(void **state)
{
    struct ua_heap *heap = heap_of("safe", SAFE " quarantine_limit=0");

    (void)state;
    for (int i = 0; i < 10; i++)
        life(heap, 1);
    assert_int_equal(heap->chunks.delayed_count, 0);
    assert_int_equal(ts_stats(heap).sys_protect_count, ts_stats(heap).chunks_quarantine);
    ua_heap_close(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_free_after_quiet_protects_at_once),
        cmocka_unit_test(test_six_chunks_of_churn_share_a_call),
        cmocka_unit_test(test_steady_churn_makes_as_few_calls_as_can_be),
        cmocka_unit_test(test_the_heap_does_not_grow_past_a_full_quarantine),
        cmocka_unit_test(test_who_waits_too_long_is_protected_at_the_next_refill),
        cmocka_unit_test(test_who_leaves_quarantine_waits_no_more),
        cmocka_unit_test(test_without_a_limit_nobody_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
