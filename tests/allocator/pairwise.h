/* pairwise.h - a small set of settings in which every two values of every two options meet.
 *
 * Why generated at start: options and their words are asked of the library itself (its error sentences list them), so a new
 * option or word is covered the day it exists, and one that this version refuses is left out. */
#ifndef TESTS_ALLOCATOR_PAIRWISE_H
#define TESTS_ALLOCATOR_PAIRWISE_H

#include <stddef.h>
#include <stdint.h>

#include <ua.h>

#define PW_FACTORS_MAX 24
#define PW_VALUES_MAX 16
#define PW_ROWS_MAX 512

struct pw_factor {
    char name[32];
    size_t count;
    char values[PW_VALUES_MAX][32]; /* "-": as the preset has it */
};

struct pw_table {
    size_t factor_count; /* factor 0 is the preset, the last one chunk_bytes */
    struct pw_factor factors[PW_FACTORS_MAX];
    size_t row_count;
    uint8_t rows[PW_ROWS_MAX][PW_FACTORS_MAX];
};

/* Asks for the options and makes the rows; words in `without` (separated by blanks) are left out. Fails the running cmocka
 * test when the library does not answer. */
void pw_make(struct pw_table *table, const char *without);
/* How many pairs of values there are, and how many of them no row has. */
size_t pw_pairs(const struct pw_table *table, size_t *missing);
/* Fills the options of a row, and a line that names it. */
void pw_options(const struct pw_table *table, size_t row, struct ua_options *options, char *line, size_t capacity);

#endif
