/* stats.c - filling the public snapshot from ledger, lists and counters. */
#include "arena/cache.h"
#include "include/ua.h"

static uint64_t load(const uint64_t *cell)
{
    return __atomic_load_n(cell, __ATOMIC_RELAXED);
}

static void read_ledger(const struct ua_acct *acct, struct ua_stats *stats)
{
    stats->reserved_bytes = ua_acct_read(acct, UA_ACCT_RESERVED);
    stats->heap_released_bytes = ua_acct_read(acct, UA_ACCT_RELEASED);
    stats->heap_in_use_bytes = ua_acct_read(acct, UA_ACCT_IN_USE);
    stats->heap_free_bytes = ua_acct_read(acct, UA_ACCT_FREE);
    stats->kept_resident_bytes = ua_acct_read(acct, UA_ACCT_KEPT);
    stats->meta_bytes = ua_acct_read(acct, UA_ACCT_META);
    stats->committed_bytes = stats->heap_in_use_bytes + stats->heap_free_bytes;
    stats->in_heap_bytes = stats->heap_in_use_bytes;
    stats->mapped_ready_bytes = ua_acct_mapped_ready(acct);
    stats->heap_live_bytes = load(&acct->heap_live);
    stats->heap_marked_bytes = load(&acct->heap_marked);
    stats->heap_scan_bytes = load(&acct->heap_scan);
    stats->scan_alloc_bytes = load(&acct->scan_alloc);
    stats->total_alloc_bytes = load(&acct->total_alloc);
    stats->total_free_bytes = load(&acct->total_free);
    stats->large_alloc_bytes = load(&acct->large_alloc);
    stats->large_alloc_count = load(&acct->large_alloc_count);
    stats->large_free_bytes = load(&acct->large_free);
    stats->large_free_count = load(&acct->large_free_count);
}

static void read_chunks(struct ua_chunk_pool *pool, size_t parked_count, struct ua_stats *stats)
{
    stats->chunk_bytes = pool->chunk_bytes;
    ua_lock_acquire(&pool->lock);
    /* Threads may park and take meanwhile. */
    stats->chunks_active = pool->in_hands_count - ua_min(parked_count, pool->in_hands_count);
    stats->chunks_reuse = pool->reuse.count + parked_count;
    stats->chunks_ready = pool->ready.count;
    stats->chunks_quarantine = pool->quarantined.count;
    stats->chunks_fault = pool->fault.count;
    stats->chunks_unprotected = pool->unprotected_count;
    ua_lock_release(&pool->lock);
}

void ua_stats(struct ua_heap *heap, struct ua_stats *stats)
{
    const struct ua_vm_counts *calls;
    struct ua_cache_figures caches;

    if (heap == NULL || stats == NULL)
        ua_fatal_call("ua_stats", "NULL argument");
    *stats = (struct ua_stats){0};
    ua_arena_book_logs(heap);
    read_ledger(&heap->acct, stats);
    ua_cache_read(heap, &caches);
    read_chunks(&heap->chunks, caches.parked_count, stats);
    stats->arena_new_count = load(&heap->arena_new_count) + caches.made_count;
    stats->arena_free_count = load(&heap->arena_free_count) + caches.ended_count;
    stats->refill_count = load(&heap->refill_count) + stats->arena_new_count;
    calls = &heap->vm.counts;
    stats->sys_reserve_count = load(&calls->reserve);
    stats->sys_map_count = load(&calls->map);
    stats->sys_release_count = load(&calls->release);
    stats->sys_protect_count = load(&calls->protect);
    stats->sys_unprotect_count = load(&calls->unprotect);
    stats->sys_advise_count = load(&calls->advise);
    stats->lock_count = load(&heap->lock_count);
    if (heap->gc_ops != NULL && heap->gc_ops->stats != NULL)
        heap->gc_ops->stats(heap, &stats->gc_cycles, &stats->gc_goal_bytes, &stats->gc_trigger_bytes);
}
