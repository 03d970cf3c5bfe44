/* ua_gc.h - the collected heap: objects, roots, finalizers, collections, threads. Part of ua.h, which includes it.
 *
 * Why a collector at all: a freed arena's address space may be used again only when nothing points there any more, and
 * somebody has to find that out. Given that, it also frees objects of its own and abandoned arenas.
 *
 * What it sees. Objects and chunks are read by their types. Roots are, by option `roots`: registered (slots and ranges
 * named by ua_root_add, and objects' own pointers), conservative (also stacks, registers and thread-local variables of
 * attached threads, and writable data segments), process (also every other writable mapping, malloc memory included).
 * A pointer anywhere into an object keeps all of it; so does one into an arena keep the chunk, freed or not.
 * Conservative roots do not see malloc memory: register what points into the heap from there.
 *
 * Threads. Every thread that holds pointers into a heap attaches itself first and detaches before it ends; the thread that
 * makes a heap is attached by that, one that makes an arena or an object by its first. One that ends attached is detached.
 * Under conservative and process roots a collection stops attached threads by signal (SIGURG; the handler is installed with
 * the first heap), also inside system calls, which are restarted (but for poll, select and sleeps, which the system never
 * restarts: EINTR). A thread must not block SIGURG, and the program must not take it for itself. Under registered roots a
 * thread is stopped only where it calls ua_safepoint, makes an arena or allocates (in an arena too, when that takes a chunk),
 * collects, makes or closes a heap, detaches itself or forks, and in blocking sections: at those points every pointer that
 * matters is in a registered slot. A thread that waits for others (join, a condition) does so in a blocking section.
 * A thread's stack is the one that it was started on. Another one on which it runs for a while (an alternate signal stack, a
 * coroutine's) is not read: what only that one points to is not kept. A signal handler may use a heap (ua.h), but
 * not where it interrupted a blocking section, or a call that stops or waits for a stop: there it is undefined.
 * Fork: the child may allocate, free and collect in every heap, whatever the other threads were doing; fork stops attached threads
 * once, by signal, and waits until nobody is inside the allocator. Arenas that other threads were using are not the child's to
 * use, and what was half done then stays in the figures.
 * roots=process does not go with address or thread sanitizers: their shadow is a writable mapping of terabytes. */
#ifndef UA_GC_H
#define UA_GC_H

#include <stdbool.h>
#include <stddef.h>

#include "ua_abi.h"
#include "ua_gc_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ua_heap;
struct ua_arena;
struct ua_gc_pauses;

/* ---- objects ---------------------------------------------------------------------------------------------------------- */

/* `count` zeroed values in the collected heap; lives until a collection finds no pointer to it. Size 0: the shared address
 * that holds nothing. May collect first: under registered roots store the result before the next allocation. NULL with
 * ENOMEM or EOVERFLOW. An alignment that is no power of two up to 4096 is fatal. Any thread. */
UA_API void *ua_heap_alloc(struct ua_heap *heap, const struct ua_type *type, size_t count) __attribute__((hot));
/* Frees one object by hand; nobody may point to it. NULL or the zero-size address: no-op. Foreign, interior or already
 * free pointers: fatal. During a mark the memory comes back with the next sweep. */
UA_API void ua_heap_free(struct ua_heap *heap, void *object);
/* A copy in the collected heap of `count` values that lie in an arena of this heap; anything else is returned as it is.
 * Interior pointers are fine. NULL with ENOMEM. */
UA_API void *ua_clone(struct ua_heap *heap, const struct ua_type *type, const void *value, size_t count);

/* ---- stores ----------------------------------------------------------------------------------------------------------- */

/* Stores into memory that the collector reads by type (objects and arenas of the heap). Under collect=stw they are plain.
 * Under collect=concurrent every overwrite of a pointer that may be there already goes through them: a missed one can free
 * what is in use. memcpy and struct assignment are stores too. Not needed: the first stores into an object that was just
 * made, stores to roots (stacks, globals, registered slots), and stores of what is no pointer.
 * Cost while no mark runs: a test (store); a test and two stores to thread-local memory for each 64 KiB (copy, clear).
 * Threads: any attached one; one that is not is attached by a store during a mark. Two threads that store to one slot at the
 * same time need a lock of their own. copy and clear take whole values of the type; copy may overlap. None of them inside a
 * blocking section. */
static inline __attribute__((always_inline, unused)) void ua_store(struct ua_heap *heap, void **slot, void *value);
UA_API void ua_copy(struct ua_heap *heap, const struct ua_type *type, void *to, const void *from, size_t count);
UA_API void ua_clear(struct ua_heap *heap, const struct ua_type *type, void *at, size_t count);
/* The part of ua_store that is not inlined. */
UA_API void ua_store_marking(struct ua_heap *heap, void **slot, void *value);

static inline void ua_store(struct ua_heap *heap, void **slot, void *value)
{
    void *old = __atomic_load_n(slot, __ATOMIC_RELAXED);

    /* The old pointer is in a register from before the test until after the store: should a mark open in between, registers
     * are roots, and it is not lost. */
    __asm__ volatile("" : "+r"(old) : : "memory");
    if (__builtin_expect(__atomic_load_n(&((const struct ua_heap_fast *)(const void *)heap)->marking, __ATOMIC_RELAXED) != 0,
                         0)) {
        ua_store_marking(heap, slot, value);
        return;
    }
    __atomic_store_n(slot, value, __ATOMIC_RELEASE);
    __asm__ volatile("" : : "r"(old) : "memory");
}

/* ---- roots ------------------------------------------------------------------------------------------------------------ */

/* A slot that holds a pointer (or nothing, or no heap address); read at each collection until removed. -1 with ENOMEM.
 * The same slot may be added once only: EEXIST. Removing what is not there: fatal "root removed twice or never added". */
UA_API int ua_root_add(struct ua_heap *heap, void *slot);
UA_API void ua_root_remove(struct ua_heap *heap, void *slot);
/* The same for every word of [at, at + bytes). Identified by `at`. Slots and `at` lie on multiples of 8, and the range ends within the
 * address space: fatal otherwise. */
UA_API int ua_root_range_add(struct ua_heap *heap, const void *at, size_t bytes);
UA_API void ua_root_range_remove(struct ua_heap *heap, const void *at);

/* ---- arenas that are dropped ------------------------------------------------------------------------------------------ */

/* The owner's last use of the handle: from here on it is collectable. The first collection that finds no root and no live
 * slot holding the handle's address frees the arena, as ua_arena_free would. Until then everything in it lives. */
UA_API void ua_arena_abandon(struct ua_arena *arena);

/* ---- finalizers ------------------------------------------------------------------------------------------------------- */

typedef void ua_finalizer_fn(void *object, void *argument);

/* Calls fn(object, argument) once, after a collection found the object unreachable; NULL removes. Everything the object
 * points to lives until fn returned; the object itself goes in the next collection, unless fn stored it somewhere. What `argument`
 * points to lives until then too, so nothing there may lead to the object: it would live for ever (the object itself or an address
 * in it may be the argument). No order is promised between objects. `object` is the start of a ua_heap_alloc object: arena memory is fatal ("arena: finalizer
 * on arena memory"), other addresses too. One finalizer an object: -1 with EEXIST; -1 with ENOMEM. */
UA_API int ua_finalizer_set(struct ua_heap *heap, void *object, ua_finalizer_fn *fn, void *argument);
/* Runs what is queued, on the calling thread, outside all locks: finalizers may allocate, free arenas and collect.
 * ua_collect does it before it returns; a cycle that allocation started leaves them queued. Returns how many ran. Inside a
 * finalizer: 0, nothing happens. */
UA_API size_t ua_finalizers_run(struct ua_heap *heap);
UA_API size_t ua_finalizers_pending(struct ua_heap *heap);

/* ---- collections ------------------------------------------------------------------------------------------------------ */

/* One full collection, sweep included, then queued finalizers. From inside a finalizer: collects, runs none. */
UA_API void ua_collect(struct ua_heap *heap);

/* The pauses so far, as histograms (ua_stats.h). Any thread, at any time. */
UA_API void ua_gc_pauses(struct ua_heap *heap, struct ua_gc_pauses *pauses);

/* Copies the newest `capacity` cycles, oldest first (at most 256 are kept); returns how many. */
UA_API size_t ua_gc_events(struct ua_heap *heap, struct ua_gc_event *events, size_t capacity);
/* Finished cycles so far; one load, so that a program may ask after each allocation whether one has run. */
UA_API uint64_t ua_gc_cycles(struct ua_heap *heap);
/* The same for payments of allocating threads under collect=concurrent (at most 1,024 are kept). */
UA_API size_t ua_gc_assists(struct ua_heap *heap, struct ua_gc_assist_event *events, size_t capacity);

/* ---- threads ---------------------------------------------------------------------------------------------------------- */

/* Makes the calling thread known: its stack, registers and thread-local variables become roots and collections stop it.
 * Attaching twice counts. 0, or -1 with ENOMEM or EAGAIN. Detach as often as attached, before the thread ends. */
UA_API int ua_thread_attach(void);
UA_API void ua_thread_detach(void);
/* Around a long stay outside the heap: collections do not stop the thread, its stack up to here is still a root. No heap access in
 * between, from signal handlers neither. A section inside another is fatal. Who leaves one by longjmp calls ua_blocking_end where it
 * lands, before anything else; a thread that ends or is detached inside has left it. Not attached: no-ops. */
UA_API void ua_blocking_begin(void);
UA_API void ua_blocking_end(void);
/* Stops here if a collection wants it; only shortens the collection's waiting. */
UA_API void ua_safepoint(void);

#ifdef __cplusplus
}
#endif

#endif
