/* world.c - attaching threads, stopping and starting the world; see world.h.
 *
 * The stop word: odd while a stop is wanted, even otherwise; each stop has its own odd number. A thread answers a number once
 * (`answered`), whatever made it look: our signal, a signal of somebody else, a safepoint. So signals that merge or arrive
 * late do no harm. */
#define _GNU_SOURCE
#include "gc/world.h"

#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/config.h"
#include "os/futex.h"
#include "os/lock.h"
#include "os/registers.h"

#define STOP_SIGNAL SIGURG
#define TLS_RANGES_MAX 32
#define FRAME_WORDS_MAX 128
#define FIRST_STACK_BYTES_MAX ((size_t)64 << 20) /* where the limit is higher or there is none: what a C program may need */

enum thread_state { THREAD_RUNNING, THREAD_BLOCKING };

struct range {
    uintptr_t at;
    size_t bytes;
};

struct ua_thread {
    struct ua_thread *next;     /* guard: world lock, as all fields without a note */
    struct ua_thread *previous;
    pthread_t thread;
    unsigned attach_count;      /* own thread only */
    uintptr_t stack_low;
    uintptr_t stack_high;
    struct range tls[TLS_RANGES_MAX];
    size_t tls_count;
    bool listed;
    int state;                  /* atomic, enum thread_state; written by the thread itself */
    uint32_t answered;          /* atomic; last stop word this thread answered */
    uintptr_t stopped_sp;       /* valid while stopped or blocking: everything above may hold pointers */
    uintptr_t registers[UA_REGISTER_COUNT]; /* valid while blocking */
    uintptr_t frame[FRAME_WORDS_MAX];       /* the same: the frame of blocking_begin, which is gone by then */
};

static struct ua_lock world_lock = UA_LOCK_STATIC(UA_RANK_WORLD);
static struct ua_thread *threads;  /* guard: world lock */
static size_t thread_count;        /* guard: world lock */
static uint32_t stop_word;         /* atomic; written under the world lock */
static uint32_t signal_stop;       /* atomic; not 0 while a stop by signal is wanted */
static uint32_t answer_word;       /* atomic; counts answers, so that the stopper can sleep */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t exit_key;
static void (*fork_hook)(enum ua_world_fork when); /* guard: world lock */
static int setup_error;            /* written once, under `once` */
static _Thread_local struct ua_thread self;
void (*ua_world_detach_hook)(void);

/* A stopper that saw us running sleeps until somebody answers. */
static void tell_stopper(void)
{
    if (__atomic_load_n(&stop_word, __ATOMIC_SEQ_CST) % 2 == 1) {
        __atomic_fetch_add(&answer_word, 1, __ATOMIC_SEQ_CST);
        ua_futex_wake(&answer_word);
    }
}

/* Stands until the stop by signal that is wanted (if any) is over. A cooperative one is left to the next safepoint: it may begin
 * before a thread has left the stop before it, or before a late signal arrives, and what the thread has in its hands here is in
 * no registered root. Which of the two it is cannot change while it lacks our answer. Async-signal-safe. */
static void stand_while_stopped(uintptr_t sp)
{
    uint32_t wanted = __atomic_load_n(&stop_word, __ATOMIC_SEQ_CST);

    while (wanted % 2 == 1 && __atomic_load_n(&signal_stop, __ATOMIC_SEQ_CST) != 0) {
        if (self.answered != wanted) {
            self.stopped_sp = sp;
            __atomic_store_n(&self.answered, wanted, __ATOMIC_SEQ_CST);
        }
        /* Each time: the stop's signal may come after an answer and before its wake, and then stands here in its stead. */
        tell_stopper();
        ua_futex_wait(&stop_word, wanted, UA_FUTEX_FOR_EVER);
        wanted = __atomic_load_n(&stop_word, __ATOMIC_SEQ_CST);
    }
}

static void on_stop_signal(int number)
{
    int saved_errno = errno;

    (void)number;
    /* One that holds a lock of ours goes on until it has given it up: the collector may need it. */
    if (self.listed && !ua_lock_is_held_by_caller() &&
        __atomic_load_n(&self.state, __ATOMIC_SEQ_CST) == THREAD_RUNNING)
        stand_while_stopped((uintptr_t)__builtin_frame_address(0));
    errno = saved_errno;
}

/* Not inlined: what the caller has in registers is saved in this frame, which a conservative mark reads. */
static __attribute__((noinline)) void on_last_lock_released(void)
{
    uintptr_t registers[UA_REGISTER_COUNT];

    if (!self.listed || __atomic_load_n(&self.state, __ATOMIC_SEQ_CST) != THREAD_RUNNING)
        return;
    ua_registers_save(registers);
    stand_while_stopped(ua_stack_pointer());
    __asm__ volatile("" : : "r"(registers) : "memory");
}

static void on_thread_exit(void *unused)
{
    (void)unused;
    if (self.attach_count > 0) {
        self.attach_count = 1;
        ua_world_detach();
    }
}

static void set_up(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_stop_signal;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    setup_error = pthread_key_create(&exit_key, on_thread_exit);
    if (setup_error == 0 && sigaction(STOP_SIGNAL, &action, NULL) != 0)
        setup_error = errno;
    ua_lock_idle_hook = on_last_lock_released;
    ua_lock_stop_wanted = &signal_stop;
}

static int note_module_tls(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    (void)context;
    if (info->dlpi_tls_data == NULL || self.tls_count == TLS_RANGES_MAX)
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];

        if (header->p_type == PT_TLS)
            self.tls[self.tls_count++] = (struct range){(uintptr_t)info->dlpi_tls_data, header->p_memsz};
    }
    return 0;
}

void ua_world_note_tls(void)
{
    self.tls_count = 0;
    dl_iterate_phdr(note_module_tls, NULL);
}

extern void *__libc_stack_end __attribute__((weak)); /* glibc: the first thread's stack at the program's start */

/* The first thread's stack where /proc is hidden, which pthread_getattr_np reads for that thread alone: from what the program found on
 * it down to the limit. Above are only arguments and environment. */
static int note_first_stack(int error)
{
    struct rlimit limit;
    size_t bytes;

    if (&__libc_stack_end == NULL || getpid() != gettid() || getrlimit(RLIMIT_STACK, &limit) != 0)
        return error;
    bytes = limit.rlim_cur < FIRST_STACK_BYTES_MAX ? limit.rlim_cur : FIRST_STACK_BYTES_MAX;
    self.stack_high = ua_align_up((uintptr_t)__libc_stack_end, UA_PHYS_PAGE_BYTES);
    self.stack_low = self.stack_high - ua_align_down(bytes, UA_PHYS_PAGE_BYTES);
    return 0;
}

static int note_stack(void)
{
    pthread_attr_t attributes;
    void *low = NULL;
    size_t bytes = 0;
    int error = pthread_getattr_np(pthread_self(), &attributes);

    if (error != 0)
        return note_first_stack(error);
    error = pthread_attr_getstack(&attributes, &low, &bytes);
    pthread_attr_destroy(&attributes);
    self.stack_low = (uintptr_t)low;
    self.stack_high = (uintptr_t)low + bytes;
    return error;
}

int ua_world_attach(void)
{
    int error;

    if (self.attach_count > 0) {
        self.attach_count++;
        return 0;
    }
    pthread_once(&once, set_up);
    error = setup_error != 0 ? setup_error : note_stack();
    if (error == 0)
        error = pthread_setspecific(exit_key, &self);
    if (error != 0)
        return error;
    ua_world_note_tls();
    self.thread = pthread_self();
    ua_lock_acquire(&world_lock);
    self.attach_count = 1;
    self.previous = NULL;
    self.next = threads;
    if (threads != NULL)
        threads->previous = &self;
    threads = &self;
    thread_count++;
    self.listed = true;
    ua_lock_release(&world_lock);
    return 0;
}

void ua_world_detach(void)
{
    UA_CHECK(self.attach_count > 0, "thread detached more often than attached");
    if (self.attach_count > 1) {
        self.attach_count--;
        return;
    }
    /* It may end, or be cancelled, in a blocking section: what follows uses the heap, and the next attaching begins outside. */
    if (__atomic_load_n(&self.state, __ATOMIC_SEQ_CST) == THREAD_BLOCKING)
        ua_world_blocking_end();
    if (ua_world_detach_hook != NULL)
        ua_world_detach_hook();
    ua_world_lock();
    self.listed = false;
    if (self.previous != NULL)
        self.previous->next = self.next;
    else
        threads = self.next;
    if (self.next != NULL)
        self.next->previous = self.previous;
    thread_count--;
    self.attach_count = 0;
    ua_lock_release(&world_lock);
}

bool ua_world_is_attached(void)
{
    return self.attach_count > 0;
}

bool ua_world_is_running(void)
{
    return self.listed && __atomic_load_n(&self.state, __ATOMIC_SEQ_CST) == THREAD_RUNNING;
}

/* The caller's frame and everything above it stays as it is until blocking_end, so its address is where to start. */
__attribute__((noinline, no_sanitize("address"))) void ua_world_blocking_begin(void)
{
    uintptr_t sp = ua_stack_pointer();
    uintptr_t end = (uintptr_t)__builtin_frame_address(0);

    UA_CHECK(__atomic_load_n(&self.state, __ATOMIC_SEQ_CST) == THREAD_RUNNING,
        "gc: a blocking section is begun, or a heap used, inside a blocking section");
    ua_registers_save(self.registers);
    UA_CHECK(end - sp <= sizeof self.frame, "gc: the frame of ua_blocking_begin is larger than foreseen");
    for (size_t i = 0; i < (end - sp) / sizeof(uintptr_t); i++)
        self.frame[i] = ((const volatile uintptr_t *)sp)[i];
    self.stopped_sp = end;
    __atomic_store_n(&self.state, THREAD_BLOCKING, __ATOMIC_SEQ_CST);
    tell_stopper();
}

void ua_world_blocking_end(void)
{
    for (;;) {
        uint32_t wanted = __atomic_load_n(&stop_word, __ATOMIC_SEQ_CST);

        if (wanted % 2 == 1) {
            ua_futex_wait(&stop_word, wanted, UA_FUTEX_FOR_EVER);
            continue;
        }
        __atomic_store_n(&self.state, THREAD_RUNNING, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&stop_word, __ATOMIC_SEQ_CST) % 2 == 0)
            break;
        /* A stop began in between and may have counted us as blocking. */
        __atomic_store_n(&self.state, THREAD_BLOCKING, __ATOMIC_SEQ_CST);
        tell_stopper();
    }
    /* They lie in thread-local memory, which is a root: stale ones would keep what they point to. */
    memset(self.registers, 0, sizeof self.registers);
    memset(self.frame, 0, sizeof self.frame);
}

__attribute__((noinline)) void ua_world_safepoint(void)
{
    if (UA_LIKELY(__atomic_load_n(&stop_word, __ATOMIC_RELAXED) % 2 == 0) || !self.listed)
        return;
    ua_world_blocking_begin();
    ua_world_blocking_end();
}

void ua_world_lock(void)
{
    /* A thread may fork in a blocking section, and is in it still afterwards. */
    if (!self.listed || __atomic_load_n(&self.state, __ATOMIC_SEQ_CST) == THREAD_BLOCKING) {
        ua_lock_acquire(&world_lock);
        return;
    }
    ua_world_blocking_begin();
    ua_lock_acquire(&world_lock);
    /* Whoever stops the world holds this lock, so no stop is running now. */
    ua_world_blocking_end();
}

void ua_world_unlock(void)
{
    ua_lock_release(&world_lock);
}

static bool stands(const struct ua_thread *thread, uint32_t wanted)
{
    return __atomic_load_n(&thread->answered, __ATOMIC_SEQ_CST) == wanted ||
           __atomic_load_n(&thread->state, __ATOMIC_SEQ_CST) == THREAD_BLOCKING;
}

void ua_world_stop(enum ua_world_stop how)
{
    uint32_t wanted = __atomic_load_n(&stop_word, __ATOMIC_RELAXED) + 1;

    ua_lock_check_held(&world_lock);
    __atomic_store_n(&signal_stop, how == UA_WORLD_BY_SIGNAL, __ATOMIC_SEQ_CST);
    __atomic_store_n(&stop_word, wanted, __ATOMIC_SEQ_CST);
    for (struct ua_thread *thread = threads; thread != NULL; thread = thread->next) {
        if (thread == &self || how == UA_WORLD_COOPERATIVE || stands(thread, wanted))
            continue;
        UA_CHECK(pthread_kill(thread->thread, STOP_SIGNAL) == 0, "gc: an attached thread cannot be stopped");
    }
    for (struct ua_thread *thread = threads; thread != NULL; thread = thread->next) {
        if (thread == &self)
            continue;
        for (;;) {
            uint32_t answers = __atomic_load_n(&answer_word, __ATOMIC_SEQ_CST);

            if (stands(thread, wanted))
                break;
            ua_futex_wait(&answer_word, answers, UA_FUTEX_FOR_EVER);
        }
    }
}

void ua_world_start(void)
{
    __atomic_store_n(&signal_stop, 0, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&stop_word, 1, __ATOMIC_SEQ_CST);
    ua_futex_wake(&stop_word);
}

size_t ua_world_thread_count(void)
{
    return thread_count;
}

static size_t scan_stack(const struct ua_thread *thread, uintptr_t sp, ua_world_range_fn *fn, void *context)
{
    /* On an alternate signal stack: the ordinary one is scanned whole, what is above the handler on the other is not known. */
    uintptr_t low = sp >= thread->stack_low && sp < thread->stack_high ? sp : thread->stack_low;

    low = ua_align_down(low, sizeof(uintptr_t));
    fn(context, (const void *)low, thread->stack_high - low);
    return thread->stack_high - low;
}

static __attribute__((noinline)) size_t scan_own_stack(ua_world_range_fn *fn, void *context)
{
    return scan_stack(&self, (uintptr_t)__builtin_frame_address(0), fn, context);
}

size_t ua_world_each_stack(ua_world_range_fn *fn, void *context)
{
    uintptr_t registers[UA_REGISTER_COUNT];
    size_t bytes = 0;

    for (struct ua_thread *thread = threads; thread != NULL; thread = thread->next) {
        if (thread == &self)
            continue;
        bytes += scan_stack(thread, thread->stopped_sp, fn, context);
        if (__atomic_load_n(&thread->state, __ATOMIC_SEQ_CST) == THREAD_BLOCKING) {
            fn(context, thread->registers, sizeof thread->registers);
            fn(context, thread->frame, sizeof thread->frame);
        }
    }
    if (self.listed) {
        ua_registers_save(registers);
        fn(context, registers, sizeof registers);
        bytes += scan_own_stack(fn, context);
    }
    return bytes;
}

size_t ua_world_each_tls(ua_world_range_fn *fn, void *context)
{
    size_t bytes = 0;

    for (struct ua_thread *thread = threads; thread != NULL; thread = thread->next) {
        for (size_t i = 0; i < thread->tls_count; i++) {
            uintptr_t low = ua_align_up(thread->tls[i].at, sizeof(uintptr_t));
            uintptr_t high = ua_align_down(thread->tls[i].at + thread->tls[i].bytes, sizeof(uintptr_t));

            if (low < high)
                fn(context, (const void *)low, high - low);
            bytes += thread->tls[i].bytes;
        }
    }
    return bytes;
}

void ua_world_each_whole_stack(ua_world_range_fn *fn, void *context)
{
    for (struct ua_thread *thread = threads; thread != NULL; thread = thread->next)
        fn(context, (const void *)thread->stack_low, thread->stack_high - thread->stack_low);
}

void ua_world_fork_prepare(void)
{
    ua_world_lock();
    if (fork_hook != NULL)
        fork_hook(UA_FORK_PREPARE);
}

void ua_world_fork_parent(void)
{
    if (fork_hook != NULL)
        fork_hook(UA_FORK_PARENT);
    ua_world_unlock();
}

void ua_world_at_fork(void (*hook)(enum ua_world_fork when))
{
    ua_lock_check_held(&world_lock);
    fork_hook = hook;
}

void ua_world_fork_child(void)
{
    threads = self.listed ? &self : NULL;
    thread_count = self.listed ? 1 : 0;
    self.next = NULL;
    self.previous = NULL;
    self.thread = pthread_self();
    if (fork_hook != NULL)
        fork_hook(UA_FORK_CHILD);
    ua_world_unlock();
}
