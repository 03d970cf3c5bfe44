/* mask_program.h - the pointer masks of giant types as runs of repeated patterns.
 *
 * Why: a flat mask of a type with megabytes of pointers costs an eighth of a byte a word, resident, for what is mostly one
 * element repeated. Go has GC programs for types above 128 KiB of pointers, expanded into the object and copied from there.
 * Ours need random access as well (the collector scans large objects in pieces), so a program is a sorted table: each run
 * covers words [first, next first) and repeats a pattern of `period_words` bits from its first word on. A mask that does not
 * repeat stays flat. Programs never change. */
#ifndef UA_HEAP_MASK_PROGRAM_H
#define UA_HEAP_MASK_PROGRAM_H

#include "base/base.h"

/* Go's limit (maxPtrmaskBytes = 2048): above, a type gets a program. */
#define UA_MASK_FLAT_MAX_WORDS ((size_t)16384)

struct ua_mask_run {
    size_t first_word;   /* in the type */
    size_t period_words; /* >= 64 but in runs shorter than that, so that 64 bits are at most three pieces */
    size_t pattern_bit;  /* where in `patterns` the period's bits are */
};

struct ua_mask_program {
    size_t run_count;
    const struct ua_mask_run *runs; /* run_count + 1: the last one only says where the mask ends */
    const uint64_t *patterns;
};

/* Room for a program while it is made; both arrays are the caller's. */
struct ua_mask_scratch {
    struct ua_mask_run *runs;
    size_t run_capacity; /* one less is usable: the end needs one */
    uint64_t *patterns;  /* zeroed */
    size_t pattern_capacity_bits;
    size_t run_count; /* results */
    size_t pattern_bits;
};

/* Makes a program of the first `words` bits of a flat mask. False: it does not fit the scratch, so it is not compact. */
bool ua_mask_program_make(struct ua_mask_scratch *scratch, const uint64_t *mask, size_t words);
/* 64 bits of the mask from `word` on, zero beyond its end. */
uint64_t ua_mask_program_bits(const struct ua_mask_program *program, size_t word);

#endif
