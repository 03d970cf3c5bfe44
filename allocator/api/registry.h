/* registry.h - the heaps of this process, for whoever gets only an address (the fault handler) or all of them (fork).
 *
 * Why global: a signal handler has no parameter, fork has none either. Locking: one lock for changes; readers walk without it, so
 * a heap is taken off before its memory goes.
 *
 * Fork: the child may allocate, free and collect in every heap, whatever the other threads were doing. No heap is closed
 * meanwhile, the world lock is held, and every ranked lock is free in the child (os/lock_fork.h). What other threads had half
 * done to arenas of their own stays half done: those arenas are not the child's to use. */
#ifndef UA_API_REGISTRY_H
#define UA_API_REGISTRY_H

#include "heap/heap.h"

void ua_registry_add(struct ua_heap *heap);
/* Takes the heap off and calls destroy, while no fork happens. Fatal when it is not there. */
void ua_registry_close(struct ua_heap *heap, void (*destroy)(struct ua_heap *heap));
/* The chunk of any heap that holds the address and is out of use; NULL otherwise. Safe in a signal handler. */
const struct ua_span *ua_registry_freed_chunk(uintptr_t address);
/* Sees to it, once a process, that forks are handled. 0, or -1 after ua_error_set. */
int ua_registry_watch_forks(void);

#endif
