/* registry.c - see registry.h. */
#include "api/registry.h"

static struct ua_lock registry_lock = {PTHREAD_MUTEX_INITIALIZER, UA_RANK_REGISTRY, NULL};
static struct ua_heap *registry_first; /* atomic; written under registry_lock */

void ua_registry_add(struct ua_heap *heap)
{
    ua_lock_acquire(&registry_lock);
    heap->registry_next = registry_first;
    __atomic_store_n(&registry_first, heap, __ATOMIC_RELEASE);
    ua_lock_release(&registry_lock);
}

void ua_registry_remove(struct ua_heap *heap)
{
    struct ua_heap **link = &registry_first;

    ua_lock_acquire(&registry_lock);
    while (*link != NULL && *link != heap)
        link = &(*link)->registry_next;
    UA_CHECK(*link == heap, "ua_heap_close: not a heap, or closed twice");
    __atomic_store_n(link, heap->registry_next, __ATOMIC_RELEASE);
    ua_lock_release(&registry_lock);
}

const struct ua_span *ua_registry_freed_chunk(uintptr_t address)
{
    const struct ua_heap *heap = __atomic_load_n(&registry_first, __ATOMIC_ACQUIRE);

    for (; heap != NULL; heap = __atomic_load_n(&heap->registry_next, __ATOMIC_ACQUIRE)) {
        const struct ua_span *chunk = ua_space_span(&heap->space, address);

        if (chunk != NULL && ua_span_kind(chunk) == UA_SPAN_CHUNK)
            return ua_span_noscan(chunk) ? chunk : NULL;
    }
    return NULL;
}
