/* test_fork.c - fork while other threads are inside the allocator: the child allocates, frees and collects, every time.
 *
 * The threads do everything that takes a lock or defers a stop; whatever they hold at the moment of the fork, a child that met it
 * would hang (the parent ends it) or die. The parent goes on and its heap verifies. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <ua_debug.h>

#include "allocator/go_types.h"
#include "support/tools.h"

#define CHILD_LOOKS 30000 /* of a millisecond: no clock goes on while the whole test is stopped (SIGSTOP) */

static int forks = 12; /* argument 1 */

struct shared {
    struct ua_heap *heap;
    const char *roots;
    bool stop; /* atomic */
};

static struct ua_heap *heap_of(const char *preset, const char *roots)
{
    struct ua_options options;
    struct ua_heap *heap;

    ua_options_preset(&options, preset);
    options.chunk_bytes = (size_t)64 << 10;
    assert_int_equal(ua_options_set(&options, "roots", roots), 0);
    heap = ua_heap_new(&options);
    assert_non_null(heap);
    return heap;
}

static bool go_on(const struct shared *shared)
{
    return !__atomic_load_n(&shared->stop, __ATOMIC_RELAXED);
}

static void use_arena(struct ua_heap *heap, int objects)
{
    struct ua_arena *arena = ua_arena_new(heap);

    for (int i = 0; i < objects; i++) {
        struct small_pointer_mix *node = ua_new(arena, &small_pointer_mix_type);

        if (node == NULL || node->a != NULL || ua_new(arena, &medium_scalar_odd_type) == NULL)
            abort();
        node->a = node;
    }
    ua_arena_free(arena);
}

static void *make_arenas(void *argument)
{
    struct shared *shared = argument;

    for (int i = 0; go_on(shared); i++) {
        use_arena(shared->heap, i % 50);
        ua_safepoint();
    }
    return NULL;
}

static void *make_objects(void *argument)
{
    struct shared *shared = argument;
    uint64_t mask = 1;

    for (int i = 0; go_on(shared); i++) {
        void *object = ua_heap_alloc(shared->heap, &small_pointer_type, (size_t)(1 + i % 300));

        if (object == NULL)
            abort();
        if (i % 3 == 0)
            ua_heap_free(shared->heap, object);
        if (i % 1024 == 0 && i < 1024 * 1000)
            ua_type_make(shared->heap, 16, 8, &mask, 1, "made while forking");
        if (i % 4096 == 4095)
            ua_collect(shared->heap);
        ua_safepoint();
    }
    return NULL;
}

static void *make_heaps(void *argument)
{
    struct shared *shared = argument;

    while (go_on(shared)) {
        struct ua_heap *heap = heap_of("kept", shared->roots);

        use_arena(heap, 3);
        ua_heap_close(heap);
        ua_safepoint();
    }
    return NULL;
}

static void in_child(struct shared *shared)
{
    uint64_t mask = 1;
    struct ua_heap *own;

    prctl(PR_SET_PDEATHSIG, SIGKILL); /* no orphan hangs on when the test ends early */
    use_arena(shared->heap, 200);
    if (ua_type_make(shared->heap, 16, 8, &mask, 1, "made in the child") == NULL)
        _exit(2);
    for (int i = 0; i < 100; i++)
        if (ua_heap_alloc(shared->heap, &small_pointer_mix_type, 10) == NULL)
            _exit(3);
    ua_collect(shared->heap);
    use_arena(shared->heap, 200);
    own = heap_of("safe", shared->roots);
    use_arena(own, 10);
    ua_collect(own);
    ua_heap_close(own);
    _exit(0);
}

/* The child's status; one that hangs is ended by SIGALRM. */
static int wait_for(pid_t child)
{
    struct timespec millisecond = {.tv_nsec = 1000000};
    int status = 0;
    pid_t ended = 0;

    for (int look = 0; ended == 0 && look < CHILD_LOOKS; look++) {
        ended = waitpid(child, &status, WNOHANG);
        if (ended == 0)
            nanosleep(&millisecond, NULL);
    }
    if (ended == 0) {
        kill(child, SIGALRM);
        ended = waitpid(child, &status, 0);
    }
    assert_int_equal(ended, child);
    return status;
}

static void fork_often(struct shared *shared)
{
    for (int i = 0; i < forks; i++) {
        pid_t child = fork();
        int status;

        assert_true(child >= 0);
        if (child == 0)
            in_child(shared);
        ua_blocking_begin();
        status = wait_for(child);
        ua_blocking_end();
        if (status != 0)
            fail_msg("fork %d: the child ended with status %d, signal %d", i, WEXITSTATUS(status), WTERMSIG(status));
        use_arena(shared->heap, 20);
    }
}

static void *(*const workers[])(void *) = {make_arenas, make_arenas, make_objects, make_heaps};
#define WORKERS (sizeof workers / sizeof workers[0])

static void fork_among_threads(const char *preset, const char *roots)
{
    struct shared shared = {heap_of(preset, roots), roots, false};
    pthread_t threads[WORKERS];

    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, workers[i], &shared), 0);
    fork_often(&shared);
    __atomic_store_n(&shared.stop, true, __ATOMIC_RELAXED);
    ua_blocking_begin();
    for (size_t i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    ua_blocking_end();
    ua_collect(shared.heap);
    ua_debug_verify(shared.heap);
    ua_heap_close(shared.heap);
}

static void test_fork_with_workers_running(void **state)
{
    (void)state;
    fork_among_threads("safe", "registered");
    fork_among_threads("go", "conservative");
    fork_among_threads("kept", "conservative");
}

static void *fork_unattached(void *argument)
{
    fork_often(argument);
    return NULL;
}

static void *make_arenas_without_signals(void *argument)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    return make_arenas(argument);
}

/* Threads of servers block all signals: the stop for the fork reaches such a one where it gives up its last lock, or stands at
 * the gate. */
static void test_fork_with_signals_blocked(void **state)
{
    struct shared shared = {heap_of("safe", "registered"), "registered", false};
    pthread_t threads[2];

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_arenas_without_signals, &shared), 0);
    fork_often(&shared);
    __atomic_store_n(&shared.stop, true, __ATOMIC_RELAXED);
    ua_blocking_begin();
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    ua_blocking_end();
    ua_debug_verify(shared.heap);
    ua_heap_close(shared.heap);
}

/* A thread that the collector does not know, and one inside a blocking section, may fork as well. */
static void test_fork_from_other_threads(void **state)
{
    struct shared shared = {heap_of("safe", "registered"), "registered", false};
    pthread_t worker;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&worker, NULL, make_arenas, &shared), 0);
    assert_int_equal(pthread_create(&thread, NULL, fork_unattached, &shared), 0);
    ua_blocking_begin();
    /* MSan's fork takes locks of its own before any handler runs: a second one waits for them where no stop reaches it. */
    if (TS_UNDER_MSAN)
        pthread_join(thread, NULL);
    for (int i = 0; i < 5; i++) {
        pid_t child = fork();

        if (child == 0) {
            ua_blocking_end();
            in_child(&shared);
        }
        assert_int_equal(wait_for(child), 0);
    }
    /* Still in the section: a collection by another thread does not wait for this one. */
    if (!TS_UNDER_MSAN)
        pthread_join(thread, NULL);
    __atomic_store_n(&shared.stop, true, __ATOMIC_RELAXED);
    pthread_join(worker, NULL);
    ua_blocking_end();
    ua_heap_close(shared.heap);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fork_with_workers_running),
        cmocka_unit_test(test_fork_with_signals_blocked),
        cmocka_unit_test(test_fork_from_other_threads),
    };

    if (argc > 1)
        forks = atoi(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
