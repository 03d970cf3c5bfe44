/* roots.c - registered roots, finalizers, abandoned arenas; see roots.h. */
#include "gc/roots.h"

#include <errno.h>

void ua_roots_init(struct ua_roots_set *roots, struct ua_meta *meta, uint64_t *lock_count)
{
    *roots = (struct ua_roots_set){.meta = meta};
    ua_lock_init(&roots->lock, UA_RANK_ROOTS, lock_count);
    ua_table_init(&roots->slots, meta);
    ua_table_init(&roots->ranges, meta);
    ua_table_init(&roots->finalizers, meta);
    ua_table_init(&roots->abandoned, meta);
    ua_table_init(&roots->handles, meta);
}

void ua_roots_deinit(struct ua_roots_set *roots)
{
    ua_lock_deinit(&roots->lock);
}

static int add(struct ua_roots_set *roots, struct ua_table *table, uintptr_t key, uintptr_t a)
{
    int error;

    ua_lock_acquire(&roots->lock);
    error = ua_table_add(table, key, a, 0);
    ua_lock_release(&roots->lock);
    return error;
}

static void remove_known(struct ua_roots_set *roots, struct ua_table *table, uintptr_t key, const char *message)
{
    struct ua_entry *entry;

    ua_lock_acquire(&roots->lock);
    entry = ua_table_find(table, key);
    if (entry == NULL)
        ua_fatal_address(message, key);
    ua_table_remove(table, entry);
    ua_lock_release(&roots->lock);
}

int ua_roots_add_slot(struct ua_roots_set *roots, const void *slot)
{
    return add(roots, &roots->slots, (uintptr_t)slot, 0);
}

int ua_roots_add_range(struct ua_roots_set *roots, const void *at, size_t bytes)
{
    return add(roots, &roots->ranges, (uintptr_t)at, bytes);
}

void ua_roots_remove_slot(struct ua_roots_set *roots, const void *slot)
{
    remove_known(roots, &roots->slots, (uintptr_t)slot, "ua_root_remove: root removed twice or never added");
}

void ua_roots_remove_range(struct ua_roots_set *roots, const void *at)
{
    remove_known(roots, &roots->ranges, (uintptr_t)at, "ua_root_range_remove: root removed twice or never added");
}

/* Lock held. One record for each entry that may be queued, so that queueing cannot fail inside a collection. */
static bool reserve_record(struct ua_roots_set *roots)
{
    struct ua_queued *record;

    if (roots->record_count > roots->finalizers.count + roots->abandoned.count + roots->queued_count +
                                  roots->running_count)
        return true;
    record = ua_meta_alloc(roots->meta, sizeof *record);
    if (record == NULL)
        return false;
    record->next = roots->spare;
    roots->spare = record;
    roots->record_count++;
    return true;
}

/* Lock held. */
static int add_with_record(struct ua_roots_set *roots, struct ua_table *table, uintptr_t key, uintptr_t a, uintptr_t b)
{
    int error;

    if (ua_table_find(table, key) != NULL)
        return EEXIST;
    if (!reserve_record(roots))
        return ENOMEM;
    error = ua_table_add(table, key, a, b);
    return error;
}

int ua_roots_set_finalizer(struct ua_roots_set *roots, uintptr_t object, ua_roots_finalizer_fn *fn, void *argument)
{
    struct ua_entry *entry;
    int error = 0;

    ua_lock_acquire(&roots->lock);
    if (fn != NULL) {
        error = add_with_record(roots, &roots->finalizers, object, (uintptr_t)fn, (uintptr_t)argument);
    } else {
        entry = ua_table_find(&roots->finalizers, object);
        if (entry != NULL)
            ua_table_remove(&roots->finalizers, entry);
    }
    ua_lock_release(&roots->lock);
    return error;
}

int ua_roots_abandon(struct ua_roots_set *roots, uintptr_t handle)
{
    struct ua_entry *earlier;
    int error;

    ua_lock_acquire(&roots->lock);
    error = add_with_record(roots, &roots->abandoned, handle, 0, 0);
    /* A handle that was freed and made anew while a mark runs: what the mark knows is about its former life. */
    earlier = error == 0 ? ua_table_find(&roots->handles, handle) : NULL;
    if (earlier != NULL)
        __atomic_store_n(&earlier->a, 1, __ATOMIC_RELAXED);
    ua_lock_release(&roots->lock);
    return error;
}

void ua_roots_note_handles(struct ua_roots_set *roots)
{
    struct ua_entry *entry = NULL;

    ua_lock_check_held(&roots->lock);
    ua_table_clear(&roots->handles);
    roots->handles_lost = false;
    while ((entry = ua_table_next(&roots->abandoned, entry)) != NULL)
        if (ua_table_add(&roots->handles, entry->key, 0, 0) != 0)
            roots->handles_lost = true;
}

bool ua_roots_handle_is_lost(const struct ua_roots_set *roots, uintptr_t handle)
{
    const struct ua_entry *entry = ua_table_find(&roots->handles, handle);

    return !roots->handles_lost && entry != NULL && __atomic_load_n(&entry->a, __ATOMIC_RELAXED) == 0;
}

void ua_roots_queue(struct ua_roots_set *roots, struct ua_entry *entry, bool is_arena)
{
    struct ua_queued *record = roots->spare;

    ua_lock_check_held(&roots->lock);
    UA_CHECK(record != NULL, "gc: no record for a finalizer");
    roots->spare = record->next;
    *record = (struct ua_queued){.next = roots->queue, .object = entry->key, .is_arena = is_arena};
    if (!is_arena) {
        record->fn = (ua_roots_finalizer_fn *)entry->a;
        record->argument = (void *)entry->b;
    }
    roots->queue = record;
    roots->queued_count++;
    if (is_arena)
        __atomic_fetch_add(&roots->queued_arenas, 1, __ATOMIC_RELAXED);
    ua_table_remove(is_arena ? &roots->abandoned : &roots->finalizers, entry);
}

struct ua_queued *ua_roots_take_queued(struct ua_roots_set *roots, bool arenas_only)
{
    struct ua_queued **link = &roots->queue;
    struct ua_queued *record;

    ua_lock_acquire(&roots->lock);
    while (*link != NULL && arenas_only && !(*link)->is_arena)
        link = &(*link)->next;
    record = *link;
    if (record != NULL) {
        *link = record->next;
        roots->queued_count--;
        if (record->is_arena)
            __atomic_fetch_sub(&roots->queued_arenas, 1, __ATOMIC_RELAXED);
        record->next = roots->running;
        roots->running = record;
        roots->running_count++;
    }
    ua_lock_release(&roots->lock);
    return record;
}

void ua_roots_done(struct ua_roots_set *roots, struct ua_queued *record)
{
    struct ua_queued **link = &roots->running;

    ua_lock_acquire(&roots->lock);
    while (*link != record)
        link = &(*link)->next;
    *link = record->next;
    roots->running_count--;
    record->next = roots->spare;
    roots->spare = record;
    ua_lock_release(&roots->lock);
}

bool ua_roots_are_finalizing(struct ua_roots_set *roots)
{
    bool running;

    ua_lock_acquire(&roots->lock);
    running = roots->running_count != 0;
    ua_lock_release(&roots->lock);
    return running;
}

size_t ua_roots_queued_count(struct ua_roots_set *roots)
{
    size_t count;

    ua_lock_acquire(&roots->lock);
    count = roots->queued_count;
    ua_lock_release(&roots->lock);
    return count;
}
