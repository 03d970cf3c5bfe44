/* space.c - Go's hint lists and reservations; see space.h. */
#include "heap/space.h"

#include <errno.h>

#include "base/bits.h"

#define HINT_LOW ((uintptr_t)0x00c000000000)
#define HINT_COUNT 128u
#define HINT_FIRST_CHUNKS 0x40u /* hints from here up are for chunks */

bool ua_space_init(struct ua_space *space, struct ua_vm *vm, struct ua_acct *acct, struct ua_meta *meta,
                   uint64_t *lock_count)
{
    *space = (struct ua_space){.vm = vm, .acct = acct, .meta = meta};
    ua_lock_init(&space->lock, UA_RANK_SPACE, lock_count);
    /* Pushed in front from the highest down, so both lists end up ascending. */
    for (unsigned i = HINT_COUNT; i-- > 0;) {
        enum ua_space_use use = i >= HINT_FIRST_CHUNKS ? UA_SPACE_CHUNKS : UA_SPACE_GENERAL;

        space->storage[i] = (struct ua_hint){.next = space->hints[use], .at = (uintptr_t)i << 40 | HINT_LOW};
        space->hints[use] = &space->storage[i];
    }
    space->table = ua_meta_reserve(meta, UA_HEAP_ARENA_COUNT * sizeof *space->table);
    if (space->table == NULL)
        ua_lock_deinit(&space->lock);
    return space->table != NULL;
}

void ua_space_deinit(struct ua_space *space)
{
    for (int use = 0; use < UA_SPACE_USES; use++)
        for (struct ua_heap_arena *arena = space->all[use]; arena != NULL; arena = arena->next)
            if (arena->base != 0)
                ua_vm_unmap(space->vm, arena->base, UA_HEAP_ARENA_BYTES);
    ua_lock_deinit(&space->lock);
}

/* Walks the hints: one that is taken is dropped for good. Guard: lock. */
static bool reserve_by_hint(struct ua_space *space, enum ua_space_use use, size_t bytes, uintptr_t *at)
{
    while (space->hints[use] != NULL) {
        struct ua_hint *hint = space->hints[use];
        uintptr_t want = hint->down ? hint->at - bytes : hint->at;
        uintptr_t got = 0;

        if (!(hint->down && hint->at < bytes) && want + bytes <= UA_ALLOC_MAX && want + bytes >= want) {
            if (ua_vm_reserve(space->vm, want, bytes, &got) == 0) {
                if (got == want) {
                    hint->at = hint->down ? want : want + bytes;
                    *at = got;
                    return true;
                }
                ua_vm_unmap(space->vm, got, bytes);
            }
        }
        space->hints[use] = hint->next;
    }
    return false;
}

/* Go's quirk kept: the two new hints go to the general list, whoever asked. */
static void push_hints_around(struct ua_space *space, uintptr_t at, size_t bytes)
{
    struct ua_hint *pair = ua_meta_alloc(space->meta, 2 * sizeof *pair);

    if (pair == NULL)
        return; /* only a hint: the next reservation searches again */
    pair[0] = (struct ua_hint){.next = space->hints[UA_SPACE_GENERAL], .at = at, .down = true};
    pair[1] = (struct ua_hint){.next = &pair[0], .at = at + bytes};
    space->hints[UA_SPACE_GENERAL] = &pair[1];
}

/* Anywhere, aligned to a heap arena. Guard: lock. */
static int reserve_anywhere(struct ua_space *space, size_t bytes, uintptr_t *at, size_t *got_bytes)
{
    size_t asked = bytes + UA_HEAP_ARENA_BYTES;
    uintptr_t got;
    uintptr_t begin;
    int error = ua_vm_reserve(space->vm, 0, asked, &got);

    if (error != 0)
        return error;
    if (got % UA_HEAP_ARENA_BYTES == 0) {
        *at = got;
        *got_bytes = asked;
    } else {
        begin = ua_align_up(got, UA_HEAP_ARENA_BYTES);
        ua_vm_unmap(space->vm, got, begin - got);
        ua_vm_unmap(space->vm, begin + bytes, got + asked - (begin + bytes));
        *at = begin;
        *got_bytes = bytes;
    }
    push_hints_around(space, *at, *got_bytes);
    return 0;
}

static size_t table_bytes_of(unsigned shift)
{
    return (UA_HEAP_ARENA_BYTES >> shift) * sizeof(struct ua_span *);
}

/* Tables of several pages (8 KiB for chunks of 64 KiB, 64 KiB for pages) are booked page by page. */
static bool is_lazy(unsigned shift)
{
    return table_bytes_of(shift) > UA_PHYS_PAGE_BYTES;
}

/* Guard: lock. The records of all units are made first, so that a failure leaves nothing half entered. */
static struct ua_heap_arena *make_records(struct ua_space *space, enum ua_space_use use, size_t count, unsigned shift)
{
    struct ua_heap_arena *records = ua_meta_alloc(space->meta, count * sizeof *records);
    size_t table_bytes = table_bytes_of(shift);

    if (records == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        records[i] = (struct ua_heap_arena){.use = use, .shift = shift};
        records[i].spans = is_lazy(shift) ? ua_meta_reserve(space->meta, table_bytes)
                                          : ua_meta_alloc(space->meta, table_bytes);
        if (records[i].spans == NULL)
            return NULL;
    }
    return records;
}

/* The table's pages come on touch. Guard: lock. */
static void book_table_page(struct ua_space *space, size_t index)
{
    size_t page = index * sizeof *space->table / UA_PHYS_PAGE_BYTES;

    if (ua_bit_get(space->table_pages, page))
        return;
    ua_bit_set(space->table_pages, page);
    ua_meta_touched(space->meta, UA_PHYS_PAGE_BYTES);
}

static void enter_records(struct ua_space *space, struct ua_heap_arena *records, uintptr_t at, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct ua_heap_arena *record = &records[i];
        size_t index = (at >> UA_HEAP_ARENA_SHIFT) + i;

        UA_CHECK(space->table[index] == NULL, "arena already initialized");
        record->base = at + i * UA_HEAP_ARENA_BYTES;
        record->next = space->all[record->use];
        book_table_page(space, index);
        __atomic_store_n(&space->table[index], record, __ATOMIC_RELEASE);
        __atomic_store_n(&space->all[record->use], record, __ATOMIC_RELEASE);
    }
}

int ua_space_reserve(struct ua_space *space, enum ua_space_use use, size_t bytes, unsigned shift, uintptr_t *at,
                     size_t *got_bytes)
{
    struct ua_heap_arena *records;
    size_t rounded = ua_align_up(bytes, UA_HEAP_ARENA_BYTES);
    int error = 0;

    if (rounded < bytes || rounded > UA_ALLOC_MAX / 2)
        return ENOMEM;
    ua_lock_acquire(&space->lock);
    /* One record more than asked for: the unaligned search may give one heap arena more. */
    records = make_records(space, use, rounded / UA_HEAP_ARENA_BYTES + 1, shift);
    if (records == NULL)
        error = ENOMEM;
    else if (reserve_by_hint(space, use, rounded, at))
        *got_bytes = rounded;
    else
        error = reserve_anywhere(space, rounded, at, got_bytes);
    if (error == 0) {
        UA_CHECK(*at % UA_HEAP_ARENA_BYTES == 0, "misrounded allocation in sysAlloc");
        enter_records(space, records, *at, *got_bytes / UA_HEAP_ARENA_BYTES);
        ua_acct_move(space->acct, UA_ACCT_NONE, UA_ACCT_RESERVED, *got_bytes);
    }
    ua_lock_release(&space->lock);
    return error;
}

void ua_space_unreserve(struct ua_space *space, uintptr_t at, size_t bytes)
{
    ua_lock_acquire(&space->lock);
    for (uintptr_t unit = at; unit < at + bytes; unit += UA_HEAP_ARENA_BYTES) {
        struct ua_heap_arena *record = ua_space_heap_arena(space, unit);

        UA_CHECK(record != NULL && record->use == UA_SPACE_GENERAL, "space: not a reservation of the general heap");
        __atomic_store_n(&space->table[unit >> UA_HEAP_ARENA_SHIFT], NULL, __ATOMIC_RELEASE);
        record->base = 0; /* the record stays on the list, skipped */
    }
    if (ua_vm_unmap(space->vm, at, bytes) == 0)
        ua_acct_move(space->acct, UA_ACCT_RESERVED, UA_ACCT_NONE, bytes);
    ua_lock_release(&space->lock);
}

/* An entry of a lazy table is about to be written. */
static void book_entry(struct ua_space *space, struct ua_heap_arena *arena, size_t index)
{
    uint64_t bit = (uint64_t)1 << (index * sizeof *arena->spans / UA_PHYS_PAGE_BYTES);

    if ((__atomic_load_n(&arena->spans_pages, __ATOMIC_RELAXED) & bit) == 0 &&
        (__atomic_fetch_or(&arena->spans_pages, bit, __ATOMIC_RELAXED) & bit) == 0)
        ua_meta_touched(space->meta, UA_PHYS_PAGE_BYTES);
}

void ua_space_set_span(struct ua_space *space, uintptr_t at, size_t bytes, struct ua_span *span)
{
    for (uintptr_t place = at; place < at + bytes;) {
        struct ua_heap_arena *arena = ua_space_heap_arena(space, place);
        size_t index;

        UA_CHECK(arena != NULL, "space: span outside the heap's address space");
        index = (place - arena->base) >> arena->shift;
        if (is_lazy(arena->shift))
            book_entry(space, arena, index);
        __atomic_store_n(&arena->spans[index], span, __ATOMIC_RELEASE);
        place += (uintptr_t)1 << arena->shift;
    }
}
