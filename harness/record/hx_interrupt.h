/* hx_interrupt.h - SIGINT and SIGTERM as a descriptor.
 *
 * Why: a signal between two processes and a signal while one runs must end the run the same way: nothing half written, the
 * finished observations kept. So the signals are blocked and read from a signalfd, which hx_spawn polls beside the worker.
 * One a process; call before any thread is started. hx_spawn gives its children an empty mask again. */
#ifndef HX_INTERRUPT_H
#define HX_INTERRUPT_H

#include "record/hx_error.h"

/* Blocks SIGINT, SIGTERM and SIGHUP and returns the descriptor, or -1 with one line. */
int hx_interrupt_open(struct hx_error *error);

/* The signal that arrived (it is consumed and remembered: later calls return it again), or 0. Never waits. */
int hx_interrupt_signal(int fd);

#endif
