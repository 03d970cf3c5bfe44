/* hx_backend_missing.h - a backend whose library was not there when this was built.
 *
 * Why: a reader who looks for APR pools should find them in the list with the package to install, not miss them. So a worker of that
 * name is built all the same; it lists its arm as absent and refuses to open. HX_MISSING_NAME and HX_MISSING_WHY come from CMake. */
#ifndef HX_BACKEND_MISSING_H
#define HX_BACKEND_MISSING_H

#include "backends/hx_backend.h"
#include "backends/hx_chunkless.h"
#include "backends/hx_plain_type.h"

#ifndef HX_MISSING_NAME
#define HX_MISSING_NAME "missing"
#define HX_MISSING_WHY "its library was not there when this was built"
#endif

#ifndef HX_MISSING_ARM
#define HX_MISSING_ARM "bulk"
#endif

#define HX_BACKEND_WORKER "worker-" HX_MISSING_NAME
#define HX_FREES_EACH 0
#define HX_ZEROES 0
#define HX_REFILLS 0

static const struct hx_backend_arm hx_backend_arms[] __attribute__((unused)) = {
    {HX_MISSING_NAME, HX_MISSING_ARM, "bulk", HX_MISSING_WHY},
};

struct hx_env {
    char unused;
};

struct hx_scope {
    char unused;
};

HX_INLINE const char *hx_open(struct hx_env *env, const struct hx_open_args *args) {
    (void)env;
    (void)args;
    return HX_MISSING_WHY;
}

HX_INLINE void hx_close(struct hx_env *env) {
    (void)env;
}

HX_INLINE void hx_position(struct hx_env *env) {
    (void)env;
}

HX_INLINE void hx_scope_open(struct hx_env *env, struct hx_scope *scope) {
    (void)env;
    (void)scope;
}

HX_INLINE void hx_scope_close(struct hx_scope *scope) {
    (void)scope;
}

/* Nothing opens this backend, so nobody comes here. */
HX_INLINE void *hx_bytes(struct hx_scope *scope, size_t count) {
    (void)scope;
    hx_out_of_memory(count);
}

HX_INLINE void *hx_slice(struct hx_scope *scope, hx_type *type, size_t count) {
    return hx_bytes(scope, type->size_bytes * count);
}

HX_INLINE void *hx_new(struct hx_scope *scope, hx_type *type) {
    return hx_slice(scope, type, 1);
}

#endif
