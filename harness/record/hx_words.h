/* hx_words.h - strings of the harness: copies that cannot overflow, growing buffers, lists, globs, plain decimals.
 *
 * Why: cells, rows and file paths are made of short words; here they are copied with a check instead of with hope. Memory comes
 * from malloc and running out of it is fatal: the driver holds a few MiB at most. No state, any thread. */
#ifndef HX_WORDS_H
#define HX_WORDS_H

#include "base/hx_base.h"

/* Copies text into a buffer of capacity_bytes; false (buffer empty) when it does not fit. */
bool hx_copy(char *buffer, size_t capacity_bytes, const char *text);

/* malloc, calloc-style growth and strdup that never return NULL: out of memory prints one line and exits 5. */
void *hx_alloc(size_t size_bytes);
void *hx_grow(void *old, size_t count, size_t element_bytes);
char *hx_dup(const char *text);

/* printf into fresh memory; the caller frees. */
char *hx_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A byte buffer that grows. Zero-initialise; free `data` when done. `data` is always terminated once something was added. */
struct hx_buffer {
    char *data;
    size_t size_bytes;     /* without the terminator */
    size_t capacity_bytes;
};
void hx_buffer_add(struct hx_buffer *buffer, const void *data, size_t size_bytes);
void hx_buffer_print(struct hx_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void hx_buffer_free(struct hx_buffer *buffer);

/* True when word matches one of the comma-joined fnmatch patterns; NULL or "" matches everything. */
bool hx_glob(const char *patterns, const char *word);

/* Comma-joined words ("a,b,c") from a list, into fresh memory; "none" for an empty list. */
char *hx_join(const char *const *words, size_t count);

enum { HX_DECIMAL_BYTES = 352 }; /* the longest plain decimal of a double and its terminator */

/* The shortest plain decimal (no exponent) that reads back as the same double. The value must be finite. */
void hx_decimal(double value, char out[HX_DECIMAL_BYTES]);

/* A list as taskset writes it ("0-3,8,10-14:2"): fills numbers (ascending as written, no duplicates) and count. */
bool hx_parse_list(const char *text, unsigned *numbers, size_t capacity, size_t *count);

#endif
