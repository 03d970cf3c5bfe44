/* dump.c - see dump.h. Every line is `what name=value name=value`; addresses in hex, sizes in bytes.
 *
 * Why by write() from a buffer on the stack: a heap is dumped when something is wrong with it, and then nothing may be asked of it,
 * nor of the program's malloc. */
#include "debug/dump.h"

#include <stdarg.h>
#include <stdio.h>

#include "arena/cache.h"
#include "debug/text.h"
#include "gc/gc.h"

#define LINE_MAX_BYTES 320u

static __attribute__((format(printf, 2, 3))) void line(struct ua_text *text, const char *format, ...)
{
    char bytes[LINE_MAX_BYTES];
    va_list arguments;
    int count;

    va_start(arguments, format);
    count = vsnprintf(bytes, sizeof bytes, format, arguments);
    va_end(arguments);
    if (count > 0)
        ua_text_bytes(text, bytes, ua_min((size_t)count, sizeof bytes - 1));
}

/* A chunk that waits for reuse with a thread, on no list, is told apart from one on the list. */
static const char *state_name(const struct ua_span *chunk)
{
    enum ua_chunk_state state = chunk->chunk_state;
    static const char *const names[] = {[UA_CHUNK_FRESH] = "fresh",   [UA_CHUNK_READY] = "ready", [UA_CHUNK_ACTIVE] = "active",
                                        [UA_CHUNK_FULL] = "full",     [UA_CHUNK_REUSE] = "reuse", [UA_CHUNK_FAULT] = "fault",
                                        [UA_CHUNK_QUARANTINE] = "quarantine"};

    if (state == UA_CHUNK_REUSE && chunk->node.list == NULL)
        return "parked";
    return (unsigned)state < sizeof names / sizeof names[0] ? names[state] : "broken";
}

static const char *backing_name(enum ua_backing backing)
{
    static const char *const names[] = {
        [UA_BACKING_RESERVED] = "reserved", [UA_BACKING_OPEN] = "open", [UA_BACKING_PROTECTED] = "protected"};

    return (unsigned)backing < sizeof names / sizeof names[0] ? names[backing] : "broken";
}

static void dump_ledger(struct ua_text *dump, const struct ua_heap *heap)
{
    static const char *const names[] = {[UA_ACCT_RESERVED] = "reserved", [UA_ACCT_RELEASED] = "released",
                                        [UA_ACCT_IN_USE] = "in_use",     [UA_ACCT_FREE] = "free",
                                        [UA_ACCT_KEPT] = "kept",         [UA_ACCT_META] = "meta"};
    const struct ua_acct *acct = &heap->acct;

    for (int account = UA_ACCT_RESERVED; account < UA_ACCT_COUNT; account++)
        line(dump, "account name=%s bytes=%llu\n", names[account],
             (unsigned long long)ua_acct_read(acct, (enum ua_account)account));
    line(dump, "flow heap_live=%llu heap_marked=%llu heap_scan=%llu total_alloc=%llu total_free=%llu\n",
         (unsigned long long)ua_acct_load(&acct->heap_live), (unsigned long long)ua_acct_load(&acct->heap_marked),
         (unsigned long long)ua_acct_load(&acct->heap_scan), (unsigned long long)ua_acct_load(&acct->total_alloc),
         (unsigned long long)ua_acct_load(&acct->total_free));
}

static void dump_chunk(struct ua_span *chunk, void *context)
{
    line(context, "chunk base=0x%llx bytes=%zu state=%s backing=%s kind=%s marked=%d noscan=%d arena=0x%llx bits_end=%zu "
                  "unprotected=%d\n",
         (unsigned long long)chunk->base, chunk->bytes, state_name(chunk), backing_name(chunk->backing),
         ua_span_kind(chunk) == UA_SPAN_CHUNK ? "chunk" : "unused", ua_span_is_marked(chunk), ua_span_noscan(chunk),
         (unsigned long long)(uintptr_t)chunk->arena,
         ua_span_kind(chunk) == UA_SPAN_CHUNK ? (size_t)(chunk->bits_end - chunk->base) : 0, chunk->unprotected);
}

static void dump_large_list(struct ua_text *dump, const struct ua_list *list, const char *swept)
{
    for (const struct ua_node *node = list->first; node != NULL; node = node->next) {
        const struct ua_span *span = UA_CONTAINER((struct ua_node *)(uintptr_t)node, struct ua_span, node);

        line(dump, "large base=0x%llx bytes=%zu object_bytes=%zu elements=%zu pointers=%d marked=%d swept=%s\n",
             (unsigned long long)span->base, span->bytes, span->object_bytes, span->element_count, span->layout != NULL,
             ua_span_is_marked(span), swept);
    }
}

static const char *place_name(enum ua_small_place place)
{
    static const char *const names[] = {[UA_SMALL_FULL] = "full", [UA_SMALL_PARTIAL] = "partial", [UA_SMALL_OWNED] = "owned"};

    return (unsigned)place < sizeof names / sizeof names[0] ? names[place] : "broken";
}

static void dump_small(struct ua_text *dump, const struct ua_small_heap *small)
{
    for (const struct ua_small_span *record = small->spans; record != NULL; record = record->next) {
        unsigned allocated = 0;
        unsigned marked = 0;

        for (uint32_t i = 0; i < record->object_count; i++) {
            allocated += ua_small_is_allocated(record, i);
            marked += ua_small_is_marked(record, i);
        }
        line(dump, "small base=0x%llx bytes=%zu object_bytes=%u objects=%u allocated=%u marked=%u freed_by_hand=%u pointers=%d "
                   "place=%s\n",
             (unsigned long long)record->span.base, record->span.bytes, record->object_bytes, record->object_count, allocated,
             marked, record->freed_count, record->layout != NULL, place_name(record->place));
    }
}

static void dump_histogram(struct ua_text *dump, const char *what, const struct ua_histogram *histogram)
{
    line(dump, "pauses what=%s count=%llu sum_ns=%llu max_ns=%llu p50_ns=%llu p99_ns=%llu\n", what,
         (unsigned long long)histogram->count, (unsigned long long)histogram->sum_ns, (unsigned long long)histogram->max_ns,
         (unsigned long long)ua_histogram_at_ns(histogram, 500), (unsigned long long)ua_histogram_at_ns(histogram, 990));
    for (unsigned i = 0; i < UA_HISTOGRAM_BUCKETS; i++)
        if (histogram->buckets[i] != 0)
            line(dump, "pause_bucket what=%s from_ns=%llu count=%llu\n", what, (unsigned long long)ua_histogram_low_ns(i),
                 (unsigned long long)histogram->buckets[i]);
}

static void dump_collector(struct ua_text *dump, struct ua_gc *gc)
{
    const struct ua_roots_set *roots = &gc->roots;

    line(dump, "collector cycles=%llu trigger=%llu goal=%llu mark_open=%d\n",
         (unsigned long long)ua_acct_load(&gc->cycle_count), (unsigned long long)ua_acct_load(&gc->trigger_bytes),
         (unsigned long long)ua_acct_load(&gc->goal_bytes), gc->mark_open);
    line(dump, "roots slots=%zu ranges=%zu finalizers=%zu abandoned=%zu queued=%zu\n", roots->slots.count, roots->ranges.count,
         roots->finalizers.count, roots->abandoned.count, roots->queued_count);
    dump_histogram(dump, "stop", &gc->stop_times);
    dump_histogram(dump, "cpu", &gc->pause_cpu_times);
    dump_histogram(dump, "pause", &gc->pause_times);
    dump_small(dump, &gc->small);
}

int ua_dump_heap(struct ua_heap *heap, int fd)
{
    const struct ua_chunk_pool *pool = &heap->chunks;
    struct ua_cache_figures caches;
    struct ua_text dump;

    ua_text_start(&dump, fd);
    ua_cache_read(heap, &caches);
    line(&dump, "heap address=0x%llx chunk_bytes=%zu arenas_made=%llu arenas_freed=%llu refills=%llu\n",
         (unsigned long long)(uintptr_t)heap, pool->chunk_bytes, (unsigned long long)(ua_acct_load(&heap->arena_new_count) + caches.made_count),
         (unsigned long long)(ua_acct_load(&heap->arena_free_count) + caches.ended_count), (unsigned long long)ua_acct_load(&heap->refill_count));
    dump_ledger(&dump, heap);
    line(&dump, "lists reuse=%zu parked=%zu ready=%zu quarantine=%zu fault=%zu in_hands=%zu unprotected=%zu\n", pool->reuse.count,
         caches.parked_count, pool->ready.count, pool->quarantined.count, pool->fault.count, pool->in_hands_count,
         pool->unprotected_count);
    ua_chunk_each(&heap->chunks, dump_chunk, &dump);
    dump_large_list(&dump, ua_large_live(&heap->large), "yes");
    dump_large_list(&dump, ua_large_unswept(&heap->large), "no");
    if (heap->gc != NULL)
        dump_collector(&dump, heap->gc);
    line(&dump, "end\n");
    return ua_text_flush(&dump);
}
