/* hx_backend_bump.h - the floor: a pointer that moves. No bitmap, no checks, no chunks.
 *
 * Why: no allocator that hands out separate memory can be cheaper, so what this backend costs is the price of the work itself
 * and of the harness. It grows in one reservation; a scope remembers where it began and goes back there. Running past the
 * reservation meets its end and faults: that is the only check.
 * Zeroing: memory is used again and again, so a scenario that needs zeros gets a memset an object, like any unzeroed region. */
#ifndef HX_BACKEND_BUMP_H
#define HX_BACKEND_BUMP_H

#include <string.h>
#include <sys/mman.h>

#include "backends/hx_backend.h"
#include "backends/hx_chunkless.h"
#include "backends/hx_plain_type.h"

#define HX_BACKEND_WORKER "worker-bump"
#define HX_FREES_EACH 0
#define HX_ZEROES 0
#define HX_REFILLS 0

static const struct hx_backend_arm hx_backend_arms[] __attribute__((unused)) = {
    {"bump", "bulk", "bulk", NULL},
};

/* Address space only: pages come with first use. Halved until the system agrees, as under strict overcommit. */
#define HX_BUMP_RESERVE_BYTES ((size_t)16 << 30)
#define HX_BUMP_RESERVE_LEAST_BYTES ((size_t)64 << 20)
#define HX_BUMP_ALIGN_BYTES 8u
#define HX_BUMP_HUGE_PAGE_BYTES ((size_t)2 << 20)

struct hx_env {
    char *next;
    char *base; /* of the mapping */
    size_t mapped_bytes;
};

struct hx_scope {
    struct hx_env *env;
    char *mark;
};

/* NULL, or a line that says why not. */
HX_INLINE const char *hx_open(struct hx_env *env, const struct hx_open_args *args) {
    if (strcmp(args->options, "-") != 0) {
        return "it has no options";
    }
    size_t bytes = HX_BUMP_RESERVE_BYTES;
    void *base = MAP_FAILED;
    while (bytes >= HX_BUMP_RESERVE_LEAST_BYTES) {
        base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (base != MAP_FAILED) {
            break;
        }
        bytes /= 2;
    }
    if (base == MAP_FAILED) {
        return "cannot reserve address space";
    }
    if (args->huge_pages && madvise(base, bytes, MADV_HUGEPAGE) != 0) {
        munmap(base, bytes);
        return "cannot: the kernel refuses MADV_HUGEPAGE";
    }
    env->base = base;
    env->mapped_bytes = bytes;
    /* A huge page needs its whole 2 MiB inside the mapping; mmap aligns to 4 KiB only. */
    env->next = (char *)(((uintptr_t)base + HX_BUMP_HUGE_PAGE_BYTES - 1) & ~(HX_BUMP_HUGE_PAGE_BYTES - 1));
    return NULL;
}

HX_INLINE void hx_close(struct hx_env *env) {
    munmap(env->base, env->mapped_bytes);
}

HX_INLINE void hx_position(struct hx_env *env) {
    (void)env; /* every scope is closed between blocks: the pointer is where it was */
}

HX_INLINE void hx_scope_open(struct hx_env *env, struct hx_scope *scope) {
    scope->env = env;
    scope->mark = env->next;
}

HX_INLINE void hx_scope_close(struct hx_scope *scope) {
    scope->env->next = scope->mark;
}

HX_INLINE void *hx_bump_take(struct hx_scope *scope, size_t bytes) {
    char *start = scope->env->next;
    scope->env->next = start + ((bytes + HX_BUMP_ALIGN_BYTES - 1) & ~(size_t)(HX_BUMP_ALIGN_BYTES - 1));
    return start;
}

HX_INLINE void *hx_slice(struct hx_scope *scope, hx_type *type, size_t count) {
    size_t bytes = type->size_bytes * count;
    void *start = hx_bump_take(scope, bytes);
    if (SC_ZEROED) {
        memset(start, 0, bytes);
    }
    return start;
}

HX_INLINE void *hx_new(struct hx_scope *scope, hx_type *type) {
    return hx_slice(scope, type, 1);
}

/* The floor of an out-of-line path: the same in a function that the compiler may not look into. */
__attribute__((noinline, unused)) static void *hx_bump_new_runtime(struct hx_scope *scope, hx_type *type) {
    __asm__(""); /* nor tell that it has no side effects */
    return hx_slice(scope, type, 1);
}
#define HX_NEW_RUNTIME hx_bump_new_runtime

HX_INLINE void *hx_bytes(struct hx_scope *scope, size_t count) {
    return hx_bump_take(scope, count);
}

#endif
