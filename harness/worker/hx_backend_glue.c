/* hx_backend_glue.c - see hx_backend_glue.h; compiled once a worker with that worker's HX_BACKEND_HEADER. */
#include HX_BACKEND_HEADER

#include "worker/hx_backend_glue.h"

#include "backends/hx_backend_defaults.h"

const char *const hx_glue_worker = HX_BACKEND_WORKER;
const struct hx_backend_arm *const hx_glue_arms = hx_backend_arms;
const size_t hx_glue_arm_count = HX_COUNT_OF(hx_backend_arms);
const bool hx_glue_any_name = HX_BACKEND_ANY_NAME;
const bool hx_glue_refills = HX_REFILLS;
const bool hx_glue_litters = HX_LITTERS;
const bool hx_glue_shares = HX_SHARES;
const bool hx_glue_collects = HX_COLLECTS;
const char *const hx_glue_threads_absent = HX_THREADS_ABSENT;
const char *const hx_glue_huge_absent = HX_HUGE_ABSENT;
const char *const hx_glue_memory = HX_BACKEND_MEMORY;

const char *hx_glue_absent(const struct hx_backend_arm *arm) {
    return arm->absent != NULL ? arm->absent : HX_BACKEND_ABSENT();
}

const char *hx_glue_open(const struct hx_open_args *args, struct hx_env **env) {
    *env = NULL;
    struct hx_env *opened = hx_map(sizeof *opened);
    if (opened == NULL) {
        return "out of memory";
    }
    const char *why = hx_open(opened, args);
    if (why != NULL) {
        hx_unmap(opened, sizeof *opened);
        return why;
    }
    *env = opened;
    return NULL;
}

void hx_glue_close(struct hx_env *env) {
    hx_close(env);
    hx_unmap(env, sizeof *env);
}

bool hx_glue_positions(const struct hx_env *env) {
    return HX_POSITIONS(env);
}

void hx_glue_position(struct hx_env *env) {
    hx_position(env);
}

void hx_glue_block_end(struct hx_env *env) {
    HX_BLOCK_END(env);
}

uint64_t hx_glue_refills_now(const struct hx_env *env) {
    return hx_refills(env);
}

size_t hx_glue_trace(const struct hx_env *env, struct hx_gc_phase *rows) {
    return HX_TRACE(env, rows);
}

size_t hx_glue_ledger(const struct hx_env *env, struct hx_ledger_row *rows) {
    return hx_ledger(env, rows);
}
