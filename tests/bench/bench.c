/* bench.c - see bench.h. */
#include "bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

double bench_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

uint64_t bench_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

void bench_die(const char *why)
{
    fprintf(stderr, "bench: %s\n", why);
    exit(BENCH_BAD_INPUT);
}

void *bench_must(void *pointer)
{
    if (pointer == NULL)
        bench_die("out of memory");
    return pointer;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static struct series sorted(const struct series *series)
{
    struct series copy = *series;

    qsort(copy.value, copy.count, sizeof copy.value[0], compare);
    return copy;
}

void bench_show(const char *name, const char *unit, const struct series *measure, const struct series *reference, const char *goal)
{
    struct series m = sorted(measure), r = sorted(reference), ratio = {.count = measure->count};

    printf("%-44s %8.2f [%.2f .. %.2f] %s", name, m.value[m.count / 2], m.value[0], m.value[m.count - 1], unit);
    if (r.count != 0) {
        for (unsigned i = 0; i < ratio.count; i++)
            ratio.value[i] = measure->value[i] / reference->value[i];
        ratio = sorted(&ratio);
        printf("; reference %.2f [%.2f .. %.2f]; ratio %.3f [%.3f .. %.3f]", r.value[r.count / 2], r.value[0],
               r.value[r.count - 1], ratio.value[ratio.count / 2], ratio.value[0], ratio.value[ratio.count - 1]);
    }
    printf("; goal %s; n=%u\n", goal, m.count);
    fflush(stdout);
}

struct ua_heap *bench_heap(int32_t gogc)
{
    struct ua_options options;

    if (ua_options_preset(&options, "safe") != 0)
        bench_die(ua_last_error());
    options.roots = UA_ROOTS_REGISTERED;
    options.sanitizer = UA_SANITIZER_OFF;
    options.gogc = gogc;
    options.quarantine_limit_bytes = 0;
    return bench_must(ua_heap_new(&options));
}

double bench_mark_ns(struct ua_heap *heap)
{
    struct ua_gc_event event;

    ua_collect(heap);
    if (ua_gc_events(heap, &event, 1) != 1)
        bench_die("no event");
    return (double)event.mark_ns;
}

void bench_arguments(int argc, char **argv, size_t *set_bytes, unsigned *repetitions)
{
    char *end = NULL;

    if (argc > 1)
        *set_bytes = strtoull(argv[1], &end, 10) * MIB;
    if (argc > 1 && (*end != '\0' || *set_bytes < 8 * MIB || *set_bytes > 16384 * MIB))
        bench_die("MIB must be a number from 8 to 16384");
    if (argc > 2)
        *repetitions = (unsigned)strtoul(argv[2], &end, 10);
    if (argc > 2 && (*end != '\0' || *repetitions < 1 || *repetitions > BENCH_REPETITIONS_MAX))
        bench_die("REPETITIONS must be a number from 1 to 99");
}
