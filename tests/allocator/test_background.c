/* test_background.c - prezero=background: a helper keeps the front of the ready list cleared, and is never needed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <ua_debug.h>

#include "arena/arena.h"
#include "debug/verify.h"
#include "gc/gc.h"
#include "support/tools.h"

#define CHUNK_BYTES ((size_t)256 << 10)
#define BLOCK_BYTES (CHUNK_BYTES / 4)
#define THREADS 3

UA_SCALAR_TYPE(block_type, struct { uint8_t x[BLOCK_BYTES]; });

static struct ua_options options_of(const char *preset)
{
    struct ua_options options;

    assert_int_equal(ua_options_preset(&options, preset), 0);
    assert_int_equal(ua_options_set(&options, "prezero", "background"), 0);
    options.chunk_bytes = CHUNK_BYTES;
    options.gogc = UA_GOGC_OFF;
    options.quarantine_limit_bytes = 0;
    options.roots = UA_ROOTS_REGISTERED;
    options.sanitizer = UA_SANITIZER_OFF;
    return options;
}

/* Over system calls of the test's own: not known to the registry of heaps. */
static struct ua_heap *heap_of(const char *preset, const struct ua_vm_ops *ops)
{
    struct ua_options options = options_of(preset);
    struct ua_heap *heap = ua_heap_create(&options, ops, NULL);
    assert_non_null(heap);
    assert_true(ua_gc_init(heap, ua_arena_release));
    return heap;
}

/* Chunks of the ready list that are prepared. */
static size_t prepared(struct ua_heap *heap)
{
    struct ua_chunk_pool *pool = &heap->chunks;
    size_t count = 0;

    ua_lock_acquire(&pool->lock);
    for (struct ua_node *node = pool->ready.first; node != NULL; node = node->next)
        count += UA_CONTAINER(node, struct ua_span, node)->ahead == UA_AHEAD_DONE;
    ua_lock_release(&pool->lock);
    return count;
}

static uint64_t taken(struct ua_heap *heap)
{
    uint64_t count;

    ua_lock_acquire(&heap->chunks.lock);
    count = heap->chunks.ahead_taken_count;
    ua_lock_release(&heap->chunks.lock);
    return count;
}

/* Long enough for any machine; what is waited for comes, or the test fails. */
static bool wait_for_prepared(struct ua_heap *heap, size_t count)
{
    const struct timespec millisecond = {0, 1000000};

    for (int i = 0; i < 30000; i++) {
        if (prepared(heap) >= count)
            return true;
        nanosleep(&millisecond, NULL);
    }
    return false;
}

static size_t dirty_bytes(const uint8_t *block)
{
    size_t dirty = 0;

    for (size_t i = 0; i < BLOCK_BYTES; i++)
        dirty += block[i] != 0;
    return dirty;
}

/* `blocks` quarters of a chunk, each zero when it comes and full of ones after. */
static size_t fill(struct ua_arena *arena, size_t blocks)
{
    size_t dirty = 0;

    for (size_t i = 0; i < blocks; i++) {
        uint8_t *block = ua_arena_alloc(arena, &block_type, 1);

        dirty += block == NULL ? BLOCK_BYTES : dirty_bytes(block);
        if (block != NULL)
            memset(block, 0xff, BLOCK_BYTES);
    }
    return dirty;
}

static void test_chunks_are_prepared_and_taken(void **state)
{
    static const char *const presets[] = {"safe", "go", "kept"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct ua_heap *heap = heap_of(presets[i], &ua_vm_linux);

        for (int life = 0; life < 4; life++) {
            struct ua_arena *arena = ua_arena_new(heap);

            assert_true(wait_for_prepared(heap, 2)); /* fresh ones first, dirty ones in later lives */
            assert_int_equal(fill(arena, 24), 0);
            ua_verify_heap(heap);
            ua_arena_free(arena);
            ua_collect(heap);
            ua_verify_heap(heap);
        }
        assert_true(taken(heap) >= 4);
        assert_true(wait_for_prepared(heap, 2));
        assert_true(ua_trim(heap) >= 2 * CHUNK_BYTES);
        assert_int_equal(prepared(heap), 0);
        ua_verify_heap(heap);
        ua_heap_destroy(heap);
    }
}

static int cannot_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument)
{
    (void)thread;
    (void)attributes;
    (void)body;
    (void)argument;
    return EAGAIN;
}

static void test_without_a_thread_windows_do(void **state)
{
    struct ua_heap *heap;

    (void)state;
    ua_helper_create = cannot_create;
    heap = heap_of("safe", &ua_vm_linux);
    for (int life = 0; life < 3; life++) {
        struct ua_arena *arena = ua_arena_new(heap);

        assert_int_equal(fill(arena, 24), 0);
        ua_arena_free(arena);
        ua_collect(heap);
        ua_verify_heap(heap);
    }
    assert_int_equal(taken(heap), 0);
    ua_heap_destroy(heap);
    ua_helper_create = pthread_create;
}

static pthread_t program_thread;

static int map_for_the_program_only(void *context, uintptr_t at, size_t bytes)
{
    return pthread_equal(pthread_self(), program_thread) ? ua_vm_linux.map(context, at, bytes) : ENOMEM;
}

static void test_a_helper_that_gets_no_memory(void **state)
{
    struct ua_vm_ops ops = ua_vm_linux;
    struct ua_heap *heap;
    struct ua_arena *arena;

    (void)state;
    program_thread = pthread_self();
    ops.map = map_for_the_program_only;
    heap = heap_of("go", &ops);
    arena = ua_arena_new(heap);
    assert_int_equal(fill(arena, 40), 0);
    assert_int_equal(taken(heap), 0);
    ua_arena_free(arena);
    ua_collect(heap);
    ua_verify_heap(heap);
    ua_heap_destroy(heap);
}

/* TSan cannot have a thread started in the child of a process with threads. */
static bool may_have_a_helper(void)
{
    if (TS_UNDER_TSAN)
        ua_helper_create = cannot_create;
    return !TS_UNDER_TSAN;
}

/* The child has its heap, and gets a helper of its own. */
static int child(struct ua_heap *heap, struct ua_arena *arena)
{
    bool helped = may_have_a_helper();

    if (fill(arena, 24) != 0)
        return 1;
    ua_arena_free(arena);
    ua_collect(heap);
    ua_verify_heap(heap);
    if (helped && !wait_for_prepared(heap, 2))
        return 2;
    ua_heap_close(heap);
    return 0;
}

static void test_fork(void **state)
{
    struct ua_options options = options_of("safe");
    struct ua_heap *heap = ua_heap_new(&options); /* the registry pauses the helpers of its heaps */

    (void)state;
    assert_non_null(heap);
    for (int i = 0; i < 20; i++) {
        struct ua_arena *arena = ua_arena_new(heap);
        pid_t pid;
        int status;

        assert_int_equal(fill(arena, 8), 0); /* the helper is at work now */
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            _exit(child(heap, arena));
        assert_int_equal(fill(arena, 8), 0);
        ua_arena_free(arena);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
    ua_collect(heap);
    ua_verify_heap(heap);
    assert_true(wait_for_prepared(heap, 2));
    ua_heap_close(heap);
}

struct worker {
    struct ua_heap *heap;
    size_t dirty;
};

static void *work(void *argument)
{
    struct worker *worker = argument;

    for (int i = 0; i < 40; i++) {
        struct ua_arena *arena = ua_arena_new(worker->heap);

        worker->dirty += fill(arena, 10);
        ua_arena_free(arena);
        if (i % 8 == 7)
            ua_trim(worker->heap);
    }
    return NULL;
}

static void test_threads_and_a_helper(void **state)
{
    struct ua_heap *heap = heap_of("kept", &ua_vm_linux);
    struct worker workers[THREADS];
    pthread_t threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){heap, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].dirty, 0);
    }
    ua_verify_heap(heap);
    ua_heap_destroy(heap);
}

static void test_short_lives(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct ua_heap *heap = heap_of("safe", &ua_vm_linux);

        if (i % 3 != 0)
            ua_arena_new(heap);
        ua_heap_destroy(heap);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks_are_prepared_and_taken),
        cmocka_unit_test(test_without_a_thread_windows_do),
        cmocka_unit_test(test_a_helper_that_gets_no_memory),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_threads_and_a_helper),
        cmocka_unit_test(test_short_lives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
