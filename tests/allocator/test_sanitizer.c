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

#include "allocator/go_types.h"
#include "os/san.h"
#include "support/death.h"
#include "support/make_heap.h"
#include "support/tools.h"

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#define ERRORS_OF_MEMCHECK VALGRIND_COUNT_ERRORS
#else
#define ERRORS_OF_MEMCHECK 0u
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"arena_fail", test_use_after_free_is_reported, NULL, NULL, NULL},
        cmocka_unit_test(test_write_to_a_freed_arena_is_reported),
        cmocka_unit_test(test_overflow_past_the_last_object_is_reported),
        cmocka_unit_test(test_read_of_a_reset_arena_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
