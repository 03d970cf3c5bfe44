/* test_hints.c - where address space comes from: Go's hints in order, and anywhere aligned once they are taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ua_debug.h>

#include "allocator/go_types.h"
#include "arena/arena.h"
#include "debug/verify.h"
#include "support/tools.h"

#define FIRST_HINT ((uintptr_t)0x40c000000000)
#define HINT_STEP ((uintptr_t)1 << 40)
#define CALLS_MAX 1024

static uintptr_t hints[CALLS_MAX]; /* of reservations of whole heap arenas, as they were asked for */
static size_t hint_count;
static size_t taken_count; /* so many hints have something else there */
static size_t reserved_bytes, unmapped_bytes;

static int reserve(void *context, uintptr_t hint, size_t bytes, uintptr_t *at)
{
    bool taken = hint != 0 && hint_count < taken_count;

    assert_true(hint_count < CALLS_MAX);
    hints[hint_count++] = hint;
    reserved_bytes += bytes;
    return ua_vm_linux.reserve(context, taken ? 0 : hint, bytes, at);
}

static int unmap(void *context, uintptr_t at, size_t bytes)
{
    unmapped_bytes += bytes;
    return ua_vm_linux.unmap(context, at, bytes);
}

/* TSan and MSan have memory of their own at Go's addresses. */
static void need_the_addresses(void)
{
    if (TS_UNDER_TSAN || TS_UNDER_MSAN)
        skip();
}

static struct ua_heap *heap_with(size_t taken)
{
    static struct ua_vm_ops ops;
    struct ua_options options;
    struct ua_heap *heap;

    ops = ua_vm_linux;
    ops.reserve = reserve;
    ops.unmap = unmap;
    assert_int_equal(ua_options_preset(&options, "go"), 0);
    options.sanitizer = UA_SANITIZER_OFF;
    hint_count = reserved_bytes = unmapped_bytes = 0;
    taken_count = taken;
    heap = ua_heap_create(&options, &ops, NULL);
    assert_non_null(heap);
    return heap;
}

static uintptr_t take_heap_arena(struct ua_heap *heap, struct ua_arena *arenas[8])
{
    for (size_t i = 0; i < 8; i++) {
        arenas[i] = ua_arena_new(heap);
        assert_non_null(arenas[i]);
        assert_non_null(ua_new(arenas[i], &small_pointer_type));
        assert_int_equal(arenas[i]->active->base % ((size_t)8 << 20), 0);
    }
    ua_verify_heap(heap);
    return arenas[0]->active->base;
}

static void test_a_hint_goes_up_as_it_is_used(void **state)
{
    struct ua_heap *heap;
    struct ua_arena *arenas[8];

    (void)state;
    need_the_addresses();
    heap = heap_with(0);
    for (size_t i = 0; i < 3; i++)
        take_heap_arena(heap, arenas);
    assert_int_equal(hint_count, 3);
    assert_int_equal(hints[0], FIRST_HINT);
    for (size_t i = 1; i < 3; i++)
        assert_int_equal(hints[i], hints[0] + i * UA_HEAP_ARENA_BYTES);
    ua_heap_destroy(heap);
}

static void test_a_hint_that_is_taken_is_dropped(void **state)
{
    struct ua_heap *heap;
    struct ua_arena *arenas[8];
    uintptr_t base;

    (void)state;
    need_the_addresses();
    heap = heap_with(2);
    base = take_heap_arena(heap, arenas);
    assert_int_equal(hint_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(hints[i], FIRST_HINT + i * HINT_STEP);
    assert_int_equal(base, hints[2]);
    assert_int_equal(unmapped_bytes, reserved_bytes - UA_HEAP_ARENA_BYTES); /* what came instead was given back */
    ua_heap_destroy(heap);
}

/* All of them taken: anywhere, aligned to a heap arena; nothing of the search stays mapped. */
static void test_without_a_hint_it_is_anywhere_aligned(void **state)
{
    struct ua_heap *heap = heap_with(SIZE_MAX);
    struct ua_arena *arenas[8];
    uintptr_t base = take_heap_arena(heap, arenas);

    (void)state;
    assert_int_equal(hints[hint_count - 1], 0);
    assert_true(hint_count > 60);
    assert_int_equal(base % UA_HEAP_ARENA_BYTES, 0);
    assert_in_range(reserved_bytes - unmapped_bytes, UA_HEAP_ARENA_BYTES, 2 * UA_HEAP_ARENA_BYTES);
    for (size_t i = 0; i < 8; i++)
        ua_arena_free(arenas[i]);
    assert_int_not_equal(take_heap_arena(heap, arenas), 0); /* and so the next ones */
    ua_heap_destroy(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hint_goes_up_as_it_is_used),
        cmocka_unit_test(test_a_hint_that_is_taken_is_dropped),
        cmocka_unit_test(test_without_a_hint_it_is_anywhere_aligned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
