/* gr_bitmap_csv.c - bitmap.csv: scenarios of allocations in a fresh chunk, with the bitmap after each of them.
 *
 * The first pass splits the file into rows; each scenario is then replayed once per way of writing out. */
#include "gr_bitmap.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gr_steps.h"

#define CHUNK_BITMAP_WORDS 16384
#define COLUMN_COUNT 13

enum column {
    COLUMN_SCENARIO,
    COLUMN_OP,
    COLUMN_TYPE,
    COLUMN_SIZE,
    COLUMN_ALIGN,
    COLUMN_MASK,
    COLUMN_CAP,
    COLUMN_OFFSET,
    COLUMN_FREE_LOW,
    COLUMN_FREE_HIGH,
    COLUMN_LAST_WORD,
    COLUMN_WORDS,
    COLUMN_NO_MORE
};

struct row {
    char *cells[COLUMN_COUNT];
    int line;
};

struct rows {
    struct row *items;
    size_t count;
    size_t capacity;
};

static bool split(struct gr_file *f, char *line, struct row *row)
{
    int count = 0;

    row->line = f->line;
    for (char *cell = line; cell != NULL; count++) {
        char *comma = strchr(cell, ',');

        if (count == COLUMN_COUNT)
            return gr_fail(f, "more than %d columns", COLUMN_COUNT);
        if (comma != NULL)
            *comma++ = '\0';
        row->cells[count] = cell;
        cell = comma;
    }
    return count == COLUMN_COUNT || gr_fail(f, "want %d columns, got %d", COLUMN_COUNT, count);
}

static bool is_count(const char *cell)
{
    size_t digits = strspn(cell, "0123456789");

    return digits > 0 && digits < 20 && cell[digits] == '\0';
}

/* Whether what number() reads of this row is numbers. */
static bool check_numbers(struct gr_file *f, const struct row *row)
{
    static const enum column counts[] = {COLUMN_SCENARIO, COLUMN_SIZE, COLUMN_ALIGN, COLUMN_FREE_LOW, COLUMN_FREE_HIGH,
                                         COLUMN_LAST_WORD};

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (!is_count(row->cells[counts[i]]))
            return gr_fail(f, "column %d: '%s' is no count", (int)counts[i] + 1, row->cells[counts[i]]);
    if (!is_count(row->cells[COLUMN_CAP]) && strcmp(row->cells[COLUMN_CAP], "-1") != 0)
        return gr_fail(f, "cap: '%s' is no count", row->cells[COLUMN_CAP]);
    return is_count(row->cells[COLUMN_OFFSET]) || strcmp(row->cells[COLUMN_OFFSET], "heap") == 0 ||
           strcmp(row->cells[COLUMN_OFFSET], "-") == 0 || gr_fail(f, "offset: '%s'?", row->cells[COLUMN_OFFSET]);
}

static bool read_rows(struct gr_file *f, struct rows *rows)
{
    char *line;

    while ((line = gr_file_next(f)) != NULL) {
        if (*line == '#' || *line == '\0')
            continue;
        if (rows->count == rows->capacity) {
            size_t capacity = rows->capacity * 2 + 256;
            struct row *grown = realloc(rows->items, capacity * sizeof *grown);

            if (grown == NULL)
                return gr_fail(f, "out of memory");
            rows->items = grown;
            rows->capacity = capacity;
        }
        if (!split(f, line, &rows->items[rows->count]) || !check_numbers(f, &rows->items[rows->count++]))
            return false;
    }
    return rows->count > 0 || gr_fail(f, "no rows");
}

static size_t number(const struct row *row, enum column column)
{
    return (size_t)strtoull(row->cells[column], NULL, 10);
}

/* Reads "value*count value*count ..." in the given base into at most `capacity` values; returns how many. */
static size_t expand(const char *text, int base, uint64_t *values, size_t capacity)
{
    size_t count = 0;

    while (*text != '\0') {
        char *end;
        uint64_t value = strtoull(text, &end, base);
        size_t repeat = 1;

        if (*end == '*')
            repeat = strtoull(end + 1, &end, 10);
        if (end == text || repeat > capacity - count)
            return 0;
        for (size_t i = 0; i < repeat; i++)
            values[count++] = value;
        text = *end == ' ' ? end + 1 : end;
        if (*end != ' ' && *end != '\0')
            return 0;
    }
    return count;
}

struct scratch {
    uint64_t want[CHUNK_BITMAP_WORDS];
    uint64_t want_no_more[CHUNK_BITMAP_WORDS];
    uint64_t got[CHUNK_BITMAP_WORDS];
    uint8_t got_no_more[CHUNK_BITMAP_WORDS];
};

struct scenario {
    struct gr_file *file;
    struct ua_heap *heap;
    struct ua_arena *arena;
    struct gr_types types;
    void *base; /* an address in the chunk; NULL before the first allocation */
    enum gr_write_out when;
    uint64_t seed;
    struct scratch *scratch;
};

static bool compare_bitmap(struct scenario *s, const struct row *row)
{
    struct scratch *x = s->scratch;
    size_t count = number(row, COLUMN_LAST_WORD) + 1;

    if (count > CHUNK_BITMAP_WORDS || expand(row->cells[COLUMN_WORDS], 16, x->want, CHUNK_BITMAP_WORDS) != count ||
        expand(row->cells[COLUMN_NO_MORE], 10, x->want_no_more, CHUNK_BITMAP_WORDS) != count)
        return gr_fail(s->file, "the words of this row cannot be read");
    if (ua_debug_bitmap(s->heap, s->base, 0, count, x->got, x->got_no_more) != 0)
        return gr_fail(s->file, "no bitmap: %s", ua_last_error());
    for (size_t i = 0; i < count; i++) {
        if (x->want[i] != x->got[i])
            return gr_fail(s->file, "%s: bitmap word %zu: want %" PRIx64 ", got %" PRIx64, gr_write_out_name(s->when), i,
                           x->want[i], x->got[i]);
        if (x->want_no_more[i] != x->got_no_more[i])
            return gr_fail(s->file, "%s: noMorePtrs bit %zu: want %" PRIu64 ", got %u", gr_write_out_name(s->when), i,
                           x->want_no_more[i], x->got_no_more[i]);
    }
    return true;
}

static bool allocate(struct scenario *s, const struct row *row)
{
    struct gr_type *type = gr_type_masked(&s->types, row->cells[COLUMN_TYPE], number(row, COLUMN_SIZE),
                                          number(row, COLUMN_ALIGN), row->cells[COLUMN_MASK]);
    const struct ua_type *bound = type != NULL ? gr_heap_type(s->file, s->heap, type) : NULL;
    bool slice = strcmp(row->cells[COLUMN_OP], "slice") == 0;
    struct ua_where where;
    void *at;

    if (bound == NULL)
        return gr_fail(s->file, "type %s cannot be made", row->cells[COLUMN_TYPE]);
    at = ua_arena_alloc(s->arena, bound, slice ? number(row, COLUMN_CAP) : 1);
    if (at == NULL)
        return gr_fail(s->file, "the allocation failed: %s", ua_last_error());
    if (strcmp(row->cells[COLUMN_OFFSET], "heap") == 0)
        return !ua_contains(s->heap, at) || gr_fail(s->file, "want an object outside all arenas");
    if (ua_debug_where(s->heap, at, &where) != 0)
        return gr_fail(s->file, "want a chunk, got an address in none");
    s->base = (void *)where.chunk_base;
    if (where.offset_bytes != number(row, COLUMN_OFFSET))
        return gr_fail(s->file, "offset: want %zu, got %zu", number(row, COLUMN_OFFSET), where.offset_bytes);
    if (where.free_low != number(row, COLUMN_FREE_LOW) || where.free_high != number(row, COLUMN_FREE_HIGH))
        return gr_fail(s->file, "free: want [%zu, %zu], got [%zu, %zu]", number(row, COLUMN_FREE_LOW),
                       number(row, COLUMN_FREE_HIGH), where.free_low, where.free_high);
    return true;
}

static bool run_row(struct scenario *s, const struct row *row)
{
    const char *op = row->cells[COLUMN_OP];
    bool last = strcmp(op, "end") == 0;

    s->file->line = row->line;
    if (strcmp(op, "new") == 0 || strcmp(op, "slice") == 0) {
        if (!allocate(s, row))
            return false;
    } else if (!last && strcmp(op, "init") != 0) {
        return gr_fail(s->file, "unknown op '%s'", op);
    }
    /* Before the first object no address in the chunk is known, and every word is the initial one. */
    if (s->base == NULL || !gr_looks_now(s->when, &s->seed, last))
        return true;
    return compare_bitmap(s, row);
}

static bool replay_scenario(struct gr_file *f, const struct row *rows, size_t count, enum gr_write_out when,
                            struct scratch *scratch)
{
    struct scenario s = {.file = f, .when = when, .scratch = scratch};
    bool passed;

    s.seed = 0x9e3779b97f4a7c15u + number(rows, COLUMN_SCENARIO);
    s.heap = gr_heap_new(f);
    s.arena = s.heap != NULL ? ua_arena_new(s.heap) : NULL;
    passed = s.arena != NULL;
    if (s.heap != NULL && s.arena == NULL)
        gr_fail(f, "arena_new: %s", ua_last_error());
    for (size_t i = 0; passed && i < count; i++)
        passed = run_row(&s, &rows[i]);
    ua_heap_close(s.heap);
    gr_types_unload(&s.types);
    return passed;
}

bool gr_replay_bitmap_csv(struct gr_file *f)
{
    struct rows rows = {0};
    struct scratch *scratch = calloc(1, sizeof *scratch);
    bool passed = (scratch != NULL || gr_fail(f, "out of memory")) && read_rows(f, &rows);

    for (size_t from = 0; passed && from < rows.count;) {
        size_t to = from + 1;

        while (to < rows.count &&
               strcmp(rows.items[to].cells[COLUMN_SCENARIO], rows.items[from].cells[COLUMN_SCENARIO]) == 0)
            to++;
        for (int when = 0; passed && when < GR_WRITE_OUT_COUNT; when++)
            passed = replay_scenario(f, rows.items + from, to - from, (enum gr_write_out)when, scratch);
        from = to;
    }
    if (passed)
        f->line = rows.items[rows.count - 1].line;
    free(rows.items);
    free(scratch);
    return passed;
}
