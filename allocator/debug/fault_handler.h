/* fault_handler.h - an optional SIGSEGV handler that says when freed arena memory was touched.
 *
 * Why optional: a library must not take a program's signals unasked. It runs on a stack of its own (the fault may be a
 * stack overflow), prints without allocating, and hands every signal on to the handler that was there before. */
#ifndef UA_DEBUG_FAULT_HANDLER_H
#define UA_DEBUG_FAULT_HANDLER_H

#include "heap/span.h"

/* Finds the out-of-use chunk that holds an address; called in the handler. */
typedef const struct ua_span *ua_fault_lookup(uintptr_t address);

/* 0 (also when installed before), or -1 after ua_error_set. The alternate stack is the calling thread's. */
int ua_fault_handler_start(ua_fault_lookup *lookup);

#endif
