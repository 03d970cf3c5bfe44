/* hx_callgrind.h - totals of one callgrind run, and the difference of two.
 *
 * Why: Valgrind executes the same instructions on every machine and every day, so a count needs no repetitions and no quiet
 * machine. Two runs of 4 and 8 equal blocks differ by exactly four blocks of work: start-up, heap growth and the printing of
 * the result cancel. With --collect-systime it counts the program's system calls in the same run. */
#ifndef HX_CALLGRIND_H
#define HX_CALLGRIND_H

#include <stdint.h>

#include "record/hx_error.h"

enum { HX_CALLGRIND_BLOCKS_SHORT = 4, HX_CALLGRIND_BLOCKS_LONG = 8 };

struct hx_callgrind_totals {
    uint64_t instructions;
    uint64_t syscalls;
};

/* Reads the `events:` and `summary:` lines of a callgrind output file's text. False with one line when either is absent, names
 * no Ir or no sysCount, or holds no instructions (an empty profile is an error, not a zero). */
bool hx_callgrind_parse(const char *text, struct hx_callgrind_totals *out, struct hx_error *error);

/* long_run - short_run. False with one line when the longer run counted less: the two did not do the same work. */
bool hx_callgrind_difference(const struct hx_callgrind_totals *short_run, const struct hx_callgrind_totals *long_run,
                             struct hx_callgrind_totals *out, struct hx_error *error);

/* The path of valgrind found in PATH, in fresh memory (free it), or NULL with one line that says how to install it. */
char *hx_callgrind_find(struct hx_error *error);

/* An unnamed file for callgrind's output, and the words that have valgrind write to it. */
enum { HX_CALLGRIND_ARGV_MAX = 6 };
struct hx_callgrind_profile {
    char option[96];
};
/* The file's descriptor, which the caller closes; the child finds it by our process, so it is held until the child has ended. -1 with
 * one line when there is no memory. */
int hx_callgrind_open(struct hx_callgrind_profile *profile, struct hx_error *error);
/* Fills argv with `valgrind` and its options, at most HX_CALLGRIND_ARGV_MAX words that live as long as profile; returns how many. */
size_t hx_callgrind_argv(const struct hx_callgrind_profile *profile, const char *valgrind, const char **argv);
/* Reads the file once the child has ended. False with one line. */
bool hx_callgrind_read(int fd, struct hx_callgrind_totals *totals, struct hx_error *error);

/* NULL-terminated environment of every counted process, constant: nothing of the caller's, so that a count does not depend on
 * who counts; glibc's string functions pinned to one variant for all x86 machines. */
const char *const *hx_callgrind_environment(void);

#endif
