/* gr_steps.c - one line, one operation, then everything the line recorded is compared: result, counters, lists.
 *
 * Counters are compared between two readings of ua_stats. The reading of a step that runs `during` a mark is taken before
 * the mark ends, so what the mark's end does shows in the next step, as it did for the recorder; steps that it took no reading at (hold,
 * drop, forget_chunks) do not come in between. */
#include "gr_steps.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_MAX 65536
#define ARENAS_MAX 65536
#define CHUNK_BYTES ((size_t)8388608)

struct chunks {
    uintptr_t *bases; /* index = number in the file */
    size_t count;
    size_t capacity;
};

struct replay {
    struct gr_file *file;
    struct ua_heap *heap;
    struct gr_types types;
    struct ua_arena **arenas; /* ARENAS_MAX */
    void **slots;             /* SLOTS_MAX, each a registered root while held */
    struct chunks chunks;
    struct ua_stats last;
    void *last_result;
    void *zero_address;
};

struct counter {
    const char *name;
    size_t offset;
};

#define COUNTER(name, member) {name, offsetof(struct ua_stats, member)}

static const struct counter counters[] = {
    COUNTER("committed", committed_bytes),
    COUNTER("in_heap", in_heap_bytes),
    COUNTER("heap_in_use", heap_in_use_bytes),
    COUNTER("heap_live", heap_live_bytes),
    COUNTER("total_alloc", total_alloc_bytes),
    COUNTER("total_free", total_free_bytes),
    COUNTER("large_alloc", large_alloc_bytes),
    COUNTER("large_alloc_count", large_alloc_count),
    COUNTER("large_free", large_free_bytes),
    COUNTER("large_free_count", large_free_count),
    COUNTER("scan_alloc", scan_alloc_bytes),
};

static int64_t counter_delta(const struct ua_stats *before, const struct ua_stats *after, const struct counter *counter)
{
    uint64_t old;
    uint64_t new;

    memcpy(&old, (const char *)before + counter->offset, sizeof old);
    memcpy(&new, (const char *)after + counter->offset, sizeof new);
    return (int64_t)(new - old);
}

#define EXTRA_MAX 8

static char extra_names[EXTRA_MAX][32];
static const char *extra_values[EXTRA_MAX];
static size_t extra_count;

int gr_heap_setting(const char *setting)
{
    const char *equals = strchr(setting, '=');

    if (equals == NULL || (size_t)(equals - setting) >= sizeof extra_names[0] || extra_count == EXTRA_MAX)
        return -1;
    memcpy(extra_names[extra_count], setting, (size_t)(equals - setting));
    extra_values[extra_count++] = equals + 1;
    return 0;
}

struct ua_heap *gr_heap_new(struct gr_file *f)
{
    static const char *const settings[][2] = {{"roots", "registered"}, {"gogc", "off"}, {"sanitizer", "off"}};
    struct ua_options options;
    struct ua_heap *heap = NULL;
    bool good = ua_options_preset(&options, "go") == 0;

    for (size_t i = 0; good && i < sizeof settings / sizeof settings[0]; i++)
        good = ua_options_set(&options, settings[i][0], settings[i][1]) == 0;
    for (size_t i = 0; good && i < extra_count; i++)
        good = ua_options_set(&options, extra_names[i], extra_values[i]) == 0;
    if (good)
        heap = ua_heap_new(&options);
    if (heap == NULL)
        gr_fail(f, "no heap: %s", ua_last_error());
    return heap;
}

const struct ua_type *gr_heap_type(struct gr_file *f, struct ua_heap *heap, struct gr_type *type)
{
    if (type->bound == NULL)
        type->bound = (void *)(uintptr_t)ua_type_make(heap, type->size_bytes, type->align_bytes, type->pointer_mask,
                                                      type->ptrdata_bytes / 8, type->name);
    if (type->bound == NULL)
        gr_fail(f, "type %s: %s", type->name, ua_last_error());
    return type->bound;
}

static bool compare_delta(struct replay *r, const json_t *line, const struct ua_stats *now)
{
    const json_t *delta = json_object_get(line, "delta");
    const char *at = gr_string(json_object_get(line, "result"), "at");
    const char *key;
    json_t *value;
    size_t known = 0;

    if (delta == NULL)
        return true;
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        const char *name = counters[i].name;
        const json_t *recorded = json_object_get(delta, name);
        const char *note = gr_string(line, name);
        int64_t got = counter_delta(&r->last, now, &counters[i]);

        known += recorded != NULL;
        if (note != NULL && strcmp(note, "not measured") == 0)
            continue;
        /* Go's general heap was committed already; ours need not be. */
        if (strcmp(name, "committed") == 0 && at != NULL && strcmp(at, "heap") == 0)
            continue;
        if (got != json_integer_value(recorded))
            return gr_fail(r->file, "delta %s: want %" JSON_INTEGER_FORMAT ", got %" PRId64, name,
                           json_integer_value(recorded), got);
    }
    if (known == json_object_size(delta))
        return true;
    json_object_foreach ((json_t *)(uintptr_t)delta, key, value) {
        bool found = false;

        for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
            found |= strcmp(key, counters[i].name) == 0;
        if (!found)
            return gr_fail(r->file, "delta %s: unknown counter", key);
    }
    return true;
}

static bool compare_lists(struct replay *r, const json_t *line)
{
    const json_t *lists = json_object_get(line, "lists");
    struct ua_lists got;

    if (lists == NULL)
        return true;
    ua_debug_lists(r->heap, &got);
    const struct {
        const char *name;
        size_t count;
    } rows[] = {{"reuse", got.reuse}, {"ready", got.ready}, {"quarantine", got.quarantine}, {"fault", got.fault}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const json_t *want = json_object_get(lists, rows[i].name);

        if (json_is_integer(want) && (size_t)json_integer_value(want) != rows[i].count)
            return gr_fail(r->file, "%s list: want %" JSON_INTEGER_FORMAT ", got %zu", rows[i].name,
                           json_integer_value(want), rows[i].count);
    }
    return true;
}

/* The number of the chunk at base, given when a result first lies in it. */
static bool chunk_number(struct replay *r, uintptr_t base, size_t *number)
{
    for (*number = 0; *number < r->chunks.count; ++*number)
        if (r->chunks.bases[*number] == base)
            return true;
    if (r->chunks.count == r->chunks.capacity) {
        size_t capacity = r->chunks.capacity * 2 + 64;
        uintptr_t *grown = realloc(r->chunks.bases, capacity * sizeof *grown);

        if (grown == NULL)
            return gr_fail(r->file, "out of memory");
        r->chunks.bases = grown;
        r->chunks.capacity = capacity;
    }
    r->chunks.bases[r->chunks.count++] = base;
    return true;
}

static bool compare_chunk_result(struct replay *r, const json_t *result)
{
    const json_t *range = json_object_get(result, "free");
    json_int_t want_chunk = json_integer_value(json_object_get(result, "chunk"));
    json_int_t want_offset = json_integer_value(json_object_get(result, "offset"));
    json_int_t want_low = json_integer_value(json_array_get(range, 0));
    json_int_t want_high = json_integer_value(json_array_get(range, 1));
    struct ua_where where;
    size_t number;

    if (ua_debug_where(r->heap, r->last_result, &where) != 0)
        return gr_fail(r->file, "want a chunk, got an address in none");
    if (!chunk_number(r, where.chunk_base, &number))
        return false;
    if (json_object_get(result, "chunk") != NULL && (size_t)want_chunk != number)
        return gr_fail(r->file, "chunk: want %" JSON_INTEGER_FORMAT ", got %zu", want_chunk, number);
    if (json_object_get(result, "offset") != NULL && (size_t)want_offset != where.offset_bytes)
        return gr_fail(r->file, "offset: want %" JSON_INTEGER_FORMAT ", got %zu", want_offset, where.offset_bytes);
    if (range != NULL && ((size_t)want_low != where.free_low || (size_t)want_high != where.free_high))
        return gr_fail(r->file, "free: want [%" JSON_INTEGER_FORMAT ", %" JSON_INTEGER_FORMAT "], got [%zu, %zu]",
                       want_low, want_high, where.free_low, where.free_high);
    return true;
}

static bool is_zeroed(const unsigned char *at, size_t bytes)
{
    size_t edge = bytes < 64 ? bytes : 64;

    for (size_t i = 0; i < edge; i++)
        if (at[i] != 0 || at[bytes - 1 - i] != 0)
            return false;
    return true;
}

static bool compare_result(struct replay *r, const json_t *line, size_t bytes)
{
    const json_t *result = json_object_get(line, "result");
    const char *at = gr_string(result, "at");

    if (r->last_result == NULL)
        return gr_fail(r->file, "the allocation failed: %s", ua_last_error());
    if (at == NULL)
        return true;
    if (strcmp(at, "zero") == 0) {
        if (r->zero_address == NULL)
            r->zero_address = r->last_result;
        return (r->last_result == r->zero_address && !ua_contains(r->heap, r->last_result)) ||
               gr_fail(r->file, "want the shared zero-size address");
    }
    if (bytes > 0 && !is_zeroed(r->last_result, bytes))
        return gr_fail(r->file, "the memory is not zeroed");
    if (strcmp(at, "chunk") == 0)
        return compare_chunk_result(r, result);
    if (strcmp(at, "heap") != 0)
        return gr_fail(r->file, "result at '%s'?", at);
    return (!ua_contains(r->heap, r->last_result) && r->last_result != r->zero_address) ||
           gr_fail(r->file, "want an object outside all arenas");
}

static struct ua_arena **arena_slot(struct replay *r, const json_t *line, bool want_arena)
{
    const json_t *number = json_object_get(line, "arena");
    json_int_t index = json_integer_value(number);

    if (!json_is_integer(number) || index < 0 || index >= ARENAS_MAX) {
        gr_fail(r->file, "arena: not a number below %d", ARENAS_MAX);
        return NULL;
    }
    if ((r->arenas[index] != NULL) != want_arena) {
        gr_fail(r->file, "arena %" JSON_INTEGER_FORMAT ": %s", index, want_arena ? "is not there" : "is there already");
        return NULL;
    }
    return &r->arenas[index];
}

static bool step_allocate(struct replay *r, const json_t *line, const char *op)
{
    struct ua_arena **arena = arena_slot(r, line, true);
    const char *name = gr_string(line, "type");
    size_t cap = 1;
    size_t count;
    struct gr_type *type;
    const struct ua_type *bound;

    if (arena == NULL)
        return false;
    if (!gr_count(line, "cap", &cap))
        return gr_fail(r->file, "cap: no count");
    count = strcmp(op, "slice") == 0 ? cap : 1;
    type = name != NULL ? gr_type_named(&r->types, name) : NULL;
    if (type == NULL)
        return gr_fail(r->file, "type '%s' cannot be read", name != NULL ? name : "");
    bound = gr_heap_type(r->file, r->heap, type);
    if (bound == NULL)
        return false;
    r->last_result = ua_arena_alloc(*arena, bound, count);
    return compare_result(r, line, type->size_bytes * count);
}

static bool step_gc(struct replay *r, const json_t *line)
{
    size_t count = 1;

    if (!gr_count(line, "cycles", &count))
        return gr_fail(r->file, "cycles: no count");
    for (size_t i = 0; i < count; i++)
        ua_collect(r->heap);
    return true;
}

static bool step_hold(struct replay *r, const json_t *line, const char *op)
{
    const json_t *slot = json_object_get(line, "slot");
    json_int_t index = json_integer_value(slot);

    if (!json_is_integer(slot) || index < 0 || index >= SLOTS_MAX)
        return gr_fail(r->file, "slot: not below %d", SLOTS_MAX);
    if (strcmp(op, "drop") == 0) {
        if (r->slots[index] == NULL)
            return gr_fail(r->file, "slot %" JSON_INTEGER_FORMAT " holds nothing", index);
        ua_root_remove(r->heap, &r->slots[index]);
        r->slots[index] = NULL;
        return true;
    }
    if (r->slots[index] != NULL || r->last_result == NULL)
        return gr_fail(r->file, "slot %" JSON_INTEGER_FORMAT " is taken, or there is no result to hold", index);
    r->slots[index] = r->last_result;
    return ua_root_add(r->heap, &r->slots[index]) == 0 || gr_fail(r->file, "hold: %s", ua_last_error());
}

/* Every recording is of 8 MiB chunks; of others neither lists nor offsets could be compared. */
static bool step_begin(struct replay *r, const json_t *line)
{
    size_t chunk_bytes = CHUNK_BYTES;

    return (gr_count(line, "chunk_bytes", &chunk_bytes) && chunk_bytes == CHUNK_BYTES) ||
           gr_fail(r->file, "chunk_bytes: not %zu", CHUNK_BYTES);
}

static bool run_op(struct replay *r, const json_t *line, const char *op)
{
    struct ua_arena **arena;

    if (strcmp(op, "new") == 0 || strcmp(op, "slice") == 0)
        return step_allocate(r, line, op);
    if (strcmp(op, "hold") == 0 || strcmp(op, "drop") == 0)
        return step_hold(r, line, op);
    if (strcmp(op, "gc") == 0)
        return step_gc(r, line);
    if (strcmp(op, "forget_chunks") == 0) {
        r->chunks.count = 0;
        return true;
    }
    if (strcmp(op, "begin") == 0)
        return step_begin(r, line);
    if (strcmp(op, "arena_new") == 0) {
        arena = arena_slot(r, line, false);
        if (arena == NULL)
            return false;
        *arena = ua_arena_new(r->heap);
        return *arena != NULL || gr_fail(r->file, "arena_new: %s", ua_last_error());
    }
    if (strcmp(op, "arena_free") != 0 && strcmp(op, "abandon") != 0)
        return gr_fail(r->file, "unknown op '%s'", op);
    arena = arena_slot(r, line, true);
    if (arena == NULL)
        return false;
    if (strcmp(op, "abandon") == 0)
        ua_arena_abandon(*arena);
    else
        ua_arena_free(*arena);
    *arena = NULL;
    return true;
}

static bool replay_line(struct replay *r, const json_t *line)
{
    const char *op = gr_string(line, "op");
    const char *during = gr_string(line, "during");
    bool marking = during != NULL && strcmp(during, "mark") == 0;
    struct ua_stats now;
    bool passed;

    if (op == NULL)
        return gr_fail(r->file, "no op");
    if (during != NULL && !marking)
        return gr_fail(r->file, "during '%s'?", during);
    if (marking)
        ua_debug_mark_begin(r->heap);
    passed = run_op(r, line, op);
    ua_debug_write_out(r->heap);
    ua_stats(r->heap, &now);
    passed = passed && compare_delta(r, line, &now) && compare_lists(r, line);
    if (json_object_get(line, "delta") != NULL || json_object_get(line, "lists") != NULL)
        r->last = now;
    if (marking)
        ua_debug_mark_end(r->heap);
    return passed;
}

bool gr_replay_steps(struct gr_file *f)
{
    struct replay r = {.file = f, .heap = gr_heap_new(f)};
    const char *reason = "out of memory";
    bool passed = r.heap != NULL;
    json_t *line;

    if (!gr_types_load(&r.types, f->folder, &reason))
        passed = gr_fail(f, "%s", reason);
    r.arenas = calloc(ARENAS_MAX, sizeof(struct ua_arena *));
    r.slots = calloc(SLOTS_MAX, sizeof(void *));
    if (passed && (r.arenas == NULL || r.slots == NULL))
        passed = gr_fail(f, "out of memory");
    if (passed)
        ua_stats(r.heap, &r.last);
    while (passed && (line = gr_file_next_json(f)) != NULL) {
        passed = replay_line(&r, line);
        json_decref(line);
    }
    ua_heap_close(r.heap);
    free(r.arenas);
    free(r.slots);
    free(r.chunks.bases);
    gr_types_unload(&r.types);
    return passed && !f->failed;
}
