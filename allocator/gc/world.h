/* world.h - the threads a collection has to stop, how it stops them, and where their roots lie.
 *
 * Why by signal: a thread that waits for a mutex or sits in read() never reaches a safepoint, and a collection that waits for
 * it would deadlock. So, under roots that include stacks, each attached thread gets SIGURG and stands in the handler;
 * its registers lie on its stack by then. Under registered roots a pointer may be in a register only between two
 * safepoints, so threads stop at those alone (cooperative), or are in a blocking section.
 *
 * One list for the process, since a thread may use any heap. Guard: the world lock, held from before a stop until after the
 * start, so that no thread comes or goes meanwhile. A stopped thread may hold a lock of the C library: between stop and
 * start nothing here or in the collector calls malloc, stdio or the dynamic linker.
 *
 *   running --signal or safepoint--> stopped --start--> running
 *   running --blocking begin--> blocking (counts as stopped) --blocking end--> running, waits while the world is stopped */
#ifndef ALLOCATOR_GC_WORLD_H
#define ALLOCATOR_GC_WORLD_H

#include "base/base.h"

enum ua_world_stop { UA_WORLD_BY_SIGNAL, UA_WORLD_COOPERATIVE };

/* Everything in [at, at + bytes), word-aligned, may hold pointers. */
typedef void ua_world_range_fn(void *context, const void *at, size_t bytes);

/* See ua_thread_attach and friends in ua_gc.h. attach: 0 or an errno. */
int ua_world_attach(void);
void ua_world_detach(void);
bool ua_world_is_attached(void);
/* Attached, and not in a blocking section. */
bool ua_world_is_running(void);
/* Called by a thread that is about to be detached, at its end too; set once, before threads use it. */
extern void (*ua_world_detach_hook)(void);
void ua_world_blocking_begin(void);
void ua_world_blocking_end(void);
void ua_world_safepoint(void);

/* The world lock. Taking it is a blocking section, so that two collections do not wait for each other. */
void ua_world_lock(void);
void ua_world_unlock(void);

/* Stops every attached thread but the caller; starts them again. World lock held. */
void ua_world_stop(enum ua_world_stop how);
void ua_world_start(void);
size_t ua_world_thread_count(void);

/* With the world stopped: the stacks (registers included) of all attached threads, the caller's too, and their
 * thread-local variables. Returns the bytes of stack. */
size_t ua_world_each_stack(ua_world_range_fn *fn, void *context);
size_t ua_world_each_tls(ua_world_range_fn *fn, void *context);
/* The whole stacks, from their lowest address, used or not. */
void ua_world_each_whole_stack(ua_world_range_fn *fn, void *context);

/* Refreshes what is known of the calling thread's thread-local variables. Not with the world stopped. */
void ua_world_note_tls(void);

/* For the fork handler (api/registry.c): after fork only the calling thread is left in the child. prepare takes the world lock,
 * the others give it back. */
void ua_world_fork_prepare(void);
void ua_world_fork_parent(void);
void ua_world_fork_child(void);
enum ua_world_fork { UA_FORK_PREPARE, UA_FORK_PARENT, UA_FORK_CHILD };
/* Called in all three with the world lock held. World lock held; one hook for the process. */
void ua_world_at_fork(void (*hook)(enum ua_world_fork when));

#endif
