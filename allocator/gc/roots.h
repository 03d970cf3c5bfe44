/* roots.h - what the program registered: root slots and ranges, finalizers, abandoned arenas; and the finalizer queue.
 *
 * Why together: each is "something hangs on this address", changed by the program at any time and read with the world
 * stopped, under one lock.
 *
 * Finalizer life: set --mark does not reach the object--> queued (the object is kept) --run--> gone; the object itself is
 * freed by the next cycle that does not reach it. An abandoned arena takes the same way: its finalizer is the free.
 * The queue is a stack: last queued runs first, as within one of Go's blocks; no order is promised.
 * Guard: lock for all fields. Finalizers run outside it. */
#ifndef ALLOCATOR_GC_ROOTS_H
#define ALLOCATOR_GC_ROOTS_H

#include "gc/table.h"
#include "os/lock.h"

typedef void ua_roots_finalizer_fn(void *object, void *argument);

struct ua_queued {
    struct ua_queued *next;
    uintptr_t object; /* an object of the heap, or the handle of an arena */
    ua_roots_finalizer_fn *fn;
    void *argument;
    bool is_arena;
};

struct ua_roots_set {
    struct ua_meta *meta;
    struct ua_lock lock;
    struct ua_table slots;      /* key: address of the slot */
    struct ua_table ranges;     /* key: start, a: bytes */
    struct ua_table finalizers; /* key: object, a: fn, b: argument */
    struct ua_table abandoned;  /* key: handle */
    struct ua_table handles;    /* those of `abandoned` when the running mark began; a: 1 (atomic) when it found one. Only
                                   changed with the world stopped, so that markers may look without the lock */
    bool handles_lost;          /* no memory for `handles`: each counts as found */
    struct ua_queued *queue;
    struct ua_queued *running;  /* taken, not done */
    struct ua_queued *spare;
    size_t record_count;        /* queued, running and spare */
    size_t queued_count;
    size_t queued_arenas; /* of these; atomic, guard: lock for writing */
    size_t running_count;
};

void ua_roots_init(struct ua_roots_set *roots, struct ua_meta *meta, uint64_t *lock_count);
void ua_roots_deinit(struct ua_roots_set *roots);

/* 0, EEXIST or ENOMEM. */
int ua_roots_add_slot(struct ua_roots_set *roots, const void *slot);
int ua_roots_add_range(struct ua_roots_set *roots, const void *at, size_t bytes);
/* Fatal when it is not there. */
void ua_roots_remove_slot(struct ua_roots_set *roots, const void *slot);
void ua_roots_remove_range(struct ua_roots_set *roots, const void *at);

/* fn NULL removes (0 also when there was none). 0, EEXIST or ENOMEM. */
int ua_roots_set_finalizer(struct ua_roots_set *roots, uintptr_t object, ua_roots_finalizer_fn *fn, void *argument);
/* 0, EEXIST (abandoned already) or ENOMEM. */
int ua_roots_abandon(struct ua_roots_set *roots, uintptr_t handle);

/* World stopped, lock held. A mark begins: none of the abandoned handles is found yet. */
void ua_roots_note_handles(struct ua_roots_set *roots);
/* A mark ended: whether this abandoned handle was there when it began and was not found. */
bool ua_roots_handle_is_lost(const struct ua_roots_set *roots, uintptr_t handle);

/* Lock held: moves an entry to the queue. A record is always there: it was made when the entry was added. */
void ua_roots_queue(struct ua_roots_set *roots, struct ua_entry *entry, bool is_arena);
/* Takes the newest queued one, or the newest arena; NULL when there is none. Its object is kept until done is called. */
struct ua_queued *ua_roots_take_queued(struct ua_roots_set *roots, bool arenas_only);
void ua_roots_done(struct ua_roots_set *roots, struct ua_queued *record);
/* Whether a finalizer, or the free of an abandoned arena, is under way. */
bool ua_roots_are_finalizing(struct ua_roots_set *roots);
size_t ua_roots_queued_count(struct ua_roots_set *roots);

#endif
