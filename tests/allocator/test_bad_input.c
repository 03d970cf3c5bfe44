/* test_bad_input.c - the list of bad input, case by case: a fatal message that names call and reason, or a documented error value.
 *
 * Types, options, locks and Go's throws are in test_death.c, handlers of signals in test_signal_handler.c, fork in test_fork.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ua.h>
#include <ua_debug.h>

#include "allocator/go_types.h"
#include "support/death.h"
#include "support/make_heap.h"

#define FURTHER_ARENAS 1024

UA_SCALAR_TYPE(byte_type, uint8_t);

enum stale_use { NEW_INLINED, NEW_SCALAR_INLINED, SLICE_INLINED, ALLOC, ALLOC_ONE, GROW, SIZE, RESET, MARK, STRING, PRINTF, ABANDON, FREE };

/* A handle that was freed, with the most further arenas in between for which it has to be noticed. */
static void use_stale_handle(void *arg)
{
    struct ua_heap *heap = ts_heap("kept", "gogc=off roots=registered");
    struct ua_arena *arena = ua_arena_new(heap);

    ua_new(arena, &small_pointer_type);
    ua_arena_free(arena);
    for (int i = 0; i < FURTHER_ARENAS - 1; i++)
        ua_arena_free(ua_arena_new(heap));
    ua_arena_new(heap); /* the last of them lives: it must not have the handle */
    switch (*(const enum stale_use *)arg) {
    case NEW_INLINED:
        ua_new(arena, &small_pointer_type);
        break;
    case NEW_SCALAR_INLINED:
        ua_new(arena, &small_scalar_type);
        break;
    case SLICE_INLINED:
        ua_slice(arena, &small_scalar_type, 3);
        break;
    case ALLOC:
        ua_arena_alloc(arena, &small_pointer_type, 3);
        break;
    case ALLOC_ONE:
        ua_arena_alloc_one(arena, &small_pointer_type);
        break;
    case GROW:
        ua_slice_grow(arena, &byte_type, NULL, 0, 1);
        break;
    case MARK:
        ua_arena_mark(arena, &(struct ua_scope){0});
        break;
    case PRINTF:
        ua_printf(arena, "%d", 1);
        break;
    case ABANDON:
        ua_arena_abandon(arena);
        break;
    case SIZE:
        ua_arena_size(arena, NULL, NULL);
        break;
    case RESET:
        ua_arena_reset(arena);
        break;
    case STRING:
        ua_strdup(arena, "text");
        break;
    case FREE:
        ua_arena_free(arena);
        break;
    }
}

static void test_a_freed_handle_is_noticed_for_1024_further_arenas(void **state)
{
    static const struct {
        enum stale_use use;
        const char *message;
    } cases[] = {
        {NEW_INLINED, "ua_arena_alloc: the arena was freed"},   {NEW_SCALAR_INLINED, "ua_arena_alloc: the arena was freed"},
        {SLICE_INLINED, "ua_arena_alloc: the arena was freed"}, {ALLOC, "ua_arena_alloc: the arena was freed"},
        {SIZE, "ua_arena_size: the arena was freed"},           {RESET, "ua_arena_reset: the arena was freed"},
        {ALLOC_ONE, "ua_arena_alloc: the arena was freed"},     {GROW, "ua_slice_grow: the arena was freed"},
        {MARK, "ua_arena_mark: the arena was freed"},           {PRINTF, "ua_printf: the arena was freed"},
        {ABANDON, "ua_arena_abandon: the arena was freed"},     {STRING, "ua_strdup: the arena was freed"},
        {FREE, "arena double free"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ab_expect_fatal(use_stale_handle, (void *)(uintptr_t)&cases[i].use, cases[i].message);
}

static uint64_t not_an_arena[64] __attribute__((aligned(64))); /* as a handle is, or UBSan speaks first */

static void foreign_alloc(void *arg)
{
    (void)arg;
    ua_arena_alloc((struct ua_arena *)(void *)not_an_arena, &byte_type, 1);
}

static void foreign_new(void *arg)
{
    (void)arg;
    ua_new((struct ua_arena *)(void *)not_an_arena, &small_pointer_type);
}

static void foreign_reset(void *arg)
{
    (void)arg;
    ua_arena_reset((struct ua_arena *)(void *)not_an_arena);
}

static void foreign_abandon(void *arg)
{
    (void)arg;
    ua_arena_abandon((struct ua_arena *)(void *)not_an_arena);
}

static void foreign_object(void *arg)
{
    ua_heap_free(ts_heap("safe", "gogc=off roots=registered"), arg);
}

static void object_of_another_heap(void *arg)
{
    (void)arg;
    ua_heap_free(ts_heap("safe", "gogc=off roots=registered"), ua_heap_alloc(ts_heap("safe", "gogc=off roots=registered"), &small_pointer_type, 1));
}

static void object_in_an_arena(void *arg)
{
    struct ua_heap *heap = ts_heap("safe", "gogc=off roots=registered");

    (void)arg;
    ua_heap_free(heap, ua_new(ua_arena_new(heap), &small_pointer_type));
}

static void null_type(void *arg)
{
    (void)arg;
    ua_arena_alloc(ua_arena_new(ts_heap("safe", "gogc=off roots=registered")), NULL, 2);
}

static void test_foreign_and_null_pointers_name_the_call(void **state)
{
    (void)state;
    ab_expect_fatal(foreign_alloc, NULL, "ua_arena_alloc: not an arena");
    ab_expect_fatal(foreign_new, NULL, "ua_arena_alloc: not an arena");
    ab_expect_fatal(foreign_reset, NULL, "ua_arena_reset: not an arena");
    ab_expect_fatal(foreign_abandon, NULL, "ua_arena_abandon: not an arena");
    ab_expect_fatal(foreign_object, not_an_arena, "ua_heap_free: not an object of this heap");
    ab_expect_fatal(object_of_another_heap, NULL, "ua_heap_free: not an object of this heap");
    ab_expect_fatal(object_in_an_arena, NULL, "ua_heap_free: the object is in an arena");
    ab_expect_fatal(null_type, NULL, "ua_arena_alloc: the type is NULL");
}

/* Calls with NULL for one argument, the others sound. */
static struct ua_heap *sound_heap;
static struct ua_arena *sound_arena;
static void *slot;

#define NULL_CASES(CASE)                                                                                               \
    CASE(ua_stats, (NULL, &(struct ua_stats){0}), "NULL argument")                                                     \
    CASE(ua_stats, (sound_heap, NULL), "NULL argument")                                                                \
    CASE(ua_contains, (NULL, &slot), "the heap is NULL")                                                               \
    CASE(ua_trim, (NULL), "the heap is NULL")                                                                          \
    CASE(ua_type_make, (NULL, 8, 8, NULL, 0, "x"), "the heap is NULL")                                                 \
    CASE(ua_arena_new, (NULL), "the heap is NULL")                                                                     \
    CASE(ua_arena_reset, (NULL), "not an arena")                                                                       \
    CASE(ua_arena_size, (NULL, NULL, NULL), "not an arena")                                                            \
    CASE(ua_arena_mark, (NULL, &(struct ua_scope){0}), "not an arena")                                                 \
    CASE(ua_arena_mark, (sound_arena, NULL), "the mark is NULL")                                                       \
    CASE(ua_arena_rewind, (NULL, &(struct ua_scope){0}), "not an arena")                                               \
    CASE(ua_arena_rewind, (sound_arena, NULL), "the mark is NULL")                                                     \
    CASE(ua_arena_abandon, (NULL), "not an arena")                                                                     \
    CASE(ua_arena_alloc, (NULL, &byte_type, 1), "the arena is NULL")                                                   \
    CASE(ua_arena_alloc, (sound_arena, NULL, 1), "the type is NULL")                                                   \
    CASE(ua_slice_grow, (NULL, &byte_type, NULL, 0, 1), "not an arena")                                                \
    CASE(ua_slice_grow, (sound_arena, NULL, NULL, 0, 1), "the type is NULL")                                           \
    CASE(ua_slice_grow, (sound_arena, &byte_type, NULL, 3, 5), "the slice is NULL")                                    \
    CASE(ua_strdup, (NULL, "text"), "not an arena")                                                                    \
    CASE(ua_strdup, (sound_arena, NULL), "the text is NULL")                                                           \
    CASE(ua_strndup, (NULL, "text", 4), "not an arena")                                                                \
    CASE(ua_strndup, (sound_arena, NULL, 4), "the text is NULL")                                                       \
    CASE(ua_printf, (NULL, "text"), "not an arena")                                                                    \
    CASE(ua_heap_alloc, (NULL, &byte_type, 1), "the heap is NULL")                                                     \
    CASE(ua_heap_alloc, (sound_heap, NULL, 1), "the type is NULL")                                                     \
    CASE(ua_heap_free, (NULL, &slot), "the heap is NULL")                                                              \
    CASE(ua_clone, (NULL, &byte_type, &slot, 1), "the heap is NULL")                                                   \
    CASE(ua_clone, (sound_heap, NULL, &slot, 1), "the type is NULL")                                                   \
    CASE(ua_copy, (NULL, &small_pointer_type, &slot, &slot, 1), "the heap is NULL")                                    \
    CASE(ua_copy, (sound_heap, NULL, &slot, &slot, 1), "the type is NULL")                                             \
    CASE(ua_copy, (sound_heap, &small_pointer_type, NULL, &slot, 1), "the values are NULL")                            \
    CASE(ua_copy, (sound_heap, &small_pointer_type, &slot, NULL, 1), "the values are NULL")                            \
    CASE(ua_clear, (NULL, &small_pointer_type, &slot, 1), "the heap is NULL")                                          \
    CASE(ua_clear, (sound_heap, NULL, &slot, 1), "the type is NULL")                                                   \
    CASE(ua_clear, (sound_heap, &small_pointer_type, NULL, 1), "the values are NULL")                                  \
    CASE(ua_root_add, (NULL, &slot), "the heap is NULL")                                                               \
    CASE(ua_root_add, (sound_heap, NULL), "a root is NULL")                                                            \
    CASE(ua_root_remove, (NULL, &slot), "the heap is NULL")                                                            \
    CASE(ua_root_remove, (sound_heap, NULL), "root removed twice or never added")                                      \
    CASE(ua_root_range_add, (NULL, &slot, 8), "the heap is NULL")                                                      \
    CASE(ua_root_range_add, (sound_heap, NULL, 8), "a root is NULL")                                                   \
    CASE(ua_root_range_remove, (NULL, &slot), "the heap is NULL")                                                      \
    CASE(ua_root_range_remove, (sound_heap, NULL), "root removed twice or never added")                                \
    CASE(ua_finalizer_set, (NULL, &slot, NULL, NULL), "the heap is NULL")                                              \
    CASE(ua_finalizer_set, (sound_heap, NULL, NULL, NULL), "not the start of an object")                               \
    CASE(ua_finalizers_run, (NULL), "the heap is NULL")                                                                \
    CASE(ua_finalizers_pending, (NULL), "the heap is NULL")                                                            \
    CASE(ua_collect, (NULL), "the heap is NULL")                                                                       \
    CASE(ua_gc_pauses, (NULL, NULL), "the heap is NULL")                                                               \
    CASE(ua_gc_pauses, (sound_heap, NULL), "NULL argument")                                                            \
    CASE(ua_gc_events, (NULL, NULL, 0), "the heap is NULL")                                                            \
    CASE(ua_gc_events, (sound_heap, NULL, 5), "the events are NULL")                                                   \
    CASE(ua_gc_cycles, (NULL), "the heap is NULL")                                                                     \
    CASE(ua_gc_assists, (NULL, NULL, 0), "the heap is NULL")                                                           \
    CASE(ua_gc_assists, (sound_heap, NULL, 5), "the events are NULL")                                                  \
    CASE(ua_profile_write, (NULL, "path"), "the heap is NULL")                                                         \
    CASE(ua_profile_write, (sound_heap, NULL), "the path is NULL")                                                     \
    CASE(ua_trace_start, (NULL, 1), "the heap is NULL")                                                                \
    CASE(ua_trace_stop, (NULL), "the heap is NULL")                                                                    \
    CASE(ua_debug_where, (NULL, &slot, &(struct ua_where){0}), "the heap is NULL")                                     \
    CASE(ua_debug_where, (sound_heap, &slot, NULL), "NULL argument")                                                   \
    CASE(ua_debug_lists, (NULL, &(struct ua_lists){0}), "the heap is NULL")                                            \
    CASE(ua_debug_lists, (sound_heap, NULL), "NULL argument")                                                          \
    CASE(ua_debug_write_out, (NULL), "the heap is NULL")                                                               \
    CASE(ua_debug_bitmap, (NULL, &slot, 0, 1, NULL, NULL), "the heap is NULL")                                         \
    CASE(ua_debug_verify, (NULL), "the heap is NULL")                                                                  \
    CASE(ua_debug_dump, (NULL, 1), "the heap is NULL")                                                                 \
    CASE(ua_debug_mark_begin, (NULL), "the heap is NULL")                                                              \
    CASE(ua_debug_mark_end, (NULL), "the heap is NULL")

#define RUN(call, arguments, reason) \
    if (index-- == 0)                \
        call arguments;
#define MESSAGE(call, arguments, reason) #call ": " reason,

static void call_with_null(void *arg)
{
    size_t index = *(const size_t *)arg;

    sound_heap = ts_heap("kept", "gogc=off roots=registered");
    sound_arena = ua_arena_new(sound_heap);
    NULL_CASES(RUN)
}

static void test_null_arguments_name_the_call(void **state)
{
    static const char *const messages[] = {NULL_CASES(MESSAGE)};

    (void)state;
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        ab_expect_fatal(call_with_null, &i, messages[i]);
}

/* An arena knows its heap, so it cannot be freed into another one. */
static void test_an_arena_is_freed_into_its_own_heap(void **state)
{
    struct ua_heap *heaps[2] = {ts_heap("safe", "gogc=off roots=registered"), ts_heap("kept", "gogc=off roots=registered")};
    struct ua_arena *arenas[2] = {ua_arena_new(heaps[0]), ua_arena_new(heaps[1])};
    struct ua_stats stats;

    (void)state;
    for (int i = 1; i >= 0; i--) {
        ua_arena_free(arenas[i]);
        ua_stats(heaps[i], &stats);
        assert_int_equal(stats.arena_free_count, 1);
    }
    ua_heap_close(heaps[0]);
    ua_heap_close(heaps[1]);
}

/* Values of a pointer slot that no collection may stumble over: none, odd, not canonical, not mapped, text, one past an end. */
static void test_any_value_may_stand_in_a_pointer_slot(void **state)
{
    struct ua_heap *heap = ts_heap("safe", "gogc=off roots=registered");
    struct ua_arena *arena = ua_arena_new(heap);
    struct small_pointer *slots = ua_arena_alloc(arena, &small_pointer_type, 12);
    struct small_pointer *kept = ua_heap_alloc(heap, &small_pointer_type, 12);
    char *large = ua_heap_alloc(heap, &byte_type, 5 << 20);
    char *small = ua_heap_alloc(heap, &byte_type, 48);
    const uintptr_t values[12] = {1,
                                  UINTPTR_MAX,
                                  (uintptr_t)1 << 63,
                                  0xdeadbeefdeadbeefu,
                                  (uintptr_t)large + (5 << 20),
                                  (uintptr_t)small + 48,
                                  (uintptr_t)slots + 12 * sizeof *slots,
                                  (uintptr_t)&slots,
                                  (uintptr_t)values,
                                  0x40c000000000u - 1,
                                  (uintptr_t)heap,
                                  (uintptr_t)arena + 3};

    (void)state;
    assert_int_equal(ua_root_add(heap, &kept), 0);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 12; i++)
            slots[i].x = kept[i].x = (void *)values[(i + (size_t)round) % 12];
        ua_collect(heap);
        for (size_t i = 0; i < 12; i++)
            assert_true((uintptr_t)slots[i].x == values[(i + (size_t)round) % 12]);
    }
    ua_root_remove(heap, &kept);
    ua_heap_close(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_freed_handle_is_noticed_for_1024_further_arenas),
        cmocka_unit_test(test_foreign_and_null_pointers_name_the_call),
        cmocka_unit_test(test_null_arguments_name_the_call),
        cmocka_unit_test(test_an_arena_is_freed_into_its_own_heap),
        cmocka_unit_test(test_any_value_may_stand_in_a_pointer_slot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
