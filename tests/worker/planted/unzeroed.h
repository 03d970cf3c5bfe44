/* unzeroed.h - every 100th typed object holds what was there before: a broken calloc. */
#ifndef PLANTED_UNZEROED_H
#define PLANTED_UNZEROED_H

#include "worker/planted/planted.h"

static void *planted_after(struct hx_scope *scope, void *object, size_t bytes, bool typed) {
    (void)scope;
    if (typed && ++planted_count % 100 == 0) {
        memset(object, 0x5a, bytes);
    }
    return object;
}

#include "worker/planted/planted_calls.inc"

#endif
