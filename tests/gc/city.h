/* city.h - a live heap of some size and threads that change it, for tests of marking beside a running program. */
#ifndef TESTS_GC_CITY_H
#define TESTS_GC_CITY_H

#include <pthread.h>

#include "gc/gc_support.h"

#define MIB ((size_t)1 << 20)
#define MUTATORS_MAX 4

/* 64 bytes, half of it pointers. */
struct cell {
    struct cell *out[4];
    uint64_t id;
    uint64_t rest[3];
};

extern const struct ua_type *city_cell_type(void);

struct city {
    struct ua_heap *heap;
    struct cell **cells; /* a registered range: every cell is its own root until roots_shown shrinks it */
    size_t cell_count;
    struct cell *first;
    uint32_t stop;       /* atomic */
    uint32_t ready;      /* atomic */
    uint64_t high_water_permille; /* atomic; live heap over goal, the most that was seen */
};

struct city_mutator {
    struct city *city;
    int number;
};

/* A random graph of so many bytes: a chain through all cells, reachable from the first, and three random edges each. */
void city_build(struct city *city, size_t bytes);
/* All cells are there. */
void city_check(const struct city *city);
/* Threads that swap edges through barriers and make garbage, until they are stopped. */
void city_start_mutators(struct city *city, struct city_mutator *mutators, pthread_t *threads, int count);
void city_stop_mutators(struct city *city, pthread_t *threads, int count);
/* A steady loop of allocation over a live heap of `live` bytes until so many cycles ran. */
void city_run_steadily(struct city *city, size_t live, int thread_count, uint64_t cycles);
struct ua_gc_event city_newest_event(struct ua_heap *heap);
/* Verified first. */
void city_close(struct city *city);

#endif
