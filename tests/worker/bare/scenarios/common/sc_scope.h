/* sc_scope.h of a build without the harness: the backend's calls and nothing else.
 *
 * Why: test worker_probe_free compiles the scenarios against this header too and wants the very same instructions as from the real
 * one in form HX_PROBE_NONE. It includes nothing of harness/worker. The scope keeps the room of the two fields that only probes use,
 * so that stack frames are alike. */
#ifndef SC_SCOPE_H
#define SC_SCOPE_H

#include HX_BACKEND_HEADER

#include "scenarios/common/sc_scenario.h"

struct sc_scope {
    struct hx_scope hx;
    void *unused_pointer;
    uint64_t unused_word;
};

HX_INLINE void sc_scope_open(struct sc_run *run, struct sc_scope *scope) {
    hx_scope_open(run->env, &scope->hx);
}

HX_INLINE void sc_use(struct sc_scope *scope) {
    (void)scope;
    __asm__ volatile("" ::: "memory");
}

HX_INLINE void sc_release(struct sc_scope *scope) {
    (void)scope;
    __asm__ volatile("" ::: "memory");
}

HX_INLINE void sc_scope_close(struct sc_scope *scope) {
    hx_scope_close(&scope->hx);
}

HX_INLINE void *sc_new(struct sc_scope *scope, hx_type *type) {
    return hx_new(&scope->hx, type);
}

HX_INLINE void *sc_slice(struct sc_scope *scope, hx_type *type, size_t count) {
    return hx_slice(&scope->hx, type, count);
}

HX_INLINE void *sc_bytes(struct sc_scope *scope, size_t count) {
    return hx_bytes(&scope->hx, count);
}

HX_INLINE void sc_free(struct sc_scope *scope, void *object, size_t size_bytes) {
    (void)size_bytes;
    hx_free(&scope->hx, object);
}

#endif
