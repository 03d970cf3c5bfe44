/* hx_backend_bdwgc.h - the Boehm-Demers-Weiser collector (libgc): what C programs use today when they want nothing freed by hand.
 *
 * Why: libua's own collected heap needs a measure from outside. Used as its manual says: GC_MALLOC for what may hold pointers,
 * GC_MALLOC_ATOMIC for text and pointer-free types, no tuning, collections as it sees fit. It reads objects conservatively, so it
 * needs no type.
 *
 * Blocks: as in hx_backend_gcheap.h. A "refill" is a collection. libgc has one heap a process. */
#ifndef HX_BACKEND_BDWGC_H
#define HX_BACKEND_BDWGC_H

#include <string.h>

/* Only registering of our own threads is wanted, not its replacements of pthread functions. By way of gc_inline.h, which includes the
 * library's gc.h from beside itself: libua has a header of that name. */
#define GC_THREADS 1
#define GC_NO_THREAD_REDIRECTS 1
#include <gc/gc_inline.h>

#include "backends/hx_backend.h"
#include "backends/hx_plain_type.h"

#define HX_BACKEND_WORKER "worker-bdwgc"
#define HX_FREES_EACH 0
#define HX_ZEROES 1
#define HX_REFILLS 1
#define HX_COLLECTS 1
#define HX_SHARES 1
#define HX_THREADS_ABSENT "it runs on one thread here"
#define HX_HUGE_ABSENT "cannot: libgc has no option that asks for huge pages"

static const struct hx_backend_arm hx_backend_arms[] __attribute__((unused)) = {
    {"bdwgc", "collect", "bulk", NULL},
};

struct hx_env {
    uint64_t block_cycles; /* collections when the block began */
};

struct hx_scope {
    struct hx_env *env;
};

/* NULL, or a line that says why not. */
HX_INLINE const char *hx_open(struct hx_env *env, const struct hx_open_args *args) {
    if (strcmp(args->options, "-") != 0) {
        return "it has no options";
    }
    if (args->first != NULL) {
        return HX_THREADS_ABSENT;
    }
    GC_INIT();
    *env = (struct hx_env){0};
    return NULL;
}

HX_INLINE void hx_close(struct hx_env *env) {
    (void)env; /* its heap lives as long as the process */
}

HX_INLINE uint64_t hx_refills(const struct hx_env *env) {
    (void)env;
    return GC_get_gc_no();
}

HX_INLINE uintptr_t hx_chunk(const struct hx_scope *scope) {
    (void)scope;
    return (uintptr_t)GC_get_gc_no();
}

HX_INLINE void hx_position(struct hx_env *env) {
    GC_gcollect();
    env->block_cycles = GC_get_gc_no();
}

HX_INLINE void hx_block_end(struct hx_env *env) {
    if (GC_get_gc_no() == env->block_cycles) {
        GC_gcollect();
    }
}
#define HX_BLOCK_END hx_block_end

/* Adding a range again changes nothing: libgc keeps one of each start. */
HX_INLINE void hx_root(struct hx_env *env, const void *at, size_t bytes) {
    (void)env;
    GC_add_roots((void *)(uintptr_t)at, (char *)(uintptr_t)at + bytes);
}
#define HX_ROOT hx_root

/* Its own names, beside libua's. */
HX_INLINE size_t hx_ledger(const struct hx_env *env, struct hx_ledger_row *rows) {
    (void)env;
    rows[0] = (struct hx_ledger_row){"bdwgc_heap_bytes", "bytes", GC_get_heap_size()};
    rows[1] = (struct hx_ledger_row){"bdwgc_free_bytes", "bytes", GC_get_free_bytes()};
    rows[2] = (struct hx_ledger_row){"bdwgc_total_bytes", "bytes", GC_get_total_bytes()};
    rows[3] = (struct hx_ledger_row){"bdwgc_gc_cycles", "count", GC_get_gc_no()};
    return 4;
}

HX_INLINE void hx_scope_open(struct hx_env *env, struct hx_scope *scope) {
    scope->env = env;
}

HX_INLINE void hx_scope_close(struct hx_scope *scope) {
    (void)scope; /* nobody points to the objects any more: that is all there is to it */
}

HX_INLINE void *hx_slice(struct hx_scope *scope, hx_type *type, size_t count) {
    size_t bytes = type->size_bytes * count;
    void *objects = type->has_pointers ? GC_MALLOC(bytes) : GC_MALLOC_ATOMIC(bytes);
    (void)scope;
    if (__builtin_expect(objects == NULL, 0)) {
        hx_out_of_memory(bytes);
    }
    if (SC_ZEROED && !type->has_pointers) {
        memset(objects, 0, bytes);
    }
    return objects;
}

HX_INLINE void *hx_new(struct hx_scope *scope, hx_type *type) {
    return hx_slice(scope, type, 1);
}

HX_INLINE void *hx_bytes(struct hx_scope *scope, size_t count) {
    void *bytes = GC_MALLOC_ATOMIC(count);
    (void)scope;
    if (__builtin_expect(bytes == NULL, 0)) {
        hx_out_of_memory(count);
    }
    return bytes;
}

#endif
