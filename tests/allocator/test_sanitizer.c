/* test_sanitizer.c - what a sanitizer must see: use after free, overflow past the last object, reads of a freed arena.
 *
 * Go's testsanitizers/arena_fail and more. ASan reports the access itself, before it is made. MSan reports a decision on what
 * was read, so memory that was set to fault traps first: its words under the preset that does not (kept), the trap under the
 * others; writes it does not see at all. Without a sanitizer there is nothing to see: skipped, and said so. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <ua_debug.h>

#include "allocator/go_types.h"
#include "os/san.h"
#include "support/death.h"
#include "support/make_heap.h"
#include "support/tools.h"

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define ERRORS_OF_MEMCHECK VALGRIND_COUNT_ERRORS
#else
#define ERRORS_OF_MEMCHECK 0u
#define VALGRIND_GET_VBITS(at, bits, bytes) ((void)(at), (void)(bits), 0u)
#define VALGRIND_MEMPOOL_EXISTS(pool) ((void)(pool), 0)
#endif

#define BY_MEMCHECK "memcheck has counted it"

UA_SCALAR_TYPE(byte_type, uint8_t);

static void arena_fail(void *arg)
{
    struct ua_arena *arena = ua_arena_new(ts_heap(arg, "gogc=off"));
    volatile uint8_t *x = ua_slice(arena, &byte_type, 200);

    x[0] = 1;
    ua_arena_free(arena);
    if (x[0] == 1)
        x[1] = x[0];
}

static void write_to_a_freed_arena(void *arg)
{
    struct ua_arena *arena = ua_arena_new(ts_heap(arg, "gogc=off"));
    volatile struct small_pointer *node = ua_new(arena, &small_pointer_type);

    ua_arena_free(arena);
    node->x = NULL;
}

static void overflow_past_the_last_object(void *arg)
{
    struct ua_arena *arena = ua_arena_new(ts_heap(arg, "gogc=off"));
    struct small_pointer *nodes = ua_slice(arena, &small_pointer_type, 10);
    volatile uint8_t *after = (uint8_t *)(nodes + 10);

    if (!TS_UNDER_MSAN || *after == 0)
        *after = 1;
}

static void read_of_a_reset_arena(void *arg)
{
    struct ua_arena *arena = ua_arena_new(ts_heap(arg, "gogc=off"));
    volatile struct small_pointer *node = ua_new(arena, &small_pointer_type);

    ua_arena_reset(arena);
    if (node->x == NULL)
        node->x = NULL;
}

enum access { OVERFLOW, READ_OF_FREED, WRITE_TO_FREED };

/* What is on stderr; NULL: nothing, which is MSan's way with writes. Freed memory was set to fault, but for preset kept. */
static const char *report_of(enum access access, bool kept)
{
    if (TS_UNDER_ASAN)
        return "use-after-poison";
    if (!TS_UNDER_MSAN)
        return BY_MEMCHECK;
    if (access != OVERFLOW && !kept)
        return "Segmentation fault";
    return access == WRITE_TO_FREED ? NULL : "use-of-uninitialized-value";
}

static unsigned errors_before;

static void say_whether_reported(int number)
{
    if (ERRORS_OF_MEMCHECK > errors_before)
        fputs(BY_MEMCHECK, stderr);
    fflush(stderr);
    if (number != 0)
        _exit(1);
}

static void (*accessed)(void *);

/* memcheck's own words go where the parent's standard error went when it began, so it is asked for its count. */
static void count_reports(void *arg)
{
    errors_before = ERRORS_OF_MEMCHECK;
    signal(SIGSEGV, say_whether_reported);
    accessed(arg);
    say_whether_reported(0);
}

/* Under every preset. */
static void expect_report(void (*fn)(void *), enum access access)
{
    static const char *const presets[] = {"go", "kept", "safe"};

    if (!ua_san_watches()) {
        printf("no sanitizer watches: skipped\n");
        skip();
    }
    accessed = fn;
    for (size_t p = 0; p < 3; p++) {
        const char *report = report_of(access, strcmp(presets[p], "kept") == 0);

        if (report != NULL)
            ab_expect_fatal(strcmp(report, BY_MEMCHECK) == 0 ? count_reports : fn, (void *)(uintptr_t)presets[p], report);
    }
}

static void test_use_after_free_is_reported(void **state)
{
    (void)state;
    expect_report(arena_fail, READ_OF_FREED);
}

static void test_write_to_a_freed_arena_is_reported(void **state)
{
    (void)state;
    expect_report(write_to_a_freed_arena, WRITE_TO_FREED);
}

static void test_overflow_past_the_last_object_is_reported(void **state)
{
    (void)state;
    expect_report(overflow_past_the_last_object, OVERFLOW);
}

static void test_read_of_a_reset_arena_is_reported(void **state)
{
    (void)state;
    expect_report(read_of_a_reset_arena, READ_OF_FREED);
}

/* As in Go: under a sanitizer the chunk in hand is freed with its arena and not handed to the next one, and its end is a redzone. */
static void test_the_active_chunk_is_not_used_again(void **state)
{
    static const char *const presets[] = {"go", "safe"};
    bool watched = ua_san_watches();

    (void)state;
    for (size_t p = 0; p < 2; p++) {
        struct ua_heap *heap = ts_heap(presets[p], "gogc=off roots=registered");
        struct ua_lists lists;
        struct ua_where where[2];

        for (size_t i = 0; i < 2; i++) {
            struct ua_arena *arena = ua_arena_new(heap);

            assert_int_equal(ua_debug_where(heap, ua_new(arena, &small_pointer_type), &where[i]), 0);
            assert_int_equal(where[i].free_high, (8 << 20) - (watched ? 2048 : 0));
            ua_arena_free(arena);
            ua_debug_lists(heap, &lists);
            assert_int_equal(lists.reuse, watched ? 0 : 1);
            assert_int_equal(lists.quarantine, watched ? i + 1 : 0);
        }
        assert_int_equal(where[0].chunk_base != where[1].chunk_base, watched);
        ua_heap_close(heap);
    }
}

/* What memcheck says of a byte: 3 = may not be touched, 1 = may. */
static unsigned access_of(const void *at)
{
    unsigned char bits;

    return VALGRIND_GET_VBITS(at, &bits, 1);
}

/* memcheck's pools follow the chunk: an object is a block of one, and goes with a rewind, with a free, and with the heap. */
static void test_memcheck_has_a_pool_for_each_end(void **state)
{
    struct ua_heap *heap;
    struct ua_arena *arena;
    struct ua_scope scope;
    struct ua_where where;
    void *kept[2];
    void *cut[2];

    (void)state;
    if (!ua_san_watches() || TS_UNDER_ASAN || TS_UNDER_MSAN) {
        printf("not under memcheck: skipped\n");
        skip();
    }
    heap = ts_heap("kept", "gogc=off");
    arena = ua_arena_new(heap);
    kept[0] = ua_new(arena, &small_pointer_type);
    kept[1] = ua_slice(arena, &byte_type, 24);
    assert_int_equal(ua_arena_mark(arena, &scope), 0);
    cut[0] = ua_new(arena, &small_pointer_type);
    cut[1] = ua_slice(arena, &byte_type, 24);
    assert_int_equal(ua_debug_where(heap, kept[0], &where), 0);
    assert_int_equal(VALGRIND_MEMPOOL_EXISTS(where.chunk_base + UA_SAN_FRONT), 1);
    assert_int_equal(VALGRIND_MEMPOOL_EXISTS(where.chunk_base + UA_SAN_BACK), 1);
    for (int end = 0; end < 2; end++)
        assert_true(access_of(kept[end]) == 1 && access_of(cut[end]) == 1);
    ua_arena_rewind(arena, &scope);
    for (int end = 0; end < 2; end++)
        assert_true(access_of(kept[end]) == 1 && access_of(cut[end]) == 3);
    cut[0] = ua_new(arena, &small_pointer_type);
    assert_int_equal(access_of(cut[0]), 1);
    ua_arena_free(arena);
    assert_int_equal(access_of(kept[0]), 3);
    assert_int_equal(VALGRIND_MEMPOOL_EXISTS(where.chunk_base + UA_SAN_FRONT), 0);
    arena = ua_arena_new(heap);
    kept[0] = ua_new(arena, &small_pointer_type);
    assert_int_equal(ua_debug_where(heap, kept[0], &where), 0);
    ua_heap_close(heap);
    assert_int_equal(VALGRIND_MEMPOOL_EXISTS(where.chunk_base + UA_SAN_FRONT), 0);
    assert_int_equal(VALGRIND_MEMPOOL_EXISTS(where.chunk_base + UA_SAN_BACK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"arena_fail", test_use_after_free_is_reported, NULL, NULL, NULL},
        cmocka_unit_test(test_write_to_a_freed_arena_is_reported),
        cmocka_unit_test(test_overflow_past_the_last_object_is_reported),
        cmocka_unit_test(test_read_of_a_reset_arena_is_reported),
        cmocka_unit_test(test_the_active_chunk_is_not_used_again),
        cmocka_unit_test(test_memcheck_has_a_pool_for_each_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
