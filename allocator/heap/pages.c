/* pages.c - see pages.h. */
#include "heap/pages.h"

#include <string.h>

#include "base/bits.h"
#include "os/fence.h"

#define ARENA_PAGES UA_PAGES_PER_HEAP_ARENA
/* Mapped at a time, as Go does: a system call for every run would cost more than filling it, and huge pages need room. */
#define MAP_PAGES (((size_t)4 << 20) / UA_PAGE_BYTES)

_Static_assert(UA_PAGES_PER_HEAP_ARENA % MAP_PAGES == 0, "a heap arena is whole units");
_Static_assert(MAP_PAGES * UA_PAGE_BYTES % UA_HUGE_PAGE_BYTES == 0, "a unit is whole huge pages");

void ua_pages_init(struct ua_pages *pages, struct ua_vm *vm, struct ua_acct *acct, struct ua_meta *meta,
                   struct ua_space *space, bool huge_pages, uint64_t *lock_count)
{
    *pages = (struct ua_pages){.vm = vm, .acct = acct, .meta = meta, .space = space, .huge_pages = huge_pages};
    ua_lock_init(&pages->lock, UA_RANK_PAGES, lock_count);
}

void ua_pages_deinit(struct ua_pages *pages)
{
    ua_lock_deinit(&pages->lock);
}

/* First run of `count` free pages, ARENA_PAGES when there is none. */
static size_t find_run(const struct ua_page_arena *arena, size_t count)
{
    size_t at = arena->search_from;

    if (arena->free_pages < count)
        return ARENA_PAGES;
    while (at + count <= ARENA_PAGES) {
        size_t begin = ua_bits_find_clear(arena->in_use, at, ARENA_PAGES);
        size_t end = ua_bits_find_set(arena->in_use, begin, ua_min(begin + count, ARENA_PAGES));

        if (end - begin >= count)
            return begin;
        at = end + 1;
    }
    return ARENA_PAGES;
}

/* Guard: lock. */
static struct ua_page_arena *add_arena(struct ua_pages *pages)
{
    struct ua_page_arena *arena = ua_meta_alloc(pages->meta, sizeof *arena);
    struct ua_page_arena **tail = &pages->arenas;
    uintptr_t at;
    size_t got_bytes;

    if (arena == NULL ||
        ua_space_reserve(pages->space, UA_SPACE_GENERAL, UA_HEAP_ARENA_BYTES, UA_PAGE_SHIFT, &at, &got_bytes) != 0)
        return NULL;
    while (*tail != NULL)
        tail = &(*tail)->next;
    arena->base = at;
    arena->free_pages = ARENA_PAGES;
    *tail = arena;
    for (at += UA_HEAP_ARENA_BYTES, got_bytes -= UA_HEAP_ARENA_BYTES; got_bytes > 0;
         at += UA_HEAP_ARENA_BYTES, got_bytes -= UA_HEAP_ARENA_BYTES) {
        struct ua_page_arena *more = ua_meta_alloc(pages->meta, sizeof *more);

        if (more == NULL)
            break; /* unused address space */
        more->base = at;
        more->free_pages = ARENA_PAGES;
        more->next = arena->next;
        arena->next = more;
    }
    return arena;
}

/* Maps the units that a run lies in and that are not mapped yet. The first of a heap gets small pages: a heap with a few objects
 * costs what they take. Guard: lock. */
static bool map_units(struct ua_pages *pages, struct ua_page_arena *arena, size_t first, size_t end)
{
    for (size_t unit = ua_align_down(first, MAP_PAGES); unit < end; unit += MAP_PAGES) {
        uintptr_t at = arena->base + unit * UA_PAGE_BYTES;

        if (ua_bit_get(arena->mapped, unit))
            continue;
        if (ua_vm_map(pages->vm, at, MAP_PAGES * UA_PAGE_BYTES) != 0)
            return false;
        ua_bits_assign(arena->mapped, unit, unit + MAP_PAGES, true);
        ua_acct_move(pages->acct, UA_ACCT_RESERVED, UA_ACCT_RELEASED, MAP_PAGES * UA_PAGE_BYTES);
        if (pages->huge_pages && (unit != 0 || arena != pages->arenas))
            ua_vm_huge_page(pages->vm, at, MAP_PAGES * UA_PAGE_BYTES);
    }
    return true;
}

/* Maps a run and clears the dirty parts. Guard: lock. */
static bool make_usable(struct ua_pages *pages, struct ua_page_arena *arena, size_t first, size_t count)
{
    size_t end = first + count;

    if (!map_units(pages, arena, first, end))
        return false;
    for (size_t at = first; at < end;) {
        bool dirty = ua_bit_get(arena->dirty, at);
        size_t stop = dirty ? ua_bits_find_clear(arena->dirty, at, end) : ua_bits_find_set(arena->dirty, at, end);
        size_t bytes = (stop - at) * UA_PAGE_BYTES;

        if (dirty)
            memset((void *)(arena->base + at * UA_PAGE_BYTES), 0, bytes);
        ua_acct_move(pages->acct, dirty ? UA_ACCT_FREE : UA_ACCT_RELEASED, UA_ACCT_IN_USE, bytes);
        at = stop;
    }
    ua_fence_publish();
    ua_bits_assign(arena->dirty, first, end, true);
    return true;
}

/* A reservation of its own for a run longer than a heap arena. */
static uintptr_t alloc_giant(struct ua_pages *pages, size_t bytes)
{
    uintptr_t at;
    size_t got_bytes;

    if (ua_space_reserve(pages->space, UA_SPACE_GENERAL, bytes, UA_PAGE_SHIFT, &at, &got_bytes) != 0)
        return 0;
    if (ua_vm_map(pages->vm, at, bytes) != 0) {
        ua_space_unreserve(pages->space, at, got_bytes);
        return 0;
    }
    if (got_bytes > ua_align_up(bytes, UA_HEAP_ARENA_BYTES))
        ua_space_unreserve(pages->space, at + ua_align_up(bytes, UA_HEAP_ARENA_BYTES), UA_HEAP_ARENA_BYTES);
    ua_acct_move(pages->acct, UA_ACCT_RESERVED, UA_ACCT_RELEASED, bytes);
    ua_acct_move(pages->acct, UA_ACCT_RELEASED, UA_ACCT_IN_USE, bytes);
    return at;
}

uintptr_t ua_pages_alloc(struct ua_pages *pages, size_t count)
{
    struct ua_page_arena *arena;
    size_t first = ARENA_PAGES;
    uintptr_t at = 0;

    UA_CHECK(count > 0, "pages: empty run");
    if (count > UA_ALLOC_MAX / 2 / UA_PAGE_BYTES)
        return 0;
    ua_lock_acquire(&pages->lock);
    if (count > ARENA_PAGES) {
        at = alloc_giant(pages, count * UA_PAGE_BYTES);
        ua_lock_release(&pages->lock);
        return at;
    }
    for (arena = pages->arenas; arena != NULL; arena = arena->next) {
        first = find_run(arena, count);
        if (first != ARENA_PAGES)
            break;
    }
    if (arena == NULL) {
        arena = add_arena(pages);
        first = 0;
    }
    if (arena != NULL && make_usable(pages, arena, first, count)) {
        ua_bits_assign(arena->in_use, first, first + count, true);
        arena->free_pages -= count;
        if (first == arena->search_from)
            arena->search_from = first + count;
        at = arena->base + first * UA_PAGE_BYTES;
    }
    ua_lock_release(&pages->lock);
    return at;
}

void ua_pages_free(struct ua_pages *pages, uintptr_t at, size_t count)
{
    struct ua_page_arena *arena;
    size_t first = at % UA_HEAP_ARENA_BYTES / UA_PAGE_BYTES;
    size_t bytes = count * UA_PAGE_BYTES;

    ua_lock_acquire(&pages->lock);
    if (count > ARENA_PAGES) {
        size_t reserved_bytes = ua_align_up(bytes, UA_HEAP_ARENA_BYTES);

        ua_acct_move(pages->acct, UA_ACCT_IN_USE, UA_ACCT_RESERVED, bytes);
        ua_space_unreserve(pages->space, at, reserved_bytes);
        ua_lock_release(&pages->lock);
        return;
    }
    for (arena = pages->arenas; arena != NULL && arena->base != at - first * UA_PAGE_BYTES;)
        arena = arena->next;
    UA_CHECK(arena != NULL && first + count <= ARENA_PAGES, "pages: run is not of this heap");
    UA_CHECK(ua_bits_find_clear(arena->in_use, first, first + count) == first + count, "pages: run is not in use");
    ua_bits_assign(arena->in_use, first, first + count, false);
    arena->free_pages += count;
    arena->search_from = ua_min(arena->search_from, first);
    ua_acct_move(pages->acct, UA_ACCT_IN_USE, UA_ACCT_FREE, bytes);
    ua_lock_release(&pages->lock);
}

size_t ua_pages_trim(struct ua_pages *pages, size_t enough_bytes)
{
    size_t given = 0;

    ua_lock_acquire(&pages->lock);
    for (struct ua_page_arena *arena = pages->arenas; arena != NULL; arena = arena->next)
        for (size_t at = ua_bits_find_set(arena->dirty, 0, ARENA_PAGES); at < ARENA_PAGES && given < enough_bytes;
             at = ua_bits_find_set(arena->dirty, at, ARENA_PAGES)) {
            size_t stop = ua_bits_find_clear(arena->dirty, at, ARENA_PAGES);

            /* Only free pages: in_use cuts the dirty run. */
            if (ua_bit_get(arena->in_use, at)) {
                at = ua_bits_find_clear(arena->in_use, at, ARENA_PAGES);
                continue;
            }
            stop = ua_bits_find_set(arena->in_use, at, stop);
            if (ua_vm_discard(pages->vm, arena->base + at * UA_PAGE_BYTES, (stop - at) * UA_PAGE_BYTES) == 0) {
                ua_bits_assign(arena->dirty, at, stop, false);
                ua_acct_move(pages->acct, UA_ACCT_FREE, UA_ACCT_RELEASED, (stop - at) * UA_PAGE_BYTES);
                given += (stop - at) * UA_PAGE_BYTES;
            }
            at = stop;
        }
    ua_lock_release(&pages->lock);
    return given;
}
