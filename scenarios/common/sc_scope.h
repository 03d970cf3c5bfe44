/* sc_scope.h - how a scenario allocates: the backend's calls, with or without probes.
 *
 * Why: a scenario is written once and compiled per backend, form and probe. Its whole contact with the allocator is in here:
 *
 *   sc_root(run, at, bytes)      memory of the plan that will hold pointers to objects; before the first of them is there
 *   sc_arrivals(run)             open loop: a schedule of intended starts begins
 *   sc_arrival(run, due_ns)      the next life may not begin before, and its latency counts from there
 *   sc_scope_open(run, &scope)   a life begins                     (phase alloc)
 *   sc_hold_open, sc_hold_close  the same for a scope that lives are built beside: no request of its own
 *   sc_new sc_slice sc_bytes     allocation requests, each one op (sc_new_runtime: out of line)
 *   sc_use(&scope)               building is over, reading begins  (phase use)
 *   sc_release(&scope)           reading is over; under HX_FREES_EACH the scenario now walks and frees by sc_free
 *   sc_scope_close(&scope)       the life ends
 *
 * HX_PROBE is a constant (worker/hx_probe.h): with HX_PROBE_NONE each function is the backend's call alone. Objects are
 * written in full unless the scenario says SC_ZEROED 1; nobody allocates 0 bytes. */
#ifndef SC_SCOPE_H
#define SC_SCOPE_H

#ifndef HX_BACKEND_HEADER
#error "compile scenarios through the target of a backend: it defines HX_BACKEND_HEADER"
#endif
#include HX_BACKEND_HEADER

#include "backends/hx_backend_defaults.h"
#include "scenarios/common/sc_scenario.h"
#include "worker/hx_probe.h"

struct sc_scope {
    struct hx_scope hx;
    struct hx_probe *probe;
    uint64_t live_bytes; /* form CALLS: requested in this scope and not freed */
};

/* The compiler must assume that memory was read and written here: what was built is really built before it is read back. */
HX_INLINE void sc_barrier(void) {
    __asm__ volatile("" ::: "memory");
}

/* A collector looks at stacks and registers by itself, at a plan's memory only when it is named. */
HX_INLINE void sc_root(struct sc_run *run, const void *at, size_t bytes) {
    HX_ROOT(run->env, at, bytes);
}

HX_INLINE void sc_arrivals(struct sc_run *run) {
    if (HX_PROBE != HX_PROBE_NONE) {
        hx_probe_arrivals_begin(run->probe);
    }
}

HX_INLINE void sc_arrival(struct sc_run *run, uint64_t due_ns) {
    if (HX_PROBE != HX_PROBE_NONE) {
        hx_probe_arrival(run->probe, due_ns);
    }
}

HX_INLINE void sc_scope_open(struct sc_run *run, struct sc_scope *scope) {
    if (HX_PROBE != HX_PROBE_NONE) {
        scope->probe = run->probe;
        scope->live_bytes = 0;
        hx_probe_request_begin(scope->probe);
    }
    hx_scope_open(run->env, &scope->hx);
}

/* What is allocated here counts as setting up lives (phase alloc), its end as phase release. */
HX_INLINE void sc_hold_open(struct sc_run *run, struct sc_scope *scope) {
    if (HX_PROBE != HX_PROBE_NONE) {
        scope->probe = run->probe;
        scope->live_bytes = 0;
        hx_probe_phase(scope->probe, HX_PHASE_ALLOC);
    }
    hx_scope_open(run->env, &scope->hx);
}

HX_INLINE void sc_hold_close(struct sc_scope *scope) {
    sc_barrier();
    if (HX_PROBE != HX_PROBE_NONE) {
        hx_probe_phase(scope->probe, HX_PHASE_RELEASE);
    }
    hx_scope_close(&scope->hx);
    if (HX_PROBE != HX_PROBE_NONE) {
        scope->probe->live_bytes -= scope->live_bytes;
        hx_probe_phase(scope->probe, HX_PHASE_IDLE);
    }
}

HX_INLINE void sc_use(struct sc_scope *scope) {
    sc_barrier();
    if (HX_PROBE != HX_PROBE_NONE) {
        hx_probe_use_begin(scope->probe);
    }
}

HX_INLINE void sc_release(struct sc_scope *scope) {
    sc_barrier();
    if (HX_PROBE != HX_PROBE_NONE) {
        hx_probe_release_begin(scope->probe);
    }
}

HX_INLINE void sc_scope_close(struct sc_scope *scope) {
    hx_scope_close(&scope->hx);
    if (HX_PROBE != HX_PROBE_NONE) {
        hx_probe_live_drop(scope->probe, scope->live_bytes);
        hx_probe_request_end(scope->probe);
    }
}

/* A scope inside an open one, of the same life: no request of its own. Ends before the outer one goes on allocating. */
HX_INLINE void sc_scope_open_inner(struct sc_run *run, struct sc_scope *scope) {
    if (HX_PROBE != HX_PROBE_NONE) {
        scope->probe = run->probe;
        scope->live_bytes = 0;
    }
    hx_scope_open(run->env, &scope->hx);
}

HX_INLINE void sc_scope_close_inner(struct sc_scope *scope) {
    hx_scope_close(&scope->hx);
    if (HX_PROBE != HX_PROBE_NONE) {
        scope->probe->live_bytes -= scope->live_bytes;
    }
}

/* Form CALLS only: before and after one allocation. */
HX_INLINE uintptr_t sc_alloc_begin(struct sc_scope *scope) {
    uintptr_t chunk = HX_REFILLS ? hx_chunk(&scope->hx) : 0;
    hx_probe_call_begin(scope->probe, HX_CALL_ALLOC);
    return chunk;
}

HX_INLINE void sc_alloc_end(struct sc_scope *scope, uintptr_t chunk, size_t size_bytes, size_t count, unsigned kind) {
    hx_probe_call_end(scope->probe, HX_CALL_ALLOC, HX_REFILLS && chunk != hx_chunk(&scope->hx));
    scope->live_bytes += (uint64_t)size_bytes * count;
    hx_probe_count(scope->probe, size_bytes, count, kind);
}

/* One object of a type. */
HX_INLINE void *sc_new(struct sc_scope *scope, hx_type *type) {
    if (HX_PROBE != HX_PROBE_CALLS) {
        return hx_new(&scope->hx, type);
    }
    uintptr_t chunk = sc_alloc_begin(scope);
    void *object = hx_new(&scope->hx, type);
    sc_alloc_end(scope, chunk, hx_type_size_bytes(type), 1, 0);
    return object;
}

/* One object of a type known at run time only: the backend's out-of-line path, where it has one of its own. */
HX_INLINE void *sc_new_runtime(struct sc_scope *scope, hx_type *type) {
    if (HX_PROBE != HX_PROBE_CALLS) {
        return HX_NEW_RUNTIME(&scope->hx, type);
    }
    uintptr_t chunk = sc_alloc_begin(scope);
    void *object = HX_NEW_RUNTIME(&scope->hx, type);
    sc_alloc_end(scope, chunk, hx_type_size_bytes(type), 1, 0);
    return object;
}

/* `count` (> 0) objects of a type, side by side. */
HX_INLINE void *sc_slice(struct sc_scope *scope, hx_type *type, size_t count) {
    if (HX_PROBE != HX_PROBE_CALLS) {
        return hx_slice(&scope->hx, type, count);
    }
    uintptr_t chunk = sc_alloc_begin(scope);
    void *objects = hx_slice(&scope->hx, type, count);
    sc_alloc_end(scope, chunk, hx_type_size_bytes(type), count, 1);
    return objects;
}

/* `count` (> 0) bytes without pointers. */
HX_INLINE void *sc_bytes(struct sc_scope *scope, size_t count) {
    if (HX_PROBE != HX_PROBE_CALLS) {
        return hx_bytes(&scope->hx, count);
    }
    uintptr_t chunk = sc_alloc_begin(scope);
    void *bytes = hx_bytes(&scope->hx, count);
    sc_alloc_end(scope, chunk, 1, count, 2);
    return bytes;
}

/* Ends one object of size_bytes as it was requested. Only under HX_FREES_EACH. */
HX_INLINE void sc_free(struct sc_scope *scope, void *object, size_t size_bytes) {
    if (HX_PROBE != HX_PROBE_CALLS) {
        hx_free(&scope->hx, object);
        return;
    }
    hx_probe_call_begin(scope->probe, HX_CALL_FREE);
    hx_free(&scope->hx, object);
    hx_probe_call_end(scope->probe, HX_CALL_FREE, false);
    scope->live_bytes -= size_bytes;
    hx_probe_live_drop(scope->probe, size_bytes);
    scope->probe->frees++;
}

#endif
