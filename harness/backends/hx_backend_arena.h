/* hx_backend_arena.h - libua's arenas under the presets safe, go and kept; the preset is in the backend's name.
 *
 * Why: this is the allocator the suite is about, used as its users do: one arena a scope, allocation inlined from ua.h.
 *
 *   arm    what it is
 *   reuse  warm chunks: a rewound one (kept), or one that the collector has cleared (safe, go)
 *   fresh  chunks that were never used before: what safe and go do until a collection
 *
 * Blocks of a process must be equal, but arenas of many scopes share a chunk, so a block would meet the end of one or not, by
 * chance. hx_position therefore uses up the rest of the shared chunk (one for each scope that is open at a time) between blocks, untimed: each block begins with a refill.
 * Under kept the chunk is rewound at every scope's end and no refill ever comes: 0 is its nature.
 * Zeroing is libua's own, always on unless the option prezero=none says otherwise. */
#ifndef HX_BACKEND_ARENA_H
#define HX_BACKEND_ARENA_H

#include <stdio.h>
#include <string.h>

#include "backends/hx_arena_ledger.h"
#include "backends/hx_arena_options.h"
#include "backends/hx_arena_trace.h"
#include "backends/hx_arena_warm.h"
#include "backends/hx_backend.h"
#include "backends/hx_ua_type.h"
#include "ua.h"

#define HX_BACKEND_WORKER "worker-arena"
#define HX_FREES_EACH 0
#define HX_ZEROES 1
#define HX_REFILLS 1
#define HX_SHARES 1 /* one heap a process, arenas a thread: how a program uses it */

#define HX_ARENA_KEPT_FRESH_ABSENT "preset kept rewinds its chunk: it is never fresh"

static const struct hx_backend_arm hx_backend_arms[] __attribute__((unused)) = {
    {"arena-safe", "reuse", "bulk", NULL},
    {"arena-safe", "fresh", "bulk", NULL},
    {"arena-go", "reuse", "bulk", NULL},
    {"arena-go", "fresh", "bulk", NULL},
    {"arena-kept", "reuse", "bulk", NULL},
    {"arena-kept", "fresh", "bulk", HX_ARENA_KEPT_FRESH_ABSENT},
};

enum { HX_ARENA_SCOPES_MAX = 8 };

struct hx_env {
    struct ua_heap *heap;
    size_t chunk_bytes;
    unsigned scopes_open; /* side by side, each with a shared chunk */
    bool rewinds;  /* the arm takes no new chunk once it is warm */
    bool collects; /* chunks come back only by hand, see hx_arena_warm.h */
    bool borrowed; /* the heap is the first environment's */
};

struct hx_scope {
    struct ua_arena *arena;
    struct hx_env *env;
};

/* NULL, or a line that says why not. */
HX_INLINE const char *hx_open(struct hx_env *env, const struct hx_open_args *args) {
    struct ua_options options;
    if (args->first != NULL) {
        *env = *args->first;
        env->borrowed = true;
        return NULL;
    }
    const char *preset = strchr(args->backend, '-');
    if (preset == NULL || ua_options_preset(&options, preset + 1) != 0) {
        return ua_last_error();
    }
    options.huge_pages = args->huge_pages ? UA_HUGE_MADVISE : UA_HUGE_NEVER;
    if (strcmp(args->arm, "fresh") == 0) {
        /* A collection would hand used chunks back in the middle of the blocks. */
        options.quarantine_limit_bytes = 0;
        options.gogc = UA_GOGC_OFF;
    }
    const char *why = hx_arena_options(&options, args->options);
    if (why != NULL || (env->heap = ua_heap_new(&options)) == NULL) {
        return why != NULL ? why : ua_last_error();
    }
    env->chunk_bytes = options.chunk_bytes;
    env->scopes_open = args->scopes_open < HX_ARENA_SCOPES_MAX ? args->scopes_open : HX_ARENA_SCOPES_MAX;
    env->rewinds = options.quarantine == UA_QUARANTINE_OFF && options.fault == UA_FAULT_OFF;
    bool reuses = strcmp(args->arm, "reuse") == 0 && options.quarantine == UA_QUARANTINE_ON;
    env->collects = reuses && options.quarantine_limit_bytes == 0;
    return !reuses || hx_arena_warm(env->heap, &options, args->lanes, &hx_byte_type) ? NULL : ua_last_error();
}

HX_INLINE void hx_close(struct hx_env *env) {
    if (!env->borrowed) {
        ua_heap_close(env->heap);
    }
}

/* Refills inside the life of an arena: the chunk that a new arena begins with is the shared one, handed on. */
HX_INLINE uint64_t hx_refills(const struct hx_env *env) {
    struct ua_stats stats;
    ua_stats(env->heap, &stats);
    return stats.refill_count - stats.arena_new_count;
}

HX_INLINE uintptr_t hx_chunk(const struct hx_scope *scope) {
    const struct ua_arena_fast *fast = (const struct ua_arena_fast *)(const void *)scope->arena;
    return (fast->back - 1) / scope->env->chunk_bytes;
}

#define HX_POSITIONS(env) (!(env)->rewinds)

HX_INLINE void hx_position(struct hx_env *env) {
    struct ua_arena *arena[HX_ARENA_SCOPES_MAX];
    if (env->rewinds) {
        return;
    }
    for (unsigned i = 0; i < env->scopes_open; i++) {
        arena[i] = hx_arena_use_up(env->heap, env->chunk_bytes, &hx_byte_type);
    }
    for (unsigned i = env->scopes_open; i > 0; i--) {
        ua_arena_free(arena[i - 1]);
    }
    if (env->collects) {
        ua_collect(env->heap);
    }
}

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
    scope->arena = ua_arena_new(env->heap);
    if (__builtin_expect(scope->arena == NULL, 0)) {
        hx_out_of_memory(env->chunk_bytes);
    }
}

HX_INLINE void hx_scope_close(struct hx_scope *scope) {
    ua_arena_free(scope->arena);
}

HX_INLINE void *hx_new(struct hx_scope *scope, hx_type *type) {
    void *object = ua_new(scope->arena, type);
    if (__builtin_expect(object == NULL, 0)) {
        hx_out_of_memory(type->size_bytes);
    }
    return object;
}

/* What ua_new is for a type known at run time: one call. */
HX_INLINE void *hx_arena_new_runtime(struct hx_scope *scope, hx_type *type) {
    void *object = ua_arena_alloc_one(scope->arena, type);
    if (__builtin_expect(object == NULL, 0)) {
        hx_out_of_memory(type->size_bytes);
    }
    return object;
}
#define HX_NEW_RUNTIME hx_arena_new_runtime

HX_INLINE void *hx_slice(struct hx_scope *scope, hx_type *type, size_t count) {
    void *objects = ua_slice(scope->arena, type, count);
    if (__builtin_expect(objects == NULL, 0)) {
        hx_out_of_memory(type->size_bytes * count);
    }
    return objects;
}

HX_INLINE void *hx_bytes(struct hx_scope *scope, size_t count) {
    void *bytes = ua_slice(scope->arena, &hx_byte_type, count);
    if (__builtin_expect(bytes == NULL, 0)) {
        hx_out_of_memory(count);
    }
    return bytes;
}

#endif
