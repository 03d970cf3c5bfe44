/* test_stops.c - the protocol that stops threads, in every order of its atomic steps and with signals in every place.
 *
 * The sources of the protocol are compiled in here with a pause before each atomic step (gc/steps.h): world.c, the ranked locks, the
 * gate for fork, and the order in which the fork handlers call them. gc/explorer.h goes through all states that a few threads
 * reach which each make a few calls, chosen from all kinds. What must hold:
 *   - who stops the world gets its stop, and everybody goes on after it: nobody sleeps for ever, and the end can be reached from
 *     everywhere. The look that a thread at the fork gate takes each millisecond must not be needed;
 *   - while the world is stopped no attached thread touches the heap, stands in a deferral or holds a lock that the collector needs,
 *     and all that lies on its stack above the place where it stopped is scanned. A cooperative stop finds nothing in its hands;
 *   - a fork finds nobody in a deferral or in possession of a lock, and the child can go on;
 *   - the handler leaves errno as it was.
 * Arguments: calls of each of three threads (0: there is none), how many of these are attached at the start, kinds of calls as
 * letters (see `letters`). Without: what CI has time for. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gc/steps.h"

#include "arena/cache.h"
#include "gc/world.h"
#include "os/registers.h"

/* Nothing of these is in the protocol; what they would change is not the model's. */
#define ua_cache_after_fork() ((void)0)

#include "os/lock.c"
#include "os/lock_fork.c"

/* A thread's record is a thread-local variable, of which coroutines have one in common: here `self` is a call, and what world.c
 * declares is that function. */
struct ua_thread;
static struct ua_thread *own_record(void);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#pragma GCC diagnostic ignored "-Wredundant-decls"
#define self (*own_record())
#define _Thread_local
#include "gc/world.c"
#undef _Thread_local
#undef self
#pragma GCC diagnostic pop

#define once registry_once
#include "api/registry.c"
#undef once

enum op {
    OP_SAFEPOINT, OP_BLOCK, OP_DEFER, OP_DEFER_LOCKED, OP_LOCK, OP_NEW_LOCK, OP_STOP, OP_STOP_COOPERATIVE, OP_FORK, OP_FORK_BLOCKING,
    OP_DETACH_BLOCKING, OP_DETACH, OP_ATTACH, OP_KINDS
};

static const char letters[] = "sbdDlnScfFXxa";

/* What a thread is doing, for the checks. Its own stack must not tell: a copy of the state has it in one place. */
struct doing {
    const void *hand;  /* on its stack: what must be scanned while it stands */
    bool unrooted;     /* it has something in its hands that no registered root shows */
    bool in_deferral;
    bool in_lock;
};

static struct ua_thread records[EX_THREADS_MAX];
static struct doing doings[EX_THREADS_MAX];
static struct ua_lock heap_lock = UA_LOCK_STATIC(UA_RANK_CHUNKS);
static struct ua_lock new_lock = UA_LOCK_STATIC(UA_RANK_SPACE); /* not taken before: not on the list of locks */
static int stopped_by; /* 0: nobody; else 1 + the thread */
static unsigned kinds;
static int attached_count; /* threads that are attached at the start */

/* Its tables are written and read by nobody here. */
#define KEPT_OF_RECORD(i) {&records[i], offsetof(struct ua_thread, tls)}, \
    {&records[i].tls_count, offsetof(struct ua_thread, registers) - offsetof(struct ua_thread, tls_count)}

static const struct ex_span kept[] = {
    KEPT_OF_RECORD(0), KEPT_OF_RECORD(1), KEPT_OF_RECORD(2), {doings, sizeof doings}, {&heap_lock, sizeof heap_lock},
    {&new_lock, sizeof new_lock}, {&stopped_by, sizeof stopped_by},
    {&world_lock, sizeof world_lock}, {&threads, sizeof threads}, {&thread_count, sizeof thread_count}, {&stop_word, sizeof stop_word},
    {&signal_stop, sizeof signal_stop}, {&answer_word, sizeof answer_word}, {&ua_lock_gate, sizeof ua_lock_gate},
    {&list_mutex, sizeof list_mutex}, {&first, sizeof first}, {&pass, sizeof pass}, {&registry_lock, sizeof registry_lock},
    {&close_mutex, sizeof close_mutex}, {&forked_first, sizeof forked_first},
};
#define KEPT_COUNT (sizeof kept / sizeof kept[0])
#define KEPT_OF_RECORDS ((size_t)2 * EX_THREADS_MAX)
_Static_assert(EX_THREADS_MAX == 3, "a record more is to be kept");

static struct ua_thread *own_record(void)
{
    return &records[ex_running()];
}

static bool is_attached(int thread)
{
    return records[thread].attach_count > 0;
}

/* Uses the heap: not while somebody else has stopped the world. */
static void touch(int thread)
{
    ex_step("touch", 0);
    if (is_attached(thread) && stopped_by != 0 && stopped_by != 1 + thread)
        ex_fail("a thread runs while the world is stopped");
}

/* Whether what a thread has on its stack is scanned. */
struct hands {
    bool scanned[EX_THREADS_MAX];
};

/* A thread that is detached gives back what it keeps of a heap. */
static void use_heap(void)
{
    touch(ex_running());
}

static void note_range(void *context, const void *at, size_t bytes)
{
    struct hands *hands = context;

    for (int i = 0; i < EX_THREADS_MAX; i++)
        if ((uintptr_t)doings[i].hand >= (uintptr_t)at && (uintptr_t)doings[i].hand < (uintptr_t)at + bytes)
            hands->scanned[i] = true;
}

static void check_stopped(enum ua_world_stop how)
{
    struct hands hands = {{false}};

    ua_world_each_stack(note_range, &hands);
    for (struct ua_thread *thread = threads; thread != NULL; thread = thread->next) {
        size_t i = (size_t)(thread - records);

        if (doings[i].in_deferral || doings[i].in_lock)
            ex_fail("a thread is stopped in the middle of something");
        if (how == UA_WORLD_COOPERATIVE && doings[i].unrooted)
            ex_fail("a thread is stopped by a cooperative stop with something in its hands");
        if (how == UA_WORLD_BY_SIGNAL && doings[i].hand != NULL && !hands.scanned[i])
            ex_fail("what a stopped thread has on its stack is not scanned");
    }
}

/* Only who is in ua_world_stop knows what the count was: after it, states that differ in it are one. */
static void forget_answers(void)
{
    answer_word = 0;
}

static void stop(int thread, enum ua_world_stop how)
{
    ua_world_lock();
    ua_world_stop(how);
    stopped_by = 1 + thread;
    check_stopped(how);
    ua_lock_acquire(&heap_lock); /* as the collector does */
    touch(thread);
    ua_lock_release(&heap_lock);
    stopped_by = 0;
    forget_answers();
    ua_world_start();
    ua_world_unlock();
}

static void fork_process(int thread)
{
    before_fork();
    forget_answers();
    for (int i = 0; i < EX_THREADS_MAX; i++)
        if (i != thread && (doings[i].in_deferral || doings[i].in_lock))
            ex_fail("a process is copied in the middle of something");
    if (!ex_fork()) {
        after_fork_in_parent();
        return;
    }
    for (int i = 0; i < EX_THREADS_MAX; i++)
        if (i != thread)
            doings[i] = (struct doing){0};
    after_fork_in_child();
}

static void defer(int thread)
{
    doings[thread].unrooted = true;
    touch(thread);
    ua_lock_defer_begin();
    doings[thread].in_deferral = true;
    touch(thread);
    doings[thread].in_deferral = false;
    ua_lock_defer_end();
    touch(thread);
    doings[thread].unrooted = false;
}

static void hold_lock(int thread, struct ua_lock *lock)
{
    doings[thread].unrooted = true;
    ua_lock_acquire(lock);
    doings[thread].in_lock = true;
    touch(thread);
    doings[thread].in_lock = false;
    ua_lock_release(lock);
    touch(thread);
    doings[thread].unrooted = false;
}

static void defer_locked(int thread)
{
    ua_lock_acquire(&heap_lock);
    doings[thread].in_lock = true;
    defer(thread);
    doings[thread].in_lock = false;
    ua_lock_release(&heap_lock);
}

static void block(int thread)
{
    ua_world_blocking_begin();
    ex_step("outside", 0);
    ua_world_blocking_end();
    touch(thread);
}

static void perform(int thread, unsigned op)
{
    volatile uint64_t hand = 0;

    doings[thread].hand = (const void *)(uintptr_t)&hand;
    switch ((enum op)op) {
    case OP_SAFEPOINT: ua_world_safepoint(); touch(thread); break;
    case OP_BLOCK: block(thread); break;
    case OP_DEFER: defer(thread); break;
    case OP_DEFER_LOCKED: defer_locked(thread); break;
    case OP_LOCK: hold_lock(thread, &heap_lock); break;
    case OP_NEW_LOCK: hold_lock(thread, &new_lock); break;
    case OP_STOP: stop(thread, UA_WORLD_BY_SIGNAL); break;
    case OP_STOP_COOPERATIVE: stop(thread, UA_WORLD_COOPERATIVE); break;
    case OP_FORK: fork_process(thread); break;
    case OP_FORK_BLOCKING:
        ua_world_blocking_begin();
        fork_process(thread);
        ua_world_blocking_end();
        touch(thread);
        break;
    case OP_DETACH_BLOCKING:
        ua_world_blocking_begin();
        ua_world_detach();
        ua_world_attach();
        touch(thread);
        break;
    case OP_DETACH: ua_world_detach(); break;
    case OP_ATTACH: ua_world_attach(); break;
    case OP_KINDS: break;
    }
    doings[thread].hand = NULL;
}

/* A thread that is not attached is like a collector's helper: it may take locks, stop the world and attach itself. */
static bool is_enabled(int thread, unsigned op)
{
    static const unsigned of_others = 1u << OP_LOCK | 1u << OP_NEW_LOCK | 1u << OP_STOP | 1u << OP_STOP_COOPERATIVE | 1u << OP_FORK | 1u << OP_ATTACH;

    if ((kinds >> op & 1) == 0)
        return false;
    return is_attached(thread) ? op != OP_ATTACH : (of_others >> op & 1) != 0;
}

static void start(int thread)
{
    if (thread < attached_count)
        ua_world_attach();
    ua_lock_acquire(&heap_lock);
    ua_lock_release(&heap_lock);
}

/* An attached thread may stay outside the library as long as it likes: a stop by signal has to do without its help. */
static bool may_end(int thread)
{
    return !is_attached(thread) || signal_stop == 0;
}

static void end(int thread)
{
    (void)thread;
    on_thread_exit(NULL);
}

static void handle_stop(void)
{
    on_stop_signal(STOP_SIGNAL);
}

/* Of a record not its tables, and what it says of a stop only while it holds. */
static uint64_t digest(void)
{
    uint64_t hash = 0;

    for (size_t i = KEPT_OF_RECORDS; i < KEPT_COUNT; i++)
        hash = ex_digest(hash, kept[i].at, kept[i].bytes);
    for (int i = 0; i < EX_THREADS_MAX; i++) {
        const struct ua_thread *record = &records[i];
        bool has_answered = record->answered == stop_word;
        bool stands = has_answered || record->state == THREAD_BLOCKING;
        uint64_t own[] = {(uintptr_t)record->next, (uintptr_t)record->previous, record->attach_count, record->listed, (uint64_t)record->state,
            has_answered, stands ? record->stopped_sp : 0};

        hash = ex_digest(hash, own, sizeof own);
    }
    return hash;
}

static unsigned kinds_of(const char *words)
{
    unsigned set = 0;

    for (; *words != '\0'; words++) {
        const char *letter = strchr(letters, *words);

        assert_non_null(letter);
        set |= 1u << (letter - letters);
    }
    return set;
}

#define STATES_MAX ((uint64_t)1 << 28)

struct program {
    unsigned ops[EX_THREADS_MAX]; /* of each thread; none: there are fewer threads */
    int attached_count;
    const char *letters;
    bool keeps_back;
};

static void explore(const struct program *program)
{
    struct ex_model model = {.op_kinds = OP_KINDS, .start = start, .enabled = is_enabled, .perform = perform, .may_end = may_end, .end = end,
        .handler = handle_stop, .kept = kept, .kept_count = KEPT_COUNT, .digest = digest,
        .keeps_back = program->keeps_back, .states_max = STATES_MAX};
    struct ex_counts counts;
    const char *failure;

    memcpy(model.ops, program->ops, sizeof model.ops);
    while (model.threads < EX_THREADS_MAX && model.ops[model.threads] > 0)
        model.threads++;
    ua_world_detach_hook = use_heap;
    kinds = kinds_of(program->letters);
    attached_count = program->attached_count;
    failure = ex_explore(&model, &counts);
    print_message("%u, %u, %u calls of %s, %d threads attached at first: %" PRIu64 " states, %" PRIu64 " steps, %" PRIu64 " ends, %" PRIu64
        " needed a timeout, the longest way is %zu steps\n", model.ops[0], model.ops[1], model.ops[2], program->letters, attached_count,
        counts.states, counts.steps, counts.ends, counts.rescued, counts.longest);
    if (failure != NULL)
        fail_msg("%s", failure);
    assert_true(counts.ends > 0);
    /* The look at the gate is for signals that are kept back, and for nothing else. */
    assert_true((counts.rescued > 0) == program->keeps_back);
}

static void test_two_threads_and_their_stops(void **state)
{
    (void)state;
    explore(&(struct program){{1, 1, 0}, 2, "bdlScX", false});
}

static void test_locks_and_deferrals_over_a_fork(void **state)
{
    (void)state;
    explore(&(struct program){{1, 1, 0}, 2, "Df", false});
    explore(&(struct program){{1, 0, 0}, 1, "F", false});
    explore(&(struct program){{1, 2, 0}, 1, "nf", false});
}

/* The stop after the one that a thread has not left yet. */
static void test_a_stop_follows_a_stop(void **state)
{
    (void)state;
    explore(&(struct program){{1, 2, 0}, 1, "Scd", false});
}

static void test_a_thread_is_attached_while_a_stop_begins(void **state)
{
    (void)state;
    explore(&(struct program){{1, 1, 0}, 1, "Sadl", false});
}

static void test_a_fork_among_threads_whose_signals_are_kept_back(void **state)
{
    (void)state;
    explore(&(struct program){{1, 1, 0}, 2, "lf", true});
}

int main(int count, char **words)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_threads_and_their_stops),
        cmocka_unit_test(test_locks_and_deferrals_over_a_fork),
        cmocka_unit_test(test_a_stop_follows_a_stop),
        cmocka_unit_test(test_a_thread_is_attached_while_a_stop_begins),
        cmocka_unit_test(test_a_fork_among_threads_whose_signals_are_kept_back),
    };
    struct program program = {.keeps_back = false};

    if (count != 6)
        return cmocka_run_group_tests(tests, NULL, NULL);
    for (int i = 0; i < EX_THREADS_MAX; i++)
        program.ops[i] = (unsigned)strtoul(words[1 + i], NULL, 10);
    program.attached_count = atoi(words[4]);
    program.letters = words[5];
    explore(&program);
    return 0;
}
