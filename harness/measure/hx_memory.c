/* hx_memory.c - statm, smaps_rollup, VmHWM by pread on descriptors opened once. Which source when, and why: hx_memory.h. */
#define _GNU_SOURCE
#include "measure/hx_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/hx_file.h"
#include "measure/hx_clock.h"
#include "measure/hx_stats.h"

static const char no_rollup[] = "smaps_rollup not readable";
static const char no_status[] = "status not readable";
static const char no_field[] = "not in this kernel's file";
static const char no_reset[] = "the peak could not be reset";

static int open_below(const char *folder, const char *name, int flags) {
    char path[256];
    if (!hx_path_join(path, sizeof path, folder, name)) {
        return -1;
    }
    return open(path, flags | O_CLOEXEC);
}

void hx_memory_open(struct hx_memory *memory, const char *proc_self) {
    *memory = (struct hx_memory){
        .statm_fd = open_below(proc_self, "statm", O_RDONLY),
        .rollup_fd = open_below(proc_self, "smaps_rollup", O_RDONLY),
        .status_fd = open_below(proc_self, "status", O_RDONLY),
        .clear_fd = open_below(proc_self, "clear_refs", O_WRONLY),
        .page_bytes = (size_t)sysconf(_SC_PAGESIZE),
        .peak_is_ours = true,
    };
}

static void close_one(int *fd) {
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

void hx_memory_close(struct hx_memory *memory) {
    close_one(&memory->statm_fd);
    close_one(&memory->rollup_fd);
    close_one(&memory->status_fd);
    close_one(&memory->clear_fd);
}

/* A decimal number after spaces; moves *text behind it. False where there is none. */
static bool number_take(const char **text, uint64_t *out) {
    const char *p = *text;
    while (*p == ' ' || *p == '\t') {
        p++;
    }
    if (*p < '0' || *p > '9') {
        return false;
    }
    uint64_t value = 0;
    for (; *p >= '0' && *p <= '9'; p++) {
        value = value * 10 + (uint64_t)(*p - '0');
    }
    *text = p;
    *out = value;
    return true;
}

bool hx_memory_now(struct hx_memory *memory, struct hx_memory_now *out) {
    char line[160];
    if (memory->statm_fd < 0) {
        return false;
    }
    ssize_t got = pread(memory->statm_fd, line, sizeof line - 1, 0);
    if (got <= 0) {
        return false;
    }
    line[got] = '\0';
    const char *at = line;
    uint64_t size_pages;
    uint64_t resident_pages;
    uint64_t shared_pages;
    if (!number_take(&at, &size_pages) || !number_take(&at, &resident_pages) || !number_take(&at, &shared_pages)) {
        return false;
    }
    uint64_t anon_pages = resident_pages > shared_pages ? resident_pages - shared_pages : 0;
    out->rss_bytes = resident_pages * memory->page_bytes;
    out->rss_anon_bytes = anon_pages * memory->page_bytes;
    return true;
}

/* "Key:   123 kB" at the start of a line of `text`, in bytes. */
static struct hx_figure field_bytes(const char *text, const char *key) {
    size_t length = strlen(key);
    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, key, length) == 0 && line[length] == ':') {
            const char *at = line + length + 1;
            uint64_t kib;
            if (number_take(&at, &kib)) {
                return hx_figure_of((double)kib * 1024.0);
            }
            return hx_figure_none(no_field);
        }
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    return hx_figure_none(no_field);
}

void hx_memory_phase(struct hx_memory *memory, struct hx_memory_phase *out) {
    char text[8192]; /* status is about 1.5 KiB, smaps_rollup about 1 KiB */
    bool rollup = memory->rollup_fd >= 0 && hx_file_read_fd(memory->rollup_fd, text, sizeof text) > 0;
    out->rss_bytes = rollup ? field_bytes(text, "Rss") : hx_figure_none(no_rollup);
    out->rss_anon_bytes = rollup ? field_bytes(text, "Anonymous") : hx_figure_none(no_rollup);
    out->anon_huge_bytes = rollup ? field_bytes(text, "AnonHugePages") : hx_figure_none(no_rollup);
    out->swap_bytes = rollup ? field_bytes(text, "Swap") : hx_figure_none(no_rollup);
    bool status = memory->status_fd >= 0 && hx_file_read_fd(memory->status_fd, text, sizeof text) > 0;
    out->rss_peak_bytes = status ? field_bytes(text, "VmHWM") : hx_figure_none(no_status);
    out->page_table_bytes = status ? field_bytes(text, "VmPTE") : hx_figure_none(no_status);
    if (!memory->peak_is_ours) {
        out->rss_peak_bytes = hx_figure_none(no_reset);
    }
}

int hx_memory_peak_reset(struct hx_memory *memory) {
    memory->peak_is_ours = false;
    if (memory->clear_fd < 0) {
        return ENOENT;
    }
    if (pwrite(memory->clear_fd, "5", 1, 0) != 1) {
        return errno;
    }
    memory->peak_is_ours = true;
    return 0;
}

double hx_memory_cost_ns(struct hx_memory *memory) {
    enum { TRIES = 64 };
    double tries_ns[TRIES];
    struct hx_memory_now now;
    for (size_t i = 0; i < TRIES; i++) {
        uint64_t start_ns = hx_monotonic_ns();
        (void)hx_memory_now(memory, &now);
        tries_ns[i] = (double)(hx_monotonic_ns() - start_ns);
    }
    hx_stats_sort(tries_ns, TRIES);
    return tries_ns[TRIES / 2];
}

bool hx_series_init(struct hx_series *series, size_t capacity) {
    size_t bytes;
    *series = (struct hx_series){.count = 0};
    if (!hx_mul_size(capacity, sizeof(struct hx_series_row), &bytes)) {
        errno = EOVERFLOW;
        return false;
    }
    series->row = hx_map_touched(bytes);
    if (series->row == NULL) {
        return false;
    }
    series->capacity = capacity;
    return true;
}

void hx_series_append(struct hx_series *series, const struct hx_series_row *row) {
    if (series->count == series->capacity) {
        series->dropped++;
        return;
    }
    series->row[series->count++] = *row;
}

void hx_series_deinit(struct hx_series *series) {
    hx_unmap(series->row, series->capacity * sizeof *series->row);
    *series = (struct hx_series){.count = 0};
}

static double above(uint64_t bytes, uint64_t mark_bytes) {
    return bytes > mark_bytes ? (double)(bytes - mark_bytes) : 0.0;
}

struct areas {
    double rss; /* bytes x ops */
    double live;
    double width_ops;
};

static struct areas areas_of(const struct hx_series *series, uint64_t mark_bytes) {
    struct areas areas = {0};
    for (size_t i = 1; i < series->count; i++) {
        const struct hx_series_row *a = &series->row[i - 1];
        const struct hx_series_row *b = &series->row[i];
        double width_ops = (double)(b->work_ops - a->work_ops);
        areas.width_ops += width_ops;
        areas.rss += width_ops * (above(a->rss_anon_bytes, mark_bytes) + above(b->rss_anon_bytes, mark_bytes)) / 2;
        areas.live += width_ops * ((double)a->live_bytes + (double)b->live_bytes) / 2;
    }
    return areas;
}

static const char too_few_samples[] = "too few samples";

struct hx_figure hx_series_drag(const struct hx_series *series, uint64_t mark_bytes) {
    if (series->count < 2) {
        return hx_figure_none(too_few_samples);
    }
    struct areas areas = areas_of(series, mark_bytes);
    return areas.live > 0 ? hx_figure_of(areas.rss / areas.live) : hx_figure_none("no live bytes");
}

struct hx_series_means hx_series_means(const struct hx_series *series, uint64_t mark_bytes) {
    struct areas areas = areas_of(series, mark_bytes);
    if (series->count < 2 || areas.width_ops <= 0) {
        return (struct hx_series_means){hx_figure_none(too_few_samples), hx_figure_none(too_few_samples)};
    }
    return (struct hx_series_means){hx_figure_of(areas.rss / areas.width_ops), hx_figure_of(areas.live / areas.width_ops)};
}
