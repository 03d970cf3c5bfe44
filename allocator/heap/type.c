/* type.c - from field tables to bit masks, and the id tables. See type.h. */
#include "heap/type.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"

/* Process-wide: compile-time types outlive every heap. */
static struct ua_lock registry_lock = UA_LOCK_STATIC(UA_RANK_TYPES);
/* By id, mapped with the first heap: half a MiB of .bss would be read as a root by each conservative mark. Set once, then entries are
 * written under the lock and read by id after release. */
static const struct ua_layout **static_layouts; /* guard: registry_lock */
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

/* Lazily backed; lives as long as the process. */
static bool map_static_layouts(struct ua_vm *vm)
{
    size_t bytes = ua_align_up((UA_TYPE_ID_MAX + 1) * sizeof(struct ua_layout *), UA_PHYS_PAGE_BYTES);
    uintptr_t at = 0;
    bool mapped;

    ua_lock_acquire(&registry_lock);
    if (static_layouts == NULL && ua_vm_allocate(vm, bytes, &at) == 0)
        static_layouts = (const struct ua_layout **)at;
    mapped = static_layouts != NULL;
    ua_lock_release(&registry_lock);
    return mapped;
}

bool ua_types_init(struct ua_types *types, struct ua_meta *meta)
{
    *types = (struct ua_types){.meta = meta, .lowest_id = UA_TYPE_ID_MAX + 1};
    types->by_id = ua_meta_reserve(meta, (UA_TYPE_ID_MAX + 1) * sizeof *types->by_id);
    return types->by_id != NULL && map_static_layouts(meta->vm);
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

/* Where the mask of a layout is kept: memory of the process or of one heap. NULL when there is none. */
typedef void *keep_fn(struct ua_types *types, size_t bytes);

static void *keep_static(struct ua_types *types, size_t bytes)
{
    return static_alloc(types->meta->vm, bytes);
}

static void *keep_local(struct ua_types *types, size_t bytes)
{
    return ua_meta_alloc(types->meta, bytes);
}

static void *kept_copy(struct ua_types *types, keep_fn *keep, const void *from, size_t bytes)
{
    void *copy = keep(types, bytes);

    if (copy != NULL)
        memcpy(copy, from, bytes);
    return copy;
}

/* A giant type's mask as a program, if that takes less than half of the flat mask. ENOMEM, or 0 with or without one. */
static int keep_program(struct ua_types *types, keep_fn *keep, struct ua_layout *layout, const uint64_t *flat)
{
    size_t half_bytes = ua_align_up(layout->ptrdata_words / 16, UA_PHYS_PAGE_BYTES);
    struct ua_mask_scratch scratch = {.run_capacity = half_bytes / 2 / sizeof(struct ua_mask_run),
                                      .pattern_capacity_bits = half_bytes / 2 * 8};
    uintptr_t at;
    int error = 0;

    if (ua_vm_allocate(types->meta->vm, half_bytes, &at) != 0)
        return ENOMEM;
    scratch.runs = (struct ua_mask_run *)at;
    scratch.patterns = (uint64_t *)(at + half_bytes / 2);
    if (ua_mask_program_make(&scratch, flat, layout->ptrdata_words)) {
        const struct ua_mask_run *runs = kept_copy(types, keep, scratch.runs, (scratch.run_count + 1) * sizeof *runs);
        const uint64_t *patterns = kept_copy(types, keep, scratch.patterns, (scratch.pattern_bits + 63) / 64 * 8);

        error = runs == NULL || patterns == NULL ? ENOMEM : 0;
        if (error == 0)
            layout->program = (struct ua_mask_program){scratch.run_count, runs, patterns};
    }
    ua_vm_unmap(types->meta->vm, at, half_bytes);
    return error;
}

/* Keeps the flat mask (size_words bits, none beyond) in the layout's way and sets what follows from it. 0 or ENOMEM. */
static int keep_mask(struct ua_types *types, keep_fn *keep, struct ua_layout *layout, const uint64_t *flat)
{
    size_t words = layout->size_words;
    size_t mask_words;
    uint64_t *mask;

    layout->mask = &layout->small_mask;
    for (mask_words = (words + 63) / 64; mask_words > 0 && flat[mask_words - 1] == 0;)
        mask_words--;
    if (mask_words == 0)
        return 0;
    layout->ptrdata_words = mask_words * 64 - (unsigned)__builtin_clzll(flat[mask_words - 1]);
    layout->ptrdata_bytes = layout->ptrdata_words * UA_WORD_BYTES;
    layout->all_pointers = ua_bits_find_clear(flat, 0, words) == words;
    if (layout->ptrdata_words > UA_MASK_FLAT_MAX_WORDS && keep_program(types, keep, layout, flat) != 0)
        return ENOMEM;
    if (layout->program.run_count != 0) {
        layout->mask = NULL;
        return 0;
    }
    mask = mask_words == 1 ? &layout->small_mask : keep(types, mask_words * 8);
    if (mask == NULL)
        return ENOMEM;
    memcpy(mask, flat, mask_words * 8);
    layout->mask = mask;
    return 0;
}

/* The field table's bits as a flat mask, then kept. */
static int keep_fields(struct ua_types *types, struct ua_layout *layout, const struct ua_type *type)
{
    size_t mask_bytes = ua_max(ua_align_up(type->size_bytes, 512) / 64, 8);
    uint64_t small[64] = {0};
    uintptr_t at = 0;
    int error;

    if (mask_bytes <= sizeof small) {
        mark_fields(small, type, 0, type->size_bytes);
        return keep_mask(types, keep_static, layout, small);
    }
    mask_bytes = ua_align_up(mask_bytes, UA_PHYS_PAGE_BYTES);
    if (ua_vm_allocate(types->meta->vm, mask_bytes, &at) != 0)
        return ENOMEM;
    mark_fields((uint64_t *)at, type, 0, type->size_bytes);
    error = keep_mask(types, keep_static, layout, (const uint64_t *)at);
    ua_vm_unmap(types->meta->vm, at, mask_bytes);
    return error;
}

/* Guard: registry_lock. */
static const struct ua_layout *register_static(struct ua_types *types, const struct ua_type *type)
{
    struct ua_type_cache *cache = type->cache;
    struct ua_layout *layout;

    UA_CHECK(ua_is_power_of_two(type->align_bytes) && type->align_bytes <= UA_ALIGN_MAX,
             "type: alignment is not a power of two up to 4096");
    UA_CHECK(type->size_bytes % UA_WORD_BYTES == 0 && type->align_bytes >= UA_WORD_BYTES,
             "type: a type with pointers must be a multiple of 8 bytes, aligned to 8 (packed struct?)");
    if (static_id_highest + 1 >= local_id_lowest || static_id_highest + 1 > UA_TYPE_ID_MAX) {
        ua_error_set(ENOSPC, "type: all 65,535 type ids are in use");
        return NULL;
    }
    layout = static_alloc(types->meta->vm, sizeof *layout);
    if (layout != NULL)
        *layout = (struct ua_layout){.size_bytes = type->size_bytes, .align_bytes = type->align_bytes,
                                     .size_words = type->size_bytes / UA_WORD_BYTES, .name = type->name};
    if (layout == NULL || keep_fields(types, layout, type) != 0) {
        ua_error_set(ENOMEM, "type: no memory for a type's pointer mask");
        return NULL;
    }
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

/* The caller's mask may be shorter than the type, and may hold anything beyond its last bit. */
static int keep_given(struct ua_types *types, struct ua_layout *layout, const uint64_t *ptr_mask, size_t ptr_words)
{
    size_t mask_bytes = ua_align_up((layout->size_words + 63) / 64 * 8, UA_PHYS_PAGE_BYTES);
    uint64_t small[64] = {0};
    uint64_t *flat = small;
    uintptr_t at = 0;
    int error;

    if (layout->size_words > 64 * 64) {
        if (ua_vm_allocate(types->meta->vm, mask_bytes, &at) != 0)
            return ENOMEM;
        flat = (uint64_t *)at;
    }
    memcpy(flat, ptr_mask, (ptr_words + 63) / 64 * 8);
    if (ptr_words % 64 != 0)
        flat[ptr_words / 64] &= ua_low_mask((unsigned)(ptr_words % 64));
    error = keep_mask(types, keep_local, layout, flat);
    if (at != 0)
        ua_vm_unmap(types->meta->vm, at, mask_bytes);
    return error;
}

static struct local_type *local_type_new(struct ua_types *types, size_t size_bytes, size_t align_bytes,
                                         const uint64_t *ptr_mask, size_t ptr_words, const char *name)
{
    struct local_type *local = ua_meta_alloc(types->meta, sizeof *local);

    if (local == NULL)
        return NULL;
    copy_name(local->name, sizeof local->name, name);
    local->layout.size_bytes = size_bytes;
    local->layout.align_bytes = align_bytes;
    local->layout.size_words = ptr_words != 0 ? size_bytes / UA_WORD_BYTES : 0;
    local->layout.mask = &local->layout.small_mask;
    local->layout.owner = types;
    local->layout.name = local->name;
    if (ptr_words != 0 && keep_given(types, &local->layout, ptr_mask, ptr_words) != 0)
        return NULL;
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
