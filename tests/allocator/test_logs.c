/* test_logs.c - full chunks that a mark wrote out hand their logs on: what the next chunk gets, what the old one can still do, what goes
 * back to the system, and what happens without memory for it. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <ua_debug.h>
#include <ua_gc.h>

#include "allocator/failing_vm.h"
#include "arena/arena.h"
#include "arena/arena_chunks.h"
#include "debug/verify.h"
#include "gc/gc.h"
#include "support/make_heap.h"

#define CHUNK_BYTES ((size_t)64 << 10)
#define WORDS (CHUNK_BYTES / 512)
#define MIB ((size_t)1 << 20)
/* chunk_logs.c keeps so much warm whatever lives. */
#define KEEP_LEAST_BYTES (4 * MIB)

struct link {
    struct link *next;
    uint64_t value;
};
UA_TYPE(link_type, struct link, UA_PTR(next));

struct late { /* its pointer is where a link has none */
    uint64_t value;
    struct late *next;
};
UA_TYPE(late_type, struct late, UA_PTR(next));

#define KEPT "chunk_bytes=64KiB roots=registered sanitizer=off gogc=off"

static void fill(struct ua_arena *arena, const struct ua_type *type, size_t bytes)
{
    bool all = true;

    for (size_t done = 0; done < bytes; done += type->size_bytes)
        all = ua_arena_alloc(arena, type, 1) != NULL && all;
    assert_true(all);
}

/* As after a mark. */
static void hand_on(struct ua_heap *heap)
{
    ua_debug_write_out(heap);
    ua_chunk_hand_logs_on(&heap->chunks, 0);
    ua_debug_verify(heap);
}

static void test_the_next_chunk_gets_the_log_of_a_full_one(void **state)
{
    struct ua_heap *heap = ts_heap("kept", KEPT);
    struct ua_arena *arena = ua_arena_new(heap);
    struct ua_span *chunk = arena->active;
    const struct ua_log *log = chunk->log_record;

    (void)state;
    fill(arena, &link_type, CHUNK_BYTES);
    hand_on(heap);
    assert_ptr_equal(chunk->log_record, log); /* not full yet */
    fill(arena, &link_type, 16);
    hand_on(heap);
    assert_int_equal(chunk->log_from, chunk->base + CHUNK_BYTES);
    assert_ptr_not_equal(chunk->log_record, log);
    assert_int_equal(chunk->log_record->touched_bytes, 0);
    assert_int_equal(heap->logs.warm_bytes, 2 * CHUNK_BYTES / 16);
    hand_on(heap); /* once is enough */
    assert_int_equal(heap->logs.warm_bytes, 2 * CHUNK_BYTES / 16);
    fill(arena, &link_type, CHUNK_BYTES);
    assert_ptr_equal(arena->active->log_record, log);
    assert_int_equal(heap->logs.warm_bytes, 0);
    ua_arena_free(arena);
    ua_debug_verify(heap);
    ua_heap_close(heap);
}

/* One arena's life: links, a mark, more chunks of links, back to the mark, then the other type; `handing`: logs are handed on twice. */
static struct ua_arena *rewound(struct ua_heap *heap, size_t before_bytes, bool handing)
{
    struct ua_arena *arena = ua_arena_new(heap);
    struct ua_scope outer;
    struct ua_scope inner;

    fill(arena, &link_type, before_bytes);
    assert_int_equal(ua_arena_mark(arena, &outer), 0);
    for (int i = 0; i < 2; i++) {
        fill(arena, &link_type, 2 * CHUNK_BYTES + 640);
        if (handing)
            hand_on(heap);
        ua_arena_rewind(arena, &outer);
        assert_int_equal(ua_arena_mark(arena, &inner), 0);
        fill(arena, &late_type, 640);
        ua_arena_rewind(arena, &inner);
        fill(arena, &late_type, 320);
        assert_int_equal(ua_arena_mark(arena, &inner), 0);
        fill(arena, &link_type, CHUNK_BYTES);
        if (handing)
            hand_on(heap);
        ua_arena_rewind(arena, &inner);
    }
    fill(arena, &late_type, 160);
    ua_debug_verify(heap);
    return arena;
}

/* The log place in a mark is one of a buffer that another chunk has by now. */
static void test_a_rewind_into_a_chunk_whose_log_is_gone(void **state)
{
    static const size_t before[] = {0, 16, 1024, CHUNK_BYTES - 4096, CHUNK_BYTES - 16, CHUNK_BYTES, CHUNK_BYTES + 16};

    (void)state;
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        struct ua_heap *heaps[2];
        uint64_t words[2][WORDS];
        struct ua_where where[2];

        for (size_t k = 0; k < 2; k++) {
            struct ua_arena *arena;
            void *newest;

            heaps[k] = ts_heap("kept", KEPT " verify=bitmap");
            arena = rewound(heaps[k], before[i], k == 1);
            newest = ua_arena_alloc(arena, &late_type, 1);
            assert_int_equal(ua_debug_where(heaps[k], newest, &where[k]), 0);
            assert_int_equal(ua_debug_bitmap(heaps[k], newest, 0, WORDS, words[k], NULL), 0);
        }
        assert_int_equal(where[0].offset_bytes, where[1].offset_bytes);
        assert_memory_equal(words[0], words[1], sizeof words[0]);
        for (size_t k = 0; k < 2; k++)
            ua_heap_close(heaps[k]);
    }
}

/* As after an allocation that failed in a chunk behind it. */
static void test_a_full_chunk_goes_on_with_a_log_of_its_own(void **state)
{
    struct ua_heap *heap = ts_heap("kept", KEPT " verify=bitmap");
    struct ua_arena *arena = ua_arena_new(heap);
    struct ua_span *chunk = arena->active;

    (void)state;
    fill(arena, &link_type, CHUNK_BYTES - 640);
    assert_true(ua_arena_refill(arena));
    hand_on(heap);
    assert_int_equal(chunk->log_from, chunk->base + CHUNK_BYTES - 640);
    ua_arena_unfill(arena);
    assert_ptr_equal(arena->active, chunk);
    fill(arena, &late_type, 640);
    ua_debug_verify(heap);
    assert_int_equal(chunk->log_record->touched_bytes, 0); /* its page is booked when it retires */
    fill(arena, &late_type, 16);
    assert_int_equal(chunk->log_record->touched_bytes, UA_PHYS_PAGE_BYTES);
    hand_on(heap);
    assert_int_equal(chunk->log_from, chunk->base + CHUNK_BYTES);
    ua_arena_free(arena);
    ua_debug_verify(heap);
    ua_heap_close(heap);
}

static void test_what_is_not_written_out_is_not_handed_on(void **state)
{
    struct ua_heap *heap = ts_heap("kept", KEPT);
    struct ua_arena *arena = ua_arena_new(heap);
    struct ua_span *chunk = arena->active;
    const struct ua_log *log = chunk->log_record;

    (void)state;
    fill(arena, &link_type, CHUNK_BYTES + 16);
    ua_chunk_hand_logs_on(&heap->chunks, 0);
    assert_ptr_equal(chunk->log_record, log);
    ua_debug_verify(heap);
    ua_heap_close(heap);
}

/* The second mark of verify=full reads logs from their beginning. */
static void test_the_second_mark_keeps_logs(void **state)
{
    struct ua_heap *heap = ts_heap("kept", KEPT " verify=full");
    struct ua_arena *arena = ua_arena_new(heap);
    struct ua_span *chunk = arena->active;

    (void)state;
    ua_root_add(heap, (void **)&arena);
    fill(arena, &link_type, CHUNK_BYTES + 16);
    ua_collect(heap);
    assert_int_equal(chunk->log_from, chunk->base);
    ua_root_remove(heap, (void **)&arena);
    ua_heap_close(heap);
}

static void test_logs_beyond_a_share_of_live_go_back(void **state)
{
    struct ua_heap *heap = ts_heap("kept", "roots=registered sanitizer=off gogc=off");
    struct ua_arena *arena = ua_arena_new(heap);
    uint64_t meta_bytes;
    uint64_t expected_bytes;

    (void)state;
    ua_root_add(heap, (void **)&arena);
    fill(arena, &link_type, 64 * MIB + 16);
    meta_bytes = ts_stats(heap).meta_bytes;
    ua_collect(heap);
    assert_true(heap->logs.warm_bytes <= KEEP_LEAST_BYTES + 72 * MIB / 64);
    assert_true(heap->logs.warm_bytes > KEEP_LEAST_BYTES); /* and not more than that */
    expected_bytes = meta_bytes + MIB - (8 * MIB - heap->logs.warm_bytes); /* the bitmap is new */
    assert_true(ts_stats(heap).meta_bytes <= expected_bytes + 64 * 1024 && ts_stats(heap).meta_bytes + 64 * 1024 >= expected_bytes);
    ua_trim(heap);
    assert_int_equal(heap->logs.warm_bytes, 0);
    ua_debug_verify(heap);
    ua_root_remove(heap, (void **)&arena);
    ua_heap_close(heap);
}

/* A heap over failing calls, with five full chunks that are written out: a mebibyte of log each. */
static struct ua_heap *over_failing_calls(struct failing_vm *vm, struct ua_arena **arena)
{
    struct ua_options options;
    struct ua_heap *heap;

    assert_int_equal(ua_options_preset(&options, "kept"), 0);
    ts_options_set(&options, "roots=registered sanitizer=off gogc=off chunk_bytes=8MiB");
    heap = ua_heap_create(&options, &failing_vm_ops, vm);
    assert_non_null(heap);
    *arena = ua_arena_new(heap);
    fill(*arena, &link_type, 40 * MIB + 16);
    ua_debug_write_out(heap);
    return heap;
}

static void test_every_call_fails_once_while_logs_are_handed_on(void **state)
{
    bool failed = true;

    (void)state;
    for (size_t n = 1; failed; n++) {
        struct failing_vm vm = {0};
        struct ua_arena *arena;
        struct ua_heap *heap = over_failing_calls(&vm, &arena);

        vm.fail_at = vm.calls + n;
        ua_chunk_hand_logs_on(&heap->chunks, 0);
        failed = vm.failed;
        ua_verify_heap(heap);
        ua_chunk_hand_logs_on(&heap->chunks, 0); /* what did not work does now */
        assert_true(heap->logs.warm_bytes <= KEEP_LEAST_BYTES);
        for (const struct ua_span *chunk = arena->full; chunk != NULL; chunk = chunk->next)
            assert_int_equal(chunk->log_record->touched_bytes, 0);
        fill(arena, &late_type, 1 * MIB);
        ua_arena_free(arena);
        ua_verify_heap(heap);
        ua_heap_destroy(heap);
    }
}

struct job {
    struct ua_heap *heap;
    int failed;
};

/* Scopes over several chunks, beside collections that hand logs on. */
static void *scopes(void *argument)
{
    struct job *job = argument;

    for (int round = 0; round < 40; round++) {
        struct ua_arena *arena = ua_arena_new(job->heap);
        struct ua_scope scope;
        struct link *first = ua_new(arena, &link_type);

        first->value = (uint64_t)round;
        job->failed |= ua_arena_mark(arena, &scope);
        for (int turn = 0; turn < 3; turn++) {
            fill(arena, &link_type, 3 * CHUNK_BYTES);
            ua_arena_rewind(arena, &scope);
            fill(arena, &late_type, 512);
        }
        job->failed |= first->value != (uint64_t)round;
        ua_arena_free(arena);
    }
    return NULL;
}

static void collect_beside(const char *settings)
{
    struct ua_heap *heap = ts_heap("kept", settings);
    struct job jobs[2] = {{heap, 0}, {heap, 0}};
    pthread_t threads[2];

    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, scopes, &jobs[i]), 0);
    for (int i = 0; i < 40; i++)
        ua_collect(heap);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(jobs[i].failed, 0);
    }
    ua_collect(heap);
    ua_debug_verify(heap);
    ua_heap_close(heap);
}

static void test_scopes_beside_collections(void **state)
{
    (void)state;
    collect_beside(KEPT " collect=stw verify=bitmap");
    collect_beside(KEPT " collect=concurrent verify=bitmap");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_next_chunk_gets_the_log_of_a_full_one),
        cmocka_unit_test(test_a_rewind_into_a_chunk_whose_log_is_gone),
        cmocka_unit_test(test_a_full_chunk_goes_on_with_a_log_of_its_own),
        cmocka_unit_test(test_what_is_not_written_out_is_not_handed_on),
        cmocka_unit_test(test_the_second_mark_keeps_logs),
        cmocka_unit_test(test_logs_beyond_a_share_of_live_go_back),
        cmocka_unit_test(test_every_call_fails_once_while_logs_are_handed_on),
        cmocka_unit_test(test_scopes_beside_collections),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
