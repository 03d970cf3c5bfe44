/* test_cache.c - what a thread keeps for itself: no lock for a small arena, nothing lost when the thread goes, and a freed
 * handle is still not used again too early. */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <ua_debug.h>

#include "allocator/go_types.h"
#include "support/make_heap.h"

#define QUARANTINE 1024 /* arenas that have to be made before a freed handle is used again */
#define WARM 3000

static void make_and_free(struct ua_heap *heap, size_t count)
{
    while (count-- > 0) {
        struct ua_arena *arena = ua_arena_new(heap);

        assert_non_null(arena);
        assert_non_null(ua_new(arena, &small_pointer_type));
        ua_arena_free(arena);
    }
}

static uint64_t locks_for(struct ua_heap *heap, size_t count)
{
    uint64_t before = ts_stats(heap).lock_count;
    uint64_t reading = ts_stats(heap).lock_count - before;

    before = ts_stats(heap).lock_count;
    make_and_free(heap, count);
    return ts_stats(heap).lock_count - before - reading;
}

static void test_a_small_arena_takes_no_lock(void **state)
{
    static const char *const presets[] = {"safe", "go", "kept"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct ua_heap *heap = ts_heap(presets[i], "sanitizer=off");

        make_and_free(heap, WARM);
        assert_int_equal(locks_for(heap, 1000), 0);
        /* Cold: a batch of 64 handles now and then, and the memory for them. */
        ua_heap_close(heap);
        heap = ts_heap(presets[i], "sanitizer=off");
        make_and_free(heap, 1);
        assert_true(locks_for(heap, 640) <= 20);
        ua_debug_verify(heap);
        ua_heap_close(heap);
    }
}

static bool is_among(struct ua_arena *const *handles, size_t count, const struct ua_arena *handle)
{
    for (size_t i = 0; i < count; i++)
        if (handles[i] == handle)
            return true;
    return false;
}

static void test_a_freed_handle_waits(void **state)
{
    static struct ua_arena *freed[2 * QUARANTINE];
    struct ua_heap *heap = ts_heap("kept", "sanitizer=off");

    (void)state;
    /* Freed in a row, after all were made: none has waited for anything yet. */
    for (size_t i = 0; i < 2 * QUARANTINE; i++)
        freed[i] = ua_arena_new(heap);
    for (size_t i = 0; i < 2 * QUARANTINE; i++)
        ua_arena_free(freed[i]);
    for (size_t i = 0; i < QUARANTINE; i++) {
        struct ua_arena *arena = ua_arena_new(heap);

        assert_false(is_among(freed, 2 * QUARANTINE, arena));
        ua_arena_free(arena);
    }
    assert_true(is_among(freed, 2 * QUARANTINE, ua_arena_new(heap)));
    ua_heap_close(heap);
}

static void test_handles_are_used_again(void **state)
{
    struct ua_heap *heap = ts_heap("kept", "sanitizer=off");
    uint64_t before;

    (void)state;
    /* kept: a type log that begins anew takes no new page. */
    make_and_free(heap, WARM);
    before = ts_stats(heap).meta_bytes;
    make_and_free(heap, 50 * QUARANTINE);
    assert_int_equal(ts_stats(heap).meta_bytes, before);
    ua_heap_close(heap);
}

struct pipe_of_arenas {
    struct ua_heap *heap;
    pthread_barrier_t turn;
    struct ua_arena *arenas[100];
    size_t rounds;
};

static void *free_those_of_another(void *argument)
{
    struct pipe_of_arenas *pipe = argument;

    for (size_t round = 0; round < pipe->rounds; round++) {
        pthread_barrier_wait(&pipe->turn);
        for (size_t i = 0; i < 100; i++)
            ua_arena_free(pipe->arenas[i]);
        pthread_barrier_wait(&pipe->turn);
    }
    return NULL;
}

/* One thread makes all arenas, another frees them: handles find their way back. */
static void test_handles_come_back_from_another_thread(void **state)
{
    struct pipe_of_arenas pipe = {.heap = ts_heap("kept", "sanitizer=off"), .rounds = 200};
    pthread_t thread;
    uint64_t half = 0;

    (void)state;
    pthread_barrier_init(&pipe.turn, NULL, 2);
    pthread_create(&thread, NULL, free_those_of_another, &pipe);
    for (size_t round = 0; round < pipe.rounds; round++) {
        for (size_t i = 0; i < 100; i++)
            pipe.arenas[i] = ua_arena_new(pipe.heap);
        pthread_barrier_wait(&pipe.turn);
        pthread_barrier_wait(&pipe.turn);
        if (round == pipe.rounds / 2)
            half = ts_stats(pipe.heap).meta_bytes;
    }
    pthread_join(thread, NULL);
    assert_int_equal(ts_stats(pipe.heap).meta_bytes, half);
    assert_int_equal(ts_stats(pipe.heap).arena_free_count, 100 * pipe.rounds);
    ua_debug_verify(pipe.heap);
    pthread_barrier_destroy(&pipe.turn);
    ua_heap_close(pipe.heap);
}

/* Frees an arena made by the caller's own thread; returns the address it used. */
static void *use_one(void *argument)
{
    struct ua_arena *arena = ua_arena_new(argument);
    void *object = ua_new(arena, &small_pointer_type);

    ua_arena_free(arena);
    return object;
}

static void *use_one_and_detach(void *argument)
{
    struct ua_heap *heap = argument;
    void *object = use_one(heap);

    ua_thread_detach();
    assert_int_equal(ts_stats(heap).chunks_reuse, 1);
    return object;
}

/* Whoever comes next takes the chunk that the thread had parked. */
static void check_chunk_comes_back(void *(*life)(void *))
{
    struct ua_heap *heap = ts_heap("go", "sanitizer=off");
    struct ua_arena *arena;
    pthread_t thread;
    void *theirs;

    pthread_create(&thread, NULL, life, heap);
    pthread_join(thread, &theirs);
    assert_int_equal(ts_stats(heap).chunks_reuse, 1);
    assert_int_equal(ts_stats(heap).chunks_active, 0);
    ua_debug_verify(heap);
    arena = ua_arena_new(heap);
    assert_ptr_equal(ua_new(arena, &small_pointer_type), (char *)theirs + sizeof(struct small_pointer));
    assert_int_equal(ts_stats(heap).chunks_reuse, 0);
    assert_int_equal(ts_stats(heap).arena_new_count, 2);
    ua_debug_verify(heap);
    ua_heap_close(heap);
}

static void test_a_thread_that_ends_gives_its_chunk_back(void **state)
{
    (void)state;
    check_chunk_comes_back(use_one);
}

static void test_a_thread_that_is_detached_gives_its_chunk_back(void **state)
{
    (void)state;
    check_chunk_comes_back(use_one_and_detach);
}

static void test_a_collection_leaves_a_parked_chunk_alone(void **state)
{
    struct ua_heap *heap = ts_heap("safe", "sanitizer=off");
    void *object = use_one(heap);
    struct ua_arena *arena;

    (void)state;
    ua_collect(heap);
    ua_debug_verify(heap);
    assert_int_equal(ts_stats(heap).chunks_reuse, 1);
    ua_debug_mark_begin(heap);
    arena = ua_arena_new(heap);
    assert_ptr_equal(ua_new(arena, &small_pointer_type), (char *)object + sizeof(struct small_pointer));
    ua_arena_free(arena);
    ua_debug_mark_end(heap);
    assert_int_equal(ts_stats(heap).chunks_reuse, 1);
    ua_debug_verify(heap);
    ua_heap_close(heap);
}

struct sitting {
    struct ua_heap *heap;
    sem_t seated; /* not a barrier: fork and closing stop threads by signal, and ThreadSanitizer would hold it back there */
    sem_t go_on;
};

/* Uses the heap, and whatever heap is there when it is told to go on. */
static void *use_one_and_sit(void *argument)
{
    struct sitting *sitting = argument;

    use_one(sitting->heap);
    sem_post(&sitting->seated);
    while (sem_wait(&sitting->go_on) != 0)
        ; /* a stop by signal */
    use_one(sitting->heap);
    return NULL;
}

/* Returns when the thread has used the heap once. */
static void start_sitting(struct sitting *sitting, pthread_t *thread)
{
    sem_init(&sitting->seated, 0, 0);
    sem_init(&sitting->go_on, 0, 0);
    pthread_create(thread, NULL, use_one_and_sit, sitting);
    while (sem_wait(&sitting->seated) != 0)
        ; /* a stop by signal */
}

static void test_a_forked_child_finds_what_other_threads_had_parked(void **state)
{
    struct sitting sitting = {.heap = ts_heap("go", "sanitizer=off")};
    struct ua_heap *heap = sitting.heap;
    pthread_t thread;
    int status = -1;
    pid_t child;

    (void)state;
    use_one(heap);
    start_sitting(&sitting, &thread);
    assert_int_equal(ts_stats(heap).chunks_reuse, 2);
    child = fork();
    if (child == 0) {
        bool good = ts_stats(heap).chunks_reuse == 2;

        ua_debug_verify(heap);
        good = good && ua_arena_new(heap) != NULL && ua_arena_new(heap) != NULL;
        good = good && ts_stats(heap).chunks_reuse == 0 && ts_stats(heap).arena_new_count == 4;
        ua_debug_verify(heap);
        _exit(good ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    sem_post(&sitting.go_on);
    pthread_join(thread, NULL);
    assert_int_equal(ts_stats(heap).chunks_reuse, 2);
    ua_debug_verify(heap);
    sem_destroy(&sitting.seated);
    sem_destroy(&sitting.go_on);
    ua_heap_close(heap);
}

static void test_a_thread_outlives_a_heap(void **state)
{
    struct sitting sitting = {.heap = ts_heap("go", "sanitizer=off")};
    pthread_t thread;

    (void)state;
    start_sitting(&sitting, &thread);
    /* Closed and replaced by another one meanwhile. */
    ua_heap_close(sitting.heap);
    sitting.heap = ts_heap("go", "sanitizer=off");
    sem_post(&sitting.go_on);
    pthread_join(thread, NULL);
    assert_int_equal(ts_stats(sitting.heap).chunks_reuse, 1);
    ua_debug_verify(sitting.heap);
    sem_destroy(&sitting.seated);
    sem_destroy(&sitting.go_on);
    ua_heap_close(sitting.heap);
}

/* More heaps than a thread has slots for: each keeps its own chunk and counts. */
static void test_many_heaps_on_one_thread(void **state)
{
    struct ua_heap *heaps[20];

    (void)state;
    for (size_t i = 0; i < 20; i++)
        heaps[i] = ts_heap("go", "sanitizer=off");
    for (size_t round = 0; round < 3; round++)
        for (size_t i = 0; i < 20; i++)
            use_one(heaps[i]);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(ts_stats(heaps[i]).chunks_reuse, 1);
        assert_int_equal(ts_stats(heaps[i]).arena_new_count, 3);
        assert_int_equal(ts_stats(heaps[i]).refill_count, 3);
        ua_debug_verify(heaps[i]);
        ua_heap_close(heaps[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_small_arena_takes_no_lock),
        cmocka_unit_test(test_a_freed_handle_waits),
        cmocka_unit_test(test_handles_are_used_again),
        cmocka_unit_test(test_handles_come_back_from_another_thread),
        cmocka_unit_test(test_a_thread_that_ends_gives_its_chunk_back),
        cmocka_unit_test(test_a_thread_that_is_detached_gives_its_chunk_back),
        cmocka_unit_test(test_a_collection_leaves_a_parked_chunk_alone),
        cmocka_unit_test(test_a_forked_child_finds_what_other_threads_had_parked),
        cmocka_unit_test(test_a_thread_outlives_a_heap),
        cmocka_unit_test(test_many_heaps_on_one_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
