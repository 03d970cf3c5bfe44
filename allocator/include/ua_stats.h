/* ua_stats.h - a snapshot of one heap, plain numbers only.
 *
 * Why apart from ua.h: tools that only read figures (harness, plots) need no allocator API.
 * Byte and count names are Go's (runtime/mstats), so that both runtimes' figures can be laid side by side. */
#ifndef UA_STATS_H
#define UA_STATS_H

#include <stdint.h>

#include "ua_histogram.h"

/* Taken by ua_stats(). Counters are read one by one: exact while no other thread allocates, else a moment's blur. */
struct ua_stats {
    /* Byte accounts (each byte of the heap's address space is in exactly one). */
    uint64_t reserved_bytes;      /* owned address space that faults and costs nothing */
    uint64_t heap_released_bytes; /* prepared: may be without pages */
    uint64_t heap_in_use_bytes;   /* spans in use: chunks of arenas, of the reuse and fault lists, objects */
    uint64_t heap_free_bytes;     /* mapped pages without a span */
    uint64_t kept_resident_bytes; /* chunks in quarantine or ready whose pages were kept */
    uint64_t meta_bytes;          /* the allocator's own records */
    /* Derived from them. */
    uint64_t committed_bytes;    /* in use + free */
    uint64_t in_heap_bytes;      /* Go's consistent statistic; equals heap_in_use here */
    uint64_t mapped_ready_bytes; /* in use + free + kept resident + meta */

    /* Flow counters. */
    uint64_t heap_live_bytes;
    uint64_t heap_marked_bytes;
    uint64_t heap_scan_bytes;
    uint64_t scan_alloc_bytes; /* grows when type logs are written out; see ua_debug_write_out */
    uint64_t total_alloc_bytes;
    uint64_t total_free_bytes;
    uint64_t large_alloc_bytes;
    uint64_t large_alloc_count;
    uint64_t large_free_bytes;
    uint64_t large_free_count;

    /* Chunk life. */
    uint64_t chunk_bytes;
    uint64_t chunks_active; /* in arenas: active and full */
    uint64_t chunks_reuse;
    uint64_t chunks_ready; /* never used ones too */
    uint64_t chunks_quarantine;
    uint64_t chunks_fault;
    uint64_t chunks_unprotected; /* of the quarantined ones: could not be set to fault, will be retried */
    uint64_t refill_count;
    uint64_t arena_new_count;
    uint64_t arena_free_count;

    /* System calls made, by kind. */
    uint64_t sys_reserve_count;
    uint64_t sys_map_count;
    uint64_t sys_release_count; /* mmap PROT_NONE over a range */
    uint64_t sys_protect_count;
    uint64_t sys_unprotect_count;
    uint64_t sys_advise_count;
    uint64_t lock_count; /* lock acquisitions of this heap */

    /* Collector. 0 while no collection ran. */
    uint64_t gc_cycles;
    uint64_t gc_goal_bytes;
    uint64_t gc_trigger_bytes;
};

/* The collector's pauses since the heap was made, one entry each (two a cycle under collect=concurrent, more when a mark that
 * seemed done was not). Taken by ua_gc_pauses(). */
struct ua_gc_pauses {
    struct ua_histogram stop;  /* from the request until every thread stood still: what the threads took, not the collector */
    struct ua_histogram cpu;   /* CPU time of the pausing thread while the world stood still */
    struct ua_histogram pause; /* the time that the world stood still */
};

#endif
