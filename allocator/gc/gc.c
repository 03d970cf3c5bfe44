/* gc.c - hanging a collector on a heap, allocating from it, finalizers; cycle.c collects. See gc.h. */
#define _GNU_SOURCE
#include "gc/gc.h"

#include <errno.h>
#include <sched.h>

#include "gc/cycle.h"
#include "gc/small_owned.h"

/* Finalizers do not nest: one that collects would otherwise run others on top of itself. */
static _Thread_local bool in_finalizer;

/* Of the affinity mask. The kernel refuses a set that is shorter than its own: room for 16,384 processors. */
static int32_t processors(void)
{
    cpu_set_t sets[16];

    return sched_getaffinity(0, sizeof sets, sets) == 0 ? CPU_COUNT_S(sizeof sets, sets) : 1;
}

/* The most that a chunk owes at a time: Go's chunk. A larger one is paid for in parts, or one assist would mark for all of it. */
#define CHARGE_MAX_BYTES ((size_t)8 << 20)

/* Before something of this size is taken: what a running sweep or mark wants for it. */
static void pay_for(struct ua_gc *gc, size_t bytes)
{
    ua_sweep_pay(gc, bytes);
    ua_assist_charge(gc, bytes);
    ua_assist_pay(gc);
}

/* Collecting before the chunk is taken lets a program that only frees and takes arenas find its own freed chunks. */
static void before_chunk(struct ua_heap *heap, size_t bytes)
{
    if (!ua_world_is_attached())
        ua_world_attach();
    ua_gc_poll(heap->gc);
    ua_gc_poll_growth(heap->gc);
    for (size_t left = bytes; left > 0; left -= ua_min(left, CHARGE_MAX_BYTES))
        pay_for(heap->gc, ua_min(left, CHARGE_MAX_BYTES));
    ua_room_claim_chunk(heap->gc);
}

static void after_chunk(struct ua_heap *heap, struct ua_span *chunk)
{
    struct ua_chunk_pool *pool = &heap->chunks;

    ua_room_settle(heap->gc, pool->chunk_bytes);
    if (chunk == NULL)
        return;
    /* Born marked, not scanned. The lock keeps a stop away between test and mark. */
    ua_lock_acquire(&pool->lock);
    if (heap->fast.marking && ua_span_mark(chunk))
        __atomic_fetch_add(&heap->gc->counts.born_bytes, chunk->bytes, __ATOMIC_RELAXED);
    ua_lock_release(&pool->lock);
    ua_gc_poll(heap->gc);
}

static bool after_free(struct ua_heap *heap, size_t count)
{
    return ua_gc_note_freed(heap->gc, count);
}

static void before_birth(struct ua_heap *heap)
{
    ua_gc_poll_birth(heap->gc);
}

static void arena_abandoned(struct ua_heap *heap, struct ua_arena *arena)
{
    int error = ua_roots_abandon(&heap->gc->roots, (uintptr_t)arena);

    UA_CHECK(error != EEXIST, "ua_arena_abandon: the arena was abandoned before");
    /* Without memory for the note the arena stays a root until the heap is closed. */
}

static void arena_freed(struct ua_heap *heap, struct ua_arena *arena)
{
    struct ua_roots_set *roots = &heap->gc->roots;
    struct ua_entry *entry;

    ua_lock_acquire(&roots->lock);
    entry = ua_table_find(&roots->abandoned, (uintptr_t)arena);
    if (entry != NULL)
        ua_table_remove(&roots->abandoned, entry);
    ua_lock_release(&roots->lock);
}

static void read_stats(struct ua_heap *heap, uint64_t *cycles, uint64_t *goal_bytes, uint64_t *trigger_bytes)
{
    *cycles = __atomic_load_n(&heap->gc->cycle_count, __ATOMIC_RELAXED);
    *goal_bytes = __atomic_load_n(&heap->gc->goal_bytes, __ATOMIC_RELAXED);
    *trigger_bytes = __atomic_load_n(&heap->gc->trigger_bytes, __ATOMIC_RELAXED);
}

static void deinit(struct ua_heap *heap)
{
    struct ua_gc *gc = heap->gc;

    ua_workers_stop(gc);
    ua_gc_unlist(gc);
    ua_pool_deinit(&gc->pool);
    ua_small_deinit(&gc->small);
    ua_roots_deinit(&gc->roots);
    ua_lock_deinit(&gc->pacer_lock);
}

static const struct ua_gc_ops ops = {
    .before_chunk = before_chunk,
    .after_chunk = after_chunk,
    .after_free = after_free,
    .before_birth = before_birth,
    .alloc = ua_gc_alloc,
    .arena_abandoned = arena_abandoned,
    .arena_freed = arena_freed,
    .before_rewind = ua_barrier_rewind,
    .stats = read_stats,
    .deinit = deinit,
};

/* A third of a megabyte that most heaps use a page of. */
static bool make_rings(struct ua_gc *gc, struct ua_meta *meta)
{
    return ua_ring_init(&gc->events, meta, sizeof(struct ua_gc_event), UA_GC_EVENTS_KEPT) &&
           ua_ring_init(&gc->assists.events, meta, sizeof(struct ua_gc_assist_event), UA_ASSISTS_KEPT);
}

bool ua_gc_init(struct ua_heap *heap, ua_gc_free_arena_fn *free_arena)
{
    struct ua_gc *gc;
    int error;

    if (heap->options.roots == UA_ROOTS_PROCESS && !ua_root_scan_sees_process()) {
        ua_error_set(ENOTSUP, "ua_heap_new: roots=process needs /proc/self/maps and process_vm_readv, which the system refuses");
        return false;
    }
    error = ua_world_attach();
    if (error != 0) {
        ua_error_set(error, "ua_heap_new: the calling thread cannot be attached");
        return false;
    }
    gc = ua_meta_alloc(&heap->meta, sizeof *gc);
    if (gc == NULL || !make_rings(gc, &heap->meta)) {
        ua_error_set(ENOMEM, "ua_heap_new: no memory for the collector");
        return false;
    }
    gc->heap = heap;
    gc->free_arena = free_arena;
    gc->processor_count = processors();
    ua_lock_init(&gc->pacer_lock, UA_RANK_LEAF, &heap->lock_count);
    ua_roots_init(&gc->roots, &heap->meta, &heap->lock_count);
    ua_small_init(&gc->small, heap, &heap->lock_count);
    ua_work_init(&gc->born, &heap->meta);
    ua_marker_init(&gc->marker, heap, &gc->small, &gc->roots);
    ua_pool_init(&gc->pool, &gc->marker, &heap->lock_count);
    ua_pacer_init(&gc->pacer, heap->options.gogc, heap->options.memory_limit_bytes);
    gc->concurrent = heap->options.collect == UA_COLLECT_CONCURRENT;
    heap->gc = gc;
    heap->gc_ops = &ops;
    gc->decay_began_ns = ua_clock_now_ns(heap->clock);
    ua_gc_commit(gc);
    if (!ua_workers_init(gc)) {
        ua_error_set(ENOMEM, "ua_heap_new: no memory for the collector's workers");
        return false;
    }
    ua_gc_list(gc);
    if (!ua_workers_start(gc)) {
        ua_error_set(EAGAIN, "ua_heap_new: the collector's threads cannot be made");
        return false;
    }
    return true;
}

/* While a test has a stop-the-world mark open a new object survives it, whether somebody points to it by then or not; its
 * contents are marked at the end, as roots are. In a concurrent mark it was born black. */
static bool notes_births(const struct ua_gc *gc)
{
    return UA_UNLIKELY(ua_chunk_phase(&gc->heap->chunks) != UA_PHASE_OFF) && !gc->concurrent;
}

static __attribute__((noinline)) void note_born(struct ua_gc *gc, uintptr_t object)
{
    ua_lock_acquire(&gc->roots.lock);
    ua_work_push(&gc->born, object);
    ua_lock_release(&gc->roots.lock);
}

static void *alloc_large(struct ua_gc *gc, const struct ua_layout *layout, size_t count, size_t bytes)
{
    struct ua_span *span;
    uintptr_t object;

    ua_gc_poll(gc);
    pay_for(gc, bytes);
    ua_room_claim(gc, bytes);
    span = ua_large_alloc(&gc->heap->large, layout, count, bytes);
    ua_room_settle(gc, bytes);
    if (span == NULL)
        return NULL;
    object = span->base;
    /* In a register before the sweep may look at the span, so that a thread stopped here holds a pointer to the object. */
    __asm__ volatile("" : "+r"(object) : : "memory");
    ua_lock_defer_begin();
    if (gc->heap->fast.marking && ua_span_mark(span))
        __atomic_fetch_add(&gc->counts.born_bytes, span->bytes, __ATOMIC_RELAXED);
    __atomic_store_n(&span->gc_data, (void *)span, __ATOMIC_RELEASE);
    ua_lock_defer_end();
    if (!ua_span_noscan(span))
        __atomic_fetch_add(&gc->scan_alloc_objects, bytes, __ATOMIC_RELAXED);
    if (notes_births(gc))
        note_born(gc, object);
    return (void *)object;
}

/* No span of the thread's own has room. What the new one costs is charged after, since nothing may collect between the
 * object's birth and the caller's having it; it is paid before the next one. */
static __attribute__((noinline)) void *alloc_small_slow(struct ua_gc *gc, const struct ua_layout *layout, unsigned size_class)
{
    size_t booked_bytes;
    void *object;

    ua_gc_poll(gc);
    ua_sweep_pay(gc, ua_size_class_pages(size_class) * UA_PAGE_BYTES);
    ua_assist_pay(gc);
    ua_room_claim(gc, 0);
    object = ua_small_alloc(&gc->small, layout, size_class, &booked_bytes);
    ua_assist_charge(gc, booked_bytes);
    if (layout != NULL)
        __atomic_fetch_add(&gc->scan_alloc_objects, booked_bytes, __ATOMIC_RELAXED);
    return object;
}

void *ua_gc_alloc_one(struct ua_heap *heap, const struct ua_type *type)
{
    struct ua_gc *gc = heap->gc;
    const struct ua_layout *layout = NULL;
    void *object;

    if (UA_UNLIKELY(type->size_bytes - 1 >= UA_SIZE_STEP_8_MAX || type->align_bytes > UA_WORD_BYTES))
        return NULL;
    if (type->has_pointers) {
        layout = __atomic_load_n(&type->cache->layout, __ATOMIC_ACQUIRE);
        if (UA_UNLIKELY(layout == NULL))
            return NULL;
    }
    object = ua_small_alloc_owned(&gc->small, layout, gc->small.sizes.by_8[(type->size_bytes + 7) / 8]);
    if (UA_LIKELY(object != NULL) && notes_births(gc))
        note_born(gc, (uintptr_t)object);
    return object;
}

void *ua_gc_alloc(struct ua_heap *heap, const struct ua_layout *layout, size_t count, size_t bytes, size_t align_bytes)
{
    struct ua_gc *gc = heap->gc;
    unsigned size_class;
    void *object;

    if (layout != NULL && layout->ptrdata_words == 0)
        layout = NULL;
    size_class = bytes <= UA_SMALL_MAX_BYTES ? ua_size_class_for(&gc->small.sizes, bytes, align_bytes) : UA_SIZE_CLASS_COUNT;
    if (size_class == UA_SIZE_CLASS_COUNT)
        return alloc_large(gc, layout, count, bytes);
    object = ua_small_alloc_owned(&gc->small, layout, size_class);
    if (UA_UNLIKELY(object == NULL)) {
        if (!ua_world_is_attached())
            ua_world_attach();
        object = alloc_small_slow(gc, layout, size_class);
        if (object == NULL)
            return NULL;
    }
    if (notes_births(gc))
        note_born(gc, (uintptr_t)object);
    return object;
}

void ua_gc_free(struct ua_gc *gc, uintptr_t object)
{
    struct ua_span *span = ua_space_span(&gc->heap->space, object);
    enum ua_span_kind kind = span != NULL ? ua_span_kind(span) : UA_SPAN_UNUSED;

    if (kind == UA_SPAN_CHUNK)
        ua_fatal_address("ua_heap_free: the object is in an arena", object);
    if (kind == UA_SPAN_UNUSED)
        ua_fatal_address("ua_heap_free: not an object of this heap", object);
    /* An object that goes by hand has no last words. */
    ua_roots_set_finalizer(&gc->roots, object, NULL, NULL);
    if (kind == UA_SPAN_LARGE && object != span->base)
        ua_fatal_address("ua_heap_free: not the start of an object", object);
    ua_barrier_free(gc, span, object);
}

uintptr_t ua_gc_object_start(struct ua_gc *gc, uintptr_t address)
{
    struct ua_span *span = ua_space_span(&gc->heap->space, address);
    struct ua_small_span *record;
    uintptr_t start;
    uint32_t index;

    if (span == NULL || ua_span_kind(span) == UA_SPAN_UNUSED || ua_span_kind(span) == UA_SPAN_CHUNK)
        return 0;
    if (ua_span_kind(span) == UA_SPAN_LARGE)
        return ua_large_is_dead(&gc->heap->large, span) ? 0 : span->base;
    record = ua_small_record(span);
    ua_lock_acquire(&gc->small.lock);
    index = ua_small_index(record, address);
    start = ua_small_need_swept(&gc->small, record) && ua_small_is_allocated(record, index) ? span->base + (size_t)index * record->object_bytes : 0;
    ua_lock_release(&gc->small.lock);
    return start;
}

size_t ua_gc_run_finalizers(struct ua_gc *gc, bool arenas_only)
{
    struct ua_queued *queued;
    size_t count = 0;

    if (in_finalizer)
        return 0;
    while ((queued = ua_roots_take_queued(&gc->roots, arenas_only)) != NULL) {
        in_finalizer = true;
        if (queued->is_arena)
            gc->free_arena((struct ua_arena *)queued->object);
        else
            queued->fn((void *)queued->object, queued->argument);
        in_finalizer = false;
        ua_roots_done(&gc->roots, queued);
        count++;
    }
    return count;
}

size_t ua_gc_read_events(struct ua_gc *gc, struct ua_gc_event *events, size_t capacity)
{
    uint64_t newest;
    size_t count;

    ua_lock_acquire(&gc->pacer_lock);
    newest = ua_gc_load(&gc->cycle_count);
    count = ua_ring_read(&gc->events, newest + 1, newest, events, capacity);
    ua_lock_release(&gc->pacer_lock);
    return count;
}
