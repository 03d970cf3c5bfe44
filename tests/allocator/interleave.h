/* interleave.h - exploring every order in which a few threads can take their steps.
 *
 * Why coroutines and not threads: the order must be chosen, repeated and enumerated; a switch costs half a microsecond. They
 * share one system thread, so a switch may only happen where no lock is held that another one takes: between operations,
 * and inside the system calls of the operations table that are made without one.
 *
 * A run is a sequence of choices. The explorer repeats the longest prefix of the last run that has an alternative left
 * (depth first), until there is none. With `fingerprint` set, a state that was met before with at least as many steps left
 * is not explored again. */
#ifndef TESTS_ALLOCATOR_INTERLEAVE_H
#define TESTS_ALLOCATOR_INTERLEAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IL_THREADS 3

struct il_model {
    size_t ops_each;   /* operations a thread */
    unsigned op_kinds; /* choices 0 .. op_kinds - 1 */
    /* Before a run; after it, with every operation finished (also those of a run that was cut short). */
    void (*begin)(void *context);
    void (*end)(void *context);
    /* Whether thread `thread` may start this operation now. */
    bool (*enabled)(void *context, int thread, unsigned op);
    void (*perform)(void *context, int thread, unsigned op);
    /* What the future depends on but for what the explorer knows itself; NULL: no state is recognised. */
    uint64_t (*fingerprint)(void *context);
    uint64_t random_runs; /* not 0: that many runs of choices drawn at random (seed 1) instead of all */
    void *context;
};

struct il_counts {
    uint64_t runs;
    uint64_t steps;
    uint64_t states;
    uint64_t recognised; /* runs cut short at a state met before */
};

void il_explore(const struct il_model *model, struct il_counts *counts);
/* Called inside perform: here another thread may go on. Outside an exploration: nothing. */
void il_yield(void);
/* Whether some thread other than `thread` is inside an operation that satisfies (1 << op) & ops. */
bool il_inside(int thread, unsigned ops);

#endif
