/* root_scan.h - the roots of a heap, by option: registered; conservative (stacks, registers, thread-local variables, data
 * segments); process (every other writable mapping as well).
 *
 * Two steps, because asking the dynamic linker takes its lock, which a stopped thread may hold: the data segments are noted
 * before the world is stopped, everything is read after. What is noted is touched: a page fault costs more than to read the page, and
 * the first pause of a process would have hundreds. /proc/self/maps is read with the world stopped, by plain system
 * calls into memory of our own. */
#ifndef ALLOCATOR_GC_ROOT_SCAN_H
#define ALLOCATOR_GC_ROOT_SCAN_H

#include "gc/mark.h"

struct ua_segment {
    uintptr_t at;
    size_t bytes;
};

struct ua_segments {
    struct ua_segment *items;
    size_t count;
    size_t capacity;
};

/* Bytes read, for the pacer. */
struct ua_root_work {
    uint64_t stack_bytes;
    uint64_t globals_bytes;
};

/* Notes the writable data segments of the program and its libraries, without what is read-only once relocated, and maps their pages. False
 * without memory (the old list stays). */
bool ua_segments_note(struct ua_segments *segments, struct ua_meta *meta);
/* Whether the system lets roots=process do what it needs: /proc/self/maps, and process_vm_readv on itself (a seccomp filter may not). */
bool ua_root_scan_sees_process(void);
/* With the world stopped. */
void ua_root_scan(struct ua_marker *marker, const struct ua_segments *segments, struct ua_root_work *work);

#endif
