/* fault_handler.h - an optional SIGSEGV handler that says when freed arena memory was touched.
 *
 * Why optional: a library must not take a program's signals unasked. It runs on a stack of its own (the fault may be a
 * stack overflow), prints without allocating, and hands every signal on to the handler that was there before, as the kernel
 * would have called it: with its mask, once only if it asked for that, and to nobody if the signal was ignored. */
#ifndef UA_DEBUG_FAULT_HANDLER_H
#define UA_DEBUG_FAULT_HANDLER_H

#include "heap/span.h"

/* Finds the out-of-use chunk that holds an address; called in the handler. */
typedef const struct ua_span *ua_fault_lookup(uintptr_t address);

/* 0 (also when installed before), or -1 after ua_error_set. Each call gives the calling thread an alternate stack. */
int ua_fault_handler_start(ua_fault_lookup *lookup);

#endif
