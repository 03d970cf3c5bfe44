/* test_decay.c - what decay_ms gives back is what nobody used for a whole period, and no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gc/gc_support.h"
#include "heap/heap.h"
#include "include/ua_debug.h"

#define MIB ((size_t)1 << 20)
#define CHUNK_BYTES (8 * MIB)

static uint64_t now_ns; /* atomic: workers read it */

static uint64_t read_clock(void *context)
{
    (void)context;
    return __atomic_load_n(&now_ns, __ATOMIC_RELAXED);
}

static const struct ua_clock test_clock = {read_clock, NULL, NULL};

static struct ua_heap *open_heap(const char *settings)
{
    struct ua_heap *heap = gs_heap("safe", settings);

    __atomic_store_n(&now_ns, (uint64_t)1 << 50, __ATOMIC_RELAXED);
    heap->clock = &test_clock;
    return heap;
}

/* Goes on by so much, and asks for a large object: what looks at the clock. */
static void pass_ms(struct ua_heap *heap, uint64_t ms)
{
    __atomic_fetch_add(&now_ns, ms * 1000000u, __ATOMIC_RELAXED);
    assert_non_null(ua_heap_alloc(heap, gs_byte_type(), 100000));
}

/* An arena of that many chunks comes and goes, and its chunks are ready again. */
static void use_chunks(struct ua_heap *heap, size_t count)
{
    struct ua_arena *arena = ua_arena_new(heap);

    for (size_t bytes = 0; bytes < count * CHUNK_BYTES; bytes += MIB)
        assert_non_null(ua_arena_alloc(arena, gs_byte_type(), MIB));
    pass_ms(heap, 1); /* looks while they are in use */
    ua_arena_free(arena);
    ua_collect(heap);
}

/* It gave back everything that was idle at the period's end, also what had been used all the time. */
static void test_what_is_used_in_each_period_stays(void **state)
{
    struct ua_heap *heap = open_heap("roots=registered sanitizer=off gogc=off quarantine_limit=0 decay_ms=1000");
    uint64_t most, kept;

    (void)state;
    use_chunks(heap, 8);
    most = ts_stats(heap).kept_resident_bytes;
    assert_true(most >= 7 * CHUNK_BYTES);
    pass_ms(heap, 1001); /* a period begins with all of them idle */
    for (int i = 0; i < 3; i++) {
        use_chunks(heap, 4);
        pass_ms(heap, 1001);
    }
    kept = ts_stats(heap).kept_resident_bytes;
    assert_in_range(kept, 3 * CHUNK_BYTES, most - 2 * CHUNK_BYTES);
    /* Nobody uses them any more. */
    pass_ms(heap, 1001);
    pass_ms(heap, 1001);
    assert_in_range(ts_stats(heap).kept_resident_bytes, 0, CHUNK_BYTES);
    ua_heap_close(heap);
}

/* Milliseconds became nanoseconds modulo 2^64: half a millisecond in place of 585 years. */
static void test_the_longest_period_never_ends(void **state)
{
    static const char *const periods[] = {"18446744073709551615", "18446744073710"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct ua_heap *heap = open_heap("roots=registered sanitizer=off gogc=off quarantine_limit=0");
        uint64_t kept;

        assert_int_equal(ua_options_set(&heap->options, "decay_ms", periods[i]), 0);
        use_chunks(heap, 5);
        kept = ts_stats(heap).kept_resident_bytes;
        for (int k = 0; k < 3; k++)
            pass_ms(heap, 10000);
        assert_true(ts_stats(heap).kept_resident_bytes == kept);
        ua_heap_close(heap);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_used_in_each_period_stays),
        cmocka_unit_test(test_the_longest_period_never_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
