/* dump.h - a heap as text, one item a line: for people, tests and bug reports. */
#ifndef UA_DEBUG_DUMP_H
#define UA_DEBUG_DUMP_H

#include "heap/heap.h"

/* Writes to the descriptor; 0 or the errno of write. Nobody else uses the heap meanwhile. Takes no memory of the heap. */
int ua_dump_heap(struct ua_heap *heap, int fd);

#endif
