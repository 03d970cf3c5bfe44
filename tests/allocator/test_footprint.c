/* test_footprint.c - what live objects cost in resident memory: the bounds of the speed goals, by the kernel's books.
 *
 * live + one chunk a thread + 1/64 (bitmap) + 2 bytes an object (type log); after a collection, which hands the logs of full chunks on
 * (decision 0068), 1/32 of live in place of both. Under safe the quarantine comes on top. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <ua_debug.h>
#include <ua_gc.h>

#include "support/make_heap.h"
#include "support/resident.h"

#define MIB ((size_t)1 << 20)
#define CHUNK_BYTES (8 * MIB)
/* Tables of a heap that do not grow with what it holds, stdio, the first pages of libraries. */
#define FIXED_BYTES (2 * MIB)

struct node {
    struct node *next;
    uint64_t value;
};
UA_TYPE(node_type, struct node, UA_PTR(next));

static struct ua_arena *filled(struct ua_heap *heap, size_t bytes)
{
    struct ua_arena *arena = ua_arena_new(heap);
    struct node *last = NULL;

    for (size_t i = 0; i < bytes / sizeof *last; i++) {
        struct node *node = ua_new(arena, &node_type);

        node->next = last;
        node->value = i;
        last = node;
    }
    return arena;
}

static void expect_at_most(const char *what, size_t before, size_t most)
{
    size_t grown = ts_resident_bytes() - before;

    print_message("%s: %zu KiB, at most %zu\n", what, grown / 1024, most / 1024);
    if (grown > most)
        fail_msg("%s: %zu KiB resident, at most %zu", what, grown / 1024, most / 1024);
}

static void check_live(const char *preset, size_t live)
{
    size_t before = ts_resident_bytes();
    struct ua_heap *heap = ts_heap(preset, "roots=registered sanitizer=off gogc=off");
    struct ua_arena *arena = filled(heap, live);
    size_t base = live + CHUNK_BYTES + FIXED_BYTES;

    expect_at_most(preset, before, base + live / 64 + 2 * (live / sizeof(struct node)));
    ua_root_add(heap, (void **)&arena);
    ua_collect(heap);
    expect_at_most("after a collection", before, base + live / 32);
    ua_root_remove(heap, (void **)&arena);
    ua_heap_close(heap);
}

static void test_live_objects_under_kept(void **state)
{
    (void)state;
    check_live("kept", 96 * MIB);
    check_live("kept", 256 * MIB);
}

static void test_live_objects_under_safe(void **state)
{
    (void)state;
    check_live("safe", 96 * MIB);
    check_live("safe", 256 * MIB);
}

/* Churn beside live objects: the quarantine is allowed its limit and one chunk more. */
static void test_quarantine_comes_on_top(void **state)
{
    size_t live = 32 * MIB;
    size_t before = ts_resident_bytes();
    struct ua_heap *heap = ts_heap("safe", "roots=registered sanitizer=off");
    struct ua_arena *arena = filled(heap, live);
    size_t held = live + 64 * MIB + CHUNK_BYTES;

    (void)state;
    ua_root_add(heap, (void **)&arena);
    for (int i = 0; i < 40; i++)
        ua_arena_free(filled(heap, 12 * MIB));
    expect_at_most("32 MiB live, 480 MiB of churn", before,
                   held + 2 * CHUNK_BYTES + FIXED_BYTES + held / 64 + 2 * ((live + 12 * MIB) / sizeof(struct node)));
    ua_root_remove(heap, (void **)&arena);
    ua_heap_close(heap);
}

static void check_small_arenas(const char *preset)
{
    static struct ua_arena *arenas[1000];
    size_t before = ts_resident_bytes();
    struct ua_heap *heap = ts_heap(preset, "roots=registered sanitizer=off");

    for (size_t i = 0; i < 1000; i++)
        arenas[i] = filled(heap, 4096);
    expect_at_most(preset, before, 32 * MIB - 1);
    for (size_t i = 0; i < 1000; i++)
        ua_arena_free(arenas[i]);
    ua_heap_close(heap);
}

/* Go needs 8 MiB each. */
static void test_a_thousand_small_arenas(void **state)
{
    (void)state;
    check_small_arenas("kept");
    check_small_arenas("safe");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_live_objects_under_kept),
        cmocka_unit_test(test_live_objects_under_safe),
        cmocka_unit_test(test_quarantine_comes_on_top),
        cmocka_unit_test(test_a_thousand_small_arenas),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
