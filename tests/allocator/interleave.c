/* interleave.c - see interleave.h. */
#include "allocator/interleave.h"

#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "base/base.h"
#include "os/lock.h"

#define STACK_BYTES ((size_t)128 << 10)
#define STEPS_MAX 512
#define SEEN_FIRST ((size_t)1 << 16)

struct coroutine {
    ucontext_t context;
    char *stack;
    size_t done;    /* operations finished */
    bool inside;    /* an operation is under way */
    unsigned op;    /* which */
    unsigned pause; /* how often it has paused in it */
    uint64_t held;  /* locks that it holds while it pauses */
};

static struct coroutine coroutines[IL_THREADS];
static ucontext_t explorer;
static int running = -1; /* the coroutine that has the processor; -1: the explorer */
static const struct il_model *model;

static struct {
    unsigned choice;
    unsigned count;
} path[STEPS_MAX]; /* choices of this run; what is kept of them leads the next one */
static size_t path_length;

struct seen {
    uint64_t key;
    uint8_t done[IL_THREADS]; /* with these already done, or fewer, all that follows was explored */
};

static struct seen *seen;
static size_t seen_capacity, seen_count;
static uint64_t random_state;

void il_yield(void)
{
    struct coroutine *self;

    if (running < 0)
        return;
    self = &coroutines[running];
    self->pause++;
    swapcontext(&self->context, &explorer);
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
        swapcontext(&self->context, &explorer);
    }
}

static void resume(int thread)
{
    uint64_t held = ua_lock_exchange_held(coroutines[thread].held);

    running = thread;
    swapcontext(&explorer, &coroutines[thread].context);
    running = -1;
    coroutines[thread].held = ua_lock_exchange_held(held);
}

static void make_coroutines(void)
{
    for (int i = 0; i < IL_THREADS; i++) {
        struct coroutine *coroutine = &coroutines[i];

        coroutine->stack = malloc(STACK_BYTES);
        getcontext(&coroutine->context);
        coroutine->context.uc_stack.ss_sp = coroutine->stack;
        coroutine->context.uc_stack.ss_size = STACK_BYTES;
        coroutine->context.uc_link = NULL;
        makecontext(&coroutine->context, body, 0);
    }
}

/* Threads that have done nothing yet are alike: only the first of them may begin. */
static bool is_double(int thread)
{
    return thread > 0 && !coroutines[thread].inside && coroutines[thread].done == 0 && !coroutines[thread - 1].inside &&
           coroutines[thread - 1].done == 0;
}

/* The n-th thing that can happen now; returns how many there are when n is beyond. */
static unsigned choose(unsigned n, int *thread, unsigned *op)
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

static void mix(uint64_t *hash, uint64_t value)
{
    *hash = (*hash ^ value) * 0x9e3779b97f4a7c15u;
    *hash ^= *hash >> 29;
}

static void grow_seen(void)
{
    size_t old_capacity = seen_capacity;
    struct seen *from = seen;

    seen_capacity = seen_capacity == 0 ? SEEN_FIRST : seen_capacity * 2;
    seen = calloc(seen_capacity, sizeof *seen);
    UA_CHECK(seen != NULL, "interleave: no memory");
    for (size_t i = 0; i < old_capacity; i++)
        if (from[i].key != 0) {
            size_t at = from[i].key & (seen_capacity - 1);

            while (seen[at].key != 0)
                at = (at + 1) & (seen_capacity - 1);
            seen[at] = from[i];
        }
    free(from);
}

static void note(struct seen *entry, uint64_t key)
{
    entry->key = key;
    for (int i = 0; i < IL_THREADS; i++)
        entry->done[i] = (uint8_t)coroutines[i].done;
}

static bool has_less_left(const struct seen *entry)
{
    for (int i = 0; i < IL_THREADS; i++)
        if (entry->done[i] > coroutines[i].done)
            return false;
    return true;
}

/* Whether this state was met before with as many steps left for every thread; notes it otherwise. */
static bool is_known(void)
{
    uint64_t key = model->fingerprint(model->context);
    size_t at;

    for (int i = 0; i < IL_THREADS; i++) {
        mix(&key, coroutines[i].inside ? 1 + coroutines[i].op : 0);
        mix(&key, coroutines[i].inside ? coroutines[i].pause : 0);
        mix(&key, coroutines[i].done == model->ops_each);
    }
    key |= key == 0;
    if (seen_count * 2 >= seen_capacity)
        grow_seen();
    for (at = key & (seen_capacity - 1); seen[at].key != 0; at = (at + 1) & (seen_capacity - 1)) {
        if (seen[at].key != key)
            continue;
        if (has_less_left(&seen[at]))
            return true;
        note(&seen[at], key);
        return false;
    }
    note(&seen[at], key);
    seen_count++;
    return false;
}

static void step(int thread, unsigned op)
{
    struct coroutine *coroutine = &coroutines[thread];

    if (!coroutine->inside) {
        coroutine->inside = true;
        coroutine->op = op;
        coroutine->pause = 0;
    }
    resume(thread);
}

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* One run along the kept choices and beyond. */
static void run(struct il_counts *counts)
{
    size_t length = 0;

    for (int i = 0; i < IL_THREADS; i++)
        coroutines[i].done = 0;
    model->begin(model->context);
    for (;;) {
        int thread = -1;
        unsigned op = 0;
        unsigned count = choose(UINT32_MAX, &thread, &op);

        if (count == 0)
            break;
        if (model->random_runs != 0) {
            choose((unsigned)(next_random() % count), &thread, &op);
            step(thread, op);
            counts->steps++;
            continue;
        }
        if (length == path_length) {
            if (model->fingerprint != NULL && is_known()) {
                counts->recognised++;
                break;
            }
            UA_CHECK(path_length < STEPS_MAX, "interleave: too many steps");
            path[path_length].choice = 0;
            path[path_length++].count = count;
        }
        UA_CHECK(path[length].count == count, "interleave: a run does not repeat");
        choose(path[length++].choice, &thread, &op);
        step(thread, op);
        counts->steps++;
    }
    for (int i = 0; i < IL_THREADS; i++)
        while (coroutines[i].inside)
            resume(i);
    model->end(model->context);
    counts->runs++;
}

void il_explore(const struct il_model *what, struct il_counts *counts)
{
    model = what;
    *counts = (struct il_counts){0};
    path_length = 0;
    random_state = 0x9e3779b97f4a7c15u;
    make_coroutines();
    do {
        run(counts);
        while (path_length > 0 && path[path_length - 1].choice + 1 == path[path_length - 1].count)
            path_length--;
        if (path_length > 0)
            path[path_length - 1].choice++;
    } while (path_length > 0 || counts->runs < what->random_runs);
    counts->states = seen_count;
    free(seen);
    seen = NULL;
    seen_capacity = seen_count = 0;
    for (int i = 0; i < IL_THREADS; i++)
        free(coroutines[i].stack);
    model = NULL;
}
