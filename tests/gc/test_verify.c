/* test_verify.c - the heap verifier and verify=full must be able to fail: each planted difference is found, by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arena/arena.h"
#include "gc/gc.h"
#include "gc/gc_support.h"
#include "include/ua_debug.h"
#include "support/death.h"

/* A heap with small objects (one freed by hand), a large one, an arena in use and chunks of one that was freed. */
static struct ua_heap *open_heap(const char *verify)
{
    static struct gs_node *root;
    struct ua_heap *heap = gs_heap("safe", verify);
    struct ua_arena *freed = ua_arena_new(heap);

    for (int i = 0; i < 10000; i++)
        assert_non_null(ua_arena_alloc(freed, gs_node_type(), 1));
    assert_non_null(ua_arena_alloc(ua_arena_new(heap), gs_node_type(), 1));
    ua_arena_free(freed);
    assert_int_equal(ua_root_add(heap, &root), 0);
    root = ua_heap_alloc(heap, gs_node_type(), 1);
    root->left = ua_heap_alloc(heap, gs_node_type(), 1);
    root->right = ua_heap_alloc(heap, gs_node_type(), 5000);
    ua_heap_free(heap, ua_heap_alloc(heap, gs_node_type(), 1));
    return heap;
}

static struct ua_small_span *small_span(struct ua_heap *heap)
{
    return heap->gc->small.spans;
}

static void miscount_freed(struct ua_heap *heap)
{
    small_span(heap)->freed_count++;
}

static void free_nothing_counted(struct ua_heap *heap)
{
    small_span(heap)->bits[0].freed |= 1;
}

static void book_too_few(struct ua_heap *heap)
{
    small_span(heap)->booked_count = 1;
}

static void book_one_less(struct ua_heap *heap)
{
    UA_CHECK(small_span(heap)->booked_count > 10, "test: too few");
    small_span(heap)->booked_count--;
}

static void leave_a_mark(struct ua_heap *heap)
{
    small_span(heap)->bits[0].mark |= 2;
}

static void lose_a_span(struct ua_heap *heap)
{
    heap->gc->small.span_count++;
}

static void unbalance(struct ua_heap *heap)
{
    heap->acct.account[UA_ACCT_IN_USE] += UA_PAGE_BYTES;
}

static void move_to_the_wrong_account(struct ua_heap *heap)
{
    ua_acct_move(&heap->acct, UA_ACCT_IN_USE, UA_ACCT_KEPT, UA_PAGE_BYTES);
}

static void forget_a_free(struct ua_heap *heap)
{
    heap->acct.total_free -= 64;
}

static void lose_a_chunk(struct ua_heap *heap)
{
    heap->chunks.quarantined.count++;
}

static void dirty_what_comes_next(struct ua_heap *heap)
{
    struct ua_arena *arena = ua_arena_new(heap);

    assert_non_null(ua_arena_alloc(arena, gs_node_type(), 1));
    *(uint64_t *)arena->fast.front = 1;
}

/* The log said otherwise when the bits were written. */
static void swap_log_entries(struct ua_heap *heap)
{
    struct ua_arena *arena = ua_arena_new(heap);
    struct ua_span *chunk = arena->active;

    assert_non_null(ua_arena_alloc(arena, gs_node_type(), 1));
    ua_debug_write_out(heap);
    UA_CHECK(chunk->bits_end > chunk->base, "test: nothing written out");
    chunk->bits[0] ^= 4; /* the node's third word, which is no pointer */
}

struct plant {
    void (*plant)(struct ua_heap *heap);
    const char *found;
};

static void verify_with(void *argument)
{
    const struct plant *plant = argument;
    struct ua_heap *heap = open_heap("roots=registered gogc=off sanitizer=off chunk_bytes=64KiB quarantine_limit=0");

    ua_debug_verify(heap);
    plant->plant(heap);
    ua_debug_verify(heap);
}

static void test_each_planted_difference_is_found(void **state)
{
    static struct plant plants[] = {
        {miscount_freed, "verify: objects freed by hand miscounted"},
        {free_nothing_counted, "verify: objects freed by hand miscounted"},
        {book_too_few, "verify: a span's objects and the ledger's count of them differ"},
        {book_one_less, "verify: allocated less freed bytes differ from the walk"},
        {leave_a_mark, "verify: an object is marked and no mark is open"},
        {lose_a_span, "verify: spans of small objects miscounted"},
        {unbalance, "ledger does not balance"},
        {move_to_the_wrong_account, "verify: ledger in_use differs from the walk"},
        {forget_a_free, "verify: allocated less freed bytes differ from the walk"},
        {lose_a_chunk, "verify: quarantine list has the wrong length"},
        {dirty_what_comes_next, "verify: memory in front of an arena's limits is not zero"},
        {swap_log_entries, "verify: heap bitmap differs from the type log"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof plants / sizeof plants[0]; i++)
        ab_expect_fatal(verify_with, &plants[i], plants[i].found);
}

/* Option verify=full looks by itself: after a sweep, when the next mark opens, and at a mark's end. */
static void collect_with(void *argument)
{
    const struct plant *plant = argument;
    struct ua_heap *heap = open_heap("roots=registered gogc=off sanitizer=off chunk_bytes=64KiB quarantine_limit=0 verify=full");

    ua_collect(heap);
    plant->plant(heap);
    ua_collect(heap);
}

static ua_gc_verify_fn *verify_mark;

/* A mark that no marker made. */
static void mark_one_more(struct ua_heap *heap)
{
    struct ua_small_span *record = small_span(heap);
    uint32_t index = record->object_count - 1;

    UA_CHECK(!ua_small_is_marked(record, index), "test: it is marked");
    record->bits[index / 64].mark |= (uint64_t)1 << (index % 64);
    verify_mark(heap);
}

static void miscount_while_marked(struct ua_heap *heap)
{
    miscount_freed(heap);
    verify_mark(heap);
}

static void plant_a_mark(struct ua_heap *heap)
{
    verify_mark = heap->gc->verify_mark;
    heap->gc->verify_mark = mark_one_more;
}

static void plant_a_count(struct ua_heap *heap)
{
    verify_mark = heap->gc->verify_mark;
    heap->gc->verify_mark = miscount_while_marked;
}

static void test_verify_full_looks_at_each_phase(void **state)
{
    static struct plant plants[] = {
        {miscount_freed, "verify: objects freed by hand miscounted"},
        {leave_a_mark, "verify: an object is marked and no mark is open"},
        {lose_a_chunk, "verify: quarantine list has the wrong length"},
        {plant_a_mark, "verify: the marks are not what the markers counted"},
        {plant_a_count, "verify: objects freed by hand miscounted"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof plants / sizeof plants[0]; i++)
        ab_expect_fatal(collect_with, &plants[i], plants[i].found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_planted_difference_is_found),
        cmocka_unit_test(test_verify_full_looks_at_each_phase),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
