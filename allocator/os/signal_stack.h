/* signal_stack.h - a stack of its own for the signal handlers of a thread.
 *
 * Why: a fault may be a stack overflow, or happen on a stack too small for a handler. Why a mapping and not a thread-local
 * array: that would be carved out of the stack of every thread of the process, and small ones could not start any more. */
#ifndef UA_OS_SIGNAL_STACK_H
#define UA_OS_SIGNAL_STACK_H

#include "base/base.h"

/* Gives the calling thread one, unless it has one already, until it ends. 0 or an errno. */
int ua_signal_stack_need(void);

#endif
