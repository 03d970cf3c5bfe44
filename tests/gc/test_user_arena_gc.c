/* test_user_arena_gc.c - Go's own tests of arenas that need a collector (runtime/arena_test.go), under their names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gc/gc_support.h"
#include "include/ua_debug.h"
#include "support/death.h"

#define MIB ((size_t)1 << 20)

struct small_pointer {
    struct small_pointer *next;
};

struct small_pointer_mix {
    void *a;
    unsigned char b;
    void *c;
    unsigned char d[11];
};

struct medium_pointer_odd {
    void *p[1023];
};

UA_TYPE(small_pointer_type, struct small_pointer, UA_PTR(next));
UA_TYPE(small_pointer_mix_type, struct small_pointer_mix, UA_PTR(a), UA_PTR(c));
UA_TYPE(medium_pointer_odd_type, struct medium_pointer_odd, UA_PTRS(p, 1023));
UA_SCALAR_TYPE(medium_scalar_even_type, struct { unsigned char c[8192]; });
UA_SCALAR_TYPE(small_scalar_type, uintptr_t);

static void collect_twice(struct ua_heap *heap)
{
    ua_collect(heap);
    ua_collect(heap);
}

static void liveness(bool free_by_hand)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct ua_arena *arena = ua_arena_new(heap);
    struct small_pointer_mix *mix;
    int finalized = 0;

    collect_twice(heap);
    /* At an interesting offset of the bitmap. */
    for (int i = 0; i < 3; i++)
        assert_non_null(ua_new(arena, &medium_pointer_odd_type));
    mix = ua_new(arena, &small_pointer_mix_type);
    mix->c = ua_heap_alloc(heap, &small_pointer_mix_type, 1);
    assert_int_equal(ua_finalizer_set(heap, mix->c, gs_count_finalizer, &finalized), 0);
    collect_twice(heap);
    assert_int_equal(finalized, 0);
    /* Fill the chunk: the arena goes on in a second one. */
    for (int i = 0; i < 1024; i++)
        assert_non_null(ua_new(arena, &medium_scalar_even_type));
    collect_twice(heap);
    assert_int_equal(finalized, 0);
    if (free_by_hand)
        ua_arena_free(arena);
    else
        ua_arena_abandon(arena);
    ua_collect(heap);
    /* The arena's own finalizer runs at the end of the first cycle, what it held dies in the second. Go's finalizers run
     * in a goroutine of their own, so its test has to wait in between. */
    assert_int_equal(finalized, free_by_hand);
    ua_collect(heap);
    assert_int_equal(finalized, 1);
    ua_heap_close(heap);
}

static void TestUserArenaLiveness_Free(void **state)
{
    (void)state;
    liveness(true);
}

static void TestUserArenaLiveness_Finalizer(void **state)
{
    (void)state;
    liveness(false);
}

static void TestUserArenaClearsPointerBits(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct ua_arena *arena = ua_arena_new(heap);
    char *x = ua_heap_alloc(heap, gs_byte_type(), 8 * MIB);
    void *root = x;
    uintptr_t inside = (uintptr_t)x + 12345;
    int finalized = 0;

    (void)state;
    assert_int_equal(ua_root_add(heap, &root), 0);
    assert_int_equal(ua_finalizer_set(heap, x, gs_count_finalizer, &finalized), 0);
    for (size_t i = 0; i < 3 * 8 * MIB / sizeof(struct small_pointer); i++)
        assert_non_null(ua_new(arena, &small_pointer_type));
    ua_arena_free(arena);
    collect_twice(heap);
    arena = ua_arena_new(heap);
    for (size_t i = 0; i < 2 * 8 * MIB / sizeof(uintptr_t); i++) {
        uintptr_t *scalar = ua_new(arena, &small_scalar_type);

        *scalar = inside;
    }
    assert_int_equal(finalized, 0);
    root = NULL;
    collect_twice(heap);
    assert_int_equal(finalized, 1);
    ua_arena_free(arena);
    ua_heap_close(heap);
}

static void TestUserArenaClonePointer(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct ua_arena *arena = ua_arena_new(heap);
    uintptr_t *on_heap = ua_heap_alloc(heap, &small_scalar_type, 1);
    uintptr_t *in_arena = ua_new(arena, &small_scalar_type);
    uintptr_t *copy;

    (void)state;
    *on_heap = 123;
    assert_ptr_equal(ua_clone(heap, &small_scalar_type, on_heap, 1), on_heap);
    *in_arena = 456;
    copy = ua_clone(heap, &small_scalar_type, in_arena, 1);
    assert_ptr_not_equal(copy, in_arena);
    assert_true(*copy == 456);
    assert_false(ua_contains(heap, copy));
    ua_heap_close(heap);
}

static void TestUserArenaCloneSlice(void **state)
{
    static const char text[] = "abcdefghij";
    struct ua_heap *heap = gs_quiet_heap();
    struct ua_arena *arena = ua_arena_new(heap);
    char *slice = ua_arena_alloc(arena, gs_byte_type(), sizeof text);
    char *copy;

    (void)state;
    memcpy(slice, text, sizeof text);
    copy = ua_clone(heap, gs_byte_type(), slice, sizeof text);
    assert_ptr_not_equal(copy, slice);
    assert_memory_equal(copy, text, sizeof text);
    assert_ptr_equal(ua_clone(heap, gs_byte_type(), copy, sizeof text), copy);
    copy = ua_clone(heap, gs_byte_type(), slice + 1, 2);
    assert_false(ua_contains(heap, copy));
    assert_memory_equal(copy, text + 1, 2);
    ua_heap_close(heap);
}

static void TestUserArenaCloneString(void **state)
{
    static const char fixed[] = "not in an arena";
    struct ua_heap *heap = gs_quiet_heap();
    struct ua_arena *arena = ua_arena_new(heap);
    char *string = ua_arena_alloc(arena, gs_byte_type(), 4);
    char *copy;

    (void)state;
    memcpy(string, "xyz", 4);
    copy = ua_clone(heap, gs_byte_type(), string, 4);
    assert_ptr_not_equal(copy, string);
    assert_string_equal(copy, "xyz");
    assert_ptr_equal(ua_clone(heap, gs_byte_type(), fixed, sizeof fixed), fixed);
    ua_heap_close(heap);
}

/* A clone's pointers are read by its type: what they point to lives as long as the clone. */
static void test_a_clone_keeps_what_it_points_to(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct ua_arena *arena = ua_arena_new(heap);
    struct small_pointer_mix *mix = ua_new(arena, &small_pointer_mix_type);
    void *root;
    int finalized = 0;

    (void)state;
    assert_int_equal(ua_root_add(heap, &root), 0);
    mix->c = ua_heap_alloc(heap, &small_pointer_type, 1);
    assert_int_equal(ua_finalizer_set(heap, mix->c, gs_count_finalizer, &finalized), 0);
    root = ua_clone(heap, &small_pointer_mix_type, mix, 1);
    ua_arena_free(arena);
    /* The chunk waits on the reuse list with its old contents, and is a root there: take and fill it up, as Go would. */
    collect_twice(heap);
    assert_int_equal(finalized, 0);
    ua_heap_close(heap);
}

/* A large object that an arena redirected to the heap is read by its type and dies on its own. */
static void test_a_redirected_object_is_an_ordinary_object(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct ua_arena *arena = ua_arena_new(heap);
    struct small_pointer *array = ua_arena_alloc(arena, &small_pointer_type, MIB + 1);
    void *root = array;
    int finalized = 0;

    (void)state;
    assert_int_equal(ua_root_add(heap, &root), 0);
    assert_false(ua_contains(heap, array));
    array[MIB].next = ua_heap_alloc(heap, &small_pointer_type, 1);
    assert_int_equal(ua_finalizer_set(heap, array[MIB].next, gs_count_finalizer, &finalized), 0);
    ua_arena_free(arena);
    collect_twice(heap);
    assert_int_equal(finalized, 0);
    root = NULL;
    collect_twice(heap);
    assert_int_equal(finalized, 1);
    ua_heap_close(heap);
}

static void test_the_quarantine_is_empty_after_a_collection(void **state)
{
    struct ua_heap *heap = gs_heap("safe", "roots=registered gogc=off quarantine_limit=0");

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct ua_arena *arena = ua_arena_new(heap);

        for (int k = 0; k < 30; k++)
            assert_non_null(ua_arena_alloc(arena, gs_byte_type(), MIB));
        ua_arena_free(arena);
    }
    assert_true(ts_stats(heap).chunks_quarantine >= 12);
    ua_collect(heap);
    assert_int_equal(ts_stats(heap).chunks_quarantine, 0);
    ua_debug_verify(heap);
    ua_heap_close(heap);
}

static void clone_without_type(void *value)
{
    ua_clone(gs_quiet_heap(), NULL, value, 1);
}

/* Go's Clone takes pointers, slices and strings and panics for the rest; here that is a value whose type nobody gives. */
static void TestUserArenaClonePanic(void **state)
{
    uintptr_t value = 1;

    (void)state;
    ab_expect_fatal(clone_without_type, &value, "fatal error: ua_clone: the type is NULL");
}

/* The old chunk lies right above the new one and holds scalars alone, so its front is the new one's end: a collection between the
 * two must not take it for the new chunk's front and read a log that is empty. */
static void test_collection_while_a_refill_goes_one_chunk_down(void **state)
{
    struct ua_heap *heap = gs_heap("go", "roots=registered");
    struct ua_arena *arena = ua_arena_new(heap);

    (void)state;
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 2500; i++)
            assert_non_null(ua_new(arena, &medium_scalar_even_type));
        ua_arena_free(arena);
        arena = ua_arena_new(heap);
        ua_collect(heap);
    }
    ua_heap_close(heap);
}

/* An arena whose first object is all that points to an object with a finalizer. */
static struct ua_arena *hold(struct ua_heap *heap, int *finalized)
{
    struct ua_arena *arena = ua_arena_new(heap);
    struct small_pointer *node = ua_new(arena, &small_pointer_type);

    node->next = ua_heap_alloc(heap, &small_pointer_type, 1);
    assert_int_equal(ua_finalizer_set(heap, node->next, gs_count_finalizer, finalized), 0);
    return arena;
}

static void fill_chunk(struct ua_arena *arena)
{
    for (int i = 0; i < 1024; i++)
        assert_non_null(ua_new(arena, &medium_scalar_even_type));
}

/* Parked with the thread, then on the reuse list: its old contents are read until it is full and goes. */
static void test_a_chunk_for_reuse_is_a_root(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    int finalized = 0;
    struct ua_arena *arena = hold(heap, &finalized);
    struct ua_arena *other = ua_arena_new(heap);

    (void)state;
    ua_arena_free(arena);
    collect_twice(heap);
    assert_int_equal(finalized, 0);
    ua_arena_free(other); /* takes its place with the thread */
    collect_twice(heap);
    assert_int_equal(finalized, 0);
    other = ua_arena_new(heap);
    arena = ua_arena_new(heap);
    fill_chunk(arena);
    collect_twice(heap);
    assert_int_equal(finalized, 0);
    ua_arena_free(arena);
    ua_collect(heap);
    assert_int_equal(finalized, 1);
    ua_arena_free(other);
    ua_heap_close(heap);
}

/* Freed while a mark is open: what it points to lives through that mark, and goes with the next. */
static void test_a_chunk_on_the_fault_list_is_a_root(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    int finalized = 0;
    struct ua_arena *arena = hold(heap, &finalized);
    struct ua_lists lists;

    (void)state;
    fill_chunk(arena);
    ua_debug_mark_begin(heap);
    ua_arena_free(arena);
    ua_debug_lists(heap, &lists);
    assert_int_equal(lists.fault, 1);
    ua_debug_mark_end(heap);
    assert_int_equal(finalized, 0);
    ua_collect(heap);
    assert_int_equal(finalized, 1);
    ua_heap_close(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(TestUserArenaLiveness_Free),
        cmocka_unit_test(TestUserArenaLiveness_Finalizer),
        cmocka_unit_test(TestUserArenaClearsPointerBits),
        cmocka_unit_test(TestUserArenaClonePanic),
        cmocka_unit_test(TestUserArenaClonePointer),
        cmocka_unit_test(TestUserArenaCloneSlice),
        cmocka_unit_test(TestUserArenaCloneString),
        cmocka_unit_test(test_a_clone_keeps_what_it_points_to),
        cmocka_unit_test(test_a_redirected_object_is_an_ordinary_object),
        cmocka_unit_test(test_the_quarantine_is_empty_after_a_collection),
        cmocka_unit_test(test_collection_while_a_refill_goes_one_chunk_down),
        cmocka_unit_test(test_a_chunk_for_reuse_is_a_root),
        cmocka_unit_test(test_a_chunk_on_the_fault_list_is_a_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
