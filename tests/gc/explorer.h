/* explorer.h - every order in which a few threads can take their atomic steps, and every place where a signal can come.
 *
 * Why not real threads: a fault of the stop protocol needs a signal between two instructions that are nanoseconds apart. Here a
 * thread is a coroutine that pauses before each of its atomic steps (gc/steps.h compiles the protocol's own source so), and
 * sleeping, mutexes, signals and fork are modelled: who sleeps is woken or stays asleep, a signal is pending until it is delivered,
 * in the middle of whatever its thread is doing.
 *
 * A state is what the model's memory and the coroutines' stacks hold. It is copied, so that each of its choices is tried from the
 * same state, and hashed, so that one that was met before is not left again. All states are met, and three things hold of them:
 * ex_fail was not called, somebody can go on (nobody sleeps for ever: no timeout counts), and the end can still be reached from
 * everywhere (no threads wait for each other by turning in circles). Memory is taken to be sequentially consistent. */
#ifndef TESTS_GC_EXPLORER_H
#define TESTS_GC_EXPLORER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EX_THREADS_MAX 3

/* Memory of the model: all that its steps write. */
struct ex_span {
    void *at;
    size_t bytes;
};

struct ex_model {
    int threads;
    unsigned ops[EX_THREADS_MAX];       /* operations of each thread, before it ends */
    unsigned op_kinds;                  /* 0 .. op_kinds - 1 */
    void (*start)(int thread);          /* in the coroutine, without a pause: what it is before its first operation */
    bool (*enabled)(int thread, unsigned op);
    void (*perform)(int thread, unsigned op); /* in the coroutine, as end and handler */
    bool (*may_end)(int thread);        /* until then it runs somewhere else, and gets signals there */
    void (*end)(int thread);
    void (*handler)(void);
    const struct ex_span *kept;         /* copied */
    size_t kept_count;
    uint64_t (*digest)(void);           /* of it, what tells states apart; starts with ex_digest(0, ...) */
    bool keeps_back;                    /* signals reach a thread between operations alone; a timed sleep ends when nothing else can happen */
    uint64_t states_max;                /* more are a failure */
};

struct ex_counts {
    uint64_t states;
    uint64_t steps;
    uint64_t ends;    /* of the states: everybody has ended */
    uint64_t rescued; /* of the states: nobody could go on but by the end of a timed sleep, which then was granted */
    size_t longest;   /* steps */
};

/* A hash of these bytes and of what was hashed before. */
uint64_t ex_digest(uint64_t before, const void *at, size_t bytes);
/* NULL, or what does not hold; the steps that lead there are printed. */
const char *ex_explore(const struct ex_model *model, struct ex_counts *counts);

/* For a coroutine. `where` names the step in what is printed. */
int ex_running(void);
int ex_stack(void **low, size_t *bytes); /* its own; 0 */
void ex_step(const char *where, int line);
void ex_sleep(uint32_t *word, uint32_t value, bool timed, const char *where, int line);
void ex_wake(uint32_t *word, const char *where, int line);
/* A mutex is its first int: 0 when free, else 1 + its owner. 0. */
int ex_lock(int *mutex, const char *where, int line);
int ex_unlock(int *mutex, const char *where, int line);
/* 0, or an errno: the thread has ended. */
int ex_signal(int thread, const char *where, int line);
/* Two ways to go on: true in the child, where the other threads are not. */
bool ex_fork(void);
void ex_fail(const char *complaint);

#endif
