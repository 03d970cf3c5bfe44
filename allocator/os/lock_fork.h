/* lock_fork.h - ranked locks and deferrals across fork: in the child nothing is held and nothing is half done.
 *
 * Why not hold every lock meanwhile: a deferral (lock.h) is no lock, and a heap has a dozen of them. Instead a gate is closed:
 * whoever takes a first lock or begins a deferral waits there; who is inside comes out. Then the process is copied.
 *
 *   ua_lock_gate_close()  from here on nobody new gets in, but for a thread that holds a lock already
 *   ...                   the caller stops and starts the world once: attached threads are out of their deferrals
 *   ua_lock_gate_wait()   every lock was free once since: all are
 *   fork
 *   ua_lock_gate_open()   the parent;  ua_lock_gate_child() the child: locks are as new, since one that gets in sees the gate
 *                         only with the mutex in its hands, and may have been copied so
 * The caller holds one lock all the way, which lets it pass, and is the only one to do this. */
#ifndef UA_OS_LOCK_FORK_H
#define UA_OS_LOCK_FORK_H

#include "os/lock.h"

void ua_lock_gate_close(void);
void ua_lock_gate_wait(void);
void ua_lock_gate_open(void);
void ua_lock_gate_child(void);

#endif
