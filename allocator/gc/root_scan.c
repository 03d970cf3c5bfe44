/* root_scan.c - reading roots; see root_scan.h. */
#define _GNU_SOURCE
#include "gc/root_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "gc/gc.h"
#include "gc/world.h"
#include "os/san.h"

#define SEGMENTS_FIRST 128u
#define MAPS_LINE_MAX 512
/* On the stack: thread-local memory of a library may be made by malloc at first use. */
#define SWEEP_STEP_BYTES ((size_t)16 << 10)

struct note {
    struct ua_segments *segments;
    struct ua_meta *meta;
    size_t count;
};

static bool make_room(struct note *note)
{
    struct ua_segments *segments = note->segments;
    size_t capacity = segments->capacity == 0 ? SEGMENTS_FIRST : segments->capacity * 2;
    struct ua_segment *items;

    if (note->count < segments->capacity)
        return true;
    items = ua_meta_alloc(note->meta, capacity * sizeof *items);
    if (items == NULL)
        return false;
    if (note->count != 0)
        memcpy(items, segments->items, note->count * sizeof *items);
    segments->items = items;
    segments->capacity = capacity;
    return true;
}

/* Reads a word of each page, so that a page nobody has touched is mapped now and not in the pause. The linker's lock is held: the
 * module cannot go meanwhile. */
static UA_NO_SANITIZE void touch(uintptr_t at, size_t bytes)
{
    for (uintptr_t page = ua_align_down(at, UA_PHYS_PAGE_BYTES); page < at + bytes; page += UA_PHYS_PAGE_BYTES)
        (void)*(const volatile uintptr_t *)ua_max(page, ua_align_down(at, UA_WORD_BYTES));
}

static bool note_range(struct note *note, uintptr_t from, uintptr_t to)
{
    if (from >= to)
        return true;
    if (!make_room(note))
        return false;
    touch(from, to - from);
    note->segments->items[note->count++] = (struct ua_segment){from, to - from};
    return true;
}

/* What the linker makes read-only once it has relocated it: no program can store a pointer there. Whole pages, as the linker does it. */
static struct ua_segment relocated(const struct dl_phdr_info *info)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];

        if (header->p_type == PT_GNU_RELRO) {
            uintptr_t at = info->dlpi_addr + header->p_vaddr;
            uintptr_t end = ua_align_down(at + header->p_memsz, UA_PHYS_PAGE_BYTES);

            return (struct ua_segment){at, end > at ? end - at : 0};
        }
    }
    return (struct ua_segment){0, 0};
}

static int note_module(struct dl_phdr_info *info, size_t size, void *context)
{
    struct note *note = context;
    const struct ua_segment fixed = relocated(info);

    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + header->p_vaddr;
        uintptr_t to = from + header->p_memsz;

        if (header->p_type != PT_LOAD || (header->p_flags & PF_W) == 0)
            continue;
        if (fixed.at < from || fixed.at >= to) {
            if (!note_range(note, from, to))
                return 1;
        } else if (!note_range(note, from, fixed.at) || !note_range(note, fixed.at + fixed.bytes, to)) {
            return 1;
        }
    }
    return 0;
}

bool ua_segments_note(struct ua_segments *segments, struct ua_meta *meta)
{
    struct note note = {segments, meta, 0};

    if (dl_iterate_phdr(note_module, &note) != 0)
        return false;
    segments->count = note.count;
    return true;
}

static void mark_words(struct ua_marker *marker, uintptr_t at, size_t bytes)
{
    uintptr_t low = ua_align_up(at, UA_WORD_BYTES);
    uintptr_t high = ua_align_down(at + bytes, UA_WORD_BYTES);

    if (low < high)
        ua_mark_range(marker, (const void *)low, high - low);
}

static void mark_thread_range(void *context, const void *at, size_t bytes)
{
    mark_words(context, (uintptr_t)at, bytes);
}

static void mark_queued(struct ua_marker *marker, const struct ua_queued *queued)
{
    for (; queued != NULL; queued = queued->next)
        if (!queued->is_arena) {
            ua_mark_address(marker, queued->object);
            ua_mark_argument(marker, queued->object, (uintptr_t)queued->argument);
        }
}

static void scan_registered(struct ua_marker *marker, struct ua_root_work *work)
{
    struct ua_roots_set *roots = marker->roots;
    struct ua_entry *entry = NULL;

    while ((entry = ua_table_next(&roots->slots, entry)) != NULL) {
        ua_mark_range(marker, (const void *)entry->key, UA_WORD_BYTES);
        work->globals_bytes += UA_WORD_BYTES;
    }
    while ((entry = ua_table_next(&roots->ranges, entry)) != NULL) {
        mark_words(marker, entry->key, entry->a);
        work->globals_bytes += entry->a;
    }
    mark_queued(marker, roots->queue);
    mark_queued(marker, roots->running);
}

/* What a sweep of the process leaves out: what is read by type or from the stack pointer up, and our own records. */
struct sweep {
    struct ua_marker *marker;
    uintptr_t low;
    uintptr_t high; /* what is left of the mapping */
    uint64_t bytes;
};

static void leave_out(uintptr_t at, size_t bytes, void *context)
{
    struct sweep *sweep = context;
    uintptr_t end = at + bytes;

    if (end <= sweep->low || at >= sweep->high)
        return;
    /* Mappings of ours may have been joined with neighbours: cut ours off. One in the middle loses the lower part, which
     * is then read on its own. */
    if (at > sweep->low && end < sweep->high) {
        sweep->bytes += at - sweep->low;
        mark_words(sweep->marker, sweep->low, at - sweep->low);
        sweep->low = end;
    } else if (at <= sweep->low) {
        sweep->low = ua_min(end, sweep->high);
    } else {
        sweep->high = at;
    }
}

static void leave_out_stack(void *context, const void *at, size_t bytes)
{
    leave_out((uintptr_t)at, bytes, context);
}

/* By system call, so that a mapping without a file behind it, or one that vanishes, is an error and not a signal. */
static ssize_t copy_own(void *to, uintptr_t from, size_t bytes)
{
    struct iovec local = {to, bytes};
    struct iovec remote = {(void *)from, bytes};

    return process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
}

static void sweep_mapping(struct sweep *sweep)
{
    uintptr_t buffer[SWEEP_STEP_BYTES / sizeof(uintptr_t)];

    for (uintptr_t at = sweep->low; at < sweep->high; at += SWEEP_STEP_BYTES) {
        size_t bytes = ua_min(SWEEP_STEP_BYTES, sweep->high - at);
        ssize_t got = copy_own(buffer, at, bytes);

        UA_CHECK(got >= 0 || errno == EFAULT, "gc: roots=process cannot read the process's memory");
        if (got > 0)
            ua_mark_range(sweep->marker, buffer, (size_t)got);
        sweep->bytes += bytes;
    }
}

static bool parse_hex(const char **text, uintptr_t *value)
{
    const char *from = *text;

    for (*value = 0;; ++*text) {
        char c = **text;

        if (c >= '0' && c <= '9')
            *value = *value << 4 | (uintptr_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            *value = *value << 4 | (uintptr_t)(c - 'a' + 10);
        else
            return *text != from;
    }
}

static void sweep_line(struct ua_marker *marker, const char *line, uint64_t *bytes)
{
    struct sweep sweep = {.marker = marker};
    const struct ua_heap *heap = marker->heap;

    if (!parse_hex(&line, &sweep.low) || *line++ != '-' || !parse_hex(&line, &sweep.high) || line[0] != ' ')
        return;
    if (line[1] != 'r' || line[2] != 'w')
        return;
    for (int use = 0; use < UA_SPACE_USES; use++)
        for (const struct ua_heap_arena *arena = heap->space.all[use]; arena != NULL; arena = arena->next)
            if (arena->base != 0)
                leave_out(arena->base, UA_HEAP_ARENA_BYTES, &sweep);
    ua_meta_each(&marker->heap->meta, leave_out, &sweep);
    leave_out((uintptr_t)heap, ua_align_up(sizeof *heap, UA_PHYS_PAGE_BYTES), &sweep);
    ua_world_each_whole_stack(leave_out_stack, &sweep);
    for (uint32_t i = 0; i < heap->gc->workers.count; i++) {
        const struct ua_worker *worker = &heap->gc->workers.items[i];
        uintptr_t stack_low = __atomic_load_n(&worker->stack_low, __ATOMIC_ACQUIRE);

        if (stack_low != 0)
            leave_out(stack_low, worker->stack_bytes, &sweep);
    }
    if (sweep.low < sweep.high)
        sweep_mapping(&sweep);
    *bytes += sweep.bytes;
}

/* Fatal when it cannot be read: guessing that there are no roots would free what is in use. Not inlined: its buffers would lie in the
 * frame of every scan, and what is stale in them would be read with the stack. */
static __attribute__((noinline)) uint64_t sweep_process(struct ua_marker *marker)
{
    char text[MAPS_LINE_MAX * 8];
    size_t have = 0;
    uint64_t bytes = 0;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

    UA_CHECK(fd >= 0, "gc: roots=process needs /proc/self/maps");
    for (;;) {
        ssize_t got = read(fd, text + have, sizeof text - 1 - have);
        char *line = text;
        char *end;

        UA_CHECK(got >= 0, "gc: /proc/self/maps cannot be read");
        have += (size_t)got;
        text[have] = '\0';
        while ((end = memchr(line, '\n', have - (size_t)(line - text))) != NULL) {
            *end = '\0';
            sweep_line(marker, line, &bytes);
            line = end + 1;
        }
        have -= (size_t)(line - text);
        memmove(text, line, have);
        if (got == 0)
            break;
        UA_CHECK(have < sizeof text - 1, "gc: a line of /proc/self/maps is too long");
    }
    close(fd);
    return bytes;
}

bool ua_root_scan_sees_process(void)
{
    uintptr_t word = 0;
    uintptr_t copy = 0;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    close(fd);
    return copy_own(&copy, (uintptr_t)&word, sizeof word) == (ssize_t)sizeof word;
}

void ua_root_scan(struct ua_marker *marker, const struct ua_segments *segments, struct ua_root_work *work)
{
    enum ua_roots roots = marker->heap->options.roots;

    *work = (struct ua_root_work){0};
    scan_registered(marker, work);
    if (roots == UA_ROOTS_REGISTERED)
        return;
    work->stack_bytes = ua_world_each_stack(mark_thread_range, marker);
    work->globals_bytes += ua_world_each_tls(mark_thread_range, marker);
    if (roots == UA_ROOTS_PROCESS) {
        work->globals_bytes += sweep_process(marker);
        return;
    }
    for (size_t i = 0; i < segments->count; i++) {
        mark_words(marker, segments->items[i].at, segments->items[i].bytes);
        work->globals_bytes += segments->items[i].bytes;
    }
}
