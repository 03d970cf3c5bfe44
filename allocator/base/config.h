/* config.h - every constant of the allocator with its unit and reason, and how they relate.
 *
 * Why one file: the relations are what breaks when somebody tunes one of them, and only here they can be asserted.
 * Values and names are Go 1.20's where Go has one. */
#ifndef UA_BASE_CONFIG_H
#define UA_BASE_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#define UA_KIB ((size_t)1 << 10)
#define UA_MIB ((size_t)1 << 20)

#define UA_WORD_BYTES ((size_t)8)
#define UA_WORDS_PER_BITMAP_WORD ((size_t)64)
#define UA_BYTES_PER_BITMAP_WORD (UA_WORD_BYTES * UA_WORDS_PER_BITMAP_WORD) /* 512 B of heap for one bitmap word */

#define UA_PAGE_SHIFT 13 /* Go's runtime page, not the system's */
#define UA_PAGE_BYTES ((size_t)1 << UA_PAGE_SHIFT)
#define UA_PHYS_PAGE_BYTES ((size_t)4096) /* checked against the system when a heap is made */
#define UA_HUGE_PAGE_BYTES ((size_t)2 << 20)

/* Address space is reserved in heap arenas of this size, each on its own multiple. */
#define UA_HEAP_ARENA_SHIFT 26
#define UA_HEAP_ARENA_BYTES ((size_t)1 << UA_HEAP_ARENA_SHIFT)
#define UA_PAGES_PER_HEAP_ARENA (UA_HEAP_ARENA_BYTES / UA_PAGE_BYTES)

#define UA_ADDRESS_BITS 47 /* user half of a 48-bit address space */
#define UA_HEAP_ARENA_COUNT ((size_t)1 << (UA_ADDRESS_BITS - UA_HEAP_ARENA_SHIFT))

/* Tables whose pages come on touch, and are booked page by page. */
#define UA_BITMAP_PAGES_PER_HEAP_ARENA (UA_HEAP_ARENA_BYTES / UA_WORDS_PER_BITMAP_WORD / UA_PHYS_PAGE_BYTES)
#define UA_HEAP_ARENA_TABLE_PAGES (UA_HEAP_ARENA_COUNT * UA_WORD_BYTES / UA_PHYS_PAGE_BYTES)

#define UA_CHUNK_BYTES_DEFAULT ((size_t)8 << 20)
#define UA_CHUNK_BYTES_MIN ((size_t)64 << 10)
#define UA_CHUNK_BYTES_MAX UA_HEAP_ARENA_BYTES
#define UA_CHUNK_MAX_ALLOC_DIVISOR 4 /* worst-case waste of a chunk: 25 % */

#define UA_ALIGN_MAX ((size_t)4096)
#define UA_ALLOC_MAX ((size_t)1 << UA_ADDRESS_BITS)

/* Prezero windows: a small arena should cost a page, a busy one should not come back often. */
#define UA_WINDOW_FIRST_BYTES ((size_t)4096)
#define UA_WINDOW_MAX_BYTES ((size_t)64 << 10)
/* In dirty memory, for objects up to 2 KiB: so short that the processor goes on with the program while the stores that clear it wait
 * for their lines, and the lines 4 KiB further on are asked for meanwhile (decision 0067). */
#define UA_WINDOW_SHORT_BYTES ((size_t)1152) /* 18 lines: a little longer than 1 KiB is faster (decision 0073) */
#define UA_WINDOW_AHEAD_BYTES ((size_t)4096)
#define UA_WINDOW_SHORT_OBJECT_BYTES ((size_t)2048) /* a longer one is more than what overlaps */
#define UA_CACHE_LINE_BYTES ((size_t)64)
/* A rewound chunk with no more than this in it is cleared at once: what a first window would have cleared anyway. */
#define UA_REWIND_CLEAR_BYTES UA_WINDOW_FIRST_BYTES
/* Huge pages are asked for once this much of a chunk is in use (prezero = window). */
#define UA_HUGE_ASK_BYTES ((size_t)64 << 10)

/* A type log entry takes 2 bytes and stands for at least 8 bytes of the front, so a quarter chunk always suffices. */
#define UA_LOG_ENTRY_BYTES ((size_t)2)
#define UA_LOG_DIVISOR (UA_WORD_BYTES / UA_LOG_ENTRY_BYTES)

#define UA_TYPE_ID_MAX 65535u

/* A freed handle is not used again before this many further arenas were made, so that stale uses are noticed. */
#define UA_HANDLE_QUARANTINE 1024u
/* A thread keeps this many freed handles; beyond, the oldest go to all threads, in one go. */
#define UA_CACHE_HANDLES_MAX (UA_HANDLE_QUARANTINE + 512u)
#define UA_CACHE_HANDLES_SPILL 512u
/* Handles that a thread gets at a time when its own must still wait. */
#define UA_CACHE_HANDLES_TAKE 64u

_Static_assert(UA_WINDOW_SHORT_OBJECT_BYTES + UA_CACHE_LINE_BYTES <= UA_CHUNK_BYTES_MIN / UA_CHUNK_MAX_ALLOC_DIVISOR, "a short window is no longer than an object may be");
_Static_assert(UA_HEAP_ARENA_BYTES % UA_CHUNK_BYTES_DEFAULT == 0, "user arena chunk size does not divide a heap arena");
_Static_assert(UA_CHUNK_BYTES_MAX <= UA_HEAP_ARENA_BYTES, "a chunk lies in one heap arena");
_Static_assert(UA_CHUNK_BYTES_MIN % UA_PAGE_BYTES == 0, "user arena chunk size is not a multiple of the page size");
_Static_assert(UA_PAGE_BYTES % UA_PHYS_PAGE_BYTES == 0, "a runtime page is whole system pages");
_Static_assert(UA_CHUNK_BYTES_MIN / UA_CHUNK_MAX_ALLOC_DIVISOR >= UA_ALIGN_MAX, "an aligned object fits a chunk");
_Static_assert(UA_BITMAP_PAGES_PER_HEAP_ARENA % 64 == 0, "whole words of booked pages");
_Static_assert(UA_HEAP_ARENA_TABLE_PAGES % 64 == 0, "whole words of booked pages");
_Static_assert(sizeof(void *) == 8, "64-bit only: one bitmap bit is 8 bytes");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little-endian only: pointer masks are read as 64-bit words");

#endif
