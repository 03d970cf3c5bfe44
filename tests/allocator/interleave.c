/* interleave.c - coroutines, choices, and every sequence of them; see interleave.h. */
#include "allocator/interleave.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "base/base.h"
#include "os/lock.h"

#define STACK_BYTES ((size_t)128 << 10)

struct coroutine {
    ucontext_t context; /* where it begins */
    jmp_buf place;      /* where it paused */
    bool entered;
    char *stack;
    size_t done;    /* operations finished */
    bool inside;    /* an operation is under way */
    unsigned op;    /* which */
    uint64_t held;  /* locks that it holds while it pauses */
};

static struct coroutine coroutines[IL_THREADS];
static ucontext_t unused; /* what swapcontext wants to save */
static jmp_buf explorer;
static int running = -1; /* the coroutine that has the processor; -1: the explorer */
static const struct il_model *model;

static struct {
    unsigned choice;
    unsigned count;
} path[IL_STEPS_MAX]; /* choices of this run; what is kept of them leads the next one */
static size_t path_length;

void il_mix(uint64_t *hash, uint64_t value)
{
    *hash = (*hash ^ value) * 0xff51afd7ed558ccdu;
    *hash ^= *hash >> 31;
}

/* Back to the explorer. _setjmp: no system call for the signal mask, which no coroutine changes. */
static void leave(struct coroutine *self)
{
    if (_setjmp(self->place) == 0)
        _longjmp(explorer, 1);
}

void il_yield(void)
{
    if (running >= 0)
        leave(&coroutines[running]);
}

int il_running(void)
{
    return running;
}

bool il_inside(int thread, unsigned ops)
{
    for (int i = 0; i < IL_THREADS; i++)
        if (i != thread && coroutines[i].inside && (ops >> coroutines[i].op & 1) != 0)
            return true;
    return false;
}

static void body(void)
{
    for (;;) {
        struct coroutine *self = &coroutines[running];

        model->perform(model->context, running, self->op);
        self->inside = false;
        self->done++;
        leave(self);
    }
}

static void resume(int thread)
{
    struct coroutine *coroutine = &coroutines[thread];
    uint64_t held = ua_lock_exchange_held(coroutine->held);

    running = thread;
    if (_setjmp(explorer) == 0) {
        if (coroutine->entered)
            _longjmp(coroutine->place, 1);
        coroutine->entered = true;
        swapcontext(&unused, &coroutine->context);
    }
    thread = running;
    running = -1;
    coroutines[thread].held = ua_lock_exchange_held(held);
}

void il_start(const struct il_model *what)
{
    model = what;
    for (int i = 0; i < IL_THREADS; i++) {
        struct coroutine *coroutine = &coroutines[i];

        *coroutine = (struct coroutine){.stack = malloc(STACK_BYTES)};
        UA_CHECK(coroutine->stack != NULL, "interleave: no memory");
        getcontext(&coroutine->context);
        coroutine->context.uc_stack.ss_sp = coroutine->stack;
        coroutine->context.uc_stack.ss_size = STACK_BYTES;
        coroutine->context.uc_link = NULL;
        makecontext(&coroutine->context, body, 0);
    }
}

void il_stop(void)
{
    for (int i = 0; i < IL_THREADS; i++)
        free(coroutines[i].stack);
    model = NULL;
}

void il_begin_run(void)
{
    for (int i = 0; i < IL_THREADS; i++)
        coroutines[i].done = 0;
    model->begin(model->context);
}

void il_end_run(struct il_counts *counts)
{
    for (int i = 0; i < IL_THREADS; i++)
        while (coroutines[i].inside)
            resume(i);
    model->end(model->context);
    counts->runs++;
}

/* Threads that have done nothing yet are alike: only the first of them may begin. */
static bool is_double(int thread)
{
    return thread > 0 && !coroutines[thread].inside && coroutines[thread].done == 0 && !coroutines[thread - 1].inside &&
           coroutines[thread - 1].done == 0;
}

unsigned il_choose(unsigned n, int *thread, unsigned *op)
{
    unsigned count = 0;

    for (int i = 0; i < IL_THREADS; i++) {
        const struct coroutine *coroutine = &coroutines[i];

        if (coroutine->inside) {
            if (count++ == n)
                *thread = i;
            continue;
        }
        if (coroutine->done == model->ops_each || is_double(i))
            continue;
        for (unsigned kind = 0; kind < model->op_kinds; kind++)
            if (model->enabled(model->context, i, kind) && count++ == n) {
                *thread = i;
                *op = kind;
            }
    }
    return count;
}

void il_step(int thread, unsigned op)
{
    struct coroutine *coroutine = &coroutines[thread];

    if (!coroutine->inside) {
        coroutine->inside = true;
        coroutine->op = op;
    }
    resume(thread);
}

uint64_t il_key(uint8_t done[IL_THREADS])
{
    struct il_state state = {0};
    uint64_t key;

    model->read(model->context, &state);
    for (int i = 0; i < IL_THREADS; i++) {
        uint64_t own = state.threads[i];
        size_t at = (size_t)i;

        il_mix(&own, coroutines[i].inside ? 1 + coroutines[i].op : 0);
        for (; at > 0 && (state.threads[at - 1] > own ||
                          (state.threads[at - 1] == own && done[at - 1] > coroutines[i].done));
             at--) {
            state.threads[at] = state.threads[at - 1];
            done[at] = done[at - 1];
        }
        state.threads[at] = own;
        done[at] = (uint8_t)coroutines[i].done;
    }
    key = state.shared;
    for (int i = 0; i < IL_THREADS; i++)
        il_mix(&key, state.threads[i]);
    key |= key == 0;
    if (model->met != NULL)
        model->met(model->context, key);
    return key;
}

static void note(void)
{
    uint8_t done[IL_THREADS];

    if (model->met != NULL)
        il_key(done);
}

/* One run along the kept choices and beyond. */
static void run(struct il_counts *counts)
{
    size_t length = 0;
    int thread = -1;
    unsigned op = 0;

    il_begin_run();
    note();
    for (;;) {
        unsigned count = il_choose(UINT32_MAX, &thread, &op);

        if (count == 0)
            break;
        if (length == path_length) {
            UA_CHECK(path_length < IL_STEPS_MAX, "interleave: too many steps");
            path[path_length].choice = 0;
            path[path_length++].count = count;
        }
        UA_CHECK(path[length].count == count, "interleave: a run does not repeat");
        il_choose(path[length++].choice, &thread, &op);
        il_step(thread, op);
        note();
        counts->steps++;
    }
    il_end_run(counts);
}

void il_explore(const struct il_model *what, struct il_counts *counts)
{
    *counts = (struct il_counts){0};
    path_length = 0;
    il_start(what);
    do {
        run(counts);
        while (path_length > 0 && path[path_length - 1].choice + 1 == path[path_length - 1].count)
            path_length--;
        if (path_length > 0)
            path[path_length - 1].choice++;
    } while (path_length > 0);
    il_stop();
}

void il_draw(const struct il_model *what, uint64_t runs, struct il_counts *counts)
{
    uint64_t random = 0x9e3779b97f4a7c15u;

    *counts = (struct il_counts){0};
    il_start(what);
    while (counts->runs < runs) {
        int thread = -1;
        unsigned op = 0;
        unsigned count;

        il_begin_run();
        while ((count = il_choose(UINT32_MAX, &thread, &op)) > 0) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            il_choose((unsigned)(random % count), &thread, &op);
            il_step(thread, op);
            counts->steps++;
        }
        il_end_run(counts);
    }
    il_stop();
}
