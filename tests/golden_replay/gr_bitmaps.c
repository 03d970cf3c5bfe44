/* gr_bitmaps.c - bitmaps.jsonl: a fresh heap a line, the allocations, then the pointer words of the whole range. */
#include "gr_bitmap.h"

#include <inttypes.h>
#include <stdlib.h>

#include "gr_steps.h"

#define WORD_BYTES 8
#define BITMAP_WORD_BYTES 512
#define CHUNK_BITMAP_WORDS 16384
#define PAST_END_WORDS 2 /* bitmap words behind the range, which must be empty, where the chunk has them */

bool gr_looks_now(enum gr_write_out when, uint64_t *seed, bool last)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return last || when == GR_WRITE_OUT_ALWAYS || (when == GR_WRITE_OUT_SOMETIMES && *seed % 4 == 0);
}

const char *gr_write_out_name(enum gr_write_out when)
{
    static const char *const names[] = {"written out always", "written out sometimes", "written out at the end"};

    return names[when];
}

struct line {
    struct gr_file *file;
    const json_t *json;
    struct ua_heap *heap;
    struct ua_arena *arena;
    struct gr_types *types;
    enum gr_write_out when;
    uint64_t seed;
};

static bool allocate_all(struct line *l, void **first)
{
    const json_t *allocs = json_object_get(l->json, "allocs");

    *first = NULL;
    for (size_t i = 0; i < json_array_size(allocs); i++) {
        const json_t *alloc = json_array_get(allocs, i);
        const char *name = gr_string(alloc, "type");
        size_t cap = 1;
        json_int_t want = json_integer_value(json_object_get(alloc, "offset"));
        struct gr_type *type = name != NULL ? gr_type_named(l->types, name) : NULL;
        const struct ua_type *bound = type != NULL ? gr_heap_type(l->file, l->heap, type) : NULL;
        struct ua_where where;
        void *at;

        if (bound == NULL)
            return gr_fail(l->file, "type '%s' cannot be made", name != NULL ? name : "");
        if (!gr_count(alloc, "cap", &cap))
            return gr_fail(l->file, "object %zu: cap is no count", i);
        at = ua_arena_alloc(l->arena, bound, cap);
        if (at == NULL || ua_debug_where(l->heap, at, &where) != 0)
            return gr_fail(l->file, "object %zu: not in a chunk", i);
        if (*first == NULL)
            *first = at;
        if ((size_t)want != where.offset_bytes)
            return gr_fail(l->file, "object %zu: want offset %" JSON_INTEGER_FORMAT ", got %zu", i, want,
                           where.offset_bytes);
        if (gr_looks_now(l->when, &l->seed, false))
            ua_debug_write_out(l->heap);
    }
    return *first != NULL || gr_fail(l->file, "no allocations");
}

static bool compare_words(struct line *l, void *first)
{
    const json_t *want = json_object_get(l->json, "ptr_words");
    size_t bytes = SIZE_MAX;
    bool known = gr_count(l->json, "bytes", &bytes) && bytes <= CHUNK_BITMAP_WORDS * BITMAP_WORD_BYTES;
    size_t past_end = known ? bytes / BITMAP_WORD_BYTES + 1 + PAST_END_WORDS : 1;
    size_t count = past_end < CHUNK_BITMAP_WORDS ? past_end : CHUNK_BITMAP_WORDS;
    uint64_t *words = calloc(count, sizeof *words);
    size_t next = 0;
    bool good = known && words != NULL && ua_debug_bitmap(l->heap, first, 0, count, words, NULL) == 0;

    if (!known)
        gr_fail(l->file, "bytes: no count up to a chunk's");
    else if (!good)
        gr_fail(l->file, "no bitmap: %s", ua_last_error());
    for (size_t i = 0; good && i < count * 64; i++) {
        bool marked = (words[i / 64] >> (i % 64)) & 1;
        bool wanted = next < json_array_size(want) && (size_t)json_integer_value(json_array_get(want, next)) == i;

        next += wanted;
        if (marked != wanted)
            good = gr_fail(l->file, "%s: word %zu: want %d, got %d", gr_write_out_name(l->when), i, wanted, marked);
    }
    if (good && next != json_array_size(want))
        good = gr_fail(l->file, "pointer words behind the range");
    free(words);
    return good;
}

static bool replay_line(struct gr_file *f, const json_t *json, enum gr_write_out when)
{
    struct gr_types types;
    const char *reason = "out of memory";
    struct line l = {.file = f, .json = json, .types = &types, .when = when, .seed = 0x9e3779b97f4a7c15u + (uint64_t)f->line};
    void *first;
    bool passed;

    if (!gr_types_load(&types, f->folder, &reason))
        return gr_fail(f, "%s", reason);
    l.heap = gr_heap_new(f);
    l.arena = l.heap != NULL ? ua_arena_new(l.heap) : NULL;
    passed = l.arena != NULL && allocate_all(&l, &first) && compare_words(&l, first);
    if (l.heap != NULL && l.arena == NULL)
        gr_fail(f, "arena_new: %s", ua_last_error());
    ua_heap_close(l.heap);
    gr_types_unload(&types);
    return passed;
}

bool gr_replay_bitmaps(struct gr_file *f)
{
    bool passed = true;
    json_t *line;

    while (passed && (line = gr_file_next_json(f)) != NULL) {
        for (int when = 0; passed && when < GR_WRITE_OUT_COUNT; when++)
            passed = replay_line(f, line, (enum gr_write_out)when);
        json_decref(line);
    }
    return passed && !f->failed;
}
