/* key_set.h - a set of 64-bit keys, none of them 0: which states an exploration met. For test_interleavings. */
#ifndef TESTS_ALLOCATOR_KEY_SET_H
#define TESTS_ALLOCATOR_KEY_SET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct set {
    uint64_t *keys;
    size_t capacity, count;
};

static inline void add(struct set *set, uint64_t key)
{
    size_t at;

    if (set->count * 2 >= set->capacity) {
        struct set wider = {.capacity = set->capacity == 0 ? 4096 : set->capacity * 2};

        wider.keys = calloc(wider.capacity, sizeof *wider.keys);
        assert_non_null(wider.keys);
        for (size_t i = 0; i < set->capacity; i++)
            if (set->keys[i] != 0)
                add(&wider, set->keys[i]);
        free(set->keys);
        *set = wider;
    }
    for (at = key & (set->capacity - 1); set->keys[at] != 0; at = (at + 1) & (set->capacity - 1))
        if (set->keys[at] == key)
            return;
    set->keys[at] = key;
    set->count++;
}

static inline bool same(const struct set *a, struct set *b)
{
    size_t before = b->count;

    for (size_t i = 0; i < a->capacity; i++)
        if (a->keys[i] != 0)
            add(b, a->keys[i]);
    if (b->count != before || a->count != before)
        printf("%zu states against %zu; together %zu\n", a->count, before, b->count);
    return b->count == before && a->count == before;
}

#endif
