/* test_sanitizer.c - what a sanitizer must see: use after free, overflow past the last object, reads of a freed arena.
 *
 * Go's testsanitizers/arena_fail and more. ASan reports the access itself, before it is made. MSan reports a decision on what
 * was read, so memory that was set to fault traps first: its words under the preset that does not (kept), the trap under the
 * others; writes it does not see at all. Without a sanitizer there is nothing to see: skipped, and said so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "allocator/go_types.h"
#include "os/san.h"
#include "support/death.h"
#include "support/make_heap.h"

UA_SCALAR_TYPE(byte_type, uint8_t);

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define UNDER_MSAN 1
#endif
#endif
#ifndef UNDER_MSAN
#define UNDER_MSAN 0
#endif

static void arena_fail(void *arg)
{
    struct ua_arena *arena = ua_arena_new(ts_heap(arg, "gogc=off"));
    volatile uint8_t *x = ua_slice(arena, &byte_type, 200);

    x[0] = 1;
    ua_arena_free(arena);
    if (x[0] == 1)
        x[1] = x[0];
}

static void overflow_past_the_last_object(void *arg)
{
    struct ua_arena *arena = ua_arena_new(ts_heap(arg, "gogc=off"));
    struct small_pointer *nodes = ua_slice(arena, &small_pointer_type, 10);
    volatile uint8_t *after = (uint8_t *)(nodes + 10);

    if (!UNDER_MSAN || *after == 0)
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

/* Under every preset. `traps`: the memory was set to fault before, but for preset kept. */
static void expect_report(void (*fn)(void *), bool traps)
{
    static const char *const presets[] = {"go", "kept", "safe"};

    if (!ua_san_watches()) {
        printf("no sanitizer watches: skipped\n");
        skip();
    }
    for (size_t p = 0; p < 3; p++)
        ab_expect_fatal(fn, (void *)(uintptr_t)presets[p],
                        !UNDER_MSAN                                ? "use-after-poison"
                        : traps && strcmp(presets[p], "kept") != 0 ? "Segmentation fault"
                                                                   : "use-of-uninitialized-value");
}

static void test_use_after_free_is_reported(void **state)
{
    (void)state;
    expect_report(arena_fail, true);
}

static void test_overflow_past_the_last_object_is_reported(void **state)
{
    (void)state;
    expect_report(overflow_past_the_last_object, false);
}

static void test_read_of_a_reset_arena_is_reported(void **state)
{
    (void)state;
    expect_report(read_of_a_reset_arena, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"arena_fail", test_use_after_free_is_reported, NULL, NULL, NULL},
        cmocka_unit_test(test_overflow_past_the_last_object_is_reported),
        cmocka_unit_test(test_read_of_a_reset_arena_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
