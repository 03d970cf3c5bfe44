/* gr_type.c - types by catalogue, by spelling and by mask; see gr_type.h. */

#define _GNU_SOURCE /* asprintf */
#include "gr_type.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_BYTES 8
#define TYPE_BYTES_MAX ((size_t)1 << 30)

static struct gr_type *find(const struct gr_types *types, const char *name)
{
    for (size_t i = 0; i < types->count; i++)
        if (strcmp(types->items[i]->name, name) == 0)
            return types->items[i];
    return NULL;
}

static struct gr_type *add(struct gr_types *types, const char *name, size_t size_bytes, size_t align_bytes)
{
    struct gr_type *type = size_bytes <= TYPE_BYTES_MAX ? calloc(1, sizeof *type) : NULL;

    if (types->count == types->capacity) {
        size_t capacity = types->capacity * 2 + 32;
        struct gr_type **grown = realloc(types->items, capacity * sizeof(struct gr_type *));

        if (grown == NULL || type == NULL) {
            free(type);
            return NULL;
        }
        types->items = grown;
        types->capacity = capacity;
    }
    if (type == NULL)
        return NULL;
    type->name = strdup(name);
    type->size_bytes = size_bytes;
    type->align_bytes = align_bytes;
    /* One word more than needed: a reader may take 64 bits at any whole word. */
    type->pointer_mask = calloc(size_bytes / (WORD_BYTES * 64) + 2, sizeof *type->pointer_mask);
    if (type->name == NULL || type->pointer_mask == NULL) {
        free(type->name);
        free(type->pointer_mask);
        free(type);
        return NULL;
    }
    types->items[types->count++] = type;
    return type;
}

static void set_pointer(struct gr_type *type, size_t word)
{
    type->pointer_mask[word / 64] |= (uint64_t)1 << (word % 64);
    if (type->ptrdata_bytes < (word + 1) * WORD_BYTES)
        type->ptrdata_bytes = (word + 1) * WORD_BYTES;
}

static bool load_catalogue(struct gr_types *types, const json_t *catalogue)
{
    size_t index;
    json_t *entry;

    if (!json_is_array(catalogue))
        return false;
    json_array_foreach ((json_t *)(uintptr_t)catalogue, index, entry) {
        const char *name = gr_string(entry, "name");
        json_int_t size = json_integer_value(json_object_get(entry, "size"));
        json_int_t align = json_integer_value(json_object_get(entry, "align"));
        json_int_t ptrdata = json_integer_value(json_object_get(entry, "ptrdata"));
        const json_t *words = json_object_get(entry, "ptr_words");
        struct gr_type *type;

        if (name == NULL || size < 0 || align <= 0 || !json_is_array(words) || find(types, name) != NULL)
            return false;
        type = add(types, name, (size_t)size, (size_t)align);
        if (type == NULL)
            return false;
        for (size_t i = 0; i < json_array_size(words); i++) {
            json_int_t word = json_integer_value(json_array_get(words, i));

            if (word < 0 || (word + 1) * WORD_BYTES > size)
                return false;
            set_pointer(type, (size_t)word);
        }
        if (type->ptrdata_bytes != (size_t)ptrdata)
            return false;
    }
    return true;
}

bool gr_types_load(struct gr_types *types, const char *folder, const char **reason)
{
    static const char *const names[] = {"types.json", "types.json.zst"};

    memset(types, 0, sizeof *types);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *path = NULL;
        struct gr_file file;
        json_t *catalogue;
        bool good;

        if (asprintf(&path, "%s/%s", folder, names[i]) < 0)
            return false;
        good = gr_file_load(&file, path, folder, reason);
        free(path);
        if (!good) {
            gr_file_unload(&file);
            continue;
        }
        catalogue = json_loads(file.text, 0, NULL);
        good = load_catalogue(types, catalogue);
        json_decref(catalogue);
        gr_file_unload(&file);
        *reason = "types.json is malformed";
        return good;
    }
    return true;
}

void gr_types_unload(struct gr_types *types)
{
    for (size_t i = 0; i < types->count; i++) {
        free(types->items[i]->name);
        free(types->items[i]->pointer_mask);
        free(types->items[i]);
    }
    free(types->items);
    memset(types, 0, sizeof *types);
}

struct shape {
    size_t size_bytes;
    size_t align_bytes;
};

/* Reads an optional "[n]" as n (1 without); false when malformed. */
static bool read_repeat(const char **name, size_t *count)
{
    char *end;

    *count = 1;
    if (**name != '[')
        return true;
    if ((*name)[1] < '0' || (*name)[1] > '9')
        return false;
    *count = strtoul(*name + 1, &end, 10);
    *name = end + 1;
    return *end == ']' && *count <= TYPE_BYTES_MAX;
}

static bool add_field(char letter, size_t count, struct shape *shape, struct gr_type *into, size_t base_bytes)
{
    size_t bytes = letter == 'p' || letter == 'w' ? 8 : letter == 'h' ? 2 : letter == 'b' ? 1 : 0;

    if (bytes == 0)
        return false;
    shape->size_bytes = (shape->size_bytes + bytes - 1) / bytes * bytes;
    if (shape->align_bytes < bytes)
        shape->align_bytes = bytes;
    if (into != NULL && letter == 'p')
        for (size_t i = 0; i < count; i++)
            set_pointer(into, (base_bytes + shape->size_bytes) / WORD_BYTES + i);
    shape->size_bytes += bytes * count;
    return shape->size_bytes <= TYPE_BYTES_MAX;
}

/* Measures the spelled type, or writes its pointers into `into` at base_bytes. A leading [n] repeats all that follows;
 * inside a struct it repeats the one field behind it. */
static bool read_spelling(const char *name, struct shape *shape, struct gr_type *into, size_t base_bytes)
{
    if (*name == '[') {
        size_t count;
        struct shape element = {0, 1};

        if (!read_repeat(&name, &count) || *name == '\0' || !read_spelling(name, &element, NULL, 0) ||
            (count != 0 && element.size_bytes > TYPE_BYTES_MAX / count))
            return false;
        for (size_t i = 0; into != NULL && i < count; i++) {
            struct shape again = {0, 1};

            read_spelling(name, &again, into, base_bytes + i * element.size_bytes);
        }
        shape->size_bytes = element.size_bytes * count;
        shape->align_bytes = element.align_bytes;
        return true;
    }
    while (*name != '\0') {
        size_t count;

        if (!read_repeat(&name, &count) || !add_field(*name, count, shape, into, base_bytes))
            return false;
        name++;
    }
    shape->size_bytes = (shape->size_bytes + shape->align_bytes - 1) / shape->align_bytes * shape->align_bytes;
    return true;
}

struct gr_type *gr_type_named(struct gr_types *types, const char *name)
{
    struct gr_type *type = find(types, name);
    struct shape shape = {0, 1};

    if (type != NULL)
        return type;
    if (*name == '\0' || !read_spelling(name, &shape, NULL, 0))
        return NULL;
    type = add(types, name, shape.size_bytes, shape.align_bytes);
    if (type != NULL) {
        shape = (struct shape){0, 1};
        read_spelling(name, &shape, type, 0);
    }
    return type;
}

static bool has_mask(const struct gr_type *type, const char *mask, size_t words)
{
    if (words * WORD_BYTES > type->size_bytes || type->ptrdata_bytes > words * WORD_BYTES)
        return false;
    for (size_t i = 0; i < words; i++)
        if (((type->pointer_mask[i / 64] >> (i % 64)) & 1) != (mask[i] == '1'))
            return false;
    return true;
}

struct gr_type *gr_type_masked(struct gr_types *types, const char *name, size_t size_bytes, size_t align_bytes,
                               const char *mask)
{
    size_t words = strcmp(mask, "-") == 0 ? 0 : strlen(mask);
    struct gr_type *type;

    for (size_t i = 0; i < types->count; i++)
        if (strcmp(types->items[i]->name, name) == 0 && types->items[i]->size_bytes == size_bytes &&
            types->items[i]->align_bytes == align_bytes && has_mask(types->items[i], mask, words))
            return types->items[i];
    if (words * WORD_BYTES > size_bytes || strspn(mask, "01") < words)
        return NULL;
    type = add(types, name, size_bytes, align_bytes);
    for (size_t i = 0; type != NULL && i < words; i++)
        if (mask[i] == '1')
            set_pointer(type, i);
    return type;
}
