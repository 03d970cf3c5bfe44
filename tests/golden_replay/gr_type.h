/* gr_type.h - the type catalogue of the golden files, as plain numbers.
 *
 * Types come from types.json beside the files; a type not listed there is spelled out by its name: p pointer, w 8-byte
 * scalar, h 2-byte scalar, b byte, [n]x an array of n. */
#ifndef TESTS_GOLDEN_REPLAY_GR_TYPE_H
#define TESTS_GOLDEN_REPLAY_GR_TYPE_H

#include <stdint.h>

#include "gr_file.h"

struct gr_type {
    char *name;
    size_t size_bytes;
    size_t align_bytes;
    size_t ptrdata_bytes;   /* 0: no pointers */
    uint64_t *pointer_mask; /* bit i = the i-th 8-byte word is a pointer; ptrdata_bytes / 8 bits, padded with zeros */
    void *bound;            /* what the replay made of it; freed by whoever set it, before gr_types_unload */
};

struct gr_types {
    struct gr_type **items;
    size_t count;
    size_t capacity;
};

/* Reads FOLDER/types.json (or .zst) if it is there. False with a reason when it is there and malformed. */
bool gr_types_load(struct gr_types *types, const char *folder, const char **reason);
void gr_types_unload(struct gr_types *types);

/* The type of that name, made from its spelling when it is new; NULL when the name cannot be read. */
struct gr_type *gr_type_named(struct gr_types *types, const char *name);
/* A type from a mask like "1010" (word 0 first) or "-"; a row says all of it, so one name may mean several. NULL: mask longer than size, or out of memory. */
struct gr_type *gr_type_masked(struct gr_types *types, const char *name, size_t size_bytes, size_t align_bytes,
                               const char *mask);

#endif
