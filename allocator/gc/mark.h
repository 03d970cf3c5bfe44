/* mark.h - finding what is reachable: addresses in, mark bits out.
 *
 * Why one entry for every address: a root may be precise or a guess, a pointer may point inside; the span found by address
 * decides. Chunks and large objects are one object each, small ones are found by their index. Scanning is by type: a
 * chunk's bitmap (its type log is written out first), else the layout. Memory that must not be read (quarantined chunks,
 * pointer-free objects) is marked and not scanned. Chunks and large objects are scanned in oblets of 128 KiB, so that the
 * grey set stays small and another marker could share the work.
 *
 * With the world stopped one marker works alone. In a concurrent mark several do (`shared`): each has its own grey set and
 * hands what it has too much of to the pool (pool.h); mark bits are then set atomically. What they read was noted with the
 * world stopped (a chunk's scan_end) or is newer and marked already. */
#ifndef ALLOCATOR_GC_MARK_H
#define ALLOCATOR_GC_MARK_H

#include "gc/roots.h"
#include "gc/small.h"
#include "gc/work.h"

#define UA_OBLET_BYTES ((size_t)128 << 10)

_Static_assert(UA_OBLET_BYTES % UA_BYTES_PER_BITMAP_WORD == 0, "an oblet is whole bitmap words");

/* Addresses on their way from the grey set to the scan, used while the graph is scattered (mark_queue.h). What a look at one needs
 * is prefetched when it comes in, and is there by the time it goes out at the other end. Items of the grey set with bit 0 set
 * (UA_CANDIDATE) are not marked yet: marking needs the record of the span, which is as cold as the object. */
#define UA_SEEN_COUNT 32u /* power of two */
#define UA_SEEN_LOW 16u   /* below, the grey set comes first: it brings new addresses */
#define UA_CANDIDATE ((uintptr_t)1)
#define UA_STEP_BYTES 16u /* of scanning: what taking an item costs, at least */
/* Of objects longer than a cache line the rest is fetched when they are as near as this to the ring's end: their record, which tells
 * the length, is there by then. Only while objects are long on average: reading the record so early costs more than the mark of a short one. */
#define UA_SEEN_AHEAD 2u
#define UA_FETCH_BYTES 1024u      /* of an object at most */
#define UA_FETCH_LONG_BYTES 256u  /* scanned of an object, average of a batch */

struct ua_seen {
    uintptr_t address;
    struct ua_span *span;
};

/* Whether a graph is scattered is decided anew for each batch of objects: by how many times the walk came to a page that is none of
 * the recent ones. In between the two bounds it stays as it is. */
#define UA_BATCH_OBJECTS 256u
#define UA_RECENT_COUNT 64u   /* pages: half a MiB, less than a second-level cache */
#define UA_SCATTERED_ABOVE 4u /* more than one in 4 objects */
#define UA_ORDERED_BELOW 8u   /* less than one in 8 */

/* Chunks that pointers were found into. A chunk is one object, so in the scan of another chunk nothing need be looked up for each
 * pointer: a byte is set, and after an oblet the chunks with a new byte are marked. Not used when chunks lie further apart. */
#define UA_TOUCHED_MAX 2048u /* chunks from the lowest address to the highest: 16 GiB of 8 MiB chunks */

struct ua_marker {
    struct ua_seen seen[UA_SEEN_COUNT];
    unsigned seen_first;
    unsigned seen_count;
    bool scattered;
    bool fetches; /* objects are long */
    uint32_t batch_objects;
    uint32_t batch_cold;
    uint64_t batch_scan_work; /* what heap_scan_work was when the batch began, less what was taken since: modulo 2^64 */
    uintptr_t recent[UA_RECENT_COUNT];
    uint32_t grey[UA_SPAN_OBJECTS_MAX]; /* of the span being scanned, offsets from its base */
    struct ua_heap *heap;
    struct ua_small_heap *small;
    struct ua_roots_set *roots;
    struct ua_work work;
    struct ua_marker *next; /* spare helpers; guard: lock of the pool */
    bool shared;    /* other markers, or threads that allocate, set bits of the same words */
    uintptr_t chunks_low;     /* chunks lie from here on, */
    uintptr_t chunks_bytes;   /* so far; 0: too far apart for touched */
    unsigned chunk_shift;
    uint8_t touched[UA_TOUCHED_MAX] __attribute__((aligned(8)));
    uint8_t entered[UA_TOUCHED_MAX] __attribute__((aligned(8))); /* touched, and marked since */
    uintptr_t low; /* heap arenas lie from here on, */
    uintptr_t heap_bytes; /* so far: most guesses end here */
    uintptr_t handles_low; /* the same for handles of abandoned arenas */
    uintptr_t handles_bytes;
    uint64_t bytes_marked;
    uint64_t heap_scan_work;
    uint64_t step_bytes; /* UA_STEP_BYTES for each item taken by ua_mark_drain_some */
    uint64_t objects_marked;
    uint64_t mark_number;    /* of the mark that touched and entered are about */
    uint64_t unlogged_bytes; /* of chunks in use, not written out when the mark began: what they may have to scan */
};

void ua_marker_init(struct ua_marker *marker, struct ua_heap *heap, struct ua_small_heap *small,
                    struct ua_roots_set *roots);
/* World stopped. Clears the counters and the marks of chunks; those of other objects went with the last sweep. */
void ua_marker_begin(struct ua_marker *marker);
/* World stopped, lock of the roots held: learns the address ranges and abandoned handles again. */
void ua_marker_update_ranges(struct ua_marker *marker);
/* The same ranges for a marker that helps. */
void ua_marker_follow(struct ua_marker *helper, const struct ua_marker *leader);
/* The scan work counted since the last time, in bytes; from now on it counts from 0. */
uint64_t ua_marker_take_scan_work(struct ua_marker *marker);
/* Nothing counted yet. */
void ua_marker_clear(struct ua_marker *marker);
/* World stopped. Takes every mark away: a mark is given up. */
void ua_marker_forget(struct ua_marker *marker);

/* Whatever lies at the address is reachable. Marked at once; ranges and contents may wait for drain. */
void ua_mark_address(struct ua_marker *marker, uintptr_t address);
/* Every aligned word of the range is an address. */
void ua_mark_range(struct ua_marker *marker, const void *at, size_t bytes);
/* What the object at this start points to is reachable, the object itself not thereby. Waits for drain. */
void ua_mark_contents(struct ua_marker *marker, uintptr_t object);
/* What the object's finalizer is called with is reachable; but not an address in the object itself, which would keep it for ever. */
void ua_mark_argument(struct ua_marker *marker, uintptr_t object, uintptr_t argument);
/* Whether marking the address would do anything; without the marker's owner, at any time during its mark. */
bool ua_mark_wants(const struct ua_marker *marker, uintptr_t address);
/* What the slots in [from, to) of an array of values hold; its first value is at `first`. Ends with ua_mark_settle. */
void ua_mark_values(struct ua_marker *marker, const struct ua_layout *layout, uintptr_t first, uintptr_t from,
                    uintptr_t to);
/* The same for a small object that is scanned: counted. */
void ua_mark_scan_values(struct ua_marker *marker, const struct ua_layout *layout, uintptr_t from, uintptr_t to);
/* The same for [from, to) of a chunk, whose log is written out that far. */
void ua_mark_chunk_range(struct ua_marker *marker, struct ua_span *chunk, uintptr_t from, uintptr_t to);
/* World stopped: chunks in use are reachable, whoever points to them, up to where they are filled now (scan_end). */
void ua_mark_chunks_in_use(struct ua_marker *marker);
/* World stopped: those that came into use since count as marked. */
void ua_mark_new_chunks(struct ua_marker *marker);
/* World stopped, lock of the roots held: scans until nothing is grey. */
void ua_mark_drain(struct ua_marker *marker);
/* Scans at most about work_bytes; false when the marker's own grey set is empty. Each item taken counts as UA_STEP_BYTES, since a
 * million that lead to what is marked already are no scan work and take as long. Lost items stay lost (work.lost). */
bool ua_mark_drain_some(struct ua_marker *marker, uint64_t work_bytes);
/* What was seen and not looked at yet becomes grey, so that others can take it. */
void ua_mark_settle(struct ua_marker *marker);
bool ua_mark_is_marked(struct ua_marker *marker, uintptr_t object);

#endif
