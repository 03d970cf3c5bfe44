/* hx_backend_mimalloc_heap.h - mimalloc's heaps: mi_heap_new at a scope's begin, mi_heap_destroy at its end.
 *
 * Why: the nearest thing to an arena that a general malloc offers: separate objects with size classes, dropped together.
 *
 * libmimalloc exports malloc and free, and a program that is linked with it has all of its malloc replaced. So it is loaded with
 * dlopen(RTLD_LOCAL), its heap functions are taken by name, and the process's malloc stays what it was (checked when it is loaded). A call
 * goes through a pointer then, as it would through the linkage table of a shared library. Zeros: mi_heap_calloc, which
 * knows when memory is fresh. */
#ifndef HX_BACKEND_MIMALLOC_HEAP_H
#define HX_BACKEND_MIMALLOC_HEAP_H

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "backends/hx_backend.h"
#include "backends/hx_chunkless.h"
#include "backends/hx_plain_type.h"

#define HX_BACKEND_WORKER "worker-mimalloc-heap"
#define HX_BACKEND_MEMORY "mimalloc"
#define HX_FREES_EACH 0
#define HX_ZEROES 0
#define HX_REFILLS 0

static const struct hx_backend_arm hx_backend_arms[] __attribute__((unused)) = {
    {"mimalloc-heap", "bulk", "bulk", NULL},
};

struct hx_env {
    void *(*heap_new)(void);
    void (*heap_destroy)(void *heap);
    void *(*heap_malloc)(void *heap, size_t bytes);
    void *(*heap_calloc)(void *heap, size_t count, size_t bytes);
};

/* With a copy of the pointers: one load a call, as from a linkage table. */
struct hx_scope {
    void *heap;
    struct hx_env calls;
};

/* A function pointer out of dlsym's void pointer, as POSIX asks for it; 0 when the library has no such name. */
HX_INLINE bool hx_mimalloc_take(void *library, const char *name, void *slot) {
    void *found = dlsym(library, name);
    memcpy(slot, &found, sizeof found);
    return found != NULL;
}

/* NULL, or why this backend cannot run here. Loaded once and never unloaded. */
__attribute__((unused)) static const char *hx_mimalloc_load(struct hx_env *env) {
    static const char *const names[] = {"libmimalloc.so.2", "libmimalloc.so.3", "libmimalloc.so"};
    void *library = NULL;
    for (size_t i = 0; i < HX_COUNT_OF(names) && library == NULL; i++) {
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    }
    if (library == NULL) {
        return "libmimalloc is not installed (Debian package libmimalloc2.0)";
    }
    if (!hx_mimalloc_take(library, "mi_heap_new", &env->heap_new) || !hx_mimalloc_take(library, "mi_heap_destroy", &env->heap_destroy) ||
        !hx_mimalloc_take(library, "mi_heap_malloc", &env->heap_malloc) ||
        !hx_mimalloc_take(library, "mi_heap_calloc", &env->heap_calloc)) {
        return "this libmimalloc has no mi_heap_new, mi_heap_destroy, mi_heap_malloc or mi_heap_calloc";
    }
    void *(*their_malloc)(size_t);
    if (hx_mimalloc_take(library, "malloc", &their_malloc) && their_malloc == malloc) {
        return "mimalloc has replaced malloc in this process: it may not be preloaded or linked here";
    }
    return NULL;
}

#define HX_BACKEND_ABSENT() hx_mimalloc_load(&(struct hx_env){0})

HX_INLINE const char *hx_open(struct hx_env *env, const struct hx_open_args *args) {
    if (strcmp(args->options, "-") != 0) {
        return "it has no options";
    }
    return hx_mimalloc_load(env);
}

HX_INLINE void hx_close(struct hx_env *env) {
    (void)env;
}

HX_INLINE void hx_position(struct hx_env *env) {
    (void)env;
}

HX_INLINE void hx_scope_open(struct hx_env *env, struct hx_scope *scope) {
    scope->calls = *env;
    scope->heap = env->heap_new();
    if (__builtin_expect(scope->heap == NULL, 0)) {
        hx_out_of_memory(0);
    }
}

HX_INLINE void hx_scope_close(struct hx_scope *scope) {
    scope->calls.heap_destroy(scope->heap);
}

HX_INLINE void *hx_mimalloc_or_end(void *start, size_t bytes) {
    if (__builtin_expect(start == NULL, 0)) {
        hx_out_of_memory(bytes);
    }
    return start;
}

HX_INLINE void *hx_bytes(struct hx_scope *scope, size_t count) {
    return hx_mimalloc_or_end(scope->calls.heap_malloc(scope->heap, count), count);
}

HX_INLINE void *hx_slice(struct hx_scope *scope, hx_type *type, size_t count) {
    if (SC_ZEROED) {
        return hx_mimalloc_or_end(scope->calls.heap_calloc(scope->heap, count, type->size_bytes), type->size_bytes * count);
    }
    return hx_bytes(scope, type->size_bytes * count);
}

HX_INLINE void *hx_new(struct hx_scope *scope, hx_type *type) {
    return hx_slice(scope, type, 1);
}

#endif
