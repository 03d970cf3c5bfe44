/* table.c - see table.h. */
#include "gc/table.h"

#include <errno.h>
#include <string.h>

#define KEY_EMPTY ((uintptr_t)0)
#define KEY_REMOVED ((uintptr_t)1)
#define CAPACITY_FIRST ((size_t)64)

void ua_table_init(struct ua_table *table, struct ua_meta *meta)
{
    *table = (struct ua_table){.meta = meta};
}

/* Addresses differ in the middle; a multiplication carries that to the top bits. */
static size_t place_of(uintptr_t key, size_t capacity)
{
    return (size_t)(((key >> 3) * 0x9e3779b97f4a7c15u) >> 32) & (capacity - 1);
}

struct ua_entry *ua_table_find(const struct ua_table *table, uintptr_t key)
{
    if (table->count == 0)
        return NULL;
    for (size_t i = place_of(key, table->capacity);; i = (i + 1) & (table->capacity - 1)) {
        struct ua_entry *entry = &table->entries[i];

        if (entry->key == key)
            return entry;
        if (entry->key == KEY_EMPTY)
            return NULL;
    }
}

static void put(struct ua_entry *entries, size_t capacity, struct ua_entry entry)
{
    size_t i = place_of(entry.key, capacity);

    while (entries[i].key > KEY_REMOVED)
        i = (i + 1) & (capacity - 1);
    entries[i] = entry;
}

/* As many empty places as asked for; those of before serve again when only removed keys filled them. */
static struct ua_entry *take_entries(struct ua_table *table, size_t capacity)
{
    struct ua_entry *entries = table->spare;

    if (capacity != table->capacity || entries == NULL)
        return ua_meta_alloc(table->meta, capacity * sizeof *entries);
    memset(entries, 0, capacity * sizeof *entries);
    return entries;
}

/* Keeps at least a quarter of the places empty, so that a search ends soon. */
static int make_room(struct ua_table *table)
{
    size_t capacity = table->capacity == 0 ? CAPACITY_FIRST : table->capacity;
    struct ua_entry *entries;

    if (table->capacity != 0 && (table->used + 1) * 4 <= table->capacity * 3)
        return 0;
    while ((table->count + 1) * 2 > capacity)
        capacity *= 2;
    entries = take_entries(table, capacity);
    if (entries == NULL)
        return ENOMEM;
    for (size_t i = 0; i < table->capacity; i++)
        if (table->entries[i].key > KEY_REMOVED)
            put(entries, capacity, table->entries[i]);
    table->spare = capacity == table->capacity ? table->entries : NULL;
    table->entries = entries;
    table->capacity = capacity;
    table->used = table->count;
    return 0;
}

int ua_table_add(struct ua_table *table, uintptr_t key, uintptr_t a, uintptr_t b)
{
    int error;

    UA_CHECK(key > KEY_REMOVED, "gc: no address");
    if (ua_table_find(table, key) != NULL)
        return EEXIST;
    error = make_room(table);
    if (error != 0)
        return error;
    put(table->entries, table->capacity, (struct ua_entry){key, a, b});
    table->count++;
    table->used++; /* counts a reused tombstone twice: growth comes a little early */
    return 0;
}

void ua_table_clear(struct ua_table *table)
{
    if (table->used != 0)
        memset(table->entries, 0, table->capacity * sizeof *table->entries);
    table->used = 0;
    table->count = 0;
}

void ua_table_remove(struct ua_table *table, struct ua_entry *entry)
{
    *entry = (struct ua_entry){.key = KEY_REMOVED};
    table->count--;
}

struct ua_entry *ua_table_next(const struct ua_table *table, const struct ua_entry *after)
{
    size_t i = after == NULL ? 0 : (size_t)(after - table->entries) + 1;

    for (; i < table->capacity; i++)
        if (table->entries[i].key > KEY_REMOVED)
            return &table->entries[i];
    return NULL;
}
