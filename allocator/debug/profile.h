/* profile.h - a sampled profile of arena chunks and large objects by the stack that asked for them, as Go's MemProfile.
 *
 * Which allocations: Go's countdown. The distance to the next sample is drawn from an exponential distribution whose mean is
 * the rate; an allocation smaller than what is left only counts down, another is a sample and draws anew. Rate 1: every one.
 * With the usual 512 KiB nearly every 8 MiB chunk is one. Objects inside a chunk never are, as in Go.
 *
 * The free side is booked when the ledger counts the memory as freed: a chunk set to fault (Go: when its span is swept, up
 * to two collections later). A chunk that only moves on to the next arena stays with the stack that took it, as in Go.
 *
 * Memory is reserved when the heap is made and touched as stacks come: nothing is allocated on the allocation path.
 * Lock: rank LEAF, so samples may be booked inside any other lock. */
#ifndef UA_DEBUG_PROFILE_H
#define UA_DEBUG_PROFILE_H

#include "heap/heap.h"

#define UA_PROFILE_FRAMES_MAX 48u

/* One stack. Sites stay where they are for the heap's life, so a span may hold their address. */
struct ua_site {
    uint64_t hash;                          /* constant once in use, as are frames; 0: not in use */
    size_t frame_count;
    uintptr_t frames[UA_PROFILE_FRAMES_MAX]; /* return addresses, innermost first */
    uint64_t alloc_count, alloc_bytes;      /* guard: the profile's lock */
    uint64_t free_count, free_bytes;
};

struct ua_profile {
    uint64_t rate_bytes;     /* constant, not 0 */
    struct ua_lock lock;
    uint64_t random;         /* guard: lock, as everything below */
    uint64_t next_bytes;     /* what may be allocated before the next sample */
    struct ua_site *sites;   /* open addressing; entry 0 takes what finds no room */
    struct ua_meta *meta;
    uint64_t touched_pages[16]; /* bit: a page of the table that was counted as metadata */
};

/* False without memory for the table. */
bool ua_profile_init(struct ua_profile *profile, struct ua_heap *heap, uint64_t rate_bytes);
void ua_profile_deinit(struct ua_profile *profile);

/* `bytes` were allocated for the span: counts down and perhaps samples. */
void ua_profile_alloc(struct ua_profile *profile, struct ua_span *span, size_t bytes);
/* The span's memory is freed now. */
void ua_profile_free(struct ua_profile *profile, struct ua_span *span, size_t bytes);
/* The caller frees the batch (linked by next): notes its stack on those that were sampled. */
void ua_profile_given(struct ua_profile *profile, struct ua_span *batch);

/* Calls visit with a copy of every site that allocated; the lock is not held in visit. */
void ua_profile_each(struct ua_profile *profile, void (*visit)(const struct ua_site *site, void *context), void *context);

/* Writes the profile in pprof's text format ("heap profile: ... @ heap_v2/..."). 0 or an errno. */
int ua_profile_write_fd_to(struct ua_profile *profile, int fd);
/* The same under a temporary name beside `path`, renamed when whole. */
int ua_profile_write_path_to(struct ua_profile *profile, const char *path);

/* Go's nextSample: the distance to the next sample, exponential with this mean; `random` is advanced. */
uint64_t ua_profile_next_sample(uint64_t mean_bytes, uint64_t *random);

#endif
