/* table.h - a hash table from addresses to two words, in metadata memory.
 *
 * Why: roots, finalizers and abandoned handles are all "what hangs on this address", may be many, and must not use malloc.
 * Open addressing with linear probing; a removed entry leaves a tombstone. When these fill the table it moves to an array of the
 * same size, and back the next time. Growing leaves the old array behind in metadata (doubling: at most as much again, twice with
 * the second array). Not locked: the owner's guard covers it. */
#ifndef ALLOCATOR_GC_TABLE_H
#define ALLOCATOR_GC_TABLE_H

#include "meta/meta.h"

struct ua_entry {
    uintptr_t key; /* 0 = empty, 1 = removed; so keys are aligned addresses above 1 */
    uintptr_t a;
    uintptr_t b;
};

struct ua_table {
    struct ua_meta *meta;
    struct ua_entry *entries;
    struct ua_entry *spare; /* as many, out of use; NULL: none yet */
    size_t capacity; /* power of two, or 0 */
    size_t used;     /* live and removed */
    size_t count;    /* live */
};

void ua_table_init(struct ua_table *table, struct ua_meta *meta);
/* NULL when the key is not there. The pointer is good until the next add. */
struct ua_entry *ua_table_find(const struct ua_table *table, uintptr_t key);
/* 0, EEXIST, or ENOMEM with nothing changed. */
int ua_table_add(struct ua_table *table, uintptr_t key, uintptr_t a, uintptr_t b);
/* Empties it; the memory stays. */
void ua_table_clear(struct ua_table *table);
void ua_table_remove(struct ua_table *table, struct ua_entry *entry);

/* Walks live entries: start with NULL; entries may be removed on the way, none added. */
struct ua_entry *ua_table_next(const struct ua_table *table, const struct ua_entry *after);

#endif
