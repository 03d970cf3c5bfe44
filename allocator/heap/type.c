/* type.c - from field tables to bit masks, and the id tables. See type.h. */
#include "heap/type.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"

/* Process-wide: compile-time types outlive every heap. */
static struct ua_lock registry_lock = {PTHREAD_MUTEX_INITIALIZER, UA_RANK_TYPES, NULL};
static const struct ua_layout *static_layouts[UA_TYPE_ID_MAX + 1]; /* written under the lock, read by id after release */
static uint32_t static_id_highest;                                 /* guard: registry_lock */
static uint32_t local_id_lowest = UA_TYPE_ID_MAX + 1;              /* lowest id any heap ever gave; guard: registry_lock */
static uintptr_t static_next, static_end;                          /* bump memory of static layouts; guard: registry_lock */

#define STATIC_REGION_BYTES (64 * UA_KIB)

void ua_types_lock(void)
{
    ua_lock_acquire(&registry_lock);
}

void ua_types_unlock(void)
{
    ua_lock_release(&registry_lock);
}

bool ua_types_init(struct ua_types *types, struct ua_meta *meta)
{
    *types = (struct ua_types){.meta = meta, .lowest_id = UA_TYPE_ID_MAX + 1};
    types->by_id = ua_meta_reserve(meta, (UA_TYPE_ID_MAX + 1) * sizeof *types->by_id);
    return types->by_id != NULL;
}

/* Memory that lives as long as the process. Guard: registry_lock. */
static void *static_alloc(struct ua_vm *vm, size_t bytes)
{
    uintptr_t at;

    bytes = ua_align_up(bytes, 64);
    if (bytes > STATIC_REGION_BYTES / 4)
        return ua_vm_allocate(vm, ua_align_up(bytes, UA_PHYS_PAGE_BYTES), &at) == 0 ? (void *)at : NULL;
    if (static_end - static_next < bytes) {
        if (ua_vm_allocate(vm, STATIC_REGION_BYTES, &at) != 0)
            return NULL;
        static_next = at;
        static_end = at + STATIC_REGION_BYTES;
    }
    at = static_next;
    static_next += bytes;
    return (void *)at;
}

static void mark_fields(uint64_t *mask, const struct ua_type *type, size_t at_bytes, size_t limit_bytes)
{
    const struct ua_field *field = type->fields != NULL ? type->fields() : NULL;

    for (; field != NULL && field->count != 0; field++) {
        size_t offset = at_bytes + field->offset_bytes;

        UA_CHECK(field->count != SIZE_MAX, "type: UA_PTR or UA_PTRS names a member that is not that many pointers");
        if (field->nested == NULL) {
            UA_CHECK(offset % UA_WORD_BYTES == 0, "type: a pointer member is not at a multiple of 8 bytes");
            UA_CHECK(offset + field->count * UA_WORD_BYTES <= limit_bytes, "type: a pointer lies outside the type");
            ua_bits_assign(mask, offset / UA_WORD_BYTES, offset / UA_WORD_BYTES + field->count, true);
        } else {
            UA_CHECK(field->nested->size_bytes != 0 && field->count % field->nested->size_bytes == 0,
                     "type: a nested member is not a whole number of its type");
            for (size_t done = 0; done < field->count; done += field->nested->size_bytes)
                mark_fields(mask, field->nested, offset + done, limit_bytes);
        }
    }
}

/* Sets what follows from the mask. */
static void finish_layout(struct ua_layout *layout)
{
    size_t words = layout->size_words;
    size_t last = 0;
    bool any = false;

    for (size_t i = 0; i < words; i++)
        if (ua_bit_get(layout->mask, i)) {
            last = i;
            any = true;
        }
    layout->ptrdata_words = any ? last + 1 : 0;
    layout->ptrdata_bytes = layout->ptrdata_words * UA_WORD_BYTES;
    layout->all_pointers = any && ua_bits_find_clear(layout->mask, 0, words) == words;
}

/* Guard: registry_lock. */
static const struct ua_layout *register_static(struct ua_types *types, const struct ua_type *type)
{
    struct ua_type_cache *cache = type->cache;
    size_t words = type->size_bytes / UA_WORD_BYTES;
    struct ua_layout *layout;
    uint64_t *mask;

    UA_CHECK(ua_is_power_of_two(type->align_bytes) && type->align_bytes <= UA_ALIGN_MAX,
             "type: alignment is not a power of two up to 4096");
    UA_CHECK(type->size_bytes % UA_WORD_BYTES == 0 && type->align_bytes >= UA_WORD_BYTES,
             "type: a type with pointers must be a multiple of 8 bytes, aligned to 8 (packed struct?)");
    if (static_id_highest + 1 >= local_id_lowest || static_id_highest + 1 > UA_TYPE_ID_MAX) {
        ua_error_set(ENOSPC, "type: all 65,535 type ids are in use");
        return NULL;
    }
    layout = static_alloc(types->meta->vm, sizeof *layout);
    mask = layout == NULL || words <= 64 ? NULL : static_alloc(types->meta->vm, (words + 63) / 64 * 8);
    if (layout == NULL || (mask == NULL && words > 64)) {
        ua_error_set(ENOMEM, "type: no memory for a type's pointer mask");
        return NULL;
    }
    *layout = (struct ua_layout){.size_bytes = type->size_bytes, .align_bytes = type->align_bytes, .size_words = words,
                                 .name = type->name};
    mask = mask != NULL ? mask : &layout->small_mask;
    mark_fields(mask, type, 0, type->size_bytes);
    layout->mask = mask;
    finish_layout(layout);
    if (layout->ptrdata_words != 0) {
        layout->id = (uint16_t)++static_id_highest;
        __atomic_store_n(&static_layouts[layout->id], layout, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&cache->layout, layout, __ATOMIC_RELEASE);
    /* A type that turned out to have no pointer keeps its impossible step: it always takes the out-of-line path. */
    if (layout->id != 0) {
        __atomic_store_n(&cache->id, layout->id, __ATOMIC_RELAXED);
        if (type->align_bytes <= UA_WORD_BYTES)
            __atomic_store_n(&cache->word_step_bytes, type->size_bytes, __ATOMIC_RELEASE);
        __atomic_store_n(&cache->step_bytes, type->size_bytes, __ATOMIC_RELEASE);
    }
    return layout;
}

const struct ua_layout *ua_types_layout(struct ua_types *types, const struct ua_type *type)
{
    const struct ua_layout *layout;

    if (ua_type_is_scalar(type))
        return NULL;
    layout = __atomic_load_n(&type->cache->layout, __ATOMIC_ACQUIRE);
    if (UA_LIKELY(layout != NULL)) {
        UA_CHECK(layout->owner == NULL || layout->owner == types, "type: this run-time type belongs to another heap");
        return layout;
    }
    ua_lock_acquire(&registry_lock);
    layout = __atomic_load_n(&type->cache->layout, __ATOMIC_ACQUIRE);
    if (layout == NULL)
        layout = register_static(types, type);
    ua_lock_release(&registry_lock);
    return layout;
}

static bool shape_is_valid(size_t size_bytes, size_t align_bytes, const uint64_t *ptr_mask, size_t ptr_words)
{
    if (!ua_is_power_of_two(align_bytes) || align_bytes > UA_ALIGN_MAX) {
        ua_error_set(EINVAL, "ua_type_make: alignment is not a power of two up to 4096");
        return false;
    }
    if (size_bytes % align_bytes != 0 || size_bytes > PTRDIFF_MAX) {
        ua_error_set(EINVAL, "ua_type_make: size is not a multiple of the alignment or too large");
        return false;
    }
    if (ptr_words == 0)
        return true;
    if (ptr_mask == NULL || size_bytes % UA_WORD_BYTES != 0 || align_bytes < UA_WORD_BYTES) {
        ua_error_set(EINVAL, "ua_type_make: a type with pointers needs a mask, a size and an alignment in multiples of 8");
        return false;
    }
    if (ptr_words > size_bytes / UA_WORD_BYTES) {
        ua_error_set(EINVAL, "ua_type_make: the pointer mask is longer than the type");
        return false;
    }
    return true;
}

/* Cut at the capacity, always terminated. */
static void copy_name(char *to, size_t capacity, const char *from)
{
    size_t length = from != NULL ? strnlen(from, capacity - 1) : 0;

    memcpy(to, from != NULL ? from : "", length);
    to[length] = '\0';
}

/* One record holds the descriptor that the program sees and what belongs to it. */
struct local_type {
    struct ua_type type;
    struct ua_type_cache cache;
    struct ua_layout layout;
    char name[64];
};

static struct local_type *local_type_new(struct ua_types *types, size_t size_bytes, size_t align_bytes,
                                         const uint64_t *ptr_mask, size_t ptr_words, const char *name)
{
    struct local_type *local = ua_meta_alloc(types->meta, sizeof *local);
    size_t mask_words = (ptr_words + 63) / 64;
    uint64_t *mask;

    if (local == NULL)
        return NULL;
    /* finish_layout reads one bit a word of the type, so a mask beyond 64 words is as long as the type. */
    mask = size_bytes / UA_WORD_BYTES <= 64 || ptr_words == 0
               ? &local->layout.small_mask
               : ua_meta_alloc(types->meta, (size_bytes / UA_WORD_BYTES + 63) / 64 * 8);
    if (mask == NULL)
        return NULL;
    if (ptr_words != 0) {
        memcpy(mask, ptr_mask, mask_words * 8);
        mask[mask_words - 1] &= ua_low_mask((unsigned)(ptr_words - (mask_words - 1) * 64));
    }
    copy_name(local->name, sizeof local->name, name);
    local->layout.size_bytes = size_bytes;
    local->layout.align_bytes = align_bytes;
    local->layout.size_words = ptr_words != 0 ? size_bytes / UA_WORD_BYTES : 0;
    local->layout.mask = mask;
    local->layout.owner = types;
    local->layout.name = local->name;
    finish_layout(&local->layout);
    local->cache.step_bytes = UA_STEP_UNREGISTERED;
    local->cache.word_step_bytes = UA_STEP_UNREGISTERED;
    local->cache.layout = &local->layout;
    local->cache.owner = types;
    local->type = (struct ua_type){size_bytes, align_bytes, local->layout.ptrdata_words != 0 ? UA_HAS_POINTERS : 0, NULL,
                                   &local->cache, local->name};
    return local;
}

/* Gives the type an id. Guard: registry_lock. False: none left. */
static bool local_type_register(struct ua_types *types, struct local_type *local)
{
    uint32_t id = types->lowest_id - 1;

    if (id <= static_id_highest)
        return false;
    types->lowest_id = id;
    if (id < local_id_lowest)
        local_id_lowest = id;
    local->layout.id = (uint16_t)id;
    if ((id + 1) * sizeof *types->by_id % UA_PHYS_PAGE_BYTES == 0) /* ids count down: a page of the table begins */
        ua_meta_touched(types->meta, UA_PHYS_PAGE_BYTES);
    __atomic_store_n(&types->by_id[id], &local->layout, __ATOMIC_RELEASE);
    local->cache.id = id;
    local->cache.step_bytes = local->type.size_bytes;
    if (local->type.align_bytes <= UA_WORD_BYTES)
        local->cache.word_step_bytes = local->type.size_bytes;
    return true;
}

const struct ua_type *ua_types_make(struct ua_types *types, size_t size_bytes, size_t align_bytes,
                                    const uint64_t *ptr_mask, size_t ptr_words, const char *name)
{
    struct local_type *local;
    bool registered = true;

    if (!shape_is_valid(size_bytes, align_bytes, ptr_mask, ptr_words))
        return NULL;
    local = local_type_new(types, size_bytes, align_bytes, ptr_mask, ptr_words, name);
    if (local == NULL) {
        ua_error_set(ENOMEM, "ua_type_make: no memory");
        return NULL;
    }
    if (local->type.has_pointers) {
        ua_lock_acquire(&registry_lock);
        registered = local_type_register(types, local);
        ua_lock_release(&registry_lock);
    }
    if (!registered) {
        ua_error_set(ENOSPC, "ua_type_make: all 65,535 type ids of the heap are in use");
        return NULL;
    }
    return &local->type;
}

const struct ua_layout *ua_types_by_id(const struct ua_types *types, uint16_t id)
{
    const struct ua_layout *layout = __atomic_load_n(&static_layouts[id], __ATOMIC_ACQUIRE);

    if (layout == NULL)
        layout = __atomic_load_n(&types->by_id[id], __ATOMIC_ACQUIRE);
    UA_CHECK(layout != NULL, "type log holds an id that was never given");
    return layout;
}
