/* interleave.h - exploring every order in which a few threads can take their steps.
 *
 * Why coroutines and not threads: the order must be chosen, repeated and enumerated; a switch costs a few nanoseconds. They
 * share one system thread, so a switch may only happen where no lock is held that another one takes: between operations,
 * and inside the system calls of the operations table that are made without one.
 *
 * A run is a sequence of choices, made from the same first state. Three ways to choose:
 *   il_explore    every sequence, depth first: the longest prefix of the last run that has an alternative left is repeated
 *   il_draw       so many sequences, drawn at random
 *   il_enumerate  every step out of every state that can be reached (interleave_states.c): a state that was met before with
 *                 no more operations done by any thread is not left again, since nothing new can follow */
#ifndef TESTS_ALLOCATOR_INTERLEAVE_H
#define TESTS_ALLOCATOR_INTERLEAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IL_THREADS 3
#define IL_STEPS_MAX 512

/* What the future depends on, but for how many operations each thread has left. Threads are alike: what belongs to one is
 * kept apart, so that states that differ by a permutation of threads are equal. */
struct il_state {
    uint64_t shared;
    uint64_t threads[IL_THREADS];
};

struct il_model {
    size_t ops_each;   /* operations a thread */
    unsigned op_kinds; /* choices 0 .. op_kinds - 1 */
    /* Before a run; after it, with every operation finished (also those of a run that was cut short). */
    void (*begin)(void *context);
    void (*end)(void *context);
    /* Whether thread `thread` may start this operation now. The same for all threads that look alike. */
    bool (*enabled)(void *context, int thread, unsigned op);
    void (*perform)(void *context, int thread, unsigned op);
    /* Fills *state in; which operation a thread is inside is the explorer's own knowledge. NULL: il_explore, il_draw only. */
    void (*read)(void *context, struct il_state *state);
    /* Called with the key of each state that is met, if not NULL: again and again for the same. */
    void (*met)(void *context, uint64_t key);
    void *context;
};

struct il_counts {
    uint64_t runs;
    uint64_t steps;
    uint64_t states; /* il_enumerate: those that were left by every step */
    uint64_t known;  /* il_enumerate: steps into states that were met before */
};

void il_explore(const struct il_model *model, struct il_counts *counts);
void il_draw(const struct il_model *model, uint64_t runs, struct il_counts *counts);
void il_enumerate(const struct il_model *model, struct il_counts *counts);

/* Called inside perform: here another thread may go on. Outside an exploration: nothing. */
void il_yield(void);
/* The thread that is performing; -1 outside an exploration. */
int il_running(void);
/* Whether some thread other than `thread` is inside an operation that satisfies (1 << op) & ops. */
bool il_inside(int thread, unsigned ops);

/* Between the two files. */
void il_start(const struct il_model *model);
void il_stop(void);
void il_begin_run(void);
void il_end_run(struct il_counts *counts); /* every operation under way is finished first */
/* The n-th thing that can happen now; returns how many there are when n is beyond. */
unsigned il_choose(unsigned n, int *thread, unsigned *op);
void il_step(int thread, unsigned op);
/* The state's key and how many operations each thread has done, in the order that makes permuted states equal. */
uint64_t il_key(uint8_t done[IL_THREADS]);
void il_mix(uint64_t *hash, uint64_t value);

#endif
