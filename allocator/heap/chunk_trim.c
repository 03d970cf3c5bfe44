/* chunk_trim.c - pages of chunks on the ready list: whether there are any, and giving them back. See chunk.h. */
#include "heap/chunk.h"

bool ua_chunk_next_is_kept(struct ua_chunk_pool *pool)
{
    struct ua_node *node;
    bool kept;

    ua_lock_acquire(&pool->lock);
    node = pool->ready.first;
    kept = node != NULL && UA_CONTAINER(node, struct ua_span, node)->backing != UA_BACKING_RESERVED;
    ua_lock_release(&pool->lock);
    return kept;
}

size_t ua_chunk_trim(struct ua_chunk_pool *pool, size_t enough_bytes)
{
    size_t bytes = 0;

    ua_lock_acquire(&pool->lock);
    for (struct ua_node *node = pool->ready.last; node != NULL && bytes < enough_bytes; node = node->previous) {
        struct ua_span *chunk = UA_CONTAINER(node, struct ua_span, node);

        if (chunk->ahead == UA_AHEAD_BUSY || chunk->backing == UA_BACKING_RESERVED ||
            ua_vm_release(pool->vm, chunk->base, chunk->bytes) != 0)
            continue;
        chunk->backing = UA_BACKING_RESERVED;
        chunk->ahead = UA_AHEAD_NO;
        ua_acct_move(pool->acct, UA_ACCT_KEPT, UA_ACCT_RESERVED, chunk->bytes);
        bytes += chunk->bytes;
    }
    ua_lock_release(&pool->lock);
    return bytes;
}
