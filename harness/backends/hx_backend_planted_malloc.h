/* hx_backend_planted_malloc.h - glibc's malloc, nothing freed, and in form `wide` 4 KiB more for each object, touched once.
 *
 * Why nothing is freed: each object lies on new pages then, so 4 KiB more are exactly one page and one fault more. */
#ifndef HX_BACKEND_PLANTED_MALLOC_H
#define HX_BACKEND_PLANTED_MALLOC_H

#define HX_FORM_nofree 1
#define hx_new sound_new
#define hx_slice sound_slice
#define hx_bytes sound_bytes
#define hx_backend_arms sound_arms
#include "backends/hx_backend_malloc.h"
#undef hx_new
#undef hx_slice
#undef hx_bytes
#undef hx_backend_arms
#undef HX_BACKEND_WORKER
#undef HX_BACKEND_ANY_NAME

#include "backends/hx_planted.h"

#define HX_BACKEND_WORKER "worker-planted-malloc"
static const struct hx_backend_arm hx_backend_arms[] __attribute__((unused)) = {
    {"planted-malloc", "plain", "plain", NULL},
    {"planted-malloc", "wide", "wide", NULL},
};

HX_INLINE void *hx_plant_wide(struct hx_scope *scope, size_t bytes) {
    size_t extra_bytes = HX_PLANT == HX_PLANT_wide ? HX_PLANT_EXTRA_BYTES : 0;
    char *object = sound_bytes(scope, bytes + extra_bytes);
    if (extra_bytes != 0) {
        ((volatile char *)object)[bytes + extra_bytes - 1] = 1;
    }
    return SC_ZEROED ? memset(object, 0, bytes) : object;
}

HX_INLINE void *hx_new(struct hx_scope *scope, hx_type *type) {
    return hx_plant_wide(scope, type->size_bytes);
}

HX_INLINE void *hx_slice(struct hx_scope *scope, hx_type *type, size_t count) {
    return hx_plant_wide(scope, type->size_bytes * count);
}

HX_INLINE void *hx_bytes(struct hx_scope *scope, size_t count) {
    return hx_plant_wide(scope, count);
}

#endif
