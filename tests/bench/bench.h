/* bench.h - what the benches share: figures, a heap, the time of one mark. */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include "gc/gc_support.h"

#define BENCH_BAD_INPUT 5
#define BENCH_REPETITIONS_MAX 99u
#define MIB ((size_t)1 << 20)

struct series {
    double value[BENCH_REPETITIONS_MAX];
    unsigned count;
};

double bench_now_ns(void);
uint64_t bench_random(uint64_t *state);
/* One clear line, exit 5. */
void bench_die(const char *why);
/* `pointer`, unless it is NULL. */
void *bench_must(void *pointer);
/* A line: median, least and greatest of the measure, of the reference if it has any, and of the paired ratios. */
void bench_show(const char *name, const char *unit, const struct series *measure, const struct series *reference, const char *goal);
/* Preset safe, registered roots. */
struct ua_heap *bench_heap(int32_t gogc);
/* One collection; the time that marking took, by the collector's own clock. */
double bench_mark_ns(struct ua_heap *heap);
/* Words 1 and 2 of the command line: MIB and REPETITIONS. */
void bench_arguments(int argc, char **argv, size_t *set_bytes, unsigned *repetitions);

#endif
