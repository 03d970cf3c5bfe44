/* graph_model.h - a random object graph and its shadow: what must survive a collection, and with which contents.
 *
 * The shadow knows every object's edges from what it did itself and computes reachability by its own search; it includes
 * only the public header of what it checks. One model a thread; all models of a heap may run at once. */
#ifndef TESTS_GC_GRAPH_MODEL_H
#define TESTS_GC_GRAPH_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/ua.h"

#define GRAPH_ROOTS 24
#define GRAPH_OBJECTS_MAX 6000

struct graph_object {
    void *at;
    uint64_t id;
    size_t edge_count;
    size_t payload_words; /* behind the edges, or all of it */
    uint32_t *edges;      /* index + 1 of the object, 0 = NULL */
    bool in_use;
    bool reached;
    bool in_arena;
    bool has_finalizer;
    size_t gone_cycles;   /* collections since it was last reached */
};

struct graph {
    struct ua_heap *heap;
    struct ua_arena *arena;  /* its objects are roots' equals: a live arena keeps all of them */
    void *roots[GRAPH_ROOTS]; /* a registered range */
    uint32_t root_objects[GRAPH_ROOTS];
    struct graph_object *objects;
    size_t object_count;
    uint64_t seed;
    uint64_t next_id;
    uint64_t finalized;       /* calls seen; atomic, finalizers run on whatever thread collects */
    uint64_t finalizers_due;  /* objects with a finalizer that became unreachable */
    const struct ua_type *types[8];
};

void graph_open(struct graph *graph, struct ua_heap *heap, uint64_t seed);
void graph_close(struct graph *graph);
/* One random change. */
void graph_step(struct graph *graph);
/* Recomputes reachability; fails the test when a reachable object's contents differ from the shadow. */
void graph_check_contents(struct graph *graph);
/* After graph_check_contents: calls gone(at) for every object that a collection may have freed, and forgets it. */
void graph_forget_unreachable(struct graph *graph, void (*gone)(void *context, void *at, bool has_finalizer),
                              void *context);

#endif
