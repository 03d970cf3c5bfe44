/* hx_text.h - an append-only text in mapped memory, and JSON written into it.
 *
 * Why: a worker must hand over its observation without ever calling malloc, and a half-written line is worse than none. All
 * appends go to memory; an error (no memory, a JSON call out of place) sticks, and hx_text_finish tells it once at the end.
 * Threads: one text belongs to one thread. Not here: reading JSON (the driver uses a library for that). */
#ifndef HX_TEXT_H
#define HX_TEXT_H

#include "base/hx_base.h"

enum { HX_TEXT_DEPTH_MAX = 32 };

struct hx_text {
    char *data;            /* always terminated; NULL before hx_text_init */
    size_t used_bytes;     /* without the terminator */
    size_t capacity_bytes; /* mapped */
    int error;             /* 0, or the errno of the first failure; later appends do nothing */
    unsigned depth;        /* open JSON objects and arrays */
    bool has_item[HX_TEXT_DEPTH_MAX + 1]; /* something was written at that depth: the next needs a comma */
    char closer[HX_TEXT_DEPTH_MAX + 1];   /* '}' or ']' that ends that depth */
};

/* Maps `capacity_bytes` (> 0; grows by itself later). False with errno when there is no memory. */
bool hx_text_init(struct hx_text *text, size_t capacity_bytes);
void hx_text_deinit(struct hx_text *text);

/* Empties it, keeps the memory, clears the error. */
void hx_text_reset(struct hx_text *text);

/* 0 when everything was written and every object and array is closed, else an errno (EINVAL for a JSON call out of place). */
int hx_text_finish(const struct hx_text *text);

/* Plain appends. */
void hx_text_bytes(struct hx_text *text, const char *bytes, size_t count);
void hx_text_put(struct hx_text *text, const char *string);
void hx_text_put_u64(struct hx_text *text, uint64_t value);
/* Shortest of %.15g, %.16g, %.17g that reads back as the same double. A non-finite value is written as null. */
void hx_text_put_double(struct hx_text *text, double value);
void hx_text_put_hex(struct hx_text *text, uint64_t value); /* 16 digits, no 0x */
void hx_text_format(struct hx_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* JSON. `key` is NULL inside an array and at the top, else the member's name. Commas are written as needed. */
void hx_json_object(struct hx_text *text, const char *key);
void hx_json_array(struct hx_text *text, const char *key);
void hx_json_close(struct hx_text *text); /* the innermost object or array */
void hx_json_string(struct hx_text *text, const char *key, const char *value); /* NULL value: null */
void hx_json_u64(struct hx_text *text, const char *key, uint64_t value);
void hx_json_i64(struct hx_text *text, const char *key, int64_t value);
void hx_json_double(struct hx_text *text, const char *key, double value);
void hx_json_bool(struct hx_text *text, const char *key, bool value);
void hx_json_hex(struct hx_text *text, const char *key, uint64_t value); /* a string of 16 hex digits */
void hx_json_null(struct hx_text *text, const char *key);
void hx_json_raw(struct hx_text *text, const char *key, const char *json); /* already valid JSON */

/* One figure as an object: {"value":1.5,"reason":null} or {"value":null,"reason":"too few calls"}. */
void hx_json_figure(struct hx_text *text, const char *key, struct hx_figure figure);

/* Writes all of `count` bytes to `fd`, going on after short writes and EINTR. 0, or an errno. */
int hx_write_all(int fd, const char *bytes, size_t count);

#endif
