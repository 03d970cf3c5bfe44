/* heap_profile.h - reads a profile file as pprof does, by the format alone.
 *
 * Why not with pprof: Debian packages it only in parts, and a test must not need it. Fails the running cmocka test where the
 * file is not in the format. */
#ifndef TESTS_ALLOCATOR_HEAP_PROFILE_H
#define TESTS_ALLOCATOR_HEAP_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

struct profile_counts {
    unsigned long long in_use_count, in_use_bytes, alloc_count, alloc_bytes;
};

struct decoded_profile {
    struct profile_counts header;
    struct profile_counts sum;     /* of all lines */
    struct profile_counts planted; /* of the lines with a frame in [low, high) */
    size_t sites, planted_sites;
    unsigned long long rate;
    bool planted_mapped; /* MAPPED_LIBRARIES has the planted code */
};

void profile_decode(const char *path, const char *low, const char *high, struct decoded_profile *out);

#endif
