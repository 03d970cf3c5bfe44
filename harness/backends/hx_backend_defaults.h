/* hx_backend_defaults.h - what a backend gets that says nothing of its own; include it after the backend's header.
 *
 * Why: only collected backends have roots, collections and blocks that must end with one. The others need not know. */
#ifndef HX_BACKEND_DEFAULTS_H
#define HX_BACKEND_DEFAULTS_H

/* 1: memory comes back by collections alone. Blocks then begin after one, hold at least one, and hx_refills counts them. */
#ifndef HX_COLLECTS
#define HX_COLLECTS 0
#endif
/* Not NULL: why this allocator cannot ask for huge pages. Where the kernel gives them to all who do not refuse, it has them anyway. */
#ifndef HX_HUGE_ABSENT
#define HX_HUGE_ABSENT NULL
#endif
/* The last thing inside a timed block. */
#ifndef HX_BLOCK_END
#define HX_BLOCK_END(env) ((void)(env))
#endif
/* Memory outside the heap that holds pointers to objects while the scenario runs; naming it again is free. */
#ifndef HX_ROOT
#define HX_ROOT(env, at, bytes) ((void)(env), (void)(at), (void)(bytes))
#endif
/* Collections that the backend knows of as rows, oldest first, at most HX_GC_PHASES_MAX; how many. */
#ifndef HX_TRACE
#define HX_TRACE(env, rows) ((void)(env), (void)(rows), (size_t)0)
#endif

#endif
