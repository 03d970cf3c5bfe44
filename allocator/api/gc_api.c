/* gc_api.c - the public functions of ua_gc.h: argument checks, then one call down. Docstrings are there. */
#include "include/ua.h"

#include <errno.h>
#include <string.h>

#include "api/need.h"
#include "api/registry.h"
#include "arena/arena.h"
#include "gc/gc.h"
#include "include/ua_debug.h"

static struct ua_gc *need_gc(struct ua_heap *heap, const char *call)
{
    ua_need(heap, call, "the heap is NULL");
    ua_call_check(call);
    return heap->gc;
}

static int fail(int error, const char *message)
{
    if (error == 0)
        return 0;
    ua_error_set(error, message);
    return -1;
}

void *ua_heap_alloc(struct ua_heap *heap, const struct ua_type *type, size_t count)
{
    const struct ua_layout *layout;
    size_t bytes;

    need_gc(heap, "ua_heap_alloc");
    ua_need(type, "ua_heap_alloc", "the type is NULL");
    if (UA_LIKELY(count == 1)) {
        void *object = ua_gc_alloc_one(heap, type);

        if (UA_LIKELY(object != NULL))
            return object;
    }
    if (count == 0 || type->size_bytes == 0)
        return ua_zero_base;
    if (count > PTRDIFF_MAX || ua_mul_overflows(type->size_bytes, count, &bytes) || bytes > PTRDIFF_MAX) {
        ua_error_set(EOVERFLOW, "ua_heap_alloc: allocation size out of range");
        return NULL;
    }
    layout = ua_types_layout(&heap->types, type);
    if (layout == NULL && !ua_type_is_scalar(type))
        return NULL;
    if (!ua_is_power_of_two(type->align_bytes) || type->align_bytes > UA_ALIGN_MAX)
        ua_fatal_call("ua_heap_alloc", "the type's alignment is not a power of two up to 4096");
    return ua_gc_alloc(heap, layout, count, bytes, type->align_bytes);
}

void ua_heap_free(struct ua_heap *heap, void *object)
{
    struct ua_gc *gc = need_gc(heap, "ua_heap_free");

    if (object != NULL && object != ua_zero_base)
        ua_gc_free(gc, (uintptr_t)object);
}

void *ua_clone(struct ua_heap *heap, const struct ua_type *type, const void *value, size_t count)
{
    void *copy;

    need_gc(heap, "ua_clone");
    ua_need(type, "ua_clone", "the type is NULL");
    if (!ua_contains(heap, value))
        return (void *)(uintptr_t)value;
    copy = ua_heap_alloc(heap, type, count);
    if (copy != NULL && copy != ua_zero_base)
        memcpy(copy, value, type->size_bytes * count);
    return copy;
}

void ua_store_marking(struct ua_heap *heap, void **slot, void *value)
{
    ua_barrier_store(heap->gc, slot, value);
}

/* What a store of `count` values must be given. */
static void check_store(const char *call, const struct ua_heap *heap, const struct ua_type *type, const void *at, size_t count)
{
    ua_need(heap, call, "the heap is NULL");
    ua_need(type, call, "the type is NULL");
    if (count != 0)
        ua_need(at, call, "the values are NULL");
}

/* Where the pointers of the type are; NULL: nowhere. Fatal without memory: a barrier cannot be left out. */
static const struct ua_layout *barrier_layout(struct ua_heap *heap, const struct ua_type *type)
{
    const struct ua_layout *layout;

    if (!type->has_pointers)
        return NULL;
    layout = ua_types_layout(&heap->types, type);
    UA_CHECK(layout != NULL, "ua_copy: no memory for the type's mask");
    return layout->ptrdata_words != 0 ? layout : NULL;
}

void ua_copy(struct ua_heap *heap, const struct ua_type *type, void *to, const void *from, size_t count)
{
    const struct ua_layout *layout;

    check_store("ua_copy", heap, type, to, count);
    check_store("ua_copy", heap, type, from, count);
    layout = heap->gc->concurrent ? barrier_layout(heap, type) : NULL;
    if (layout != NULL)
        ua_barrier_copy(heap->gc, layout, to, from, type->size_bytes * count);
    else
        memmove(to, from, type->size_bytes * count);
}

void ua_clear(struct ua_heap *heap, const struct ua_type *type, void *at, size_t count)
{
    const struct ua_layout *layout;

    check_store("ua_clear", heap, type, at, count);
    layout = heap->gc->concurrent ? barrier_layout(heap, type) : NULL;
    if (layout != NULL)
        ua_barrier_clear(heap->gc, layout, at, type->size_bytes * count);
    else
        memset(at, 0, type->size_bytes * count);
}

static void check_root(const void *at, const char *call)
{
    if (UA_UNLIKELY(at == NULL || (uintptr_t)at % sizeof(void *) != 0))
        ua_fatal_call(call, "a root is NULL or not aligned to 8");
}

int ua_root_add(struct ua_heap *heap, void *slot)
{
    struct ua_gc *gc = need_gc(heap, "ua_root_add");

    check_root(slot, "ua_root_add");
    return fail(ua_roots_add_slot(&gc->roots, slot), "ua_root_add: the slot is a root already, or no memory");
}

void ua_root_remove(struct ua_heap *heap, void *slot)
{
    ua_roots_remove_slot(&need_gc(heap, "ua_root_remove")->roots, slot);
}

int ua_root_range_add(struct ua_heap *heap, const void *at, size_t bytes)
{
    struct ua_gc *gc = need_gc(heap, "ua_root_range_add");

    check_root(at, "ua_root_range_add");
    if (UA_UNLIKELY(bytes > UINTPTR_MAX - (uintptr_t)at))
        ua_fatal_call("ua_root_range_add", "the range ends beyond the address space");
    return fail(ua_roots_add_range(&gc->roots, at, bytes),
                "ua_root_range_add: a range begins there already, or no memory");
}

void ua_root_range_remove(struct ua_heap *heap, const void *at)
{
    ua_roots_remove_range(&need_gc(heap, "ua_root_range_remove")->roots, at);
}

void ua_arena_abandon(struct ua_arena *arena)
{
    ua_arena_check(arena, "ua_arena_abandon");
    ua_arena_leave(arena);
}

int ua_finalizer_set(struct ua_heap *heap, void *object, ua_finalizer_fn *fn, void *argument)
{
    struct ua_gc *gc = need_gc(heap, "ua_finalizer_set");

    if (object == ua_zero_base)
        return 0; /* as in Go: allowed, never runs */
    if (ua_contains(heap, object))
        ua_fatal_call("ua_finalizer_set", "the object was allocated into an arena");
    if (ua_gc_object_start(gc, (uintptr_t)object) != (uintptr_t)object || object == NULL)
        ua_fatal_call("ua_finalizer_set", "not the start of an object of this heap");
    return fail(ua_roots_set_finalizer(&gc->roots, (uintptr_t)object, fn, argument),
                "ua_finalizer_set: the object has a finalizer, or no memory");
}

size_t ua_finalizers_run(struct ua_heap *heap)
{
    return ua_gc_run_finalizers(need_gc(heap, "ua_finalizers_run"), false);
}

size_t ua_finalizers_pending(struct ua_heap *heap)
{
    return ua_roots_queued_count(&need_gc(heap, "ua_finalizers_pending")->roots);
}

void ua_collect(struct ua_heap *heap)
{
    struct ua_gc *gc = need_gc(heap, "ua_collect");

    ua_gc_collect(gc, UA_GC_FORCED);
    ua_gc_run_finalizers(gc, false);
}

static void read_histogram(const struct ua_histogram *from, struct ua_histogram *to)
{
    const uint64_t *cells = (const uint64_t *)(const void *)from;
    uint64_t *copy = (uint64_t *)(void *)to;

    for (size_t i = 0; i < sizeof *from / sizeof *cells; i++)
        copy[i] = __atomic_load_n(&cells[i], __ATOMIC_RELAXED);
}

void ua_gc_pauses(struct ua_heap *heap, struct ua_gc_pauses *pauses)
{
    struct ua_gc *gc = need_gc(heap, "ua_gc_pauses");

    ua_need(pauses, "ua_gc_pauses", "NULL argument");
    read_histogram(&gc->stop_times, &pauses->stop);
    read_histogram(&gc->pause_cpu_times, &pauses->cpu);
    read_histogram(&gc->pause_times, &pauses->pause);
}

uint64_t ua_gc_cycles(struct ua_heap *heap)
{
    return __atomic_load_n(&need_gc(heap, "ua_gc_cycles")->cycle_count, __ATOMIC_RELAXED);
}

size_t ua_gc_assists(struct ua_heap *heap, struct ua_gc_assist_event *events, size_t capacity)
{
    struct ua_gc *gc = need_gc(heap, "ua_gc_assists");

    if (capacity != 0)
        ua_need(events, "ua_gc_assists", "the events are NULL");
    return ua_assist_read(gc, events, capacity);
}

size_t ua_gc_events(struct ua_heap *heap, struct ua_gc_event *events, size_t capacity)
{
    struct ua_gc *gc = need_gc(heap, "ua_gc_events");

    if (capacity != 0)
        ua_need(events, "ua_gc_events", "the events are NULL");
    return ua_gc_read_events(gc, events, capacity);
}

int ua_thread_attach(void)
{
    if (ua_registry_watch_forks() != 0)
        return -1;
    return fail(ua_world_attach(), "ua_thread_attach: the thread's stack cannot be found, or no memory");
}

void ua_thread_detach(void)
{
    ua_world_detach();
}

void ua_blocking_begin(void)
{
    if (ua_world_is_attached())
        ua_world_blocking_begin();
}

void ua_blocking_end(void)
{
    if (ua_world_is_attached())
        ua_world_blocking_end();
}

void ua_safepoint(void)
{
    ua_world_safepoint();
}

void ua_debug_mark_begin(struct ua_heap *heap)
{
    ua_gc_mark_open(need_gc(heap, "ua_debug_mark_begin"));
}

void ua_debug_mark_end(struct ua_heap *heap)
{
    ua_gc_mark_close(need_gc(heap, "ua_debug_mark_end"));
}
