/* test_signal_handler.c - allocation from inside a signal handler: it works, or it is fatal and names call and reason.
 *
 * Planted: a system call of the allocator raises the signal, so the handler runs at a known place, with a lock held or in the middle
 * of a refill. Stormed: a timer interrupts whatever runs; each child either goes on with a sound heap or dies with the message. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "allocator/go_types.h"
#include "arena/arena.h"
#include "include/ua_debug.h"
#include "support/death.h"

#define NAMED "a signal handler (or fork handler) interrupted the allocator"
#define SAME_ARENA "a signal handler interrupted a call on the same arena"

UA_SCALAR_TYPE(byte_type, uint8_t);

static struct ua_heap *heap;
static struct ua_arena *used;  /* the interrupted one */
static struct ua_arena *other;
static void (*on_signal)(void);

static void handler(int number)
{
    (void)number;
    on_signal();
}

static void allocate_in_used(void)
{
    ua_arena_alloc(used, &small_pointer_type, 1);
}

static void allocate_slice_in_used(void)
{
    ua_arena_alloc(used, &byte_type, 100);
}

static void free_used(void)
{
    ua_arena_free(used);
}

static void reset_used(void)
{
    ua_arena_reset(used);
}

static void allocate_in_other(void)
{
    if (ua_arena_alloc(other, &small_pointer_type, 1) == NULL)
        _exit(1);
}

static void new_arena(void)
{
    if (ua_arena_new(heap) == NULL)
        _exit(1);
}

static void heap_object(void)
{
    ua_heap_alloc(heap, &small_pointer_type, 1);
}

static void collect(void)
{
    ua_collect(heap);
}

/* Raises at the next reservation (the chunk lock is held) or mapping (none is, the refill is in the middle). */
static struct ua_vm_ops raising;
static int reserves_left, maps_left;

static int reserve_raising(void *context, uintptr_t hint, size_t bytes, uintptr_t *at)
{
    if (reserves_left-- == 0)
        raise(SIGUSR1);
    return ua_vm_linux.reserve(context, hint, bytes, at);
}

static int map_raising(void *context, uintptr_t at, size_t bytes)
{
    if (maps_left-- == 0)
        raise(SIGUSR1);
    return ua_vm_linux.map(context, at, bytes);
}

struct plant {
    void (*action)(void);
    bool with_lock;
};

static void run_plant(void *arg)
{
    const struct plant *plant = arg;
    struct ua_options options;

    ua_options_preset(&options, "go");
    options.sanitizer = UA_SANITIZER_OFF;
    options.gogc = UA_GOGC_OFF;
    options.quarantine_limit_bytes = 0;
    heap = ua_heap_new(&options);
    raising = ua_vm_linux;
    raising.reserve = reserve_raising;
    raising.map = map_raising;
    other = ua_arena_new(heap);
    used = ua_arena_new(heap);
    on_signal = plant->action;
    signal(SIGUSR1, handler);
    reserves_left = plant->with_lock ? 0 : -1;
    maps_left = plant->with_lock ? -1 : 0;
    heap->vm.ops = &raising;
    for (int i = 0; i < 60; i++)
        if (ua_arena_alloc(used, &byte_type, 1 << 20) == NULL)
            _exit(1);
    if (reserves_left != -1 && plant->with_lock)
        _exit(2); /* the plant was not reached */
    ua_debug_verify(heap);
}

static void expect_plant(void (*action)(void), bool with_lock, const char *message)
{
    struct plant plant = {action, with_lock};
    struct ab_death death;

    ab_run_in_child(run_plant, &plant, &death);
    if (message == NULL) {
        if (!death.exited || death.exit_status != 0)
            fail_msg("ended with status %d, signal %d: %s", death.exit_status, death.signal, death.stderr_text);
        return;
    }
    if (strstr(death.stderr_text, message) == NULL)
        fail_msg("expected \"%s\", got \"%s\"", message, death.stderr_text);
}

static void test_a_handler_that_meets_a_lock_is_told(void **state)
{
    (void)state;
    expect_plant(new_arena, true, "fatal error: ua_arena_new: " NAMED);
    expect_plant(heap_object, true, "fatal error: ua_heap_alloc: " NAMED);
    expect_plant(collect, true, "fatal error: ua_collect: " NAMED);
    expect_plant(reset_used, true, "fatal error: ua_arena_reset: " NAMED);
    expect_plant(free_used, true, "fatal error: ua_arena_free: " NAMED);
    /* The one that is taken from without a lock does no harm. */
    expect_plant(allocate_in_used, true, "fatal error: ua_arena_alloc: " SAME_ARENA);
}

static void test_a_handler_on_the_same_arena_is_told(void **state)
{
    (void)state;
    expect_plant(allocate_in_used, false, "fatal error: ua_arena_alloc: " SAME_ARENA);
    expect_plant(allocate_slice_in_used, false, "fatal error: ua_arena_alloc: " SAME_ARENA);
    expect_plant(free_used, false, "fatal error: ua_arena_free: " SAME_ARENA);
    expect_plant(reset_used, false, "fatal error: ua_arena_reset: " SAME_ARENA);
}

static void test_a_handler_with_arenas_of_its_own_goes_on(void **state)
{
    (void)state;
    expect_plant(allocate_in_other, false, NULL);
    expect_plant(new_arena, false, NULL);
    expect_plant(heap_object, false, NULL);
}

static struct small_pointer *handled[64]; /* what the handler made last */
static volatile sig_atomic_t storms;

static void storm_action(void)
{
    struct ua_arena *mine = ua_arena_new(heap);
    struct small_pointer *node = ua_arena_alloc(mine, &small_pointer_type, 1);

    if (node == NULL || node->x != NULL)
        _exit(3);
    node->x = node;
    handled[storms % 64] = ua_arena_alloc(other, &small_pointer_type, 1);
    if (handled[storms % 64]->x != NULL)
        _exit(4);
    handled[storms % 64]->x = handled[storms % 64];
    storms++;
    ua_arena_free(mine);
}

static void run_storm(void *arg)
{
    struct itimerval fast = {{0, 150}, {0, 150}};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    struct ua_options options;

    (void)arg;
    ua_options_preset(&options, "kept");
    options.chunk_bytes = (size_t)64 << 10;
    options.roots = UA_ROOTS_REGISTERED;
    heap = ua_heap_new(&options);
    other = ua_arena_new(heap);
    on_signal = storm_action;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &fast, NULL);
    for (int round = 0; storms < 400 && round < 40000; round++) {
        used = ua_arena_new(heap);
        for (int i = 0; i < 50; i++) {
            struct small_pointer *node = ua_arena_alloc(used, &small_pointer_type, 1);

            if (node == NULL || node->x != NULL)
                _exit(5);
            node->x = node;
            ua_arena_alloc(used, &byte_type, 3000);
        }
        ua_arena_free(used);
    }
    memset(&fast, 0, sizeof fast);
    setitimer(ITIMER_REAL, &fast, NULL);
    ua_debug_verify(heap);
}

static void test_a_storm_of_signals(void **state)
{
    struct ab_death death;
    int sound = 0;
    int told = 0;

    (void)state;
    for (int i = 0; i < 8; i++) {
        ab_run_in_child(run_storm, NULL, &death);
        if (death.exited && death.exit_status == 0)
            sound++;
        else if (strstr(death.stderr_text, NAMED) != NULL || strstr(death.stderr_text, SAME_ARENA) != NULL)
            told++;
        else
            fail_msg("a storm ended with status %d, signal %d: %s", death.exit_status, death.signal, death.stderr_text);
    }
    printf("of 8 storms %d ended sound and %d were told\n", sound, told);
}

/* Under verify=full no allocation is inlined, so a handler on the same arena always meets it out of line. */
static void test_verify_full_inlines_nothing(void **state)
{
    struct ua_options options;
    struct ua_arena *arena;

    (void)state;
    ua_options_preset(&options, "safe");
    options.verify = UA_VERIFY_FULL;
    heap = ua_heap_new(&options);
    arena = ua_arena_new(heap);
    for (int i = 0; i < 100; i++) {
        assert_non_null(ua_new(arena, &small_pointer_type));
        assert_non_null(ua_new(arena, &small_scalar_type));
        assert_true(arena->fast.front_limit == arena->fast.front && arena->fast.back_limit == arena->fast.back);
    }
    ua_heap_close(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_handler_that_meets_a_lock_is_told),
        cmocka_unit_test(test_a_handler_on_the_same_arena_is_told),
        cmocka_unit_test(test_a_handler_with_arenas_of_its_own_goes_on),
        cmocka_unit_test(test_a_storm_of_signals),
        cmocka_unit_test(test_verify_full_inlines_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
