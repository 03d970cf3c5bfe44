/* missed_root.h - libua's collected heap, with the plan's memory not named as a root: the collector frees what only that points to. */
#ifndef PLANTED_MISSED_ROOT_H
#define PLANTED_MISSED_ROOT_H

#define hx_slice sound_slice
#define hx_new sound_new
#define hx_bytes sound_bytes
#include "backends/hx_backend_gcheap.h"
#undef hx_slice
#undef hx_new
#undef hx_bytes
#undef HX_ROOT

static unsigned long planted_count __attribute__((unused));

/* Collections come often, or a short run would hardly meet one. */
static void *planted_after(struct hx_scope *scope, void *object, size_t bytes, bool typed) {
    (void)bytes;
    (void)typed;
    if (++planted_count % 1000 == 0) {
        ua_collect(scope->env->heap);
    }
    return object;
}

#include "worker/planted/planted_calls.inc"

#endif
