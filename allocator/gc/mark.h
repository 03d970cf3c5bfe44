/* mark.h - finding what is reachable: addresses in, mark bits out.
 *
 * Why one entry for every address: a root may be precise or a guess, a pointer may point inside; the span found by address
 * decides. Chunks and large objects are one object each, small ones are found by their index. Scanning is by type: a
 * chunk's bitmap (its type log is written out first), else the layout. Memory that must not be read (quarantined chunks,
 * pointer-free objects) is marked and not scanned. Chunks and large objects are scanned in oblets of 128 KiB, so that the
 * grey set stays small and another marker could share the work.
 *
 * With the world stopped, or everything that is read standing still. One marker a heap. */
#ifndef ALLOCATOR_GC_MARK_H
#define ALLOCATOR_GC_MARK_H

#include "gc/roots.h"
#include "gc/small.h"
#include "gc/work.h"

#define UA_OBLET_BYTES ((size_t)128 << 10)

_Static_assert(UA_OBLET_BYTES % UA_BYTES_PER_BITMAP_WORD == 0, "an oblet is whole bitmap words");

/* Addresses seen and not looked at yet. What a look needs is prefetched when an address comes in, and is there by the time
 * it goes out at the other end: random graphs are bound by memory latency, not by work. */
#define UA_SEEN_COUNT 32u /* power of two */
#define UA_SEEN_LOW 8u    /* below, take from the grey set first: it brings new addresses */

struct ua_seen {
    uintptr_t address;
    struct ua_span *span;
};

struct ua_marker {
    struct ua_seen seen[UA_SEEN_COUNT];
    unsigned seen_first;
    unsigned seen_count;
    struct ua_heap *heap;
    struct ua_small_heap *small;
    struct ua_roots_set *roots;
    struct ua_work work;
    uintptr_t low;  /* no heap arena below or from high on: most guesses end here */
    uintptr_t high;
    uintptr_t handles_low; /* the same for handles of abandoned arenas */
    uintptr_t handles_high;
    uint64_t bytes_marked;
    uint64_t heap_scan_work;
    uint64_t objects_marked;
};

void ua_marker_init(struct ua_marker *marker, struct ua_heap *heap, struct ua_small_heap *small,
                    struct ua_roots_set *roots);
/* Clears every mark of the heap and the counters. */
void ua_marker_begin(struct ua_marker *marker);
/* Learns the address ranges again; what was allocated since begin is marked through its roots as everything else. */
void ua_marker_update_ranges(struct ua_marker *marker);

/* Whatever lies at the address is reachable. Marked at once; ranges and contents may wait for drain. */
void ua_mark_address(struct ua_marker *marker, uintptr_t address);
/* Every aligned word of the range is an address. */
void ua_mark_range(struct ua_marker *marker, const void *at, size_t bytes);
/* What the object at this start points to is reachable, the object itself not thereby. */
void ua_mark_contents(struct ua_marker *marker, uintptr_t object);
/* Chunks in use are reachable, whoever points to them. */
void ua_mark_chunks_in_use(struct ua_marker *marker);
/* Scans until nothing is grey. */
void ua_mark_drain(struct ua_marker *marker);
bool ua_mark_is_marked(struct ua_marker *marker, uintptr_t object);

#endif
