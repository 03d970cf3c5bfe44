/* ua.h - user arenas: allocate many objects, free them all at once, and fault on a use after that.
 *
 * Why: freeing object by object costs more than allocating; an arena frees in bulk, early, without counting against the
 * collector. A C port of Go 1.20's safe user arenas.
 *
 * Life: a heap owns chunks; an arena takes chunks from its heap and hands out objects from them, pointers from the front,
 * pointer-free data from the back. ua_arena_free gives full chunks back (set to fault, then quarantined until nothing
 * points into them, under the presets safe and go) and leaves the partly used one for the next arena. Under safe, where chunks
 * are freed all the time (within 25 ms of each other), up to five wait in quarantine for a sixth before they fault; with
 * the default quarantine_limit a collection is first, and gives back what nothing points into.
 *
 * Threads: a heap may be used by any thread; one arena by one thread at a time.
 * Signal handlers: one may allocate and free in arenas of its own. When it interrupted this thread inside the allocator with a lock
 * held, or inside a call on the same arena, its call is fatal and says so. Only an inlined allocation in the same arena is not
 * noticed (verify=full has none): a handler keeps to its own arenas.
 * Errors: a failed call returns NULL or -1 with nothing changed, sets errno, and ua_last_error() says why in a sentence.
 * Misuse (double free, freed handle, foreign pointer, NULL where something is needed) is fatal: one line on stderr that names the call
 * and the reason, then abort. Inlined calls and ua_arena_alloc_one look at no NULL: there it is a read of address 0. */
#ifndef UA_H
#define UA_H

#include <stdarg.h>
#include <stdbool.h>

#include "ua_abi.h"
#include "ua_stats.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ua_heap;
struct ua_arena;

/* ---- options --------------------------------------------------------------------------------------------------------- */

/* Fills all of *options for preset "safe", "go" or "kept". 0, or -1 with EINVAL for another word. */
UA_API int ua_options_preset(struct ua_options *options, const char *preset);
/* Sets one option by its documented name and word ("prezero", "window"); sizes take KiB, MiB, GiB. 0, or -1 with EINVAL
 * and ua_last_error() naming the valid choices. */
UA_API int ua_options_set(struct ua_options *options, const char *name, const char *value);
/* Why the calling thread's last failed call failed: a constant sentence, never NULL. */
UA_API const char *ua_last_error(void);

/* ---- heaps ----------------------------------------------------------------------------------------------------------- */

/* A new heap; NULL options = preset safe. NULL with EINVAL (an option out of range), ENOMEM, EAGAIN (no thread for the collector) or
 * ENOTSUP (roots=process where the system does not let a process read itself, as some containers). */
UA_API struct ua_heap *ua_heap_new(const struct ua_options *options);
/* Gives all memory of the heap back, arenas and objects included; finalizers that have not run do not run. Nobody may use the heap
 * meanwhile or after; from a finalizer of the heap: fatal. NULL: no-op. */
UA_API void ua_heap_close(struct ua_heap *heap);
/* Reads all figures. Not atomic as a whole. */
UA_API void ua_stats(struct ua_heap *heap, struct ua_stats *stats);
/* Whether the pointer lies in a chunk that has ever been used for arenas of this heap, freed or not. */
UA_API bool ua_contains(struct ua_heap *heap, const void *pointer);
/* Gives memory that is only kept for speed back to the system: pages of ready chunks. Returns the bytes given back. */
UA_API size_t ua_trim(struct ua_heap *heap);

/* Optional: a SIGSEGV handler that prints "accessed data from freed user arena 0x..." when freed arena memory was touched,
 * the arena's handle, and with option profile_rate where the chunk was allocated and freed; then hands the signal on to the
 * handler that was installed before (the default ends the process). Runs on an alternate stack, which the calling thread gets
 * until it ends unless it has one: call it in each thread whose own stack may be too small. 0, or -1 with errno. */
UA_API int ua_fault_handler_install(void);

/* ---- types ----------------------------------------------------------------------------------------------------------- */

/* Names the pointers of a struct, once, at file scope:
 *     UA_TYPE(node_type, struct node, UA_PTR(left), UA_PTRS(kids, 8), UA_NESTED(position, vector_type));
 * UA_NESTED takes a member of another UA_TYPE or an array of it. A union member named by UA_PTR is a pointer slot always;
 * a value there that is no heap address is ignored. Pointers must lie on multiples of 8 (packed structs: fatal at first use). */
#define UA_TYPE(type_name, T, ...)                                                                                     \
    __attribute__((unused)) static const struct ua_field *type_name##_fields(void)                                     \
    {                                                                                                                  \
        typedef T ua_self;                                                                                             \
        static const struct ua_field fields[] = {__VA_ARGS__, {0, 0, NULL}};                                           \
        return fields;                                                                                                 \
    }                                                                                                                  \
    static struct ua_type_cache type_name##_cache = {UA_STEP_UNREGISTERED, 0, UA_STEP_UNREGISTERED, NULL, NULL};       \
    __attribute__((unused)) static const struct ua_type type_name = {sizeof(T),          _Alignof(T), UA_HAS_POINTERS, \
                                                                     type_name##_fields, &type_name##_cache, #T}

#define UA_PTR(member)                                                                                                 \
    {offsetof(ua_self, member), sizeof(((ua_self *)0)->member) == sizeof(void *) ? 1 : SIZE_MAX, NULL}
#define UA_PTRS(member, n)                                                                                             \
    {offsetof(ua_self, member), sizeof(((ua_self *)0)->member) == (n) * sizeof(void *) ? (n) : SIZE_MAX, NULL}
#define UA_NESTED(member, nested_type) {offsetof(ua_self, member), sizeof(((ua_self *)0)->member), &(nested_type)}

/* A type without pointers. */
#define UA_SCALAR_TYPE(type_name, T)                                                                                   \
    __attribute__((unused)) static const struct ua_type type_name = {sizeof(T), _Alignof(T), 0, NULL, NULL, #T}

/* A type known at run time only, for this heap, until the heap is closed. Bit i of ptr_mask (64-bit words, lowest bit
 * first, `ptr_words` bits in all) says whether the 8-byte word i holds a pointer; ptr_words may be 0 (mask ignored).
 * align_bytes: power of two, at most 4096; size_bytes a multiple of it, and of 8 when there are pointers.
 * NULL with EINVAL (shape), ENOMEM, or ENOSPC (65,535 types a heap). */
UA_API const struct ua_type *ua_type_make(struct ua_heap *heap, size_t size_bytes, size_t align_bytes,
                                          const uint64_t *ptr_mask, size_t ptr_words, const char *name);

/* ---- arenas ---------------------------------------------------------------------------------------------------------- */

/* A new arena with a chunk of its own at once. NULL with ENOMEM. */
UA_API struct ua_arena *ua_arena_new(struct ua_heap *heap);
/* Frees the arena and everything in it. Never fails. Twice: fatal "arena double free". NULL: no-op. */
UA_API void ua_arena_free(struct ua_arena *arena);
/* Drops all objects and keeps the handle. Presets safe and go: free and new (the active chunk goes on as in Go);
 * kept: rewound. 0, or -1 with ENOMEM and nothing changed. */
UA_API int ua_arena_reset(struct ua_arena *arena);
/* Bytes handed out (with alignment gaps) and bytes of chunks held; either may be NULL. */
UA_API void ua_arena_size(struct ua_arena *arena, size_t *used_bytes, size_t *held_bytes);

/* Notes a place; ua_arena_rewind drops everything allocated since, and marks taken since. Marks end with the arena's free
 * or reset. Preset kept only: elsewhere -1 with ENOTSUP. Rewinding to a mark of another arena or life is fatal. */
UA_API int ua_arena_mark(struct ua_arena *arena, struct ua_scope *scope);
UA_API void ua_arena_rewind(struct ua_arena *arena, const struct ua_scope *scope);

/* A slice of new_count values that begins with the old ones, the rest zeroed. The newest slice grows in place: with
 * pointers at the same address, pointer-free at a new one below (its contents move). Others are copied; the old one stays.
 * NULL as ua_arena_alloc, or EINVAL when new_count < old_count; the slice is unchanged then. */
UA_API void *ua_slice_grow(struct ua_arena *arena, const struct ua_type *type, void *slice, size_t old_count,
                           size_t new_count);

/* Terminated copies and formatted text; at most `length` bytes of `text`. NULL with ENOMEM (EILSEQ: bad format). */
UA_API char *ua_strdup(struct ua_arena *arena, const char *text);
UA_API char *ua_strndup(struct ua_arena *arena, const char *text, size_t length);
UA_API char *ua_printf(struct ua_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
UA_API char *ua_vprintf(struct ua_arena *arena, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* `count` zeroed values of the type, the out-of-line path for any type. count 0 or size 0: a shared address that holds
 * nothing. More than a quarter chunk: an object of its own outside the arena. NULL with ENOMEM or EOVERFLOW. */
UA_API void *ua_arena_alloc(struct ua_arena *arena, const struct ua_type *type, size_t count) __attribute__((hot));

/* The same for one value, for types that the compiler does not know: about 20 instructions. Neither may be NULL. */
UA_API void *ua_arena_alloc_one(struct ua_arena *arena, const struct ua_type *type) __attribute__((hot));

/* Says to the compiler that this is no NULL, so that a caller's test for NULL is made on the out-of-line path alone. */
static inline __attribute__((always_inline, unused)) void *ua_never_null(uintptr_t at)
{
    if (at == 0)
        __builtin_unreachable();
    return (void *)at;
}

/* One zeroed value; inlined for compile-time types. NULL with ENOMEM. */
static inline __attribute__((always_inline, unused)) void *ua_new(struct ua_arena *arena, const struct ua_type *type)
{
    struct ua_arena_fast *fast = (struct ua_arena_fast *)(void *)arena;
    uintptr_t at;

    if (!__builtin_constant_p(type->size_bytes) || type->size_bytes == 0)
        return ua_arena_alloc_one(arena, type);
    if (!type->has_pointers) {
        at = (fast->back - type->size_bytes) & ~(uintptr_t)(type->align_bytes - 1);
        if (__builtin_expect(at < fast->back_limit, 0))
            return ua_arena_alloc_one(arena, type);
        __atomic_store_n(&fast->back, at, __ATOMIC_RELEASE);
        return ua_never_null(at);
    }
    {
        uint64_t step_bytes = __atomic_load_n(&type->cache->step_bytes, __ATOMIC_ACQUIRE);
        uintptr_t end;

        at = fast->front;
        if (type->align_bytes > 8)
            at = (at + type->align_bytes - 1) & ~(uintptr_t)(type->align_bytes - 1);
        end = at + step_bytes;
        if (__builtin_expect(end > fast->front_limit, 0))
            return ua_arena_alloc_one(arena, type);
        __atomic_store_n(fast->log, (uint16_t)__atomic_load_n(&type->cache->id, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
        fast->log++; /* read again, so that it is one instruction in memory */
        __atomic_store_n(&fast->front, end, __ATOMIC_RELEASE);
        return ua_never_null(at);
    }
}

/* Backing store of `count` zeroed values; inlined for pointer-free compile-time types. As ua_arena_alloc. */
static inline __attribute__((always_inline, unused)) void *ua_slice(struct ua_arena *arena, const struct ua_type *type,
                                                                    size_t count)
{
    struct ua_arena_fast *fast = (struct ua_arena_fast *)(void *)arena;
    uintptr_t at;

    if (!__builtin_constant_p(type->size_bytes) || type->size_bytes == 0 || type->has_pointers)
        return ua_arena_alloc(arena, type, count);
    /* The empty slice and any count whose bytes could wrap leave the inlined path together. */
    if (__builtin_expect(count - 1 >= ((size_t)1 << 30) / type->size_bytes, 0))
        return ua_arena_alloc(arena, type, count);
    at = (fast->back - count * type->size_bytes) & ~(uintptr_t)(type->align_bytes - 1);
    if (__builtin_expect(at < fast->back_limit, 0))
        return ua_arena_alloc(arena, type, count);
    __atomic_store_n(&fast->back, at, __ATOMIC_RELEASE);
    return ua_never_null(at);
}

#ifdef __cplusplus
}
#endif

/* The collected heap: objects, roots, finalizers, collections, threads; a profile and a trace. */
#include "ua_gc.h"
#include "ua_profile.h"

#endif
