/* soak_churn.c - arenas made and freed for as many gigabytes as one likes: what quarantine must not cost.
 *
 * Usage: soak_churn GIGABYTES LIVE_MEGABYTES. Preset safe, registered roots, chunks of 8 MiB. Each arena takes a few chunks of small
 * nodes and text, every object is written. With a live heap the collector has something to mark each time it looks for pointers
 * into the quarantine. Checked at the end:
 *   resident memory within 32 MiB of what it was after the warm-up (1 GB, or two quarantine limits when the live heap is large)
 *   address space: no more than after the warm-up, but for one heap arena of 64 MiB
 *   mark work (bytes read) per churned byte at most 2
 * The figures are printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "gc/gc_support.h"

#define MIB ((uint64_t)1 << 20)
#define GB ((uint64_t)1000000000)
#define EXIT_BAD_INPUT 5
#define ARENA_BYTES (20 * MIB)
#define TEXT_BYTES 8192u
#define NODES_PER_TEXT 300u
#define LIVE_NODE_WORDS 8u
#define RSS_SLACK_BYTES (32 * MIB)
#define SPACE_SLACK_BYTES (64 * MIB)
#define WORK_PER_BYTE_MAX 2.0
#define EVENTS_MAX 256u

static uint64_t churn_bytes;
static uint64_t live_bytes;

struct live_node {
    struct live_node *next;
    struct live_node *other;
    uint64_t words[LIVE_NODE_WORDS - 2];
};
UA_TYPE(live_type, struct live_node, UA_PTR(next), UA_PTR(other));

struct churn {
    struct ua_heap *heap;
    struct live_node *live; /* a registered root */
    uint64_t cycles_seen;
    uint64_t mark_work_bytes;
    uint64_t mark_ns;
};

static uint64_t statm_pages(int field)
{
    unsigned long value[2] = {0, 0};
    FILE *file = fopen("/proc/self/statm", "re");

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu %lu", &value[0], &value[1]), 2);
    assert_int_equal(fclose(file), 0);
    return value[field] * (uint64_t)sysconf(_SC_PAGESIZE);
}

static double seconds(void)
{
    struct timespec now;

    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void make_live(struct churn *churn)
{
    for (uint64_t bytes = 0; bytes < live_bytes; bytes += sizeof(struct live_node)) {
        struct live_node *node = ua_heap_alloc(churn->heap, &live_type, 1);

        assert_non_null(node);
        node->next = churn->live;
        node->other = churn->live != NULL ? churn->live->next : NULL;
        churn->live = node;
    }
}

/* One arena's life; the sum of its contents is read back, so that a page given away too early is noticed. */
static uint64_t one_arena(struct churn *churn, uint64_t seed)
{
    struct ua_arena *arena = ua_arena_new(churn->heap);
    struct gs_node *newest = NULL;
    uint64_t bytes = 0;
    uint64_t wanted = 0;
    uint64_t found = 0;

    assert_non_null(arena);
    while (bytes < ARENA_BYTES) {
        char *text = ua_arena_alloc(arena, gs_byte_type(), TEXT_BYTES);

        assert_non_null(text);
        assert_true(text[0] == 0 && text[TEXT_BYTES - 1] == 0);
        memset(text, (int)seed, TEXT_BYTES);
        bytes += TEXT_BYTES;
        for (unsigned i = 0; i < NODES_PER_TEXT; i++, bytes += sizeof *newest) {
            struct gs_node *node = ua_arena_alloc(arena, gs_node_type(), 1);

            assert_true(node != NULL && node->left == NULL && node->right == NULL && node->value == 0);
            node->left = newest;
            node->value = seed + i;
            wanted += node->value;
            newest = node;
        }
    }
    for (; newest != NULL; newest = newest->left)
        found += newest->value;
    assert_true(found == wanted);
    ua_arena_free(arena);
    return bytes;
}

static void add_events(struct churn *churn)
{
    static struct ua_gc_event events[EVENTS_MAX];
    size_t count = ua_gc_events(churn->heap, events, EVENTS_MAX);

    for (size_t i = 0; i < count; i++) {
        if (events[i].cycle <= churn->cycles_seen)
            continue;
        churn->mark_work_bytes +=
            events[i].heap_scan_work_bytes + events[i].stack_scan_work_bytes + events[i].globals_scan_work_bytes;
        churn->mark_ns += events[i].mark_ns;
        churn->cycles_seen = events[i].cycle;
    }
}

static void test_churn(void **state)
{
    uint64_t warm_bytes = live_bytes > GB / 4 ? 2 * live_bytes + GB : GB;
    uint64_t rss_warm = 0, space_warm = 0, churned = 0, after_warm = 0;
    struct churn churn = {.heap = gs_heap("safe", "roots=registered sanitizer=off")};
    double start;

    (void)state;
    assert_int_equal(ua_root_add(churn.heap, &churn.live), 0);
    make_live(&churn);
    start = seconds();
    for (uint64_t round = 1; churned < churn_bytes; round++) {
        churned += one_arena(&churn, round);
        if (rss_warm == 0 && churned >= warm_bytes) {
            add_events(&churn);
            churn.mark_work_bytes = 0;
            churn.mark_ns = 0;
            rss_warm = statm_pages(1);
            space_warm = statm_pages(0);
            after_warm = churned;
        }
        if (round % 64 == 0)
            add_events(&churn);
    }
    add_events(&churn);
    assert_true(rss_warm != 0);
    printf("churned %.1f GB in %.1f s, live %llu MiB; RSS %.1f MiB after %.1f GB, %.1f MiB at the end; address space %.1f and %.1f MiB\n",
           (double)churned / (double)GB, seconds() - start, (unsigned long long)(live_bytes / MIB), (double)rss_warm / (double)MIB,
           (double)after_warm / (double)GB, (double)statm_pages(1) / (double)MIB, (double)space_warm / (double)MIB,
           (double)statm_pages(0) / (double)MIB);
    printf("%llu collections, mark work %.3f bytes a churned byte, marking %.2f s\n", (unsigned long long)churn.cycles_seen,
           (double)churn.mark_work_bytes / (double)(churned - after_warm), (double)churn.mark_ns * 1e-9);
    assert_true(statm_pages(1) <= rss_warm + RSS_SLACK_BYTES);
    assert_true(statm_pages(0) <= space_warm + SPACE_SLACK_BYTES);
    assert_true((double)churn.mark_work_bytes <= WORK_PER_BYTE_MAX * (double)(churned - after_warm));
    ua_root_remove(churn.heap, &churn.live);
    ua_heap_close(churn.heap);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_churn)};
    char *end_churn = NULL, *end_live = NULL;

    if (argc == 3) {
        churn_bytes = strtoull(argv[1], &end_churn, 10) * GB;
        live_bytes = strtoull(argv[2], &end_live, 10) * MIB;
    }
    if (argc != 3 || *end_churn != '\0' || *end_live != '\0' || churn_bytes < 2 * GB) {
        fprintf(stderr, "usage: soak_churn GIGABYTES LIVE_MEGABYTES, at least 2 gigabytes\n");
        return EXIT_BAD_INPUT;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
