/* barrier_support.h - heaps whose marks a test opens and closes, and objects that only one slot leads to. */
#ifndef TESTS_GC_BARRIER_SUPPORT_H
#define TESTS_GC_BARRIER_SUPPORT_H

#include "gc/barrier_fixture.h"

/* Registered roots: nothing that lies on a stack keeps anything. */
struct fixture {
    struct ua_heap *heap;
    void *roots[4];
    int finalized;
};

/* A heap for tests of held marks: concurrent, registered roots, cycles by hand only; settings on top. */
struct fixture bs_open_fixture(const char *preset, const char *settings);
/* The fixture's roots, once it lies where it stays. */
void bs_register_roots(struct fixture *fixture);
/* Verified first. */
void bs_close_fixture(struct fixture *fixture);
struct gs_node *bs_new_node(struct ua_heap *heap, uint64_t value);
/* A node with a child, which only a walk over it finds. */
struct gs_node *bs_new_pair(struct fixture *fixture, uint64_t value);
/* Whether an object begins there. */
bool bs_lives(struct ua_heap *heap, const void *object);
void bs_expect_pair(struct fixture *fixture, const struct gs_node *top, uint64_t value);
/* With no root left, the next collection frees it. */
void bs_expect_gone_after_the_next(struct fixture *fixture, const void *object);

#endif
