/* test_fault_list.c - chunks freed during a mark wait for its end; which call sets them to fault, and in which order.
 *
 * Between the end of a mark and the collector's own look at the list another thread may free: that free takes the list along,
 * its own chunks first, then what waited, in order (Go's freeUserArenaChunk). Here the phase is set by hand, so the list is met
 * in exactly that gap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ua_debug.h>

#include "arena/arena.h"
#include "debug/verify.h"
#include "support/make_heap.h"

#define CHUNK_BYTES ((size_t)64 << 10)
#define CALLS_MAX 16

UA_SCALAR_TYPE(quarter_type, struct { uint8_t x[CHUNK_BYTES / 4]; });

struct range {
    uintptr_t at;
    size_t bytes;
};

static struct range calls[CALLS_MAX];
static size_t call_count;

static int note(uintptr_t at, size_t bytes)
{
    assert_true(call_count < CALLS_MAX);
    calls[call_count++] = (struct range){at, bytes};
    return 0;
}

static int release(void *context, uintptr_t at, size_t bytes)
{
    return note(at, bytes) + ua_vm_linux.release(context, at, bytes);
}

static int protect(void *context, uintptr_t at, size_t bytes)
{
    return note(at, bytes) + ua_vm_linux.protect(context, at, bytes);
}

static struct ua_heap *recorded_heap(const char *preset)
{
    static struct ua_vm_ops ops;
    struct ua_heap *heap = ts_heap(preset, TS_QUIET " chunk_bytes=64KiB");

    ops = ua_vm_linux;
    ops.release = release;
    ops.protect = protect;
    heap->vm.ops = &ops;
    call_count = 0;
    return heap;
}

/* An arena of `full` full chunks, and one in hand that the next arena does not get: each is told apart by its address. */
static struct ua_arena *make(struct ua_heap *heap, size_t full, uintptr_t *bases)
{
    struct ua_arena *arena = ua_arena_new(heap);

    for (size_t i = 0; i < 4 * full + 1; i++) {
        uint8_t *quarter = ua_new(arena, &quarter_type);

        assert_non_null(quarter);
        if (i < 4 * full)
            bases[i / 4] = (uintptr_t)quarter / CHUNK_BYTES * CHUNK_BYTES;
    }
    return arena;
}

static void expect_call(size_t index, uintptr_t at, size_t chunks)
{
    assert_true(index < call_count);
    assert_int_equal(calls[index].at, at);
    assert_int_equal(calls[index].bytes, chunks * CHUNK_BYTES);
}

static void expect_waiting(struct ua_heap *heap, size_t fault, size_t quarantine)
{
    struct ua_lists lists;

    ua_debug_lists(heap, &lists);
    assert_int_equal(lists.fault, fault);
    assert_int_equal(lists.quarantine, quarantine);
    ua_verify_heap(heap);
}

/* Two arenas are freed during a mark; the third, of two full chunks, in the gap after it. */
static struct ua_heap *free_in_the_gap(const char *preset, uintptr_t first[1], uintptr_t second[1], uintptr_t third[2])
{
    struct ua_heap *heap = recorded_heap(preset);
    struct ua_arena *arenas[3] = {make(heap, 1, first), make(heap, 1, second), make(heap, 2, third)};

    ua_chunk_set_phase(&heap->chunks, UA_PHASE_MARK);
    ua_arena_free(arenas[0]);
    ua_arena_free(arenas[1]);
    expect_waiting(heap, 2, 0);
    ua_chunk_set_phase(&heap->chunks, UA_PHASE_MARK_TERMINATION);
    ua_chunk_set_phase(&heap->chunks, UA_PHASE_OFF);
    assert_int_equal(call_count, 0);
    ua_arena_free(arenas[2]);
    expect_waiting(heap, 0, 4);
    return heap;
}

static void test_a_free_faults_its_own_chunks_then_the_old_list(void **state)
{
    uintptr_t first[1] = {0}, second[1] = {0}, third[2] = {0};
    struct ua_heap *heap = free_in_the_gap("go", first, second, third);

    (void)state;
    assert_int_equal(call_count, 4);
    expect_call(0, third[1], 1); /* last filled, first freed */
    expect_call(1, third[0], 1);
    expect_call(2, first[0], 1);
    expect_call(3, second[0], 1);
    ua_heap_close(heap);
}

/* Under fault=protect by address, and neighbours in one call. */
static void test_own_and_old_chunks_are_protected_by_address(void **state)
{
    uintptr_t first[1] = {0}, second[1] = {0}, third[2] = {0};
    struct ua_heap *heap = free_in_the_gap("safe", first, second, third);

    (void)state;
    assert_int_equal(third[1], third[0] + CHUNK_BYTES);
    assert_int_equal(call_count, 3);
    expect_call(0, first[0], 1);
    expect_call(1, second[0], 1);
    expect_call(2, third[0], 2);
    ua_heap_close(heap);
}

/* Nobody frees in the gap: the collector takes the list, in order. */
static void test_the_end_of_a_mark_faults_what_waited(void **state)
{
    struct ua_heap *heap = recorded_heap("go");
    uintptr_t first[1] = {0}, second[1] = {0};
    struct ua_arena *arenas[2] = {make(heap, 1, first), make(heap, 1, second)};

    (void)state;
    ua_debug_mark_begin(heap);
    ua_arena_free(arenas[0]);
    ua_arena_free(arenas[1]);
    expect_waiting(heap, 2, 0);
    assert_int_equal(call_count, 0);
    ua_debug_mark_end(heap);
    expect_waiting(heap, 0, 2);
    assert_int_equal(call_count, 2);
    expect_call(0, first[0], 1);
    expect_call(1, second[0], 1);
    ua_heap_close(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_free_faults_its_own_chunks_then_the_old_list),
        cmocka_unit_test(test_own_and_old_chunks_are_protected_by_address),
        cmocka_unit_test(test_the_end_of_a_mark_faults_what_waited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
