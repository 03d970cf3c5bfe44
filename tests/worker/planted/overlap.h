/* overlap.h - every 500th object shares its last 8 bytes with the next one. */
#ifndef PLANTED_OVERLAP_H
#define PLANTED_OVERLAP_H

#include "worker/planted/planted.h"

static void *planted_after(struct hx_scope *scope, void *object, size_t bytes, bool typed) {
    (void)typed;
    if (++planted_count % 500 == 0 && bytes >= 8) {
        scope->env->next -= 8;
    }
    return object;
}

#include "worker/planted/planted_calls.inc"

#endif
