/* futex.h - sleeping on a word until another thread changes it; private to the process.
 *
 * Why not a condition variable: a stopped thread may hold its mutex, and the collector sleeps while threads stand. */
#ifndef UA_OS_FUTEX_H
#define UA_OS_FUTEX_H

#include <stdint.h>

#define UA_FUTEX_FOR_EVER UINT64_MAX

/* Returns when the word is not `value` any more, somebody woke it, or timeout_ns are over; may return early.
 * errno stays as it is: a thread sleeps where it gives up a lock, after what failed has set it. */
void ua_futex_wait(uint32_t *word, uint32_t value, uint64_t timeout_ns);
/* Wakes everybody who sleeps on the word. */
void ua_futex_wake(uint32_t *word);

#endif
