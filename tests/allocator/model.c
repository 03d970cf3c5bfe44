/* model.c - random operations against a naive shadow.
 *
 * The shadow knows every living object by address, bytes and a fill value, and for every chunk it has seen a byte a word that
 * says whether a pointer lies there; it knows nothing of the allocator but ua.h and ua_debug.h. After each allocation: inside
 * one chunk or outside all, aligned, zeroed, no overlap. Every 1,000 steps and after each free and collection: contents
 * intact, every chunk's bitmap equal to the byte model, heap verified against its ledger. */
#include "allocator/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ua_debug.h>

#define ARENAS 4
#define TYPES 30
#define OBJECTS_MAX 8000
#define CHUNKS_MAX 1024
#define ARENA_BYTES_MAX ((size_t)6 << 20)
#define CHECK_PERIOD 1000

struct object {
    uint8_t *at;
    size_t bytes;
    uint8_t fill;
};

struct shadow_arena {
    struct ua_arena *arena;
    struct object *objects;
    size_t count;
    size_t bytes;
};

/* What a chunk's bitmap has to say up to `front`; zero beyond. */
struct shadow_chunk {
    uintptr_t hidden_base; /* ~base: under roots=process the base would keep the chunk in quarantine for ever */
    uint8_t *is_pointer; /* a byte a word, from malloc's lazily backed memory */
    size_t front;        /* offset in bytes */
};

struct model {
    const char *name;
    struct ua_heap *heap;
    struct ua_options options;
    uint64_t random;
    struct shadow_arena arenas[ARENAS];
    struct shadow_chunk chunks[CHUNKS_MAX];
    size_t chunk_count;
    const struct ua_type *types[TYPES];
    uint64_t masks[TYPES][64];
    size_t mask_words[TYPES];
};

static uint64_t next_random(struct model *model)
{
    model->random ^= model->random << 13;
    model->random ^= model->random >> 7;
    model->random ^= model->random << 17;
    return model->random;
}

static size_t below(struct model *model, size_t limit)
{
    return (size_t)(next_random(model) % limit);
}

/* A third pointer-free of any alignment; with pointers half of them word-sized, the others of 16 to 4096. */
static void make_types(struct model *model)
{
    static const size_t aligns[] = {16, 512, 1024, 4096, 64};

    for (size_t i = 0; i < TYPES; i++) {
        size_t words;

        if (i % 3 == 0) {
            size_t align = (size_t)1 << (i == 0 ? 12 : below(model, 6));

            model->types[i] = ua_type_make(model->heap, align * (1 + below(model, i == 0 ? 2 : 40)), align, NULL, 0, "scalar");
            assert_non_null(model->types[i]);
            continue;
        }
        words = i % 3 == 1 ? 1 + below(model, i % 5 == 0 ? 150 : 9) : aligns[i / 3 % 5] / 8 * (1 + below(model, 2));
        model->mask_words[i] = words;
        for (size_t w = 0; w < (words + 63) / 64; w++)
            model->masks[i][w] = i % 4 == 0 ? ~(uint64_t)0 : next_random(model);
        model->masks[i][0] |= 1;
        model->types[i] = ua_type_make(model->heap, words * 8, i % 3 == 1 ? 8 : aligns[i / 3 % 5], model->masks[i], words, "mixed");
        assert_non_null(model->types[i]);
    }
}

static void check_object(const struct model *model, const struct object *object)
{
    for (size_t i = 0; i < object->bytes; i++)
        if (object->at[i] != object->fill)
            fail_msg("%s: an object of %zu bytes was overwritten at byte %zu", model->name, object->bytes, i);
}

static int by_address(const void *a, const void *b)
{
    const struct object *x = a;
    const struct object *y = b;

    return x->at < y->at ? -1 : x->at > y->at;
}

static void check_arena(const struct model *model, struct shadow_arena *shadow)
{
    for (size_t i = 0; i < shadow->count; i++)
        check_object(model, &shadow->objects[i]);
    qsort(shadow->objects, shadow->count, sizeof *shadow->objects, by_address);
    for (size_t i = 1; i < shadow->count; i++)
        assert_true(shadow->objects[i - 1].at + shadow->objects[i - 1].bytes <= shadow->objects[i].at);
}

static struct shadow_chunk *chunk_of(struct model *model, uintptr_t base)
{
    struct shadow_chunk *chunk = model->chunks;

    while (chunk < model->chunks + model->chunk_count && chunk->hidden_base != ~base)
        chunk++;
    if (chunk == model->chunks + model->chunk_count) {
        assert_true(++model->chunk_count <= CHUNKS_MAX);
        *chunk = (struct shadow_chunk){~base, malloc(model->options.chunk_bytes / 8), 0};
        assert_non_null(chunk->is_pointer);
    }
    return chunk;
}

/* An object with pointers was put at `offset`; one at the chunk's base begins a new life of the chunk. */
static void note_pointers(struct model *model, const struct ua_where *where, size_t type, size_t count)
{
    struct shadow_chunk *chunk = chunk_of(model, where->chunk_base);
    size_t words = model->mask_words[type];
    uint8_t *at;

    if (where->offset_bytes == 0)
        chunk->front = 0;
    assert_true(chunk->front <= where->offset_bytes && where->offset_bytes - chunk->front < 4096);
    at = chunk->is_pointer + chunk->front / 8;
    memset(at, 0, (where->offset_bytes - chunk->front) / 8);
    at = chunk->is_pointer + where->offset_bytes / 8;
    for (size_t i = 0; i < count; i++)
        for (size_t word = 0; word < words; word++)
            *at++ = model->masks[type][word / 64] >> (word % 64) & 1;
    chunk->front = where->offset_bytes + count * words * 8;
}

/* Chunks that are in use: a front of 0 is a new life without pointers so far, else the one that the shadow has followed. */
static void check_chunk(struct model *model, const struct shadow_chunk *chunk)
{
    const void *base = (const void *)~chunk->hidden_base;
    struct ua_where where;
    size_t words;
    uint64_t *bits;

    if (ua_debug_where(model->heap, base, &where) != 0)
        return;
    if (where.free_low != 0)
        assert_int_equal(where.free_low, chunk->front);
    words = where.free_low / 512 + 1;
    words += words < model->options.chunk_bytes / 512;
    words = words > model->options.chunk_bytes / 512 ? model->options.chunk_bytes / 512 : words;
    bits = malloc(words * 8);
    assert_int_equal(ua_debug_bitmap(model->heap, base, 0, words, bits, NULL), 0);
    for (size_t i = 0; i < words * 64; i++)
        if ((bits[i / 64] >> (i % 64) & 1) != (i < where.free_low / 8 ? chunk->is_pointer[i] : 0))
            fail_msg("%s: bit %zu of a chunk's bitmap is wrong", model->name, i);
    free(bits);
}

static void check_all(struct model *model)
{
    for (size_t i = 0; i < ARENAS; i++)
        if (model->arenas[i].arena != NULL)
            check_arena(model, &model->arenas[i]);
    for (size_t i = 0; i < model->chunk_count; i++)
        check_chunk(model, &model->chunks[i]);
    ua_debug_verify(model->heap);
}

static void check_place(struct model *model, const uint8_t *at, size_t type, size_t count)
{
    size_t bytes = model->types[type]->size_bytes * count;
    struct ua_where where;

    assert_int_equal((uintptr_t)at % model->types[type]->align_bytes, 0);
    assert_int_equal(ua_contains(model->heap, at), bytes <= model->options.chunk_bytes / 4);
    if (!ua_contains(model->heap, at))
        return;
    assert_int_equal(ua_debug_where(model->heap, at, &where), 0);
    assert_true(where.offset_bytes + bytes <= model->options.chunk_bytes);
    assert_true(where.offset_bytes + bytes <= where.free_low || where.offset_bytes >= where.free_high);
    if (model->mask_words[type] != 0)
        note_pointers(model, &where, type, count);
}

static void check_zeroed(const struct model *model, const uint8_t *at, size_t bytes)
{
    if (model->options.prezero == UA_PREZERO_NONE)
        return;
    for (size_t i = 0; i < bytes; i++)
        if (at[i] != 0)
            fail_msg("%s: byte %zu of a new object of %zu bytes is %u", model->name, i, bytes, at[i]);
}

static void allocate(struct model *model, struct shadow_arena *shadow)
{
    size_t type = below(model, TYPES);
    size_t size = model->types[type]->size_bytes;
    size_t count = below(model, 4) != 0 ? 1 : below(model, 30);
    size_t largest = model->options.chunk_bytes / 4;
    struct object *object = &shadow->objects[shadow->count];

    if (below(model, 300) == 0 && largest <= ARENA_BYTES_MAX) /* around the largest object */
        count = largest / size + below(model, 2);
    object->at = ua_arena_alloc(shadow->arena, model->types[type], count);
    assert_non_null(object->at);
    if (count == 0)
        return;
    object->bytes = size * count;
    check_place(model, object->at, type, count);
    check_zeroed(model, object->at, object->bytes);
    object->fill = (uint8_t)(1 + below(model, 255));
    memset(object->at, object->fill, object->bytes);
    shadow->count++;
    shadow->bytes += object->bytes;
}

static void end_arena(struct model *model, struct shadow_arena *shadow, bool reset)
{
    check_arena(model, shadow);
    if (reset) {
        assert_int_equal(ua_arena_reset(shadow->arena), 0);
    } else {
        ua_arena_free(shadow->arena);
        shadow->arena = NULL;
    }
    memset(shadow->objects, 0, OBJECTS_MAX * sizeof *shadow->objects);
    shadow->count = 0;
    shadow->bytes = 0;
    ua_debug_verify(model->heap);
}

static void step(struct model *model)
{
    struct shadow_arena *shadow = &model->arenas[below(model, ARENAS)];

    if (shadow->arena == NULL) {
        shadow->arena = ua_arena_new(model->heap);
        assert_non_null(shadow->arena);
    }
    if (below(model, 3000) == 0) {
        ua_collect(model->heap);
        check_all(model);
    } else if (shadow->count == OBJECTS_MAX || shadow->bytes > ARENA_BYTES_MAX ||
               shadow->bytes > 5 * model->options.chunk_bytes || below(model, 1500) == 0) {
        end_arena(model, shadow, below(model, 3) == 0);
    } else {
        allocate(model, shadow);
    }
}

void model_run(const struct ua_options *options, uint64_t seed, size_t steps, const char *name)
{
    struct model *model = calloc(1, sizeof *model);

    assert_non_null(model);
    model->name = name;
    model->options = *options;
    model->heap = ua_heap_new(options);
    if (model->heap == NULL)
        fail_msg("%s: %s", name, ua_last_error());
    model->random = 0x9e3779b97f4a7c15u * (seed + 1);
    make_types(model);
    for (size_t i = 0; i < ARENAS; i++) {
        model->arenas[i].objects = calloc(OBJECTS_MAX, sizeof(struct object));
        /* Redirected objects are the collector's: the shadow is what points to them. */
        assert_int_equal(ua_root_range_add(model->heap, model->arenas[i].objects, OBJECTS_MAX * sizeof(struct object)), 0);
    }
    for (size_t i = 0; i < steps; i++) {
        step(model);
        if (i % CHECK_PERIOD == CHECK_PERIOD - 1)
            check_all(model);
    }
    check_all(model);
    for (size_t i = 0; i < ARENAS; i++)
        ua_root_range_remove(model->heap, model->arenas[i].objects);
    ua_heap_close(model->heap);
    for (size_t i = 0; i < ARENAS; i++)
        free(model->arenas[i].objects);
    for (size_t i = 0; i < model->chunk_count; i++)
        free(model->chunks[i].is_pointer);
    free(model);
}
