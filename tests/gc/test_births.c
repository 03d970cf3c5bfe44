/* test_births.c - a collection that quarantine asks for falls between the lives of arenas, not into one (decision 0049). */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "gc/gc_support.h"
#include "include/ua_debug.h"

#define KIB ((size_t)1 << 10)
#define CHUNK_BYTES (64 * KIB)
#define PIECE_BYTES (CHUNK_BYTES / 8)
#define SETTINGS "chunk_bytes=64KiB roots=registered sanitizer=off gogc=off collect=stw quarantine_limit=1MiB"
#define THREADS 3
#define LIVES_EACH 300

/* Cycles that ended while arenas were made, and while they were used. */
struct cycles {
    uint64_t at_birth;
    uint64_t in_life;
};

static void *take_piece(struct ua_arena *arena)
{
    void *piece = ua_arena_alloc(arena, gs_byte_type(), PIECE_BYTES);

    assert_non_null(piece);
    memset(piece, 1, 64);
    return piece;
}

static uint64_t cycles_of(struct ua_heap *heap)
{
    return ts_stats(heap).gc_cycles;
}

static void live(struct ua_heap *heap, size_t pieces, struct cycles *cycles)
{
    uint64_t before = cycles_of(heap);
    struct ua_arena *arena = ua_arena_new(heap);
    uint64_t born = cycles_of(heap);

    for (size_t i = 0; i < pieces; i++)
        take_piece(arena);
    ua_arena_free(arena);
    cycles->at_birth += born - before;
    cycles->in_life += cycles_of(heap) - born;
}

/* Lives of less than a chunk, of some chunks, of all that may wait in quarantine and of more. */
static void test_a_collection_falls_between_lives(void **state)
{
    static const size_t pieces[] = {3, 7, 8, 20, 33, 60, 128, 300};

    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct ua_heap *heap = gs_heap("safe", SETTINGS);
        struct cycles cycles = {0, 0};
        size_t chunks = 2000;

        for (size_t warm = 0; warm < 100; warm += (pieces[i] + 7) / 8)
            live(heap, pieces[i], &cycles);
        cycles = (struct cycles){0, 0};
        for (size_t done = 0; done < chunks * 8; done += pieces[i])
            live(heap, pieces[i], &cycles);
        assert_int_equal(cycles.in_life, 0);
        /* No more of them than lives, and about one for what may wait: at most 4/3 of that. */
        assert_in_range(cycles.at_birth, 1, ua_max(chunks / 12, chunks * 8 / pieces[i]));
        ua_debug_verify(heap);
        ua_heap_close(heap);
    }
}

/* Go knows no such collection: its chunks wait for one that the heap's growth asks for. */
static void test_without_a_limit_births_do_not_collect(void **state)
{
    static const char *const presets[] = {"safe", "go"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct ua_heap *heap = gs_heap(presets[i], SETTINGS " quarantine_limit=0");
        struct cycles cycles = {0, 0};

        for (size_t life = 0; life < 100; life++)
            live(heap, 20, &cycles);
        assert_int_equal(cycles.at_birth + cycles.in_life, 0);
        ua_heap_close(heap);
    }
}

/* The chunk that the last arena left goes on in the next, collection or not. */
static void test_the_parked_chunk_is_still_the_next(void **state)
{
    struct ua_heap *heap = gs_heap("safe", SETTINGS);
    uintptr_t last = 0;
    uint64_t before = cycles_of(heap);

    (void)state;
    for (size_t life = 0; life < 300; life++) {
        struct ua_arena *arena = ua_arena_new(heap);
        uintptr_t first = (uintptr_t)take_piece(arena);

        /* 11 pieces a life: the chunk had room for one. */
        if (last != 0 && last % CHUNK_BYTES >= PIECE_BYTES)
            assert_int_equal(first / CHUNK_BYTES, last / CHUNK_BYTES);
        for (size_t i = 1; i < 11; i++)
            last = (uintptr_t)take_piece(arena);
        ua_arena_free(arena);
    }
    assert_true(cycles_of(heap) > before);
    ua_debug_verify(heap);
    ua_heap_close(heap);
}

/* A quarantined chunk that a word keeps is marked, but no live heap: it does not let more wait. */
static void test_kept_chunks_do_not_raise_the_limit(void **state)
{
    static void *slots[100];
    struct ua_heap *heap = gs_heap("safe", "chunk_bytes=1MiB roots=registered sanitizer=off gogc=100 collect=stw");
    struct ua_arena *arena = ua_arena_new(heap);
    struct cycles cycles = {0, 0};

    (void)state;
    for (size_t i = 0; i < 100; i++) {
        slots[i] = ua_arena_alloc(arena, gs_byte_type(), 200 * KIB);
        for (size_t k = 1; k < 5; k++)
            ua_arena_alloc(arena, gs_byte_type(), 200 * KIB);
    }
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(ua_root_add(heap, &slots[i]), 0);
    ua_arena_free(arena);
    ua_collect(heap);
    assert_true(ts_stats(heap).chunks_quarantine >= 98);
    /* 96 MiB in lives of 8: one collection for each 24 MiB, none for 100. */
    for (size_t life = 0; life < 12; life++)
        live(heap, 8 * 16 * 8, &cycles);
    assert_in_range(cycles.at_birth, 3, 4);
    assert_int_equal(cycles.in_life, 0);
    ua_heap_close(heap);
}

static void *churn(void *context)
{
    struct ua_heap *heap = context;

    assert_int_equal(ua_thread_attach(), 0);
    for (size_t life = 0; life < LIVES_EACH; life++) {
        struct ua_arena *arena = ua_arena_new(heap);
        struct ua_arena *inner = ua_arena_new(heap);

        for (size_t i = 0; i < 5 + life % 40; i++)
            take_piece(i % 4 == 0 ? inner : arena);
        ua_arena_free(life % 2 == 0 ? arena : inner);
        ua_arena_free(life % 2 == 0 ? inner : arena);
    }
    ua_thread_detach();
    return NULL;
}

static void test_threads_collect_at_births(void **state)
{
    struct ua_heap *heap = gs_heap("safe", SETTINGS);
    pthread_t threads[THREADS];

    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, churn, heap), 0);
    ua_blocking_begin();
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    ua_blocking_end();
    assert_true(cycles_of(heap) > 0);
    ua_debug_verify(heap);
    ua_heap_close(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_collection_falls_between_lives),
        cmocka_unit_test(test_without_a_limit_births_do_not_collect),
        cmocka_unit_test(test_the_parked_chunk_is_still_the_next),
        cmocka_unit_test(test_kept_chunks_do_not_raise_the_limit),
        cmocka_unit_test(test_threads_collect_at_births),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
