/* hx_backend_malloc.h - malloc, calloc and free of whichever malloc this process has: glibc's, or one that is preloaded.
 *
 * Why: this is what people use, so it is called as they call it: directly, one check for NULL, free for each object. The
 * sources are compiled with -fno-builtin-malloc, else the compiler deletes pairs of malloc and free.
 *
 *   arm    form     what it is
 *   each   each     every object is freed when its scope ends
 *   keep   nofree   nothing is freed, but the heap has been filled and emptied once and keeps its pages: no new page in a block
 *   fresh  nofree   nothing is freed: each object lies on new pages
 *
 * each - keep is then the price of freeing, fresh - keep the price of new pages. Zeroing: calloc where the scenario needs it, for
 * typed objects; text that is written in full comes from malloc, as a C program would do it. */
#ifndef HX_BACKEND_MALLOC_H
#define HX_BACKEND_MALLOC_H

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "backends/hx_backend.h"
#include "backends/hx_chunkless.h"
#include "backends/hx_plain_type.h"

#define HX_BACKEND_WORKER "worker-malloc"
#ifdef HX_FORM_nofree
#define HX_FREES_EACH 0
#else
#define HX_FREES_EACH 1
#endif
#define HX_ZEROES 0
#define HX_REFILLS 0
#define HX_LITTERS 1

/* A preloaded malloc runs here under its own name with the same arms. */
#define HX_BACKEND_ANY_NAME 1
static const struct hx_backend_arm hx_backend_arms[] __attribute__((unused)) = {
    {"malloc", "each", "each", NULL},
    {"malloc", "keep", "nofree", NULL},
    {"malloc", "fresh", "nofree", NULL},
};

/* The heap is filled with pieces of one page: every size class of any malloc can take such memory over once it is free. */
#define HX_MALLOC_PIECE_BYTES 4000u

struct hx_env {
    bool retains; /* glibc is told to give no page back */
};

struct hx_scope {
    struct hx_env *env;
};

/* Fills the heap with as much as all blocks will ask for, touching every page, then frees it all. */
HX_INLINE const char *hx_malloc_fill(const struct hx_open_args *args) {
    struct piece {
        struct piece *next;
    } *first = NULL;
    for (uint64_t filled = 0; filled < args->planned_bytes; filled += HX_MALLOC_PIECE_BYTES) {
        struct piece *piece = malloc(HX_MALLOC_PIECE_BYTES);
        if (piece == NULL) {
            return "not enough memory to fill the heap once";
        }
        memset(piece, 1, HX_MALLOC_PIECE_BYTES);
        piece->next = first;
        first = piece;
    }
    while (first != NULL) {
        struct piece *next = first->next;
        free(first);
        first = next;
    }
    return NULL;
}

HX_INLINE const char *hx_open(struct hx_env *env, const struct hx_open_args *args) {
    bool keep = strcmp(args->arm, "keep") == 0;
    bool tuned = strcmp(args->options, "tuning=keep") == 0;
    if (!tuned && strcmp(args->options, "-") != 0) {
        return "unknown option: choose - or tuning=keep";
    }
    env->retains = keep || tuned;
    if (env->retains) {
        /* glibc's words for "give nothing back"; a preloaded malloc gets its own from the environment (hx_spawn). */
        mallopt(M_TRIM_THRESHOLD, INT32_MAX);
        mallopt(M_MMAP_MAX, 0);
        mallopt(M_TOP_PAD, 1 << 20);
    }
    return keep ? hx_malloc_fill(args) : NULL;
}

HX_INLINE void hx_close(struct hx_env *env) {
    (void)env;
}

HX_INLINE void hx_position(struct hx_env *env) {
    (void)env; /* a malloc has no chunk whose end a block could meet */
}

HX_INLINE void hx_scope_open(struct hx_env *env, struct hx_scope *scope) {
    scope->env = env;
}

HX_INLINE void hx_scope_close(struct hx_scope *scope) {
    (void)scope; /* form each has freed every object by now; form nofree never does */
}

HX_INLINE void *hx_malloc_or_end(void *start, size_t bytes) {
    if (__builtin_expect(start == NULL, 0)) {
        hx_out_of_memory(bytes);
    }
    return start;
}

HX_INLINE void *hx_new(struct hx_scope *scope, hx_type *type) {
    (void)scope;
    size_t bytes = type->size_bytes;
    return hx_malloc_or_end(SC_ZEROED ? calloc(1, bytes) : malloc(bytes), bytes);
}

HX_INLINE void *hx_slice(struct hx_scope *scope, hx_type *type, size_t count) {
    (void)scope;
    size_t bytes = type->size_bytes * count;
    return hx_malloc_or_end(SC_ZEROED ? calloc(count, type->size_bytes) : malloc(bytes), bytes);
}

HX_INLINE void *hx_bytes(struct hx_scope *scope, size_t count) {
    (void)scope;
    return hx_malloc_or_end(malloc(count), count);
}

#if HX_FREES_EACH
HX_INLINE void hx_free(struct hx_scope *scope, void *object) {
    (void)scope;
    free(object);
}
#endif

#endif
