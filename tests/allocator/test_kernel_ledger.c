/* test_kernel_ledger.c - the ledger against the kernel: what libua says it holds and what its mappings have resident.
 *
 * Two readings of the kernel: the Rss of libua's own mappings in /proc/self/smaps, and how much smaps_rollup grew since
 * before the heap. Both have to agree with committed + kept_resident + meta within 2 % once memory was prezeroed or written.
 * A system-call table that lies once plants the leak of one chunk, which both readings have to show. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ua_debug.h>

#include "arena/arena.h"
#include "gc/gc.h"
#include "support/resident.h"

#define RANGES_MAX 4096
#define MIB ((size_t)1 << 20)

struct link {
    struct link *next;
    uint64_t value;
};

UA_TYPE(link_type, struct link, UA_PTR(next));

struct word {
    struct word *next;
};

UA_TYPE(word_type, struct word, UA_PTR(next));
UA_SCALAR_TYPE(block_type, struct { char x[4096]; });

struct ranges {
    size_t count;
    uintptr_t at[RANGES_MAX], end[RANGES_MAX];
};

static struct ranges ranges; /* too large for a stack */
static size_t rollup_before_bytes;

static void add_range(uintptr_t at, size_t bytes, void *unused)
{
    (void)unused;
    assert_true(ranges.count < RANGES_MAX);
    ranges.at[ranges.count] = at;
    ranges.end[ranges.count++] = at + bytes;
}

static bool is_ours(uintptr_t at, uintptr_t end)
{
    for (size_t i = 0; i < ranges.count; i++)
        if (at < ranges.end[i] && end > ranges.at[i])
            return true;
    return false;
}

/* Resident bytes of the mappings that hold something of this heap. */
static size_t own_bytes(struct ua_heap *heap)
{
    FILE *file = fopen("/proc/self/smaps", "r");
    char line[512];
    bool ours = false;
    size_t total = 0;
    size_t kib;
    uintptr_t at;
    uintptr_t end;

    assert_non_null(file);
    ranges.count = 0;
    add_range((uintptr_t)heap, ua_align_up(sizeof *heap, UA_PHYS_PAGE_BYTES), NULL);
    ua_meta_each(&heap->meta, add_range, NULL);
    for (int use = 0; use < UA_SPACE_USES; use++)
        for (const struct ua_heap_arena *arena = heap->space.all[use]; arena != NULL; arena = arena->next)
            if (arena->base != 0)
                add_range(arena->base, UA_HEAP_ARENA_BYTES, NULL);
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &at, &end) == 2)
            ours = is_ours(at, end);
        else if (ours && sscanf(line, "Rss: %zu kB", &kib) == 1)
            total += kib * 1024;
    }
    fclose(file);
    return total;
}

static bool is_within(size_t ledger, size_t kernel)
{
    size_t difference = ledger > kernel ? ledger - kernel : kernel - ledger;

    return difference * 50 <= kernel;
}

static bool agrees(struct ua_heap *heap, const char *when)
{
    struct ua_stats stats;
    size_t ledger;
    size_t own;
    size_t grown;

    own = own_bytes(heap);
    grown = ts_resident_bytes() - rollup_before_bytes;
    ua_stats(heap, &stats);
    ledger = stats.committed_bytes + stats.kept_resident_bytes + stats.meta_bytes;
    printf("%s: ledger %zu KiB (meta %" PRIu64 "), own mappings %zu KiB, rollup %zu KiB\n", when, ledger / 1024,
           stats.meta_bytes / 1024, own / 1024, grown / 1024);
    return is_within(ledger, own) && is_within(ledger, grown);
}

static struct ua_heap *heap_with(const char *preset, const char *prezero, size_t chunk_bytes, const struct ua_vm_ops *ops)
{
    struct ua_options options;
    struct ua_heap *heap;

    assert_int_equal(ua_options_preset(&options, preset), 0);
    assert_int_equal(ua_options_set(&options, "prezero", prezero), 0);
    options.chunk_bytes = chunk_bytes;
    options.gogc = UA_GOGC_OFF;
    options.quarantine_limit_bytes = 0;
    options.roots = UA_ROOTS_REGISTERED;
    options.sanitizer = UA_SANITIZER_OFF;
    rollup_before_bytes = ts_resident_bytes();
    heap = ua_heap_create(&options, ops, NULL);
    assert_non_null(heap);
    assert_true(ua_gc_init(heap, ua_arena_release));
    return heap;
}

static struct ua_arena *filled(struct ua_heap *heap, const struct ua_type *type, size_t bytes)
{
    struct ua_arena *arena = ua_arena_new(heap);

    for (size_t done = 0; done < bytes; done += type->size_bytes)
        *(uint64_t *)ua_arena_alloc(arena, type, 1) = 0;
    return arena;
}

static void test_type_logs_are_metadata(void **state)
{
    struct ua_heap *heap = heap_with("safe", "window", 8 * MIB, &ua_vm_linux);
    struct ua_arena *arena = filled(heap, &link_type, 64 * MIB);

    (void)state;
    assert_true(agrees(heap, "64 MiB of 16 B objects"));
    ua_debug_write_out(heap);
    assert_true(agrees(heap, "their bitmap written out"));
    ua_root_add(heap, (void **)&arena);
    ua_collect(heap);
    ua_root_remove(heap, (void **)&arena);
    assert_true(agrees(heap, "collected, logs handed on"));
    ua_arena_free(arena);
    assert_true(agrees(heap, "freed, pages kept"));
    arena = filled(heap, &word_type, 40 * MIB);
    assert_true(agrees(heap, "40 MiB of 8 B objects more"));
    ua_arena_free(arena);
    ua_collect(heap);
    ua_trim(heap);
    assert_true(agrees(heap, "collected and trimmed"));
    ua_heap_destroy(heap);
}

static void test_whole_chunks_are_prezeroed(void **state)
{
    static const char *const policies[] = {"chunk", "populate"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct ua_heap *heap = heap_with("go", policies[i], 8 * MIB, &ua_vm_linux);
        struct ua_arena *arenas[5];

        for (size_t a = 0; a < 5; a++)
            arenas[a] = filled(heap, &link_type, 12 * MIB);
        assert_true(agrees(heap, policies[i]));
        for (size_t a = 0; a < 4; a++)
            ua_arena_free(arenas[a]);
        assert_true(agrees(heap, "released"));
        ua_heap_destroy(heap);
    }
}

static void test_small_chunks(void **state)
{
    struct ua_heap *heap = heap_with("kept", "window", 64 << 10, &ua_vm_linux);
    struct ua_arena *arena = filled(heap, &word_type, 32 * MIB);

    (void)state;
    assert_true(agrees(heap, "32 MiB of 8 B objects in 64 KiB chunks"));
    ua_debug_write_out(heap);
    assert_true(agrees(heap, "their bitmap written out"));
    ua_arena_free(arena);
    arena = filled(heap, &link_type, 32 * MIB);
    ua_debug_write_out(heap);
    assert_true(agrees(heap, "used again"));
    ua_heap_destroy(heap);
}

static void test_collected_heap_and_handles(void **state)
{
    struct ua_heap *heap = heap_with("safe", "chunk", 1 * MIB, &ua_vm_linux);
    struct link *list = NULL;
    char *large;

    (void)state;
    ua_root_add(heap, (void **)&list);
    for (size_t i = 0; i < (16 * MIB) / sizeof *list; i++) {
        struct link *link = ua_heap_alloc(heap, &link_type, 1);

        link->next = list;
        list = link;
    }
    large = ua_heap_alloc(heap, &block_type, 8 * MIB / 4096);
    memset(large, 1, 8 * MIB);
    assert_true(agrees(heap, "16 MiB of small objects, one of 8 MiB"));
    ua_collect(heap);
    assert_true(agrees(heap, "marked"));
    for (size_t i = 0; i < 3000; i++)
        ua_arena_free(filled(heap, &link_type, 1 * MIB / 64));
    assert_true(agrees(heap, "3000 arenas later"));
    list = NULL;
    ua_collect(heap);
    ua_trim(heap);
    assert_true(agrees(heap, "collected and trimmed"));
    ua_root_remove(heap, (void **)&list);
    ua_heap_destroy(heap);
}

/* Says that a chunk was released, once, without doing it: the memory leaks, the ledger knows nothing. */
static bool lied;

static int lying_release(void *context, uintptr_t at, size_t bytes)
{
    if (!lied) {
        lied = true;
        return 0;
    }
    return ua_vm_linux.release(context, at, bytes);
}

static void test_a_leaked_chunk_is_found(void **state)
{
    struct ua_vm_ops ops = ua_vm_linux;
    struct ua_heap *heap;
    struct ua_arena *arena;

    (void)state;
    ops.release = lying_release;
    heap = heap_with("go", "chunk", 8 * MIB, &ops);
    arena = filled(heap, &link_type, 100 * MIB);
    assert_true(agrees(heap, "before"));
    ua_arena_free(arena);
    assert_true(lied);
    assert_false(agrees(heap, "one chunk leaked"));
    ua_heap_destroy(heap);
}

/* What the first heap, the first output and the first reading of /proc touch of libraries is not the heap's. */
static int warm_up(void **state)
{
    struct ua_heap *heap = heap_with("safe", "window", 1 * MIB, &ua_vm_linux);
    struct ua_arena *arena = filled(heap, &link_type, 1 * MIB);

    (void)state;
    (void)agrees(heap, "warm-up");
    ua_arena_free(arena);
    ua_collect(heap);
    ua_trim(heap);
    ua_heap_destroy(heap);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_type_logs_are_metadata),   cmocka_unit_test(test_whole_chunks_are_prezeroed),
        cmocka_unit_test(test_small_chunks),             cmocka_unit_test(test_collected_heap_and_handles),
        cmocka_unit_test(test_a_leaked_chunk_is_found),
    };

    return cmocka_run_group_tests(tests, warm_up, NULL);
}
