/* api.c - the public functions: argument checks, then one call down. Docstrings are in ua.h.
 *
 * Arguments that only a program error can produce (NULL handle, freed handle) are fatal with the call's name; what the
 * world can cause (memory, option words) comes back as a value. */
#include "include/ua.h"

#include <errno.h>

#include "api/need.h"
#include "api/options.h"
#include "api/registry.h"
#include "arena/arena.h"
#include "debug/fault_handler.h"
#include "debug/second_mark.h"
#include "debug/verify.h"
#include "debug/watcher.h"
#include "gc/gc.h"

static struct ua_heap *need_heap(struct ua_heap *heap, const char *call)
{
    ua_need(heap, call, "the heap is NULL");
    ua_call_check(call);
    return heap;
}

const char *ua_last_error(void)
{
    return ua_error_message();
}

static void verify_mark(struct ua_heap *heap)
{
    ua_second_mark(heap);
    ua_verify_stopped(heap);
}

struct ua_heap *ua_heap_new(const struct ua_options *options)
{
    struct ua_options chosen;
    struct ua_heap *heap;

    ua_call_check("ua_heap_new");
    if (options != NULL)
        chosen = *options;
    else
        ua_options_preset(&chosen, "safe");
    if (ua_options_check(&chosen) != 0)
        return NULL;
    if (ua_registry_watch_forks() != 0)
        return NULL;
    heap = ua_heap_create(&chosen, &ua_vm_linux, NULL);
    if (heap != NULL && !ua_gc_init(heap, ua_arena_release)) {
        ua_heap_destroy(heap);
        return NULL;
    }
    if (heap != NULL && chosen.profile_rate_bytes != 0 && !ua_watcher_start(heap, chosen.profile_rate_bytes)) {
        ua_heap_destroy(heap);
        ua_error_set(ENOMEM, "ua_heap_new: no memory for the profile");
        return NULL;
    }
    if (heap != NULL && chosen.verify == UA_VERIFY_FULL) {
        heap->gc->verify_mark = verify_mark;
        heap->gc->verify_swept = ua_verify_stopped;
    }
    if (heap != NULL)
        ua_registry_add(heap);
    return heap;
}

static void destroy(struct ua_heap *heap)
{
    if (ua_roots_are_finalizing(&heap->gc->roots))
        ua_fatal_call("ua_heap_close", "a finalizer of the heap is running");
    ua_watcher_stop(heap);
    ua_heap_destroy(heap);
}

void ua_heap_close(struct ua_heap *heap)
{
    if (heap == NULL)
        return;
    ua_call_check("ua_heap_close");
    ua_registry_close(heap, destroy);
}

int ua_fault_handler_install(void)
{
    return ua_fault_handler_start(ua_registry_freed_chunk);
}

/* Takes no lock, so a signal handler may ask at any time. */
bool ua_contains(struct ua_heap *heap, const void *pointer)
{
    const struct ua_span *span;

    ua_need(heap, "ua_contains", "the heap is NULL");
    span = ua_space_span(&heap->space, (uintptr_t)pointer);
    return span != NULL && ua_span_kind(span) == UA_SPAN_CHUNK;
}

size_t ua_trim(struct ua_heap *heap)
{
    return ua_heap_trim(need_heap(heap, "ua_trim"), SIZE_MAX);
}

const struct ua_type *ua_type_make(struct ua_heap *heap, size_t size_bytes, size_t align_bytes,
                                   const uint64_t *ptr_mask, size_t ptr_words, const char *name)
{
    return ua_types_make(&need_heap(heap, "ua_type_make")->types, size_bytes, align_bytes, ptr_mask, ptr_words, name);
}

struct ua_arena *ua_arena_new(struct ua_heap *heap)
{
    return ua_arena_create(need_heap(heap, "ua_arena_new"));
}

void ua_arena_free(struct ua_arena *arena)
{
    if (arena == NULL)
        return;
    ua_call_check("ua_arena_free");
    ua_arena_release(arena);
}

int ua_arena_reset(struct ua_arena *arena)
{
    int result;

    ua_arena_check(arena, "ua_arena_reset");
    ua_call_check("ua_arena_reset");
    ua_arena_enter(arena, "ua_arena_reset");
    result = ua_arena_restart(arena);
    ua_arena_exit(arena);
    return result;
}

void ua_arena_size(struct ua_arena *arena, size_t *used_bytes, size_t *held_bytes)
{
    ua_arena_check(arena, "ua_arena_size");
    ua_arena_measure(arena, used_bytes, held_bytes);
}

int ua_arena_mark(struct ua_arena *arena, struct ua_scope *scope)
{
    ua_arena_check(arena, "ua_arena_mark");
    ua_need(scope, "ua_arena_mark", "the mark is NULL");
    return ua_arena_scope_open(arena, scope);
}

void ua_arena_rewind(struct ua_arena *arena, const struct ua_scope *scope)
{
    ua_arena_check(arena, "ua_arena_rewind");
    ua_need(scope, "ua_arena_rewind", "the mark is NULL");
    ua_call_check("ua_arena_rewind");
    ua_arena_enter(arena, "ua_arena_rewind");
    ua_arena_scope_rewind(arena, scope);
    ua_arena_exit(arena);
}

void *ua_slice_grow(struct ua_arena *arena, const struct ua_type *type, void *slice, size_t old_count, size_t new_count)
{
    ua_arena_check(arena, "ua_slice_grow");
    ua_need(type, "ua_slice_grow", "the type is NULL");
    if (old_count != 0)
        ua_need(slice, "ua_slice_grow", "the slice is NULL");
    return ua_arena_grow(arena, type, slice, old_count, new_count);
}
