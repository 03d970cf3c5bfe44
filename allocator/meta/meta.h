/* meta.h - memory for the allocator's own records: spans, tables, bitmaps, logs, mark buffers.
 *
 * Why never malloc: the program may replace malloc by something built on us, and a record next to the program's data would
 * be overwritten by its errors. Why never freed before the heap is closed: records are reused through free lists of their
 * owners, and a fixed address lets a racing reader (the collector) look at a stale record without a fault.
 * Locking: its own lock; callable from every layer above. */
#ifndef UA_META_H
#define UA_META_H

#include "acct/acct.h"
#include "os/lock.h"
#include "os/vm.h"

struct ua_meta_region;

struct ua_meta {
    struct ua_vm *vm;
    struct ua_acct *acct;
    struct ua_lock lock;
    struct ua_meta_region *regions; /* all mappings, to unmap them; guard: lock */
    uintptr_t next;                 /* bump range of the newest small region; guard: lock */
    uintptr_t end;
};

void ua_meta_init(struct ua_meta *meta, struct ua_vm *vm, struct ua_acct *acct, uint64_t *lock_count);
/* Unmaps everything. */
void ua_meta_deinit(struct ua_meta *meta);
/* Zeroed, 64-byte aligned, counted as metadata at once. NULL without memory. */
void *ua_meta_alloc(struct ua_meta *meta, size_t bytes);
/* Zeroed address range whose pages come on touch; counted as reserved until ua_meta_touched moves bytes of it. NULL without
 * memory. Whole system pages. */
void *ua_meta_reserve(struct ua_meta *meta, size_t bytes);
void ua_meta_touched(struct ua_meta *meta, size_t bytes);
void ua_meta_untouched(struct ua_meta *meta, size_t bytes);
/* Of a lazy range that is written from its start on: books the pages up to end_bytes that *booked_bytes does not have yet. The
 * caller guards both. */
void ua_meta_reached(struct ua_meta *meta, size_t *booked_bytes, size_t end_bytes);
/* Calls visit for every mapping, newest first; for gc/, which must not take the heap's own records for roots. */
void ua_meta_each(struct ua_meta *meta, void (*visit)(uintptr_t at, size_t bytes, void *context), void *context);

#endif
