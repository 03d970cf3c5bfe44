/* hx_backend_glue.h - the backend of this program, for the parts of the worker that are compiled without its header.
 *
 * Why: only scenarios need the allocator inlined. Opening, closing and reading its books happen outside every figure, so one
 * file compiled against the backend header (hx_backend_glue.c) offers them as plain functions. */
#ifndef HX_BACKEND_GLUE_H
#define HX_BACKEND_GLUE_H

#include "backends/hx_backend.h"

struct hx_env;

extern const char *const hx_glue_worker;              /* "worker-malloc" */
extern const struct hx_backend_arm *const hx_glue_arms;
extern const size_t hx_glue_arm_count;
extern const bool hx_glue_any_name; /* other backends than the listed one run here under their own name (preloaded) */
extern const bool hx_glue_refills;  /* chunks are counted: each block must take as many as every other, at least one or, where
                                       the backend never takes one again, none */
extern const bool hx_glue_collects; /* what is counted are collections: at least one a block, not the same number in all */
extern const char *const hx_glue_threads_absent; /* why there is no cell of several threads, or NULL */
extern const char *const hx_glue_huge_absent; /* why the allocator cannot ask for huge pages, or NULL */

extern const bool hx_glue_litters; /* the heap is malloc's, and scattered objects change it (hx_litter.h) */
extern const bool hx_glue_shares; /* environments share the first one's heap */

extern const char *const hx_glue_memory; /* the malloc that the backend takes its memory from, or NULL: its own mappings */

/* Why the arm cannot run here (a library that is not installed, too), or NULL. */
const char *hx_glue_absent(const struct hx_backend_arm *arm);

/* One environment a thread; memory from mmap. NULL in *env on failure, with the reason returned; else returns NULL. */
const char *hx_glue_open(const struct hx_open_args *args, struct hx_env **env);
void hx_glue_close(struct hx_env *env);
bool hx_glue_positions(const struct hx_env *env); /* false: hx_glue_position does nothing */
void hx_glue_position(struct hx_env *env);
void hx_glue_block_end(struct hx_env *env); /* inside the block's time */
uint64_t hx_glue_refills_now(const struct hx_env *env);
size_t hx_glue_trace(const struct hx_env *env, struct hx_gc_phase *rows); /* rows: HX_GC_PHASES_MAX of them */
size_t hx_glue_ledger(const struct hx_env *env, struct hx_ledger_row *rows); /* rows: HX_LEDGER_ROWS_MAX of them */

#endif
