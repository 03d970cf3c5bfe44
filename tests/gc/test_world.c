/* test_world.c - a collection finishes whatever the other threads are doing, and does not lose what they hold. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "gc/gc_support.h"
#include "include/ua_debug.h"
#include "support/death.h"

#define MIB ((size_t)1 << 20)

struct shared {
    struct ua_heap *heap;
    pthread_mutex_t mutex;
    int pipe_ends[2];
    sem_t started;
    volatile int stop;
    int calls;
    ssize_t read_result;
    volatile uint64_t rounds;
};

/* The node lives on this thread's stack alone. */
static struct gs_node *make_counted(struct shared *shared, uint64_t value)
{
    struct gs_node *node = ua_heap_alloc(shared->heap, gs_node_type(), 1);

    node->value = value;
    assert_int_equal(ua_finalizer_set(shared->heap, node, gs_count_finalizer, &shared->calls), 0);
    return node;
}

static void *wait_for_mutex(void *argument)
{
    struct shared *shared = argument;
    struct gs_node *volatile node;

    assert_int_equal(ua_thread_attach(), 0);
    node = make_counted(shared, 31);
    sem_post(&shared->started);
    pthread_mutex_lock(&shared->mutex);
    assert_true(node->value == 31);
    node = NULL;
    pthread_mutex_unlock(&shared->mutex);
    ua_thread_detach();
    return NULL;
}

static void *sit_in_read(void *argument)
{
    struct shared *shared = argument;
    struct gs_node *volatile node;
    char byte;

    assert_int_equal(ua_thread_attach(), 0);
    node = make_counted(shared, 32);
    sem_post(&shared->started);
    shared->read_result = read(shared->pipe_ends[0], &byte, 1);
    assert_true(node->value == 32);
    node = NULL;
    ua_thread_detach();
    return NULL;
}

static void *stay_blocked(void *argument)
{
    struct shared *shared = argument;
    struct gs_node *volatile node;
    char byte;

    assert_int_equal(ua_thread_attach(), 0);
    node = make_counted(shared, 33);
    ua_blocking_begin();
    sem_post(&shared->started);
    shared->read_result = read(shared->pipe_ends[0], &byte, 1);
    ua_blocking_end();
    assert_true(node->value == 33);
    node = NULL;
    ua_thread_detach();
    return NULL;
}

/* Allocates into arenas without end: it is stopped anywhere inside ua_new, refill and free. */
static void *allocate_for_ever(void *argument)
{
    struct shared *shared = argument;

    assert_int_equal(ua_thread_attach(), 0);
    sem_post(&shared->started);
    while (!shared->stop) {
        struct ua_arena *arena = ua_arena_new(shared->heap);
        struct gs_node *list = NULL;
        uint64_t count = 20000 + shared->rounds % 1000;

        for (uint64_t i = 0; i < count; i++) {
            struct gs_node *node = ua_arena_alloc(arena, gs_node_type(), 1);

            node->left = list;
            if (i % 64 == 0)
                node->right = ua_heap_alloc(shared->heap, gs_node_type(), 1);
            if (node->right != NULL)
                node->right->value = i;
            node->value = i;
            list = node;
        }
        assert_non_null(ua_arena_alloc(arena, gs_byte_type(), 2 * MIB));
        for (uint64_t i = count; i-- > 0; list = list->left) {
            assert_true(list->value == i);
            assert_true(list->right == NULL || list->right->value == i);
        }
        ua_arena_free(arena);
        shared->rounds++;
    }
    ua_thread_detach();
    return NULL;
}

static void open_shared(struct shared *shared, const char *settings)
{
    *shared = (struct shared){.heap = gs_heap("safe", settings)};
    pthread_mutex_init(&shared->mutex, NULL);
    sem_init(&shared->started, 0, 0);
    assert_int_equal(pipe(shared->pipe_ends), 0);
}

static void close_shared(struct shared *shared)
{
    ua_debug_verify(shared->heap);
    ua_heap_close(shared->heap);
    close(shared->pipe_ends[0]);
    close(shared->pipe_ends[1]);
}

static void test_a_thread_waits_for_a_mutex_of_the_collecting_thread(void **state)
{
    struct shared shared;
    pthread_t thread;

    (void)state;
    open_shared(&shared, "gogc=off");
    pthread_mutex_lock(&shared.mutex);
    pthread_create(&thread, NULL, wait_for_mutex, &shared);
    sem_wait(&shared.started);
    for (int i = 0; i < 5; i++)
        ua_collect(shared.heap);
    assert_int_equal(shared.calls, 0);
    pthread_mutex_unlock(&shared.mutex);
    pthread_join(thread, NULL);
    ua_collect(shared.heap);
    assert_int_equal(shared.calls, 1);
    close_shared(&shared);
}

static void check_reader(void *(*reader)(void *))
{
    struct shared shared;
    pthread_t thread;

    open_shared(&shared, "gogc=off");
    pthread_create(&thread, NULL, reader, &shared);
    sem_wait(&shared.started);
    for (int i = 0; i < 5; i++) {
        usleep(1000);
        ua_collect(shared.heap);
    }
    assert_int_equal(shared.calls, 0);
    assert_int_equal(write(shared.pipe_ends[1], "x", 1), 1);
    pthread_join(thread, NULL);
    assert_int_equal(shared.read_result, 1);
    ua_collect(shared.heap);
    assert_int_equal(shared.calls, 1);
    close_shared(&shared);
}

static void test_a_thread_sits_in_read(void **state)
{
    (void)state;
    check_reader(sit_in_read);
}

static void test_a_thread_is_in_a_blocking_section(void **state)
{
    (void)state;
    check_reader(stay_blocked);
}

static void test_threads_are_stopped_inside_the_allocator(void **state)
{
    struct shared shared;
    pthread_t threads[3];

    (void)state;
    open_shared(&shared, "chunk_bytes=256KiB");
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, allocate_for_ever, &shared);
    for (int i = 0; i < 3; i++)
        sem_wait(&shared.started);
    for (int i = 0; i < 150; i++) {
        ua_collect(shared.heap);
        usleep(500);
    }
    shared.stop = 1;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_true(shared.rounds > 3);
    ua_collect(shared.heap);
    close_shared(&shared);
}

static void *exit_attached(void *argument)
{
    struct shared *shared = argument;

    assert_int_equal(ua_thread_attach(), 0);
    assert_int_equal(ua_thread_attach(), 0);
    make_counted(shared, 1);
    return NULL;
}

static void test_a_thread_that_ends_attached_is_detached(void **state)
{
    struct shared shared;
    pthread_t thread;

    (void)state;
    open_shared(&shared, "gogc=off");
    for (int i = 0; i < 10; i++) {
        pthread_create(&thread, NULL, exit_attached, &shared);
        pthread_join(thread, NULL);
        ua_collect(shared.heap);
    }
    assert_int_equal(shared.calls, 10);
    close_shared(&shared);
}

static void detach_too_often(void *unused)
{
    (void)unused;
    gs_heap("safe", "");
    for (int i = 0; i < 100; i++)
        ua_thread_detach();
}

static void test_detaching_too_often_is_fatal(void **state)
{
    (void)state;
    ab_expect_fatal(detach_too_often, NULL, "detached more often than attached");
}

/* Registered roots: a thread stops at safepoints alone, so what it holds in registers between two is safe. */
static void *work_with_safepoints(void *argument)
{
    struct shared *shared = argument;
    struct gs_node *root = NULL;

    assert_int_equal(ua_thread_attach(), 0);
    assert_int_equal(ua_root_add(shared->heap, &root), 0);
    sem_post(&shared->started);
    for (uint64_t i = 0; !shared->stop; i++) {
        struct gs_node *fresh = ua_heap_alloc(shared->heap, gs_node_type(), 1);

        fresh->value = i;
        fresh->left = i % 100 == 0 ? NULL : root;
        root = fresh;
        ua_safepoint();
        assert_true(root->value == i);
        assert_true(root->left == NULL || root->left->value == i - 1);
        shared->rounds = i;
    }
    ua_root_remove(shared->heap, &root);
    ua_thread_detach();
    return NULL;
}

static void test_registered_roots_stop_at_safepoints(void **state)
{
    struct shared shared;
    pthread_t threads[2];

    (void)state;
    open_shared(&shared, "roots=registered gogc=off");
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, work_with_safepoints, &shared);
    for (int i = 0; i < 2; i++)
        sem_wait(&shared.started);
    for (int i = 0; i < 200; i++)
        ua_collect(shared.heap);
    shared.stop = 1;
    ua_blocking_begin();
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    ua_blocking_end();
    close_shared(&shared);
}

static void *collect_often(void *argument)
{
    struct shared *shared = argument;

    assert_int_equal(ua_thread_attach(), 0);
    for (int i = 0; i < 100; i++)
        ua_collect(shared->heap);
    ua_thread_detach();
    return NULL;
}

static void check_two_collectors(const char *settings)
{
    struct shared shared;
    pthread_t threads[3];

    open_shared(&shared, settings);
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, collect_often, &shared);
    ua_blocking_begin();
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    ua_blocking_end();
    /* Those that ask while a mark runs that began after they asked share it. */
    assert_true(ts_stats(shared.heap).gc_cycles >= (gs_is_concurrent() ? 100 : 300));
    close_shared(&shared);
}

static void test_several_threads_collect_at_once(void **state)
{
    (void)state;
    check_two_collectors("");
    check_two_collectors("roots=registered");
}

static void test_a_forked_child_allocates_frees_and_collects(void **state)
{
    struct shared shared;
    pthread_t thread;
    struct gs_node *volatile kept;
    int status = -1;
    pid_t child;

    (void)state;
    open_shared(&shared, "gogc=off");
    kept = make_counted(&shared, 5);
    pthread_create(&thread, NULL, sit_in_read, &shared);
    sem_wait(&shared.started);
    child = fork();
    if (child == 0) {
        struct ua_arena *arena = ua_arena_new(shared.heap);
        bool good = ua_arena_alloc(arena, gs_node_type(), 1) != NULL;

        ua_arena_free(arena);
        ua_collect(shared.heap);
        /* The other thread is not there any more, and so its node is not reachable. */
        _exit(good && kept->value == 5 && shared.calls == 1 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    ua_collect(shared.heap);
    assert_int_equal(shared.calls, 0);
    assert_int_equal(write(shared.pipe_ends[1], "x", 1), 1);
    pthread_join(thread, NULL);
    assert_true(kept->value == 5);
    close_shared(&shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_thread_waits_for_a_mutex_of_the_collecting_thread),
        cmocka_unit_test(test_a_thread_sits_in_read),
        cmocka_unit_test(test_a_thread_is_in_a_blocking_section),
        cmocka_unit_test(test_threads_are_stopped_inside_the_allocator),
        cmocka_unit_test(test_a_thread_that_ends_attached_is_detached),
        cmocka_unit_test(test_detaching_too_often_is_fatal),
        cmocka_unit_test(test_registered_roots_stop_at_safepoints),
        cmocka_unit_test(test_several_threads_collect_at_once),
        cmocka_unit_test(test_a_forked_child_allocates_frees_and_collects),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
