/* heap_profile.c - see heap_profile.h. */
#include "allocator/heap_profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool has_frame(const char *frames, uintptr_t low, uintptr_t high)
{
    char *end;

    while (*frames != '\0' && *frames != '\n') {
        uintptr_t at = strtoull(frames, &end, 16);

        if (end == frames)
            return false;
        /* A return address: the call is before it. */
        if (at > low && at <= high)
            return true;
        frames = end;
        while (*frames == ' ')
            frames++;
    }
    return false;
}

/* "in: bytes [alloc: bytes] @ rest"; the offset of what follows the @, 0 if the line is none. */
static int read_counts(const char *line, struct profile_counts *counts)
{
    int end = 0;

    if (sscanf(line, "%llu: %llu [%llu: %llu] @%n", &counts->in_use_count, &counts->in_use_bytes, &counts->alloc_count,
               &counts->alloc_bytes, &end) != 4)
        return 0;
    return end;
}

static void add(struct profile_counts *sum, const struct profile_counts *counts)
{
    sum->in_use_count += counts->in_use_count;
    sum->in_use_bytes += counts->in_use_bytes;
    sum->alloc_count += counts->alloc_count;
    sum->alloc_bytes += counts->alloc_bytes;
}

void profile_decode(const char *path, const char *low, const char *high, struct decoded_profile *out)
{
    static char line[65536];
    FILE *file = fopen(path, "r");
    struct profile_counts counts;
    int at;

    memset(out, 0, sizeof *out);
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    assert_memory_equal(line, "heap profile: ", 14);
    at = read_counts(line + 14, &out->header);
    assert_true(at > 0);
    assert_int_equal(sscanf(line + 14 + at, " heap_v2/%llu", &out->rate), 1);
    while (fgets(line, sizeof line, file) != NULL && line[0] != '\n') {
        at = read_counts(line, &counts);
        assert_true(at > 0);
        out->sites++;
        add(&out->sum, &counts);
        if (has_frame(line + at, (uintptr_t)low, (uintptr_t)high)) {
            out->planted_sites++;
            add(&out->planted, &counts);
        }
    }
    assert_non_null(fgets(line, sizeof line, file));
    assert_string_equal(line, "MAPPED_LIBRARIES:\n");
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned long long from;
        unsigned long long to;

        assert_int_equal(sscanf(line, "%llx-%llx r", &from, &to) >= 2, 1);
        out->planted_mapped |= from <= (uintptr_t)low && (uintptr_t)low < to;
    }
    fclose(file);
    /* What a reader checks first: the header is the sum of the lines. */
    assert_memory_equal(&out->header, &out->sum, sizeof out->sum);
}
