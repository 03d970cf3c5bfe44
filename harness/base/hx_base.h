/* hx_base.h - what every part of the harness stands on: exit codes, the fatal line, mapped memory, checked sizes.
 *
 * Why: a worker runs with the malloc under test in its own process. Everything here (and in hx_text, hx_file_publish, hx_rng)
 * works without malloc, so that the harness never disturbs the heap it measures.
 * Threads: every function may be called from any thread. Not here: text and JSON (hx_text), files (hx_file). */
#ifndef HX_BASE_H
#define HX_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes of every program of the harness. Their order of importance is not numerical: hx_exit_worse decides. */
enum hx_exit {
    HX_EXIT_OK = 0,             /* no regression, or nothing to judge */
    HX_EXIT_REGRESSION = 1,     /* a gated cell became slower or bigger */
    HX_EXIT_INCONCLUSIVE = 2,   /* the data does not decide */
    HX_EXIT_NOT_COMPARABLE = 3, /* no baseline, or one of another machine */
    HX_EXIT_UNFIT = 4,          /* the machine cannot give trustworthy figures now */
    HX_EXIT_ERROR = 5,          /* bad input, a crash, a missing cell */
};

/* The code that wins when two outcomes meet: 5, 1, 4, 3, 2, 0 in that order. An unknown code counts as 5. */
int hx_exit_worse(int a, int b);

/* Prints "program: message" as one line on stderr, without malloc, and exits with HX_EXIT_ERROR. printf format. */
_Noreturn void hx_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The name hx_die and hx_warn print in front; default "arenabench". Keeps the pointer. */
void hx_program_set(const char *name);

/* Prints "program: message" as one line on stderr, without malloc. printf format. */
void hx_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Stays on in release: where a broken rule would make a figure wrong. */
#define HX_CHECK(condition) \
    ((condition) ? (void)0 : hx_die("check failed: %s (%s:%d)", #condition, __FILE__, __LINE__))

#define HX_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define HX_KIB ((size_t)1024)
#define HX_MIB (1024 * HX_KIB)
#define HX_NS_PER_S UINT64_C(1000000000)

/* A measured figure: value is valid exactly when reason is NULL, else reason says why there is none.
 * The reason is a constant string: it lives as long as the program. */
struct hx_figure {
    double value;
    const char *reason;
};

static inline struct hx_figure hx_figure_of(double value) {
    return (struct hx_figure){.value = value, .reason = NULL};
}

static inline struct hx_figure hx_figure_none(const char *reason) {
    return (struct hx_figure){.value = 0, .reason = reason};
}

/* Zeroed private memory of at least `bytes` (> 0) straight from mmap; NULL with errno when the kernel has none. */
void *hx_map(size_t bytes);

/* The same, every page touched already, so that no first use faults later; NULL with errno on failure. */
void *hx_map_touched(size_t bytes);

/* As hx_map, but a failure is the end: one line naming `what`, exit 5. */
void *hx_map_or_die(size_t bytes, const char *what);

/* Gives back exactly what hx_map* gave: the same pointer and the same byte count. NULL is a no-op. */
void hx_unmap(void *start, size_t bytes);

/* Checked sizes: true and *out set, or false with *out unchanged when the result does not fit. */
static inline bool hx_add_size(size_t a, size_t b, size_t *out) {
    size_t sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return false;
    }
    *out = sum;
    return true;
}

static inline bool hx_mul_size(size_t a, size_t b, size_t *out) {
    size_t product;
    if (__builtin_mul_overflow(a, b, &product)) {
        return false;
    }
    *out = product;
    return true;
}

/* Copies `text` with its terminator; false (nothing changed) when it does not fit. */
bool hx_copy_string(char *out, size_t capacity_bytes, const char *text);

/* Whole-string decimal parse. False (nothing changed) on an empty, signed, trailing or overflowing text. */
bool hx_parse_u64(const char *text, uint64_t *out);

/* Whole-string parse of a finite decimal number. False (nothing changed) otherwise. */
bool hx_parse_double(const char *text, double *out);

#endif
