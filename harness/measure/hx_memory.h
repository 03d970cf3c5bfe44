/* hx_memory.h - resident memory of this process, as the kernel tells it.
 *
 * Why: a child inherits its parent's ru_maxrss, allocators' own statistics differ from the kernel's, and smaps_rollup takes
 * mmap_lock: so statm by pread on an open descriptor for the curve (1.6 us), smaps_rollup at phase ends only, and the peak from
 * VmHWM after resetting it. Everything is opened before the first mark; nothing here calls malloc.
 * Threads: one reader belongs to one thread; the figures are the process's. */
#ifndef HX_MEMORY_H
#define HX_MEMORY_H

#include "base/hx_base.h"

struct hx_memory {
    int statm_fd;  /* -1: not there; the figures that need it are none, with a reason */
    int rollup_fd;
    int status_fd;
    int clear_fd;
    size_t page_bytes;
    bool peak_is_ours; /* false after a reset that was refused */
};

/* `proc_self` is "/proc/self" or a fake folder of a test. Always usable afterwards. */
void hx_memory_open(struct hx_memory *memory, const char *proc_self);
void hx_memory_close(struct hx_memory *memory);

/* Cheap, for the curve. False (nothing changed) when statm cannot be read. */
struct hx_memory_now {
    uint64_t rss_bytes;
    uint64_t rss_anon_bytes; /* resident minus file and shared pages */
};
bool hx_memory_now(struct hx_memory *memory, struct hx_memory_now *out);

/* Dear, for phase ends: from smaps_rollup and status. */
struct hx_memory_phase {
    struct hx_figure rss_bytes;
    struct hx_figure rss_anon_bytes;
    struct hx_figure anon_huge_bytes;
    struct hx_figure rss_peak_bytes;   /* since the last reset */
    struct hx_figure page_table_bytes; /* VmPTE */
    struct hx_figure swap_bytes;
};
void hx_memory_phase(struct hx_memory *memory, struct hx_memory_phase *out);

/* Lets the peak start again from the present RSS (clear_refs 5). When refused, rss_peak_bytes is none from then on until a reset
 * works: an old peak would be a wrong figure. Returns 0 or an errno. */
int hx_memory_peak_reset(struct hx_memory *memory);

/* What one hx_memory_now costs, median of 64, in ns. */
double hx_memory_cost_ns(struct hx_memory *memory);

/* The curve: fixed rows in mapped memory, touched before the first sample. */
enum { HX_SERIES_ROWS = 200 };

struct hx_series_row {
    uint64_t work_ops; /* ops done since the start of the life */
    uint64_t time_ns;
    uint64_t live_bytes; /* requested and not yet released */
    uint64_t rss_bytes;
    uint64_t rss_anon_bytes;
};

struct hx_series {
    size_t count;
    size_t capacity;
    uint64_t dropped; /* rows that had no room: must be 0 in a sound run */
    struct hx_series_row *row;
};

bool hx_series_init(struct hx_series *series, size_t capacity); /* false with errno when there is no memory */
void hx_series_append(struct hx_series *series, const struct hx_series_row *row);
void hx_series_deinit(struct hx_series *series);

/* Area under anonymous RSS divided by area under live bytes over work, by trapezoids; none without two rows or live bytes.
 * mark_bytes (anonymous RSS before the life) is taken off first. Anonymous: code pages read in late are not the allocator's. */
struct hx_figure hx_series_drag(const struct hx_series *series, uint64_t mark_bytes);

/* The two areas divided by the work they lie over: mean anonymous RSS above the mark, mean live bytes. Both none as above. */
struct hx_series_means {
    struct hx_figure rss_anon_bytes;
    struct hx_figure live_bytes;
};
struct hx_series_means hx_series_means(const struct hx_series *series, uint64_t mark_bytes);

#endif
