/* hx_chunkless.h - what a backend answers about chunks and books when it has none.
 *
 * Why: refills, chunk ends and a ledger are libua's. Every other backend includes this and says nothing of its own. */
#ifndef HX_CHUNKLESS_H
#define HX_CHUNKLESS_H

#include "backends/hx_backend.h"

struct hx_env;
struct hx_scope;

HX_INLINE uint64_t hx_refills(const struct hx_env *env) {
    (void)env;
    return 0;
}

HX_INLINE uintptr_t hx_chunk(const struct hx_scope *scope) {
    (void)scope;
    return 0;
}

HX_INLINE size_t hx_ledger(const struct hx_env *env, struct hx_ledger_row *rows) {
    (void)env;
    (void)rows;
    return 0;
}

#endif
