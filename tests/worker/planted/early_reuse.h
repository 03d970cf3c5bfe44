/* early_reuse.h - every 2,000th allocation starts the scope's memory again while its objects are alive. */
#ifndef PLANTED_EARLY_REUSE_H
#define PLANTED_EARLY_REUSE_H

#include "worker/planted/planted.h"

static void *planted_after(struct hx_scope *scope, void *object, size_t bytes, bool typed) {
    (void)bytes;
    (void)typed;
    if (++planted_count % 2000 == 0) {
        scope->env->next = scope->mark;
    }
    return object;
}

#include "worker/planted/planted_calls.inc"

#endif
