/* chunk_ahead.c - prezero=background: a helper keeps the first chunks of the ready list mapped and cleared. See chunk.h.
 *
 * A chunk stays on the ready list while it is prepared, marked so that nobody takes or trims it meanwhile. Prepared memory is
 * the ledger's kept_resident. Whoever takes a chunk before the helper got to it clears it in windows, as prezero=window: the
 * helper is never waited for. */
#include "heap/chunk.h"
#include "heap/chunk_state.h"

#define AHEAD_CHUNKS 2

/* The first chunk near the front of the list that is not prepared, now marked; NULL when all are. Guard: lock. */
static struct ua_span *choose(struct ua_chunk_pool *pool)
{
    size_t near = AHEAD_CHUNKS;

    for (struct ua_node *node = pool->ready.first; node != NULL && near > 0; node = node->next, near--) {
        struct ua_span *chunk = UA_CONTAINER(node, struct ua_span, node);

        if (chunk->ahead == UA_AHEAD_NO) {
            chunk->ahead = UA_AHEAD_BUSY;
            return chunk;
        }
    }
    return NULL;
}

/* Maps or opens it; false when the system refuses. The helper has it. */
static bool open_memory(struct ua_chunk_pool *pool, struct ua_span *chunk)
{
    if (chunk->backing == UA_BACKING_RESERVED) {
        if (ua_vm_map(pool->vm, chunk->base, chunk->bytes) != 0)
            return false;
        ua_acct_move(pool->acct, UA_ACCT_RESERVED, UA_ACCT_RELEASED, chunk->bytes);
        ua_acct_move(pool->acct, UA_ACCT_RELEASED, UA_ACCT_KEPT, chunk->bytes);
        ua_prezero_fresh(chunk);
        return true;
    }
    if (chunk->backing == UA_BACKING_PROTECTED && ua_vm_unprotect(pool->vm, chunk->base, chunk->bytes) != 0)
        return false;
    ua_prezero_recycled(chunk, chunk->free_low, chunk->free_high);
    return true;
}

static bool prepare_one(void *context)
{
    struct ua_chunk_pool *pool = context;
    struct ua_span *chunk;
    bool fresh;
    bool opened;

    ua_lock_acquire(&pool->lock);
    chunk = choose(pool);
    ua_lock_release(&pool->lock);
    if (chunk == NULL)
        return false;
    fresh = chunk->backing == UA_BACKING_RESERVED;
    opened = open_memory(pool, chunk);
    if (opened)
        ua_prezero_whole(&pool->prezero, chunk, fresh);
    ua_lock_acquire(&pool->lock);
    chunk->ahead = opened ? UA_AHEAD_DONE : UA_AHEAD_NO;
    if (opened)
        chunk->backing = UA_BACKING_OPEN;
    ua_lock_release(&pool->lock);
    return opened;
}

void ua_chunk_ahead_start(struct ua_chunk_pool *pool)
{
    pool->has_helper = pool->options->prezero == UA_PREZERO_BACKGROUND && !pool->sanitize;
    if (pool->has_helper)
        ua_helper_start(&pool->helper, prepare_one, pool);
}

void ua_chunk_ahead_stop(struct ua_chunk_pool *pool)
{
    if (pool->has_helper)
        ua_helper_stop(&pool->helper);
    pool->has_helper = false;
}

void ua_chunk_ahead_pause(struct ua_chunk_pool *pool)
{
    if (pool->has_helper)
        ua_helper_pause(&pool->helper);
}

void ua_chunk_ahead_resume(struct ua_chunk_pool *pool)
{
    if (pool->has_helper)
        ua_helper_resume(&pool->helper);
}

void ua_chunk_ahead_resume_in_child(struct ua_chunk_pool *pool)
{
    if (pool->has_helper)
        ua_helper_resume_in_child(&pool->helper);
}

void ua_chunk_ahead_wake(struct ua_chunk_pool *pool)
{
    if (pool->has_helper)
        ua_helper_wake(&pool->helper);
}
