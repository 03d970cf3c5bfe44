/* registry.c - see registry.h. */
#include "api/registry.h"

#include "arena/cache.h"
#include "gc/world.h"
#include "os/lock_fork.h"

static struct ua_lock registry_lock = UA_LOCK_STATIC(UA_RANK_REGISTRY);
static struct ua_heap *registry_first; /* atomic; written under registry_lock */
/* Held while a heap is closed and while a process is copied. Outside all ranks, since a closing heap waits for its helpers. */
static pthread_mutex_t close_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct ua_heap *forked_first;   /* the heaps that were told of the fork; guard: close_mutex */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int watch_error;                /* written once, under `once` */

void ua_registry_add(struct ua_heap *heap)
{
    ua_lock_acquire(&registry_lock);
    heap->registry_next = registry_first;
    __atomic_store_n(&registry_first, heap, __ATOMIC_RELEASE);
    ua_lock_release(&registry_lock);
}

static void remove_heap(struct ua_heap *heap)
{
    struct ua_heap **link = &registry_first;

    ua_lock_acquire(&registry_lock);
    while (*link != NULL && *link != heap)
        link = &(*link)->registry_next;
    UA_CHECK(*link == heap, "ua_heap_close: not a heap, or closed twice");
    __atomic_store_n(link, heap->registry_next, __ATOMIC_RELEASE);
    ua_lock_release(&registry_lock);
}

/* A collection does not wait for a thread that waits here. */
static void lock_closing(void)
{
    bool running = ua_world_is_running();

    if (running)
        ua_world_blocking_begin();
    pthread_mutex_lock(&close_mutex);
    if (running)
        ua_world_blocking_end();
}

void ua_registry_close(struct ua_heap *heap, void (*destroy)(struct ua_heap *heap))
{
    lock_closing();
    remove_heap(heap);
    destroy(heap);
    pthread_mutex_unlock(&close_mutex);
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

static void before_fork(void)
{
    lock_closing();
    ua_world_fork_prepare();
    forked_first = __atomic_load_n(&registry_first, __ATOMIC_ACQUIRE); /* new ones come in front */
    for (struct ua_heap *heap = forked_first; heap != NULL; heap = heap->registry_next) {
        ua_chunk_ahead_pause(&heap->chunks);
        if (heap->gc_ops != NULL && heap->gc_ops->fork_prepare != NULL)
            heap->gc_ops->fork_prepare(heap);
    }
    ua_lock_gate_close();
    /* By signal whatever the roots: threads that stand at no safepoint have to leave their deferrals too. They go on at once,
     * for one of them may hold a lock of the C library that fork takes. */
    ua_world_stop(UA_WORLD_BY_SIGNAL);
    ua_world_start();
    ua_lock_gate_wait();
}

static void after_fork_in_parent(void)
{
    ua_lock_gate_open();
    ua_world_fork_parent();
    for (struct ua_heap *heap = forked_first; heap != NULL; heap = heap->registry_next) {
        if (heap->gc_ops != NULL && heap->gc_ops->fork_parent != NULL)
            heap->gc_ops->fork_parent(heap);
        ua_chunk_ahead_resume(&heap->chunks);
    }
    pthread_mutex_unlock(&close_mutex);
}

static void after_fork_in_child(void)
{
    ua_lock_gate_child();
    ua_world_fork_child();
    ua_cache_after_fork();
    for (struct ua_heap *heap = forked_first; heap != NULL; heap = heap->registry_next) {
        if (heap->gc_ops != NULL && heap->gc_ops->fork_child != NULL)
            heap->gc_ops->fork_child(heap);
        ua_chunk_ahead_resume_in_child(&heap->chunks);
    }
    pthread_mutex_unlock(&close_mutex);
}

static void watch(void)
{
    watch_error = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

int ua_registry_watch_forks(void)
{
    pthread_once(&once, watch);
    if (watch_error == 0)
        return 0;
    ua_error_set(watch_error, "the system has no room for a fork handler");
    return -1;
}
