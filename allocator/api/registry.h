/* registry.h - the heaps of this process, for whoever gets only an address: the fault handler.
 *
 * Why global: a signal handler has no parameter. Locking: one lock for changes; readers walk without it, so a heap is taken
 * off before its memory goes. */
#ifndef UA_API_REGISTRY_H
#define UA_API_REGISTRY_H

#include "heap/heap.h"

void ua_registry_add(struct ua_heap *heap);
void ua_registry_remove(struct ua_heap *heap);
/* The chunk of any heap that holds the address and is out of use; NULL otherwise. Safe in a signal handler. */
const struct ua_span *ua_registry_freed_chunk(uintptr_t address);

#endif
