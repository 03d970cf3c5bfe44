/* barrier_fixture.h - a small program that stores as a program under a concurrent collector has to.
 *
 * Why apart from its test: each function has exactly one barrier. tests/mutants takes them away one by one, and test_barrier
 * must notice each. */
#ifndef TESTS_GC_BARRIER_FIXTURE_H
#define TESTS_GC_BARRIER_FIXTURE_H

#include "gc/gc_support.h"

#define FX_TABLE_SLOTS 20000 /* 160 kB: an object of its own, read in more than one oblet */
#define FX_ARRAY_NODES 4000

struct fx_table {
    struct gs_node *slots[FX_TABLE_SLOTS];
};

extern const struct ua_type *fx_table_type(void);

/* Takes the left child off and returns it. */
struct gs_node *fx_take_left(struct ua_heap *heap, struct gs_node *node);
/* The same for a node that lies in an arena. */
struct gs_node *fx_take_left_in_arena(struct ua_heap *heap, struct gs_node *node);
struct gs_node *fx_take_slot(struct ua_heap *heap, struct fx_table *table, size_t slot);
/* Overwrites a node with another's value, struct assignment done right. */
void fx_assign(struct ua_heap *heap, struct gs_node *to, const struct gs_node *from);
/* Drops the first node of an array of FX_ARRAY_NODES by moving the others down. */
void fx_shift(struct ua_heap *heap, struct gs_node *nodes);
void fx_reset(struct ua_heap *heap, struct gs_node *nodes, size_t count);

#endif
