/* test_threads.c - arenas on several threads over one heap: lists, ledger and type registry under contention.
 *
 * Each thread makes arenas, checks that its memory is zeroed and its own, and frees them; one chunk of work is small enough
 * that reuse, ready and quarantine lists are hit all the time. Run under TSan as well. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ua_debug.h>

#include "allocator/go_types.h"

#define THREADS 4
#define ROUNDS 60

struct job {
    struct ua_heap *heap;
    uintptr_t seed;
    size_t bad; /* objects that were not zeroed or lost their contents */
};

static size_t check_list(const struct small_pointer_mix *node, uint8_t mine)
{
    size_t bad = 0;

    for (; node != NULL; node = node->a)
        bad += node->b != mine || node->d[10] != mine;
    return bad;
}

static void *work(void *argument)
{
    struct job *job = argument;
    uint8_t mine = (uint8_t)(job->seed + 1);

    for (size_t round = 0; round < ROUNDS; round++) {
        struct ua_arena *arena = ua_arena_new(job->heap);
        struct small_pointer_mix *last = NULL;
        size_t count = (job->seed * 7919 + round * 104729) % 6000;

        for (size_t i = 0; i < count; i++) {
            struct small_pointer_mix *node = ua_new(arena, &small_pointer_mix_type);
            struct medium_scalar_odd *bytes = i % 64 == 0 ? ua_new(arena, &medium_scalar_odd_type) : NULL;

            job->bad += node->a != NULL || node->b != 0 || (bytes != NULL && bytes->x[3320] != 0);
            node->a = last;
            node->b = mine;
            memset(node->d, mine, sizeof node->d);
            if (bytes != NULL)
                memset(bytes, mine, sizeof *bytes);
            last = node;
        }
        job->bad += check_list(last, mine);
        ua_arena_free(arena);
    }
    return NULL;
}

static void run_threads(const char *preset)
{
    struct ua_options options;
    struct job jobs[THREADS];
    pthread_t threads[THREADS];
    struct ua_heap *heap;
    struct ua_stats stats;

    ua_options_preset(&options, preset);
    options.gogc = UA_GOGC_OFF;
    options.quarantine_limit_bytes = 0;
    options.chunk_bytes = (size_t)64 << 10;
    heap = ua_heap_new(&options);
    assert_non_null(heap);
    for (uintptr_t i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){.heap = heap, .seed = i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &jobs[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(jobs[i].bad, 0);
    }
    ua_debug_verify(heap);
    ua_stats(heap, &stats);
    assert_int_equal(stats.arena_new_count, THREADS * ROUNDS);
    assert_int_equal(stats.arena_free_count, THREADS * ROUNDS);
    assert_int_equal(stats.chunks_active, 0);
    ua_heap_close(heap);
}

static void test_threads_share_a_heap(void **state)
{
    (void)state;
    run_threads("safe");
    run_threads("go");
    run_threads("kept");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_share_a_heap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
