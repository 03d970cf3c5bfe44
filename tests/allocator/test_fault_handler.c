/* test_fault_handler.c - the SIGSEGV handler: what it says, on which stack, and that it hands every signal on as the kernel
 * would have delivered it.
 *
 * Each case is a child process: it ends by the signal, or by a handler that leaves with a number of its own. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <ua.h>

#include "support/death.h"
#include "support/tools.h"

UA_SCALAR_TYPE(byte_type, uint8_t);

#define SAID "accessed data from freed user arena 0x"
#define LEFT 41 /* exit status of a handler of ours */

#define PLANTED __attribute__((noinline, section("planted_text")))
extern const char __start_planted_text[], __stop_planted_text[];

PLANTED static volatile uint8_t *planted_allocation(struct ua_arena *arena)
{
    volatile uint8_t *volatile first = ua_arena_alloc(arena, &byte_type, 2 << 20);

    for (int i = 0; i < 5; i++)
        ua_arena_alloc(arena, &byte_type, 2 << 20);
    return first;
}

PLANTED static void planted_free(struct ua_arena *arena)
{
    ua_arena_free(arena);
    __asm__ volatile("");
}

/* An address in a freed arena's memory, which faults. */
static volatile uint8_t *freed_memory(const char *rate)
{
    struct ua_options options;
    struct ua_arena *arena;
    volatile uint8_t *first;

    ua_options_preset(&options, "go");
    options.sanitizer = UA_SANITIZER_OFF;
    options.gogc = UA_GOGC_OFF;
    options.quarantine_limit_bytes = 0;
    ua_options_set(&options, "profile_rate", rate);
    arena = ua_arena_new(ua_heap_new(&options));
    first = planted_allocation(arena);
    planted_free(arena);
    return first;
}

static volatile uint8_t *expected_address; /* what a chained handler must be told */

/* ThreadSanitizer runs every handler under a mask of its own: there is nothing to see there of what a handler asked for. */
#define MASK_IS_OURS (!TS_UNDER_TSAN)

static bool is_blocked(int number)
{
    sigset_t mask;

    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    return sigismember(&mask, number) == 1;
}

static void leave_informed(int number, siginfo_t *info, void *context)
{
    if (number == SIGSEGV && info->si_addr == (void *)(uintptr_t)expected_address && context != NULL &&
        (!MASK_IS_OURS || (is_blocked(SIGSEGV) && is_blocked(SIGUSR1) && !is_blocked(SIGUSR2))))
        _exit(LEFT);
    _exit(LEFT + 1);
}

static void leave_plain(int number)
{
    _exit(number == SIGSEGV && (!MASK_IS_OURS || (is_blocked(SIGSEGV) && !is_blocked(SIGUSR1))) ? LEFT : LEFT + 1);
}

static void install_informed(void)
{
    struct sigaction action = {.sa_sigaction = leave_informed, .sa_flags = SA_SIGINFO};

    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGUSR1);
    sigaction(SIGSEGV, &action, NULL);
    ua_fault_handler_install();
}

static void chain_to_informed(void *arg)
{
    install_informed();
    expected_address = freed_memory("off") + 100;
    *expected_address = *(const uint8_t *)arg;
}

static void chain_to_plain(void *arg)
{
    signal(SIGSEGV, leave_plain);
    ua_fault_handler_install();
    *freed_memory("off") = *(const uint8_t *)arg;
}

static void other_fault_to_informed(void *arg)
{
    install_informed();
    expected_address = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *expected_address = *(const uint8_t *)arg;
}

static void expect_exit(void (*fn)(void *), int status, bool said)
{
    static const uint8_t one = 1;
    struct ab_death death;

    ab_run_in_child(fn, (void *)(uintptr_t)&one, &death);
    if (!death.exited || death.exit_status != status)
        fail_msg("ended with status %d, signal %d: %s", death.exit_status, death.signal, death.stderr_text);
    assert_int_equal(strstr(death.stderr_text, SAID) != NULL, said);
}

static void test_chains_to_both_kinds(void **state)
{
    (void)state;
    expect_exit(chain_to_informed, LEFT, true);
    expect_exit(chain_to_plain, LEFT, true);
    expect_exit(other_fault_to_informed, LEFT, false);
}

static sigjmp_buf recovered;
static int plain_calls;

static void recover(int number)
{
    (void)number;
    plain_calls++;
    siglongjmp(recovered, 1);
}

/* A program that recovers from its own faults still does, as often as it likes. */
static void recover_three_times(void *arg)
{
    volatile uint8_t *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    signal(SIGSEGV, recover);
    ua_fault_handler_install();
    for (int i = 0; i < 3; i++)
        if (sigsetjmp(recovered, 1) == 0)
            *page = *(const uint8_t *)arg;
    _exit(plain_calls == 3 && !is_blocked(SIGSEGV) ? LEFT : LEFT + 1);
}

static void count_call(int number)
{
    (void)number;
    plain_calls++;
}

static void sent_signal_is_ignored(void *arg)
{
    (void)arg;
    signal(SIGSEGV, SIG_IGN);
    ua_fault_handler_install();
    raise(SIGSEGV);
    _exit(LEFT);
}

static void sent_signal_is_handled(void *arg)
{
    (void)arg;
    signal(SIGSEGV, count_call);
    ua_fault_handler_install();
    raise(SIGSEGV);
    raise(SIGSEGV);
    _exit(plain_calls == 2 ? LEFT : LEFT + 1);
}

static void test_passes_other_signals_through(void **state)
{
    (void)state;
    expect_exit(recover_three_times, LEFT, false);
    expect_exit(sent_signal_is_ignored, LEFT, false);
    expect_exit(sent_signal_is_handled, LEFT, false);
}

static void default_by_fault(void *arg)
{
    signal(SIGSEGV, SIG_DFL);
    ua_fault_handler_install();
    *freed_memory("off") = *(const uint8_t *)arg;
}

static void default_by_null(void *arg)
{
    volatile uint8_t *volatile nothing = (volatile uint8_t *)(uintptr_t)64;

    signal(SIGSEGV, SIG_DFL);
    ua_fault_handler_install();
    freed_memory("off");
    *nothing = *(const uint8_t *)arg;
}

static void default_by_raise(void *arg)
{
    (void)arg;
    signal(SIGSEGV, SIG_DFL);
    ua_fault_handler_install();
    raise(SIGSEGV);
}

static void ignored_by_fault(void *arg)
{
    signal(SIGSEGV, SIG_IGN);
    ua_fault_handler_install();
    *freed_memory("off") = *(const uint8_t *)arg;
}

static void once_only(void *arg)
{
    struct sigaction action = {.sa_handler = count_call, .sa_flags = (int)SA_RESETHAND};

    sigaction(SIGSEGV, &action, NULL);
    ua_fault_handler_install();
    raise(SIGSEGV);
    if (plain_calls != 1)
        _exit(LEFT);
    raise(SIGSEGV);
    (void)arg;
}

static void expect_signal(void (*fn)(void *), bool said)
{
    static const uint8_t one = 1;
    struct ab_death death;

    ab_run_in_child(fn, (void *)(uintptr_t)&one, &death);
    if (death.signal != SIGSEGV)
        fail_msg("ended with status %d, signal %d: %s", death.exit_status, death.signal, death.stderr_text);
    assert_int_equal(strstr(death.stderr_text, SAID) != NULL, said);
}

static void test_default_action_ends_the_process(void **state)
{
    (void)state;
    expect_signal(default_by_fault, true);
    expect_signal(default_by_null, false);
    expect_signal(default_by_raise, false);
    expect_signal(ignored_by_fault, true);
    expect_signal(once_only, false);
}

/* Eats the stack to within the reach of no signal frame, then touches freed memory. */
static __attribute__((noinline)) void deep_fault(volatile uint8_t *memory, uintptr_t lowest)
{
    volatile uint8_t frame[256];

    frame[0] = 1;
    if ((uintptr_t)__builtin_frame_address(0) - lowest > 1280)
        deep_fault(memory, lowest);
    *memory = frame[0];
}

static void *on_small_stack(void *memory)
{
    pthread_attr_t attributes;
    void *lowest = NULL;
    size_t bytes = 0;

    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &lowest, &bytes);
    ua_fault_handler_install();
    deep_fault(memory, (uintptr_t)lowest);
    return NULL;
}

static void *overflow(void *unused)
{
    (void)unused;
    ua_fault_handler_install();
    deep_fault(NULL, 0);
    return NULL;
}

static void run_on_small_stack(void *(*fn)(void *), void *argument)
{
    pthread_attr_t attributes;
    pthread_t thread;

    signal(SIGSEGV, SIG_DFL);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN + 16384);
    if (pthread_create(&thread, &attributes, fn, argument) != 0)
        _exit(LEFT);
    pthread_join(thread, NULL);
}

static void fault_on_a_small_stack(void *arg)
{
    (void)arg;
    run_on_small_stack(on_small_stack, (void *)(uintptr_t)freed_memory("off"));
}

static void overflow_of_a_small_stack(void *arg)
{
    (void)arg;
    freed_memory("off");
    run_on_small_stack(overflow, NULL);
}

static void *do_nothing(void *nothing)
{
    return nothing;
}

/* Linking the library must not make the smallest stacks impossible. */
static void test_smallest_threads_still_start(void **state)
{
    pthread_attr_t attributes;
    pthread_t thread;

    (void)state;
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN), 0);
    assert_int_equal(pthread_create(&thread, &attributes, do_nothing, NULL), 0);
    pthread_join(thread, NULL);
}

static void test_runs_on_its_own_stack(void **state)
{
    (void)state;
    expect_signal(fault_on_a_small_stack, true);
    expect_signal(overflow_of_a_small_stack, false);
}

static void *keep_own_stack(void *unused)
{
    static char mine[65536];
    stack_t ours = {.ss_sp = mine, .ss_size = sizeof mine};
    stack_t before;
    stack_t present;

    (void)unused;
    sigaltstack(&ours, &before);
    ua_fault_handler_install();
    sigaltstack(&before, &present); /* a sanitizer unmaps at the thread's end whatever stack it finds: it has to be its own */
    return present.ss_sp == mine ? mine : NULL;
}

static void thread_keeps_its_stack(void *arg)
{
    pthread_t thread;
    void *kept;

    (void)arg;
    pthread_create(&thread, NULL, keep_own_stack, NULL);
    pthread_join(thread, &kept);
    _exit(kept != NULL ? LEFT : LEFT + 1);
}

static void test_a_stack_that_was_there_stays(void **state)
{
    (void)state;
    expect_exit(thread_keeps_its_stack, LEFT, false);
}

/* The planted addresses among "[0x...]" of a part of the text. */
static size_t planted_frames(const char *from, const char *to)
{
    size_t count = 0;

    for (const char *at = from; (at = strstr(at, "[0x")) != NULL && at < to; at++) {
        uintptr_t frame = strtoull(at + 1, NULL, 16);

        count += frame > (uintptr_t)__start_planted_text && frame <= (uintptr_t)__stop_planted_text;
    }
    return count;
}

static void fault_with_profile(void *rate)
{
    signal(SIGSEGV, SIG_DFL);
    ua_fault_handler_install();
    *freed_memory(rate) = 1;
}

static void test_says_where_it_was_allocated_and_freed(void **state)
{
    struct ab_death death;
    const char *allocated;
    const char *freed;

    (void)state;
    ab_run_in_child(fault_with_profile, "512KiB", &death);
    assert_non_null(strstr(death.stderr_text, SAID));
    assert_non_null(strstr(death.stderr_text, "last held by arena 0x"));
    allocated = strstr(death.stderr_text, "its chunk was allocated by:\n");
    freed = strstr(death.stderr_text, "its chunk was freed by:\n");
    assert_non_null(allocated);
    assert_non_null(freed);
    /* The first chunk came with the arena, outside planted code. */
    assert_int_equal(planted_frames(allocated, freed), 0);
    assert_int_equal(planted_frames(freed, freed + strlen(freed)), 1);
    assert_non_null(strstr(freed, "fatal error: fault"));
    ab_run_in_child(fault_with_profile, "off", &death);
    assert_non_null(strstr(death.stderr_text, "its chunk was allocated by: not known (option profile_rate=1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chains_to_both_kinds),
        cmocka_unit_test(test_passes_other_signals_through),
        cmocka_unit_test(test_default_action_ends_the_process),
        cmocka_unit_test(test_smallest_threads_still_start),
        cmocka_unit_test(test_runs_on_its_own_stack),
        cmocka_unit_test(test_a_stack_that_was_there_stays),
        cmocka_unit_test(test_says_where_it_was_allocated_and_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
