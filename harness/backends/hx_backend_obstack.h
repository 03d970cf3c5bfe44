/* hx_backend_obstack.h - glibc's obstacks: one a scope, chunks from malloc, the default chunk of 4 KiB.
 *
 * Why: the region that gcc, binutils and glibc itself use, and the only one that every Linux has. Its fast path is a macro, inlined
 * as libua's is. It does not clear memory: a scenario that needs zeros gets a memset an object. */
#ifndef HX_BACKEND_OBSTACK_H
#define HX_BACKEND_OBSTACK_H

#include <obstack.h>
#include <stdlib.h>

#include "backends/hx_region.h"

#define HX_BACKEND_WORKER "worker-obstack"
#define HX_BACKEND_MEMORY "glibc"

#define obstack_chunk_alloc malloc
#define obstack_chunk_free free

static const struct hx_backend_arm hx_backend_arms[] __attribute__((unused)) = {
    {"obstack", "bulk", "bulk", NULL},
};

struct hx_env {
    char unused; /* glibc's malloc is the process's own: nothing to open */
};

struct hx_scope {
    struct obstack stack;
};

/* obstacks have no error return: this is what they call, and it may not come back. */
_Noreturn __attribute__((unused)) static void hx_obstack_failed(void) {
    hx_die("out of memory: a chunk refused by the backend");
}

HX_INLINE const char *hx_open(struct hx_env *env, const struct hx_open_args *args) {
    (void)env;
    hx_region_keep_pages();
    obstack_alloc_failed_handler = hx_obstack_failed;
    return hx_region_options(args);
}

HX_INLINE void hx_close(struct hx_env *env) {
    (void)env;
}

HX_INLINE void hx_scope_open(struct hx_env *env, struct hx_scope *scope) {
    (void)env;
    obstack_init(&scope->stack);
}

HX_INLINE void hx_scope_close(struct hx_scope *scope) {
    obstack_free(&scope->stack, NULL);
}

HX_INLINE void *hx_region_take(struct hx_scope *scope, size_t bytes) {
    return obstack_alloc(&scope->stack, bytes);
}

#include "backends/hx_region_calls.inc"

#endif
