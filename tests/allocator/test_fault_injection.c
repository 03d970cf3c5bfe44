/* test_fault_injection.c - every system call fails once in every place.
 *
 * One script of public calls is run with the N-th system call failing, for every N until none fails. A call that fails
 * must say so and change nothing: the ledger but for reserved address space and metadata is as before, the heap verifies,
 * and the same call made again works. Free never fails.
 *
 * test_fault_injection [STEP]: only each STEP-th N (1). No thread but the script's runs, so ThreadSanitizer, under which the
 * whole takes four minutes, is content with some of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ua_debug.h>

#include "allocator/failing_vm.h"
#include "allocator/go_types.h"
#include "arena/arena.h"

static size_t step_count = 1;

struct run {
    struct failing_vm vm;
    struct ua_heap *heap;
    size_t errors;
};

struct figures {
    uint64_t in_use, kept, live, alloc_count;
    size_t active, reuse, quarantine;
};

static struct figures figures_of(struct ua_heap *heap)
{
    struct ua_stats stats;

    ua_stats(heap, &stats);
    return (struct figures){stats.heap_in_use_bytes, stats.kept_resident_bytes, stats.heap_live_bytes,
                            stats.large_alloc_count, stats.chunks_active,       stats.chunks_reuse,
                            stats.chunks_quarantine};
}

/* After a failed call. */
static void check_unchanged(struct run *run, const struct figures *before)
{
    struct figures after = figures_of(run->heap);

    run->errors++;
    assert_memory_equal(before, &after, sizeof after);
    assert_true(strcmp(ua_last_error(), "no error") != 0);
    ua_debug_verify(run->heap);
}

static struct ua_arena *new_arena(struct run *run)
{
    struct figures before = figures_of(run->heap);
    struct ua_arena *arena = ua_arena_new(run->heap);

    if (arena != NULL)
        return arena;
    check_unchanged(run, &before);
    arena = ua_arena_new(run->heap);
    assert_non_null(arena);
    return arena;
}

static void *allocate(struct run *run, struct ua_arena *arena, const struct ua_type *type, size_t count)
{
    struct figures before = figures_of(run->heap);
    size_t used_before;
    size_t used_after;
    uint8_t *object;

    ua_arena_size(arena, &used_before, NULL);
    object = ua_arena_alloc(arena, type, count);
    if (object == NULL) {
        ua_arena_size(arena, &used_after, NULL);
        assert_int_equal(used_after, used_before);
        check_unchanged(run, &before);
        object = ua_arena_alloc(arena, type, count);
    }
    assert_non_null(object);
    for (size_t i = 0; i < type->size_bytes * count; i += (size_t)64 << 10)
        assert_int_equal(object[i], 0);
    object[0] = 1;
    object[type->size_bytes * count - 1] = 1;
    return object;
}

static const struct ua_type *make_type(struct run *run, size_t words)
{
    static uint64_t mask[64];
    const struct ua_type *type;

    memset(mask, 0xff, sizeof mask);
    type = ua_type_make(run->heap, words * 8, 8, mask, words, "t");
    if (type == NULL) {
        run->errors++;
        assert_int_equal(errno, ENOMEM);
        type = ua_type_make(run->heap, words * 8, 8, mask, words, "t");
    }
    assert_non_null(type);
    return type;
}

static void script(struct run *run)
{
    struct ua_arena *first = new_arena(run);
    struct ua_arena *second;
    const struct ua_type *type = make_type(run, 300);

    for (int i = 0; i < 20; i++) {
        allocate(run, first, type, 20);
        allocate(run, first, &medium_scalar_odd_type, 15);
    }
    second = new_arena(run);
    allocate(run, second, &small_pointer_type, 1000);
    allocate(run, second, &large_pointer_type, 1);
    allocate(run, second, &medium_scalar_even_type, 9000); /* longer than a heap arena */
    ua_arena_free(first);
    ua_debug_verify(run->heap);
    for (int i = 0; i < 40; i++)
        allocate(run, second, &medium_scalar_odd_type, 15);
    if (ua_arena_reset(second) != 0) {
        run->errors++;
        assert_int_equal(ua_arena_reset(second), 0);
    }
    ua_trim(run->heap);
    ua_debug_verify(run->heap);
    first = new_arena(run);
    for (int i = 0; i < 40; i++)
        allocate(run, first, &medium_scalar_odd_type, 15);
    ua_arena_free(second);
    ua_arena_free(first);
    ua_debug_verify(run->heap);
}

/* Number of calls that the script makes when none fails. */
static size_t run_once(const struct ua_options *options, size_t fail_at, size_t *errors)
{
    struct run run = {.vm = {.fail_at = fail_at}};

    run.heap = ua_heap_create(options, &failing_vm_ops, &run.vm);
    if (run.heap == NULL) {
        assert_true(run.vm.failed);
        run.heap = ua_heap_create(options, &failing_vm_ops, &run.vm);
        assert_non_null(run.heap);
        run.errors++;
    }
    script(&run);
    *errors += run.errors;
    ua_heap_destroy(run.heap); /* made below the registry */
    return run.vm.calls;
}

static void fail_everywhere(const char *preset, const char *option, const char *value)
{
    struct ua_options options;
    size_t calls;
    size_t errors = 0;

    assert_int_equal(ua_options_preset(&options, preset), 0);
    options.chunk_bytes = (size_t)256 << 10;
    if (option != NULL)
        assert_int_equal(ua_options_set(&options, option, value), 0);
    calls = run_once(&options, 0, &errors);
    assert_int_equal(errors, 0);
    assert_true(calls > 20);
    for (size_t n = 1; n <= calls; n += step_count)
        run_once(&options, n, &errors);
    /* Not every call's failure may be swallowed: mapping and reserving have to come back as errors. */
    assert_true(errors >= (step_count == 1 ? 5 : 1));
}

static void test_every_call_fails_once(void **state)
{
    (void)state;
    fail_everywhere("safe", NULL, NULL);
    fail_everywhere("go", NULL, NULL);
    fail_everywhere("kept", NULL, NULL);
    fail_everywhere("kept", "fault", "protect");
    fail_everywhere("safe", "prezero", "populate");
}

/* A chunk that cannot be set to fault waits unprotected, is counted, and is protected by a later free. */
static void test_unprotected_chunks_are_retried(void **state)
{
    struct ua_options options;
    struct run run = {0};
    struct ua_arena *arena;
    struct ua_stats stats;

    (void)state;
    ua_options_preset(&options, "safe");
    options.chunk_bytes = (size_t)64 << 10;
    options.sanitizer = UA_SANITIZER_OFF;
    run.heap = ua_heap_create(&options, &failing_vm_ops, &run.vm);
    arena = new_arena(&run);
    allocate(&run, arena, &medium_scalar_even_type, 1);
    for (int i = 0; i < 12; i++)
        allocate(&run, arena, &medium_scalar_even_type, 1);
    run.vm.fail_at = run.vm.calls + 1;
    ua_arena_free(arena);
    ua_stats(run.heap, &stats);
    assert_int_equal(stats.chunks_quarantine, 1);
    /* The retry of the same free, after the failed call, has worked already. */
    assert_int_equal(stats.chunks_unprotected, 0);
    assert_int_equal(stats.sys_protect_count, 2);
    ua_debug_verify(run.heap);
    ua_heap_destroy(run.heap); /* made below the registry */
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_call_fails_once),
        cmocka_unit_test(test_unprotected_chunks_are_retried),
    };

    if (argc > 1)
        step_count = strtoul(argv[1], NULL, 10);
    if (step_count == 0)
        return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
