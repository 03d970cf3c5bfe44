/* hx_backend_defaults.h - what a backend gets that says nothing of its own; include it after the backend's header.
 *
 * Why: only collected backends have roots, only mallocs a heap to age, only libua two ways to allocate. The others need not know, and
 * each answer for them stands here once. */
#ifndef HX_BACKEND_DEFAULTS_H
#define HX_BACKEND_DEFAULTS_H

#include "backends/hx_backend.h"

/* ---- what the worker asks --------------------------------------------------------------------------------------------- */

/* 1: other backends than the listed one run here under their own name (preloaded). */
#ifndef HX_BACKEND_ANY_NAME
#define HX_BACKEND_ANY_NAME 0
#endif
/* 1: objects scattered by malloc beforehand age this backend's heap (--litter). */
#ifndef HX_LITTERS
#define HX_LITTERS 0
#endif
/* 1: all environments of a process share one heap, which is the first one's; hx_refills and hx_ledger speak of the whole heap.
 * 0: each has its own. */
#ifndef HX_SHARES
#define HX_SHARES 0
#endif
/* Not NULL: why it runs on one thread only. */
#ifndef HX_THREADS_ABSENT
#define HX_THREADS_ABSENT NULL
#endif
/* Not NULL: why no arm can run here, found out when the worker is asked. */
#ifndef HX_BACKEND_ABSENT
#define HX_BACKEND_ABSENT() NULL
#endif
/* The malloc it takes memory from ("glibc", "mimalloc"), or NULL: the driver sets that one's page mode, and has it keep its pages. */
#ifndef HX_BACKEND_MEMORY
#define HX_BACKEND_MEMORY NULL
#endif
/* 1: memory comes back by collections alone. Blocks then begin after one, hold at least one, and hx_refills counts them. */
#ifndef HX_COLLECTS
#define HX_COLLECTS 0
#endif
/* Not NULL: why this allocator cannot ask for huge pages. Where the kernel gives them to all who do not refuse, it has them anyway. */
#ifndef HX_HUGE_ABSENT
#define HX_HUGE_ABSENT NULL
#endif
/* Has hx_position anything to do in this environment? Where not, nothing at all happens between blocks. */
#ifndef HX_POSITIONS
#define HX_POSITIONS(env) ((void)(env), true)
#endif
/* The last thing inside a timed block. */
#ifndef HX_BLOCK_END
#define HX_BLOCK_END(env) ((void)(env))
#endif
/* Collections that the backend knows of as rows, oldest first, at most HX_GC_PHASES_MAX; how many. */
#ifndef HX_TRACE
#define HX_TRACE(env, rows) ((void)(env), (void)(rows), (size_t)0)
#endif

/* ---- what scenarios call ---------------------------------------------------------------------------------------------- */

/* Memory outside the heap that holds pointers to objects while the scenario runs; naming it again is free. */
#ifndef HX_ROOT
#define HX_ROOT(env, at, bytes) ((void)(env), (void)(at), (void)(bytes))
#endif
/* hx_new by the out-of-line path, where the backend has two. */
#ifndef HX_NEW_RUNTIME
#define HX_NEW_RUNTIME hx_new
#endif
/* A pointer is stored by storing it. */
#ifndef hx_store
#define hx_store(slot, value) ((void)(*(slot) = (value)))
#endif
#if defined HX_FREES_EACH && !HX_FREES_EACH
struct hx_scope;
/* Nothing is freed alone: scenarios do not come here, but are compiled. */
HX_INLINE void hx_free(struct hx_scope *scope, void *object) {
    (void)scope;
    (void)object;
}
#endif

#endif
