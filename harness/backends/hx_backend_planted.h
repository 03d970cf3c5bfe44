/* hx_backend_planted.h - the bump backend with one known cost, chosen by form. What for: hx_planted.h. */
#ifndef HX_BACKEND_PLANTED_H
#define HX_BACKEND_PLANTED_H

#define hx_open sound_open
#define hx_new sound_new
#define hx_slice sound_slice
#define hx_bytes sound_bytes
#define hx_backend_arms sound_arms
#include "backends/hx_backend_bump.h"
#undef hx_open
#undef hx_new
#undef hx_slice
#undef hx_bytes
#undef hx_backend_arms
#undef HX_BACKEND_WORKER

#include "backends/hx_planted.h"

#define HX_BACKEND_WORKER "worker-planted"
static const struct hx_backend_arm hx_backend_arms[] __attribute__((unused)) = {
    {"planted", "plain", "plain", NULL},     {"planted", "chain", "chain", NULL}, {"planted", "steps", "steps", NULL},
    {"planted", "syscall", "syscall", NULL}, {"planted", "stall", "stall", NULL},
};

HX_INLINE const char *hx_open(struct hx_env *env, const struct hx_open_args *args) {
    const char *why = hx_plant_open(args->arm);
    return why != NULL ? why : sound_open(env, args);
}

HX_INLINE void *hx_new(struct hx_scope *scope, hx_type *type) {
    return hx_plant(sound_new(scope, type));
}

HX_INLINE void *hx_slice(struct hx_scope *scope, hx_type *type, size_t count) {
    return hx_plant(sound_slice(scope, type, count));
}

HX_INLINE void *hx_bytes(struct hx_scope *scope, size_t count) {
    return hx_plant(sound_bytes(scope, count));
}

#endif
