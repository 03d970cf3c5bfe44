/* heap.c - building a heap up and taking it down, in order; see heap.h. */
#include "heap/heap.h"

#include <errno.h>

char ua_zero_base[UA_ALIGN_MAX] __attribute__((aligned(4096)));

static uint64_t last_serial; /* atomic */

#define HEAP_BYTES ua_align_up(sizeof(struct ua_heap), UA_PHYS_PAGE_BYTES)

/* False: nothing of the three is left to undo but the metadata memory. */
static bool init_tables(struct ua_heap *heap)
{
    if (!ua_types_init(&heap->types, &heap->meta))
        return false;
    return ua_space_init(&heap->space, &heap->vm, &heap->acct, &heap->meta, &heap->lock_count);
}

struct ua_heap *ua_heap_create(const struct ua_options *options, const struct ua_vm_ops *ops, void *vm_context)
{
    struct ua_vm vm;
    struct ua_heap *heap;
    uintptr_t at;

    UA_CHECK(ua_vm_page_bytes() == UA_PHYS_PAGE_BYTES, "the system's page size is not 4096");
    ua_vm_init(&vm, ops, vm_context);
    if (ua_vm_allocate(&vm, HEAP_BYTES, &at) != 0) {
        ua_error_set(ENOMEM, "ua_heap_new: no memory for the heap's record");
        return NULL;
    }
    heap = (struct ua_heap *)at;
    heap->options = *options;
    heap->vm = vm;
    heap->clock = &ua_clock_system;
    heap->serial = __atomic_add_fetch(&last_serial, 1, __ATOMIC_RELAXED);
    ua_acct_init(&heap->acct);
    ua_meta_init(&heap->meta, &heap->vm, &heap->acct, &heap->lock_count);
    if (!init_tables(heap)) {
        ua_meta_deinit(&heap->meta);
        vm = heap->vm;
        ua_vm_unmap(&vm, at, HEAP_BYTES);
        ua_error_set(ENOMEM, "ua_heap_new: no memory for the heap's tables");
        return NULL;
    }
    ua_acct_move(&heap->acct, UA_ACCT_NONE, UA_ACCT_META, HEAP_BYTES);
    ua_logs_init(&heap->logs, &heap->meta, options->chunk_bytes, &heap->lock_count);
    ua_chunk_pool_init(&heap->chunks, &heap->options, &heap->vm, &heap->acct, &heap->meta, &heap->space, &heap->logs,
                       &heap->lock_count);
    ua_pages_init(&heap->pages, &heap->vm, &heap->acct, &heap->meta, &heap->space,
                  heap->options.huge_pages != UA_HUGE_NEVER, &heap->lock_count);
    ua_large_init(&heap->large, &heap->pages, &heap->acct, &heap->meta, &heap->space, &heap->lock_count);
    heap->heapbits = (struct ua_heapbits){&heap->types, &heap->acct, &heap->meta, &heap->space,
                                         options->verify != UA_VERIFY_OFF};
    ua_lock_init(&heap->arenas_lock, UA_RANK_ARENAS, &heap->lock_count);
    ua_chunk_ahead_start(&heap->chunks);
    return heap;
}

void ua_heap_destroy(struct ua_heap *heap)
{
    struct ua_vm vm;

    ua_chunk_ahead_stop(&heap->chunks);
    if (heap->forget_caches != NULL)
        heap->forget_caches(heap);
    if (heap->gc_ops != NULL)
        heap->gc_ops->deinit(heap);
    ua_lock_deinit(&heap->arenas_lock);
    ua_large_deinit(&heap->large);
    ua_pages_deinit(&heap->pages);
    ua_chunk_pool_deinit(&heap->chunks);
    ua_logs_deinit(&heap->logs);
    ua_space_deinit(&heap->space);
    ua_meta_deinit(&heap->meta);
    vm = heap->vm;
    ua_vm_unmap(&vm, (uintptr_t)heap, HEAP_BYTES);
}

size_t ua_heap_trim(struct ua_heap *heap, size_t enough_bytes)
{
    size_t given = ua_chunk_trim(&heap->chunks, enough_bytes);

    if (given < enough_bytes)
        given += ua_pages_trim(&heap->pages, enough_bytes - given);
    return given < enough_bytes ? given + ua_logs_trim(&heap->logs, 0) : given;
}
