/* test_limits.c - memory that is only kept goes back: over the memory limit at once, idle after decay_ms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gc/gc_support.h"
#include "heap/heap.h"

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
        assert_true(gs_stats(heap).mapped_ready_bytes <= (LIMIT_MIB + CHUNK_MIB + 1) * MIB);
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
                assert_true(gs_stats(heap).mapped_ready_bytes <= (LIMIT_MIB + CHUNK_MIB + 1) * MIB);
        }
    ua_heap_close(heap);
}

static uint64_t test_now_ns;

static uint64_t read_test_clock(void *context)
{
    (void)context;
    return test_now_ns;
}

static void test_idle_memory_goes_back_after_decay_ms(void **state)
{
    static const struct ua_clock clock = {read_test_clock, NULL, NULL};
    struct ua_heap *heap = gs_heap("safe", "roots=registered sanitizer=off gogc=off quarantine_limit=0 decay_ms=1000");
    uint64_t kept;

    (void)state;
    heap->clock = &clock;
    test_now_ns = (uint64_t)1 << 50;
    use_arena(heap, 41);
    ua_collect(heap);
    kept = gs_stats(heap).kept_resident_bytes;
    assert_true(kept >= 4 * CHUNK_MIB * MIB);
    /* Busy through a period: what it takes and frees again is not idle, and is not given back within it. */
    test_now_ns += 500u * 1000000u;
    use_arena(heap, 2);
    ua_collect(heap);
    assert_true(gs_stats(heap).kept_resident_bytes >= kept);
    for (int i = 0; i < 3; i++) {
        test_now_ns += 1000u * 1000000u + 1;
        assert_non_null(ua_heap_alloc(heap, gs_byte_type(), 100000));
    }
    assert_true(gs_stats(heap).kept_resident_bytes < kept);
    ua_heap_close(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arenas_stay_under_the_memory_limit),
        cmocka_unit_test(test_objects_stay_under_the_memory_limit),
        cmocka_unit_test(test_idle_memory_goes_back_after_decay_ms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
