/* hx_arena_ledger.h - libua's books as rows of samples.tsv: `ua_` and the field's name in ua_stats.h.
 *
 * Why: every account and flow of the allocator stands beside the times, so that a gain can be traced to what moved. */
#ifndef HX_ARENA_LEDGER_H
#define HX_ARENA_LEDGER_H

#include <string.h>

#include "backends/hx_backend.h"
#include "ua_stats.h"

#define HX_LEDGER_ROW(field, what) {"ua_" #field, what, stats->field}

/* Fills at most HX_LEDGER_ROWS_MAX rows; returns how many. */
HX_INLINE size_t hx_arena_ledger(const struct ua_stats *stats, struct hx_ledger_row *rows) {
    const struct hx_ledger_row all[] = {
        HX_LEDGER_ROW(reserved_bytes, "bytes"),      HX_LEDGER_ROW(heap_released_bytes, "bytes"),
        HX_LEDGER_ROW(heap_in_use_bytes, "bytes"),   HX_LEDGER_ROW(heap_free_bytes, "bytes"),
        HX_LEDGER_ROW(kept_resident_bytes, "bytes"), HX_LEDGER_ROW(meta_bytes, "bytes"),
        HX_LEDGER_ROW(committed_bytes, "bytes"),     HX_LEDGER_ROW(in_heap_bytes, "bytes"),
        HX_LEDGER_ROW(mapped_ready_bytes, "bytes"),  HX_LEDGER_ROW(heap_live_bytes, "bytes"),
        HX_LEDGER_ROW(heap_marked_bytes, "bytes"),   HX_LEDGER_ROW(heap_scan_bytes, "bytes"),
        HX_LEDGER_ROW(scan_alloc_bytes, "bytes"),    HX_LEDGER_ROW(total_alloc_bytes, "bytes"),
        HX_LEDGER_ROW(total_free_bytes, "bytes"),    HX_LEDGER_ROW(large_alloc_bytes, "bytes"),
        HX_LEDGER_ROW(large_alloc_count, "count"),   HX_LEDGER_ROW(large_free_bytes, "bytes"),
        HX_LEDGER_ROW(large_free_count, "count"),    HX_LEDGER_ROW(chunks_active, "count"),
        HX_LEDGER_ROW(chunks_reuse, "count"),        HX_LEDGER_ROW(chunks_ready, "count"),
        HX_LEDGER_ROW(chunks_quarantine, "count"),   HX_LEDGER_ROW(chunks_fault, "count"),
        HX_LEDGER_ROW(refill_count, "count"),        HX_LEDGER_ROW(arena_new_count, "count"),
        HX_LEDGER_ROW(arena_free_count, "count"),    HX_LEDGER_ROW(sys_reserve_count, "count"),
        HX_LEDGER_ROW(sys_map_count, "count"),       HX_LEDGER_ROW(sys_release_count, "count"),
        HX_LEDGER_ROW(sys_protect_count, "count"),   HX_LEDGER_ROW(sys_unprotect_count, "count"),
        HX_LEDGER_ROW(sys_advise_count, "count"),    HX_LEDGER_ROW(lock_count, "count"),
        HX_LEDGER_ROW(gc_cycles, "count"),
    };
    _Static_assert(sizeof all / sizeof all[0] <= HX_LEDGER_ROWS_MAX, "the caller's table holds them all");
    memcpy(rows, all, sizeof all);
    return sizeof all / sizeof all[0];
}

#endif
