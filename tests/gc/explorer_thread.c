/* explorer_thread.c - coroutines, and what the kernel does for threads; see explorer.h. */
#include "gc/explorer_thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "base/base.h"
#include "os/lock.h"
#include "os/registers.h"

#define CLEARED_BYTES 2048u /* below a stack's end: what calls left there must not tell states apart */
#define ERRNO_OF_SLEEP EAGAIN

struct et_thread et_threads[EX_THREADS_MAX];
const struct ex_model *et_model;
const char *et_failure;

static char *stacks[EX_THREADS_MAX];
static ucontext_t begin[EX_THREADS_MAX];
static ucontext_t unused; /* what swapcontext wants to save */
static jmp_buf explorer;
static int running = -1;
static bool starting;

int ex_running(void)
{
    return running;
}

int ex_stack(void **low, size_t *bytes)
{
    *low = stacks[running];
    *bytes = ET_STACK_BYTES;
    return 0;
}

void ex_fail(const char *complaint)
{
    if (et_failure == NULL)
        et_failure = complaint;
}

/* _setjmp: no system call for the signal mask, which no coroutine changes. */
static __attribute__((noinline)) void leave(struct et_thread *self)
{
    self->sp = ua_stack_pointer();
    if (_setjmp(self->place) == 0)
        _longjmp(explorer, 1);
}

static void handle(struct et_thread *self)
{
    bool was_idle = self->idle;

    self->pending = false;
    self->masked = true;
    self->idle = false;
    errno = self->saved_errno = E2BIG + running;
    et_model->handler();
    if (errno != self->saved_errno)
        ex_fail("the handler changed errno");
    self->masked = false;
    self->idle = was_idle;
}

/* Until the explorer lets the thread go on; signals are handled meanwhile. */
static void pause_here(struct et_thread *self, const char *where, int line)
{
    bool handled;

    do {
        self->where = where;
        self->line = line;
        leave(self);
        handled = self->action == ET_SIGNAL; /* the handler pauses too */
        if (handled)
            handle(self);
    } while (handled);
}

void ex_step(const char *where, int line)
{
    if (running >= 0 && !starting)
        pause_here(&et_threads[running], where, line);
}

/* One that is woken by a signal handles it and, as the kernel has it for the calls we make, looks at the word again. */
void ex_sleep(uint32_t *word, uint32_t value, bool timed, const char *where, int line)
{
    struct et_thread *self = &et_threads[running];
    bool handled;

    do {
        ex_step(where, line);
        errno = ERRNO_OF_SLEEP;
        if (*word != value)
            return;
        self->wait = ET_WAIT_WORD;
        self->on = word;
        self->timed = timed;
        leave(self);
        self->wait = ET_WAIT_NONE;
        self->on = NULL;
        self->timed = false;
        handled = self->action == ET_SIGNAL;
        if (handled)
            handle(self);
        errno = ERRNO_OF_SLEEP;
    } while (handled);
}

void ex_wake(uint32_t *word, const char *where, int line)
{
    ex_step(where, line);
    for (int i = 0; i < et_model->threads; i++)
        if (et_threads[i].wait == ET_WAIT_WORD && et_threads[i].on == word) {
            et_threads[i].wait = ET_WAIT_NONE;
            et_threads[i].on = NULL;
        }
}

int ex_lock(int *mutex, const char *where, int line)
{
    struct et_thread *self = &et_threads[running];

    ex_step(where, line);
    while (*mutex != 0) {
        self->wait = ET_WAIT_MUTEX;
        self->on = mutex;
        leave(self);
        self->wait = ET_WAIT_NONE;
        self->on = NULL;
        if (self->action == ET_SIGNAL) {
            handle(self);
            ex_step(where, line);
        }
    }
    *mutex = running + 1;
    ex_step(where, line); /* a signal may come before the thread has noted that it has the mutex */
    return 0;
}

int ex_unlock(int *mutex, const char *where, int line)
{
    ex_step(where, line);
    if (*mutex != running + 1)
        ex_fail("a mutex is given back by a thread that does not have it");
    *mutex = 0;
    ex_step(where, line);
    return 0;
}

int ex_signal(int thread, const char *where, int line)
{
    ex_step(where, line);
    if (et_threads[thread].gone)
        return ESRCH;
    et_threads[thread].pending = true;
    return 0;
}

bool ex_fork(void)
{
    struct et_thread *self = &et_threads[running];

    self->wait = ET_WAIT_FORK;
    pause_here(self, "fork", 0);
    self->wait = ET_WAIT_NONE;
    if (self->action != ET_CHILD)
        return false;
    self->pending = false;
    self->is_child = true;
    for (int i = 0; i < et_model->threads; i++)
        if (i != running)
            et_threads[i].gone = true;
    return true;
}

static void body(void)
{
    struct et_thread *self = &et_threads[running];

    starting = true;
    et_model->start(running);
    starting = false;
    for (;;) {
        self->idle = true;
        pause_here(self, "idle", 0);
        self->idle = false;
        if (self->done == et_model->ops[running])
            break;
        et_model->perform(running, self->op);
        self->done++;
    }
    et_model->end(running);
    self->gone = true;
    for (;;)
        leave(self);
}

void et_resume(int thread)
{
    struct et_thread *self = &et_threads[thread];
    uint64_t held = ua_lock_exchange_held(self->held);

    running = thread;
    if (_setjmp(explorer) == 0) {
        if (self->where != NULL) { /* has paused before */
            memset((void *)(self->sp - CLEARED_BYTES), 0, CLEARED_BYTES);
            _longjmp(self->place, 1);
        }
        swapcontext(&unused, &begin[thread]);
    }
    et_threads[running].held = ua_lock_exchange_held(held);
    running = -1;
}

size_t et_stack_used(int thread)
{
    return (uintptr_t)stacks[thread] + ET_STACK_BYTES - et_threads[thread].sp;
}

void et_init(const struct ex_model *model)
{
    et_model = model;
    et_failure = NULL;
    memset(et_threads, 0, sizeof et_threads);
    for (int i = 0; i < model->threads; i++) {
        stacks[i] = calloc(1, ET_STACK_BYTES);
        UA_CHECK(stacks[i] != NULL, "explorer: no memory");
        et_threads[i].sp = (uintptr_t)stacks[i] + ET_STACK_BYTES; /* nothing on it */
        getcontext(&begin[i]);
        begin[i].uc_stack.ss_sp = stacks[i];
        begin[i].uc_stack.ss_size = ET_STACK_BYTES;
        begin[i].uc_link = NULL;
        makecontext(&begin[i], body, 0);
    }
}

void et_deinit(void)
{
    for (int i = 0; i < et_model->threads; i++)
        free(stacks[i]);
}
