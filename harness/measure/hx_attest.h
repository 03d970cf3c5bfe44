/* hx_attest.h - what machine is this, and may one believe figures from it?
 *
 * Why: bare metal is attested, not assumed. Each line is a key, its value or the reason why there is none, a verdict, and what
 * to do about it; run.json stores the first part, `doctor` prints all. Names no host, no user, no path outside /proc and /sys.
 * Threads: any. Reads files only; `root` lets a test put a fake tree in place of "/". */
#ifndef HX_ATTEST_H
#define HX_ATTEST_H

#include "base/hx_base.h"

enum { HX_ATTEST_LINES_MAX = 64, HX_ATTEST_KEY_BYTES = 32, HX_ATTEST_VALUE_BYTES = 192, HX_ATTEST_ADVICE_BYTES = 160 };

enum hx_verdict { HX_VERDICT_OK, HX_VERDICT_NOTE, HX_VERDICT_UNFIT };

struct hx_attest_line {
    char key[HX_ATTEST_KEY_BYTES];
    char value[HX_ATTEST_VALUE_BYTES];   /* valid when reason is NULL */
    const char *reason;                  /* constant string: why there is no value */
    enum hx_verdict verdict;
    char advice[HX_ATTEST_ADVICE_BYTES]; /* what to do; "" when nothing */
};

struct hx_attest {
    size_t line_count;
    struct hx_attest_line line[HX_ATTEST_LINES_MAX];
};

/* Reads everything below `root` ("/" for this machine). Facts that only the running process has (libc version, page size) are
 * taken from it whatever the root. Never fails. */
void hx_attest_read(struct hx_attest *attest, const char *root);

/* The line with this key, or NULL. */
const struct hx_attest_line *hx_attest_find(const struct hx_attest *attest, const char *key);

/* Adds a line of the caller's (allocator build-ids, driver version); `value` NULL needs a constant reason. False when full. */
bool hx_attest_add(struct hx_attest *attest, const char *key, const char *value, const char *reason);

/* The worst verdict of all lines. */
enum hx_verdict hx_attest_verdict(const struct hx_attest *attest);

const char *hx_verdict_name(enum hx_verdict verdict); /* "ok" "note" "unfit" */

/* CPUs this process may really use: the lesser of its affinity mask and its cgroup quota; none when nothing tells. */
struct hx_figure hx_attest_cpu_limit(const char *root);

/* Bytes this process may still take: the lesser of MemAvailable and what its cgroup leaves; none when nothing tells. */
struct hx_figure hx_attest_memory_available_bytes(const char *root);

#endif
