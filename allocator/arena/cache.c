/* cache.c - who has which cache: made, handed back, found again after fork. See cache.h. */
#include "arena/cache.h"

#include <pthread.h>

#include "arena/handles.h"
#include "gc/world.h"

static struct ua_lock caches_lock = UA_LOCK_STATIC(UA_RANK_CACHES);
static struct ua_heap *cached_heaps; /* guard: caches_lock */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void add(uint64_t *counter, uint64_t count)
{
    __atomic_fetch_add(counter, count, __ATOMIC_RELAXED);
}

/* Everything in it goes back to the heap; the counts too. Guard: caches_lock; the owner is the caller or no more. */
static void empty(struct ua_cache *cache)
{
    struct ua_heap *heap = cache->heap;
    struct ua_span *parked = cache->parked;

    __atomic_store_n(&cache->parked, NULL, __ATOMIC_RELAXED);
    if (parked != NULL)
        ua_chunk_put_parked(&heap->chunks, parked);
    ua_handle_spill(cache, 0);
    while (cache->usable != NULL) {
        struct ua_arena *arena = cache->usable;

        cache->usable = arena->next_free;
        ua_handle_put(heap, arena);
    }
    add(&heap->arena_new_count, cache->made_count);
    add(&heap->arena_free_count, cache->ended_count);
    __atomic_store_n(&cache->made_count, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&cache->ended_count, 0, __ATOMIC_RELAXED);
    cache->told_count = 0;
}

/* Guard: caches_lock. */
static struct ua_cache **find(struct ua_heap *heap, const void *owner)
{
    struct ua_cache **link = &heap->caches;

    while (*link != NULL && (*link)->owner != owner)
        link = &(*link)->next;
    return link;
}

/* Guard: caches_lock. */
static void make_spare(struct ua_cache **link)
{
    struct ua_cache *cache = *link;

    *link = cache->next;
    cache->owner = NULL;
    cache->next = cache->heap->spare_caches;
    cache->heap->spare_caches = cache;
}

/* The calling thread is about to be detached. */
static void hand_back(void)
{
    struct ua_thread_record *thread = &ua_thread_record;

    ua_lock_acquire(&caches_lock);
    for (struct ua_heap *heap = cached_heaps; heap != NULL; heap = heap->next_cached) {
        struct ua_cache **link = find(heap, thread);

        if (*link == NULL)
            continue;
        empty(*link);
        make_spare(link);
    }
    for (size_t i = 0; i < UA_THREAD_SLOTS; i++)
        thread->slots[i] = (struct ua_thread_slot){0, NULL};
    ua_lock_release(&caches_lock);
}

static void forget_heap(struct ua_heap *heap)
{
    struct ua_heap **link = &cached_heaps;

    ua_lock_acquire(&caches_lock);
    while (*link != heap)
        link = &(*link)->next_cached;
    *link = heap->next_cached;
    ua_lock_release(&caches_lock);
}

void ua_cache_after_fork(void)
{
    const void *self = &ua_thread_record;

    ua_lock_acquire(&caches_lock);
    for (struct ua_heap *heap = cached_heaps; heap != NULL; heap = heap->next_cached)
        for (struct ua_cache **link = &heap->caches; *link != NULL;) {
            if ((*link)->owner == self) {
                link = &(*link)->next;
                continue;
            }
            empty(*link);
            make_spare(link);
        }
    ua_lock_release(&caches_lock);
}

static void set_up(void)
{
    ua_world_detach_hook = hand_back;
}

/* The caller's cache, found or made. Guard: caches_lock. */
static struct ua_cache *own_cache(struct ua_heap *heap, const void *owner)
{
    struct ua_cache *cache = *find(heap, owner);

    if (cache != NULL)
        return cache;
    cache = heap->spare_caches;
    if (cache != NULL)
        heap->spare_caches = cache->next;
    else
        cache = ua_meta_alloc(&heap->meta, sizeof *cache);
    if (cache == NULL)
        return NULL;
    if (heap->forget_caches == NULL) {
        heap->next_cached = cached_heaps;
        cached_heaps = heap;
        heap->forget_caches = forget_heap;
    }
    cache->heap = heap;
    cache->owner = owner;
    cache->next = heap->caches;
    heap->caches = cache;
    return cache;
}

struct ua_cache *ua_cache_need(struct ua_heap *heap)
{
    struct ua_thread_record *thread = &ua_thread_record;
    struct ua_cache *cache = ua_cache_of(thread, heap);

    if (UA_LIKELY(cache != NULL))
        return cache;
    pthread_once(&once, set_up);
    /* So that it is handed back when the thread ends. */
    if (!ua_world_is_attached() && ua_world_attach() != 0)
        return NULL;
    ua_lock_acquire(&caches_lock);
    cache = own_cache(heap, thread);
    ua_lock_release(&caches_lock);
    if (cache != NULL)
        thread->slots[heap->serial % UA_THREAD_SLOTS] = (struct ua_thread_slot){heap->serial, cache};
    return cache;
}

void ua_cache_read(struct ua_heap *heap, struct ua_cache_figures *figures)
{
    *figures = (struct ua_cache_figures){0};
    ua_lock_acquire(&caches_lock);
    for (const struct ua_cache *cache = heap->caches; cache != NULL; cache = cache->next) {
        figures->parked_count += __atomic_load_n(&cache->parked, __ATOMIC_RELAXED) != NULL;
        figures->made_count += __atomic_load_n(&cache->made_count, __ATOMIC_RELAXED);
        figures->ended_count += __atomic_load_n(&cache->ended_count, __ATOMIC_RELAXED);
    }
    ua_lock_release(&caches_lock);
}
