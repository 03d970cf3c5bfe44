/* meta.c - see meta.h. Small records are bumped out of regions; large and lazy ones are a mapping each. */
#include "meta/meta.h"

#define META_ALIGN 64u
#define META_REGION_BYTES (256 * UA_KIB)
#define META_LARGE_BYTES (32 * UA_KIB)

/* Header at the start of a mapping, or a record of its own for lazy ranges (which must stay page-aligned and untouched). */
struct ua_meta_region {
    struct ua_meta_region *next;
    uintptr_t at;
    size_t bytes;
};

void ua_meta_init(struct ua_meta *meta, struct ua_vm *vm, struct ua_acct *acct, uint64_t *lock_count)
{
    *meta = (struct ua_meta){.vm = vm, .acct = acct};
    ua_lock_init(&meta->lock, UA_RANK_META, lock_count);
}

void ua_meta_deinit(struct ua_meta *meta)
{
    struct ua_meta_region *region = meta->regions;
    struct ua_meta_region *holders = NULL;

    /* Headers live inside other regions: first the mappings without a header of their own, then the others. */
    while (region != NULL) {
        struct ua_meta_region *next = region->next;

        if ((uintptr_t)region == region->at) {
            region->next = holders;
            holders = region;
        } else {
            ua_vm_unmap(meta->vm, region->at, region->bytes);
        }
        region = next;
    }
    while (holders != NULL) {
        struct ua_meta_region *next = holders->next;

        ua_vm_unmap(meta->vm, holders->at, holders->bytes);
        holders = next;
    }
    ua_lock_deinit(&meta->lock);
}

/* Guard: lock. */
static bool add_region(struct ua_meta *meta)
{
    uintptr_t at;
    struct ua_meta_region *region;

    if (ua_vm_allocate(meta->vm, META_REGION_BYTES, &at) != 0)
        return false;
    region = (struct ua_meta_region *)at;
    *region = (struct ua_meta_region){.next = meta->regions, .at = at, .bytes = META_REGION_BYTES};
    meta->regions = region;
    meta->next = at + ua_align_up(sizeof *region, META_ALIGN);
    meta->end = at + META_REGION_BYTES;
    ua_acct_move(meta->acct, UA_ACCT_NONE, UA_ACCT_RESERVED, META_REGION_BYTES);
    ua_acct_move(meta->acct, UA_ACCT_RESERVED, UA_ACCT_META, meta->next - at);
    return true;
}

/* Guard: lock. */
static void *bump(struct ua_meta *meta, size_t bytes)
{
    uintptr_t at;

    bytes = ua_align_up(bytes, META_ALIGN);
    if (meta->end - meta->next < bytes && !add_region(meta))
        return NULL;
    at = meta->next;
    meta->next += bytes;
    ua_acct_move(meta->acct, UA_ACCT_RESERVED, UA_ACCT_META, bytes);
    return (void *)at;
}

void *ua_meta_alloc(struct ua_meta *meta, size_t bytes)
{
    void *memory;

    UA_CHECK(bytes > 0, "meta: empty record");
    if (bytes > META_LARGE_BYTES) {
        memory = ua_meta_reserve(meta, ua_align_up(bytes, UA_PHYS_PAGE_BYTES));
        if (memory != NULL)
            ua_meta_touched(meta, ua_align_up(bytes, UA_PHYS_PAGE_BYTES));
        return memory;
    }
    ua_lock_acquire(&meta->lock);
    memory = bump(meta, bytes);
    ua_lock_release(&meta->lock);
    return memory;
}

void *ua_meta_reserve(struct ua_meta *meta, size_t bytes)
{
    struct ua_meta_region *region;
    uintptr_t at = 0;

    UA_CHECK(bytes > 0 && bytes % UA_PHYS_PAGE_BYTES == 0, "meta: lazy range is not whole pages");
    ua_lock_acquire(&meta->lock);
    region = bump(meta, sizeof *region);
    if (region == NULL || ua_vm_allocate(meta->vm, bytes, &at) != 0) {
        /* A record without a mapping is lost to the heap's end: 64 bytes, only when memory is out anyway. */
        ua_lock_release(&meta->lock);
        return NULL;
    }
    *region = (struct ua_meta_region){.next = meta->regions, .at = at, .bytes = bytes};
    meta->regions = region;
    ua_acct_move(meta->acct, UA_ACCT_NONE, UA_ACCT_RESERVED, bytes);
    ua_lock_release(&meta->lock);
    return (void *)at;
}

void ua_meta_touched(struct ua_meta *meta, size_t bytes)
{
    ua_acct_move(meta->acct, UA_ACCT_RESERVED, UA_ACCT_META, bytes);
}

void ua_meta_reached(struct ua_meta *meta, size_t *booked_bytes, size_t end_bytes)
{
    size_t end = ua_align_up(end_bytes, UA_PHYS_PAGE_BYTES);

    if (end <= *booked_bytes)
        return;
    ua_meta_touched(meta, end - *booked_bytes);
    *booked_bytes = end;
}

void ua_meta_untouched(struct ua_meta *meta, size_t bytes)
{
    ua_acct_move(meta->acct, UA_ACCT_META, UA_ACCT_RESERVED, bytes);
}

void ua_meta_each(struct ua_meta *meta, void (*visit)(uintptr_t at, size_t bytes, void *context), void *context)
{
    ua_lock_acquire(&meta->lock);
    for (struct ua_meta_region *region = meta->regions; region != NULL; region = region->next)
        visit(region->at, region->bytes, context);
    ua_lock_release(&meta->lock);
}
