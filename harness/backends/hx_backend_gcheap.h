/* hx_backend_gcheap.h - libua's collected heap: every object on its own, nothing freed by hand, a collector finds what is dead.
 *
 * Why: it is what arenas are compared with in Go. The same objects, the same types, the same collector beside it; what an arena
 * saves is the difference. Preset safe, collections as Go's pacer asks for them (gogc=100 unless the options say otherwise).
 *
 * Blocks of a process must be equal, so each begins right after a collection (hx_position, untimed) and none ends without one of its
 * own (HX_BLOCK_END, timed): a short block would else show allocation and leave its garbage to the next. A "refill" here is a
 * collection: latency_refill is the time of those allocations that one ran in.
 *
 *   backend             form        what it is
 *   gcheap              bulk        collect=stw: pointer stores are plain
 *   gcheap-concurrent   concurrent  collect=concurrent: hx_store is ua_store, the barrier
 *
 * Roots: the thread's stack and registers are read conservatively; memory of the scenario that holds pointers is named by hx_root. */
#ifndef HX_BACKEND_GCHEAP_H
#define HX_BACKEND_GCHEAP_H

#include <errno.h>
#include <string.h>

#include "backends/hx_arena_ledger.h"
#include "backends/hx_arena_options.h"
#include "backends/hx_arena_trace.h"
#include "backends/hx_backend.h"
#include "backends/hx_ua_type.h"
#include "ua.h"

#define HX_BACKEND_WORKER "worker-gcheap"
#define HX_FREES_EACH 0
#define HX_ZEROES 1
#define HX_REFILLS 1
#define HX_COLLECTS 1
#define HX_SHARES 1

static const struct hx_backend_arm hx_backend_arms[] __attribute__((unused)) = {
    {"gcheap", "collect", "bulk", NULL},
    {"gcheap-concurrent", "collect", "concurrent", NULL},
};

struct hx_env {
    struct ua_heap *heap;
    uint64_t block_cycles; /* collections when the block began */
    bool borrowed;         /* the heap is the first environment's */
};

struct hx_scope {
    struct hx_env *env;
};

#ifdef HX_FORM_concurrent
/* hx_store knows no environment; set when a scope is opened. */
static _Thread_local struct ua_heap *hx_gcheap_heap;
#endif

/* NULL, or a line that says why not. */
HX_INLINE const char *hx_open(struct hx_env *env, const struct hx_open_args *args) {
    if (args->first != NULL) {
        *env = *args->first;
        env->borrowed = true;
        return NULL;
    }
    struct ua_options options;
    if (ua_options_preset(&options, "safe") != 0) {
        return ua_last_error();
    }
    options.collect = strcmp(args->backend, "gcheap-concurrent") == 0 ? UA_COLLECT_CONCURRENT : UA_COLLECT_STW;
    options.huge_pages = args->huge_pages ? UA_HUGE_MADVISE : UA_HUGE_NEVER;
    const char *why = hx_arena_options(&options, args->options);
    if (why != NULL) {
        return why;
    }
    *env = (struct hx_env){.heap = ua_heap_new(&options)};
    return env->heap == NULL ? ua_last_error() : NULL;
}

HX_INLINE void hx_close(struct hx_env *env) {
    if (!env->borrowed) {
        ua_heap_close(env->heap);
    }
}

HX_INLINE uint64_t hx_refills(const struct hx_env *env) {
    return ua_gc_cycles(env->heap);
}

HX_INLINE uintptr_t hx_chunk(const struct hx_scope *scope) {
    return (uintptr_t)ua_gc_cycles(scope->env->heap);
}

HX_INLINE void hx_position(struct hx_env *env) {
    ua_collect(env->heap);
    env->block_cycles = ua_gc_cycles(env->heap);
}

HX_INLINE void hx_block_end(struct hx_env *env) {
    if (ua_gc_cycles(env->heap) == env->block_cycles) {
        ua_collect(env->heap);
    }
}
#define HX_BLOCK_END hx_block_end

/* Memory outside the heap that holds pointers to objects while the scenario runs. The same range again: no-op. */
HX_INLINE void hx_root(struct hx_env *env, const void *at, size_t bytes) {
    if (ua_root_range_add(env->heap, at, bytes) != 0 && errno != EEXIST) {
        hx_out_of_memory(bytes);
    }
}
#define HX_ROOT hx_root

HX_INLINE size_t hx_ledger(const struct hx_env *env, struct hx_ledger_row *rows) {
    struct ua_stats stats;
    ua_stats(env->heap, &stats);
    return hx_arena_ledger(&stats, rows);
}

HX_INLINE size_t hx_trace(const struct hx_env *env, struct hx_gc_phase *rows) {
    return hx_arena_trace(env->heap, rows);
}
#define HX_TRACE hx_trace

HX_INLINE void hx_scope_open(struct hx_env *env, struct hx_scope *scope) {
    scope->env = env;
#ifdef HX_FORM_concurrent
    hx_gcheap_heap = env->heap;
#endif
}

HX_INLINE void hx_scope_close(struct hx_scope *scope) {
    (void)scope; /* nobody points to the objects any more: that is all there is to it */
}

HX_INLINE void *hx_slice(struct hx_scope *scope, hx_type *type, size_t count) {
    void *objects = ua_heap_alloc(scope->env->heap, type, count);
    if (__builtin_expect(objects == NULL, 0)) {
        hx_out_of_memory(type->size_bytes * count);
    }
    return objects;
}

HX_INLINE void *hx_new(struct hx_scope *scope, hx_type *type) {
    return hx_slice(scope, type, 1);
}

HX_INLINE void *hx_bytes(struct hx_scope *scope, size_t count) {
    return hx_slice(scope, &hx_byte_type, count);
}

#ifdef HX_FORM_concurrent
#define hx_store(slot, value) ua_store(hx_gcheap_heap, (void **)(uintptr_t)(slot), (void *)(uintptr_t)(value))
#endif

#endif
