/* hx_attest_lines.h - how the parts of the attestation write their lines. Private to hx_attest*.c.
 *
 * Why a header of its own: the processor's facts and the system's facts are two files, and both must say a missing value in
 * the same way. Threads: as hx_attest.h. */
#ifndef HX_ATTEST_LINES_H
#define HX_ATTEST_LINES_H

#include "measure/hx_attest.h"

/* A value with printf format; verdict ok. */
struct hx_attest_line *hx_attest_put(struct hx_attest *attest, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* No value, and why (constant string); verdict ok unless judged later. */
struct hx_attest_line *hx_attest_none(struct hx_attest *attest, const char *key, const char *reason);

/* Gives a line its verdict and what to do. */
void hx_attest_judge(struct hx_attest_line *line, enum hx_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The first line of a file below root, without the newline. False when there is none. */
bool hx_attest_file_line(const char *root, const char *path, char *out, size_t capacity_bytes);

/* A file's first line as the value of `key`, or `reason`. */
struct hx_attest_line *hx_attest_put_file(struct hx_attest *attest, const char *root, const char *key, const char *path,
                                          const char *reason);

/* "key<spaces>: value" of /proc/cpuinfo (first match) or "Key:  123 kB" of /proc/meminfo, up to the line's end. */
bool hx_attest_field(const char *text, const char *key, char *out, size_t capacity_bytes);

/* How many numbers a kernel list "0-3,8" names; 0 when malformed or empty. */
unsigned hx_attest_list_count(const char *list);

/* The two parts. */
void hx_attest_processor(struct hx_attest *attest, const char *root);
void hx_attest_system(struct hx_attest *attest, const char *root);

#endif
