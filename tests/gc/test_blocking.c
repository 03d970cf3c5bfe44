/* test_blocking.c - stops in unusual places: blocking sections that are left by a jump or by the thread's end, a handler on another
 * stack, and sleeping without a word in errno. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gc/gc_support.h"
#include "os/futex.h"
#include "support/death.h"

#define OTHER_STACK_BYTES ((size_t)1 << 16)

struct shared {
    struct ua_heap *heap;
    sem_t started;
    int calls;
};

static struct shared *of_handler;
static sem_t may_go_on;

static void wait_in_handler(int number)
{
    (void)number;
    sem_post(&of_handler->started);
    while (sem_wait(&may_go_on) != 0) {
    }
}

/* Waits in a handler on another stack: it is stopped there, and the node lies on the stack that it left. */
static void *wait_on_another_stack(void *argument)
{
    struct shared *shared = argument;
    struct sigaction action = {.sa_handler = wait_in_handler, .sa_flags = SA_ONSTACK};
    stack_t stack = {.ss_sp = malloc(OTHER_STACK_BYTES), .ss_size = OTHER_STACK_BYTES}; /* no root */
    struct gs_node *volatile node;

    assert_int_equal(ua_thread_attach(), 0);
    assert_int_equal(sigaltstack(&stack, NULL), 0);
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    of_handler = shared;
    node = ua_heap_alloc(shared->heap, gs_node_type(), 1);
    node->value = 34;
    assert_int_equal(ua_finalizer_set(shared->heap, node, gs_count_finalizer, &shared->calls), 0);
    pthread_kill(pthread_self(), SIGUSR1);
    assert_true(node->value == 34);
    assert_int_equal(shared->calls, 0);
    node = NULL;
    stack.ss_flags = SS_DISABLE;
    sigaltstack(&stack, NULL);
    free(stack.ss_sp);
    ua_thread_detach();
    return NULL;
}

/* Leaves a blocking section by a jump, and ends it where it lands. */
static void *jump_out(void *argument)
{
    struct shared *shared = argument;
    struct gs_node *volatile node;
    sigjmp_buf place;

    assert_int_equal(ua_thread_attach(), 0);
    node = ua_heap_alloc(shared->heap, gs_node_type(), 1);
    node->value = 35;
    assert_int_equal(ua_finalizer_set(shared->heap, node, gs_count_finalizer, &shared->calls), 0);
    if (sigsetjmp(place, 1) == 0) {
        ua_blocking_begin();
        sem_post(&shared->started);
        sem_wait(&may_go_on);
        siglongjmp(place, 1);
    }
    ua_blocking_end();
    assert_true(node->value == 35);
    assert_int_equal(shared->calls, 0);
    node = NULL;
    ua_thread_detach();
    return NULL;
}

/* Is detached in a blocking section, and ends in one, as a thread that is cancelled there does. */
static void *end_blocked(void *argument)
{
    struct shared *shared = argument;
    struct ua_arena *arena;

    assert_int_equal(ua_thread_attach(), 0);
    arena = ua_arena_new(shared->heap);
    assert_non_null(ua_arena_alloc(arena, gs_node_type(), 1));
    ua_arena_free(arena);
    ua_blocking_begin();
    ua_thread_detach();
    assert_int_equal(ua_thread_attach(), 0);
    ua_blocking_begin(); /* it was outside again */
    return NULL;
}

/* Runs the thread, which holds one node on its stack, and collects while it stands where it waits. */
static void check_node_is_kept(void *(*run)(void *))
{
    struct shared shared = {.heap = gs_heap("safe", "gogc=off")};
    pthread_t thread;

    sem_init(&shared.started, 0, 0);
    sem_init(&may_go_on, 0, 0);
    pthread_create(&thread, NULL, run, &shared);
    sem_wait(&shared.started);
    for (int i = 0; i < 5; i++)
        ua_collect(shared.heap);
    sem_post(&may_go_on);
    for (int i = 0; i < 5; i++)
        ua_collect(shared.heap);
    pthread_join(thread, NULL);
    ua_collect(shared.heap);
    assert_int_equal(shared.calls, 1);
    ua_heap_close(shared.heap);
}

static void test_a_thread_waits_in_a_handler_on_another_stack(void **state)
{
    (void)state;
    check_node_is_kept(wait_on_another_stack);
}

static void test_a_blocking_section_is_left_by_a_jump(void **state)
{
    (void)state;
    check_node_is_kept(jump_out);
}

static void test_a_thread_ends_in_a_blocking_section(void **state)
{
    struct shared shared = {.heap = gs_heap("safe", "")};
    pthread_t thread;

    (void)state;
    for (int i = 0; i < 10; i++) {
        pthread_create(&thread, NULL, end_blocked, &shared);
        ua_collect(shared.heap);
        pthread_join(thread, NULL);
    }
    ua_collect(shared.heap);
    ua_heap_close(shared.heap);
}

static void nest(void *unused)
{
    (void)unused;
    gs_heap("safe", "");
    ua_blocking_begin();
    ua_blocking_begin();
}

static void test_a_blocking_section_in_another_is_fatal(void **state)
{
    (void)state;
    ab_expect_fatal(nest, NULL, "inside a blocking section");
}

/* A thread may have to stand where it gives up the lock under which a call failed. */
static void test_sleeping_leaves_errno(void **state)
{
    uint32_t word = 0;

    (void)state;
    errno = ENOMEM;
    ua_futex_wait(&word, 1, UA_FUTEX_FOR_EVER);
    ua_futex_wait(&word, 0, 1000);
    assert_int_equal(errno, ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_thread_waits_in_a_handler_on_another_stack),
        cmocka_unit_test(test_a_blocking_section_is_left_by_a_jump),
        cmocka_unit_test(test_a_thread_ends_in_a_blocking_section),
        cmocka_unit_test(test_a_blocking_section_in_another_is_fatal),
        cmocka_unit_test(test_sleeping_leaves_errno),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
