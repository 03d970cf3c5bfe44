/* hx_backend_apr.h - pools of the Apache Portable Runtime: a child pool a scope, destroyed at its end.
 *
 * Why: the region of httpd and Subversion. As httpd does for its threads, the root pool has an allocator of its own without a mutex;
 * freed blocks wait in its free list (its default: without limit), so a scope meets warm memory. apr_palloc does not clear: a
 * scenario that needs zeros gets a memset an object, which is what apr_pcalloc is. */
#ifndef HX_BACKEND_APR_H
#define HX_BACKEND_APR_H

#include <apr_allocator.h>
#include <apr_general.h>
#include <apr_pools.h>

#include "backends/hx_region.h"

#define HX_BACKEND_WORKER "worker-apr"
#define HX_BACKEND_MEMORY "glibc"

static const struct hx_backend_arm hx_backend_arms[] __attribute__((unused)) = {
    {"apr", "bulk", "bulk", NULL},
};

struct hx_env {
    apr_allocator_t *allocator;
    apr_pool_t *root;
};

struct hx_scope {
    apr_pool_t *pool;
};

/* NULL, or a line that says why not. apr_initialize counts its calls, so each environment may make one. */
HX_INLINE const char *hx_open(struct hx_env *env, const struct hx_open_args *args) {
    hx_region_keep_pages();
    if (apr_initialize() != APR_SUCCESS) {
        return "apr_initialize failed";
    }
    if (apr_allocator_create(&env->allocator) != APR_SUCCESS) {
        return "apr_allocator_create failed";
    }
    if (apr_pool_create_ex(&env->root, NULL, NULL, env->allocator) != APR_SUCCESS) {
        apr_allocator_destroy(env->allocator);
        return "apr_pool_create failed";
    }
    return hx_region_options(args);
}

HX_INLINE void hx_close(struct hx_env *env) {
    apr_pool_destroy(env->root);
    apr_allocator_destroy(env->allocator);
}

HX_INLINE void hx_scope_open(struct hx_env *env, struct hx_scope *scope) {
    if (__builtin_expect(apr_pool_create(&scope->pool, env->root) != APR_SUCCESS, 0)) {
        hx_out_of_memory(0);
    }
}

HX_INLINE void hx_scope_close(struct hx_scope *scope) {
    apr_pool_destroy(scope->pool);
}

HX_INLINE void *hx_region_take(struct hx_scope *scope, size_t bytes) {
    return apr_palloc(scope->pool, bytes);
}

#include "backends/hx_region_calls.inc"

#endif
