/* gc_support.h - what the collector's tests share: heaps by option words, a node type, counted finalizers. */
#ifndef TESTS_GC_GC_SUPPORT_H
#define TESTS_GC_GC_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gc/pool.h"
#include "include/ua.h"
#include "support/make_heap.h"

/* Preset and settings "name=value name=value"; fails the test when the heap cannot be made. */
struct ua_heap *gs_heap(const char *preset, const char *settings);
/* Whether the tests run under collect=concurrent: GC_TESTS_SETTINGS in the environment, words on top of each heap's. */
bool gs_is_concurrent(void);
/* Registered roots, gogc off: nothing happens but what the test asks for. */
struct ua_heap *gs_quiet_heap(void);

struct gs_node {
    struct gs_node *left;
    struct gs_node *right;
    uint64_t value;
};

extern const struct ua_type *gs_node_type(void);
extern const struct ua_type *gs_byte_type(void);

/* A finalizer that counts: argument = int *. */
void gs_count_finalizer(void *object, void *argument);

/* Marks all that can be reached, and leaves `count` addresses of this marked object in the marker's grey set: items that are no scan work. */
void gs_fill_with_marked(struct ua_mark_pool *pool, struct ua_marker *marker, const void *object, size_t count);

/* Overwrites dead stack below the caller, so that stale copies of pointers do not keep anything. */
void gs_clean_stack(void);

#endif
