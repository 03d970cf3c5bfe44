/* planted.h - the bump backend with a place to go wrong: what the three planted backends share.
 *
 * Why: a checksum that no broken allocator can fail proves nothing. A planted header defines planted_after(scope, object, bytes),
 * called after each allocation, and includes this. */
#ifndef PLANTED_H
#define PLANTED_H

#define hx_new sound_new
#define hx_slice sound_slice
#define hx_bytes sound_bytes
#include "backends/hx_backend_bump.h"
#undef hx_new
#undef hx_slice
#undef hx_bytes

/* One count a compiled file: single-threaded, and only which allocation is hit depends on it. */
static unsigned long planted_count __attribute__((unused));

static void *planted_after(struct hx_scope *scope, void *object, size_t bytes, bool typed);

HX_INLINE void *hx_new(struct hx_scope *scope, hx_type *type) {
    return planted_after(scope, sound_new(scope, type), type->size_bytes, true);
}

HX_INLINE void *hx_slice(struct hx_scope *scope, hx_type *type, size_t count) {
    return planted_after(scope, sound_slice(scope, type, count), type->size_bytes * count, true);
}

HX_INLINE void *hx_bytes(struct hx_scope *scope, size_t count) {
    return planted_after(scope, sound_bytes(scope, count), count, false);
}

#endif
