/* verify.h - the heap verifier: everything that is counted or listed is counted again by walking.
 *
 * Why: ledger, lists, states and bitmap are kept up to date by different code; a walk that trusts none of them finds the
 * one that drifted. Used by tests after every step and by option verify=full. The world stands still meanwhile. */
#ifndef UA_DEBUG_VERIFY_H
#define UA_DEBUG_VERIFY_H

#include "arena/arena.h"

/* Fatal at the first difference; the number of chunks that were ever reserved. */
size_t ua_verify_heap(struct ua_heap *heap);

#endif
