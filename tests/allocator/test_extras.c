/* test_extras.c - what Go's users asked for: scopes, growing slices, strings, reset, size query, strange alignments. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <ua_debug.h>

#include "allocator/go_types.h"
#include "support/death.h"
#include "support/make_heap.h"

UA_SCALAR_TYPE(number_type, uint32_t);

/* Allocates `count` zeroed nodes and numbers, and writes over all of them. */
static void scribble(struct ua_arena *arena, size_t count)
{
    while (count-- > 0) {
        struct small_pointer_mix *node = ua_new(arena, &small_pointer_mix_type);
        uint32_t *number = ua_new(arena, &number_type);

        assert_true(node->a == NULL && node->b == 0 && node->c == NULL && node->d[10] == 0 && *number == 0);
        memset(node, 0xff, sizeof *node);
        node->a = node;
        node->c = node;
        *number = 0xffffffff;
    }
}

static void test_scope_rewinds_across_chunks(void **state)
{
    struct ua_heap *heap = ts_heap("kept", "gogc=off quarantine_limit=0 chunk_bytes=64KiB");
    struct ua_arena *arena = ua_arena_new(heap);
    struct ua_scope outer;
    struct ua_scope inner;
    size_t used;
    size_t used_again;
    size_t held;

    (void)state;
    scribble(arena, 100);
    ua_arena_size(arena, &used, &held);
    assert_int_equal(ua_arena_mark(arena, &outer), 0);
    for (int round = 0; round < 5; round++) {
        size_t inner_used;

        scribble(arena, 10 + (size_t)round * 700);
        assert_int_equal(ua_arena_mark(arena, &inner), 0);
        ua_arena_size(arena, &inner_used, NULL);
        scribble(arena, 5000);
        ua_arena_rewind(arena, &inner);
        ua_debug_verify(heap);
        ua_arena_size(arena, &used_again, NULL);
        assert_int_equal(used_again, inner_used);
        scribble(arena, 200);
        ua_arena_rewind(arena, &outer);
        ua_debug_verify(heap);
        ua_arena_size(arena, &used_again, NULL);
        assert_int_equal(used_again, used);
    }
    ua_arena_free(arena);
    ua_debug_verify(heap);
    ua_heap_close(heap);
}

static void test_scopes_need_kept(void **state)
{
    struct ua_heap *heap = ts_heap("safe", "gogc=off quarantine_limit=0 chunk_bytes=64KiB");
    struct ua_arena *arena = ua_arena_new(heap);
    struct ua_scope scope;

    (void)state;
    assert_int_equal(ua_arena_mark(arena, &scope), -1);
    assert_int_equal(errno, ENOTSUP);
    ua_heap_close(heap);
}

static void rewind_another(void *arg)
{
    struct ua_heap *heap = ts_heap("kept", "gogc=off quarantine_limit=0 chunk_bytes=64KiB");
    struct ua_arena *one = ua_arena_new(heap);
    struct ua_scope scope;

    (void)arg;
    ua_arena_mark(one, &scope);
    ua_arena_rewind(ua_arena_new(heap), &scope);
}

static void test_rewinding_another_arena_is_fatal(void **state)
{
    (void)state;
    ab_expect_fatal(rewind_another, NULL, "the mark is of another arena");
}

static void test_newest_slice_grows(void **state)
{
    struct ua_heap *heap = ts_heap("safe", "gogc=off quarantine_limit=0 chunk_bytes=64KiB");
    struct ua_arena *arena = ua_arena_new(heap);
    struct small_pointer *nodes = ua_slice(arena, &small_pointer_type, 3);
    struct small_pointer *grown;
    uint32_t *numbers = ua_slice(arena, &number_type, 3);
    uint32_t *moved;
    uint64_t word;
    size_t used;
    size_t used_again;

    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        nodes[i].x = &nodes[i];
        numbers[i] = i + 1;
    }
    ua_arena_size(arena, &used, NULL);
    grown = ua_slice_grow(arena, &small_pointer_type, nodes, 3, 20);
    assert_ptr_equal(grown, nodes);
    assert_true(grown[2].x == &nodes[2] && grown[19].x == NULL);
    moved = ua_slice_grow(arena, &number_type, numbers, 3, 10);
    assert_ptr_equal(moved, numbers - 7);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(moved[i], i < 3 ? i + 1 : 0);
    ua_arena_size(arena, &used_again, NULL);
    assert_int_equal(used_again, used + 17 * 8 + 7 * 4);
    assert_int_equal(ua_debug_bitmap(heap, nodes, 0, 1, &word, NULL), 0);
    assert_int_equal(word, (1u << 20) - 1);

    /* Not the newest any more: copied. */
    ua_new(arena, &small_pointer_type);
    grown = ua_slice_grow(arena, &small_pointer_type, nodes, 20, 21);
    assert_ptr_not_equal(grown, nodes);
    assert_ptr_equal(grown[2].x, &nodes[2]);
    assert_null(ua_slice_grow(arena, &small_pointer_type, grown, 21, 20));
    assert_int_equal(errno, EINVAL);
    /* Beyond a quarter chunk: outside the arena, contents kept. */
    moved = ua_slice_grow(arena, &number_type, moved, 10, 10000);
    assert_false(ua_contains(heap, moved));
    assert_true(moved[2] == 3 && moved[9999] == 0);
    ua_debug_verify(heap);
    ua_heap_close(heap);
}

static void test_strings(void **state)
{
    struct ua_heap *heap = ts_heap("safe", "gogc=off quarantine_limit=0 chunk_bytes=64KiB");
    struct ua_arena *arena = ua_arena_new(heap);
    char *text = ua_strdup(arena, "arena");
    char *cut = ua_strndup(arena, "arena", 3);
    char *made = ua_printf(arena, "%s %d", text, 42);

    (void)state;
    assert_string_equal(text, "arena");
    assert_string_equal(cut, "are");
    assert_string_equal(made, "arena 42");
    assert_true(ua_contains(heap, made));
    assert_string_equal(ua_strdup(arena, ""), "");
    ua_heap_close(heap);
}

struct wide {
    void *p[4];
} __attribute__((aligned(4096)));
UA_TYPE(wide_type, struct wide, UA_PTRS(p, 4));

/* A gap before an aligned object must not hide the pointers after it. */
static void test_pointers_after_an_alignment_gap(void **state)
{
    struct ua_heap *heap = ts_heap("go", "gogc=off quarantine_limit=0 chunk_bytes=64KiB");
    struct ua_arena *arena = ua_arena_new(heap);
    struct small_pointer *first = ua_new(arena, &small_pointer_type);
    struct wide *wide = ua_new(arena, &wide_type);
    uint64_t words[17];
    uint8_t marks[17];

    (void)state;
    assert_int_equal((uintptr_t)wide % 4096, 0);
    assert_int_equal((char *)wide - (char *)first, 4096);
    assert_int_equal(ua_debug_bitmap(heap, wide, 0, 17, words, marks), 0);
    assert_int_equal(words[0], 1);
    for (int i = 1; i < 8; i++)
        assert_int_equal(words[i], 0);
    assert_int_equal(words[8], 15);
    for (int i = 0; i < 15; i++)
        assert_int_equal(marks[i], 0);
    ua_debug_verify(heap);
    ua_heap_close(heap);
}

struct vector {
    double x;
    void *owner;
};
UA_TYPE(vector_type, struct vector, UA_PTR(owner));

struct shape {
    uint32_t kind;
    union {
        void *pointer;
        double number;
    } either;
    struct vector corners[3];
    char name[24];
    struct shape *kids[70];
};
UA_TYPE(shape_type, struct shape, UA_PTR(either), UA_NESTED(corners, vector_type), UA_PTRS(kids, 70));

static void test_type_with_nested_arrays_and_unions(void **state)
{
    struct ua_heap *heap = ts_heap("safe", "gogc=off quarantine_limit=0 chunk_bytes=64KiB");
    struct ua_arena *arena = ua_arena_new(heap);
    struct shape *shape = ua_new(arena, &shape_type);
    uint64_t words[2];

    (void)state;
    assert_int_equal(sizeof *shape, 88 + 560);
    assert_int_equal(ua_debug_bitmap(heap, shape, 0, 2, words, NULL), 0);
    /* Words: 0 kind, 1 union, 2-7 corners (owner at 3 5 7), 8-10 name, 11-80 kids. */
    assert_int_equal(words[0], 0xfffffffffffff8aa);
    assert_int_equal(words[1], (1u << 17) - 1);
    ua_heap_close(heap);
}

/* safe and go: the chunk in hand goes on where it stopped, as in Go; kept begins it anew. */
static void test_reset_goes_on_or_rewinds(void **state)
{
    static const char *const presets[] = {"go", "kept", "safe"};

    (void)state;
    for (size_t p = 0; p < 3; p++) {
        struct ua_heap *heap = ts_heap(presets[p], TS_QUIET " chunk_bytes=64KiB");
        struct ua_arena *arena = ua_arena_new(heap);
        struct ua_where where[2];
        struct small_pointer *node = ua_new(arena, &small_pointer_type);

        node->x = node;
        assert_int_equal(ua_debug_where(heap, node, &where[0]), 0);
        assert_int_equal(ua_arena_reset(arena), 0);
        node = ua_new(arena, &small_pointer_type);
        assert_null(node->x);
        assert_int_equal(ua_debug_where(heap, node, &where[1]), 0);
        assert_int_equal(where[0].chunk_base, where[1].chunk_base);
        assert_int_equal(where[1].offset_bytes, strcmp(presets[p], "kept") == 0 ? 0 : sizeof *node);
        ua_heap_close(heap);
    }
}

static void test_reset_keeps_the_handle(void **state)
{
    static const char *const presets[] = {"go", "kept", "safe"};

    (void)state;
    for (size_t p = 0; p < 3; p++) {
        struct ua_heap *heap = ts_heap(presets[p], "gogc=off quarantine_limit=0 chunk_bytes=64KiB");
        struct ua_arena *arena = ua_arena_new(heap);
        size_t used;
        size_t held;

        for (int round = 0; round < 3; round++) {
            scribble(arena, 5000);
            assert_int_equal(ua_arena_reset(arena), 0);
            ua_arena_size(arena, &used, &held);
            assert_int_equal(used, 0);
            assert_int_equal(held, 64 << 10);
            ua_debug_verify(heap);
        }
        ua_arena_free(arena);
        ua_heap_close(heap);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scope_rewinds_across_chunks),
        cmocka_unit_test(test_scopes_need_kept),
        cmocka_unit_test(test_rewinding_another_arena_is_fatal),
        cmocka_unit_test(test_newest_slice_grows),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_pointers_after_an_alignment_gap),
        cmocka_unit_test(test_type_with_nested_arrays_and_unions),
        cmocka_unit_test(test_reset_goes_on_or_rewinds),
        cmocka_unit_test(test_reset_keeps_the_handle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
