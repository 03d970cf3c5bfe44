/* chunk_state.h - the legal moves of a chunk's state; shared by the two files of the chunk pool and nobody else. */
#ifndef UA_HEAP_CHUNK_STATE_H
#define UA_HEAP_CHUNK_STATE_H

#include "heap/span.h"

/* Bit s of entry f: a chunk in state f may go to state s. */
static inline void ua_chunk_set_state(struct ua_span *chunk, enum ua_chunk_state to)
{
    static const uint8_t legal[] = {
        [UA_CHUNK_FRESH] = 1u << UA_CHUNK_ACTIVE,
        [UA_CHUNK_READY] = 1u << UA_CHUNK_ACTIVE,
        /* FRESH and READY: taking it failed; READY and QUARANTINE: freed while active (sanitizers, kept). */
        [UA_CHUNK_ACTIVE] = 1u << UA_CHUNK_FULL | 1u << UA_CHUNK_REUSE | 1u << UA_CHUNK_FRESH | 1u << UA_CHUNK_READY |
                            1u << UA_CHUNK_FAULT | 1u << UA_CHUNK_QUARANTINE,
        /* ACTIVE: an allocation that failed, or a scope's rewind, makes the last full chunk active again. */
        [UA_CHUNK_FULL] = 1u << UA_CHUNK_ACTIVE | 1u << UA_CHUNK_FAULT | 1u << UA_CHUNK_QUARANTINE | 1u << UA_CHUNK_READY,
        [UA_CHUNK_REUSE] = 1u << UA_CHUNK_ACTIVE,
        [UA_CHUNK_FAULT] = 1u << UA_CHUNK_QUARANTINE | 1u << UA_CHUNK_READY,
        [UA_CHUNK_QUARANTINE] = 1u << UA_CHUNK_READY,
    };

    UA_CHECK((legal[chunk->chunk_state] >> to) & 1, "chunk: illegal change of state");
    __atomic_store_n(&chunk->chunk_state, to, __ATOMIC_RELEASE);
}

#endif
