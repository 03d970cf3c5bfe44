/* hx_backend_talloc.h - Samba's talloc: a context a scope, each object a child of it, all freed with the context.
 *
 * Why: the hierarchical allocator that Samba and sssd use. It is no bump allocator: every object has a header and a place in its
 * parent's list, and freeing the context walks them all. talloc_size does not clear: a scenario that needs zeros gets a memset an
 * object, which is what talloc_zero_size does. */
#ifndef HX_BACKEND_TALLOC_H
#define HX_BACKEND_TALLOC_H

#include <talloc.h>

#include "backends/hx_region.h"

#define HX_BACKEND_WORKER "worker-talloc"
#define HX_BACKEND_MEMORY "glibc"

static const struct hx_backend_arm hx_backend_arms[] __attribute__((unused)) = {
    {"talloc", "bulk", "bulk", NULL},
};

struct hx_env {
    char unused; /* top contexts need no parent */
};

struct hx_scope {
    TALLOC_CTX *context;
};

HX_INLINE const char *hx_open(struct hx_env *env, const struct hx_open_args *args) {
    (void)env;
    hx_region_keep_pages();
    return hx_region_options(args);
}

HX_INLINE void hx_close(struct hx_env *env) {
    (void)env;
}

HX_INLINE void hx_scope_open(struct hx_env *env, struct hx_scope *scope) {
    (void)env;
    scope->context = talloc_new(NULL);
    if (__builtin_expect(scope->context == NULL, 0)) {
        hx_out_of_memory(0);
    }
}

HX_INLINE void hx_scope_close(struct hx_scope *scope) {
    (void)talloc_free(scope->context);
}

HX_INLINE void *hx_region_take(struct hx_scope *scope, size_t bytes) {
    return talloc_size(scope->context, bytes);
}

#include "backends/hx_region_calls.inc"

#endif
