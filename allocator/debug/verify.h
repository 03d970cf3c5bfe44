/* verify.h - the heap verifier: everything that is counted or listed is counted again by walking.
 *
 * Why: ledger, lists, states and bitmap are kept up to date by different code; a walk that trusts none of them finds the
 * one that drifted. The whole of it is for a heap that nobody uses: tests, after every step. Option verify=full looks after each phase
 * of a collection, with threads stopped in the middle of what they do: at what is changed under one lock (decision 0051). */
#ifndef UA_DEBUG_VERIFY_H
#define UA_DEBUG_VERIFY_H

#include "arena/arena.h"

/* Fatal at the first difference; the number of chunks that were ever reserved. */
size_t ua_verify_heap(struct ua_heap *heap);
/* Lists against the states of chunks; counts of small objects' spans. World stopped. Fatal likewise. */
void ua_verify_stopped(struct ua_heap *heap);

#endif
