/* test_death.c - misuse is fatal, with the message that the documentation promises; bad input comes back as an error. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "acct/acct.h"
#include "allocator/go_types.h"
#include "arena/arena.h"
#include "os/lock.h"
#include "support/death.h"
#include "support/make_heap.h"

UA_SCALAR_TYPE(byte_type, uint8_t);

static void double_free(void *arg)
{
    struct ua_arena *arena = ua_arena_new(ts_heap(arg, "gogc=off quarantine_limit=0 sanitizer=off"));

    ua_arena_free(arena);
    ua_arena_free(arena);
}

static void test_double_free(void **state)
{
    (void)state;
    ab_expect_fatal(double_free, "go", "arena double free");
    ab_expect_fatal(double_free, "safe", "arena double free");
    ab_expect_fatal(double_free, "kept", "arena double free");
}

/* The freed handle is noticed also after 1,000 further arenas. */
static void use_of_freed_handle(void *arg)
{
    struct ua_heap *heap = ts_heap("kept", "gogc=off quarantine_limit=0 sanitizer=off");
    struct ua_arena *arena = ua_arena_new(heap);

    (void)arg;
    ua_arena_free(arena);
    for (int i = 0; i < 1000; i++)
        ua_arena_free(ua_arena_new(heap));
    ua_new(arena, &small_pointer_type);
}

static void use_of_freed_handle_scalar(void *arg)
{
    struct ua_arena *arena = ua_arena_new(ts_heap("safe", "gogc=off quarantine_limit=0 sanitizer=off"));

    (void)arg;
    ua_arena_free(arena);
    ua_new(arena, &small_scalar_type);
}

static void test_use_of_freed_handle(void **state)
{
    (void)state;
    ab_expect_fatal(use_of_freed_handle, NULL, "ua_arena_alloc: the arena was freed");
    ab_expect_fatal(use_of_freed_handle_scalar, NULL, "ua_arena_alloc: the arena was freed");
}

static void foreign_free(void *arg)
{
    static struct ua_arena not_an_arena;

    (void)arg;
    ua_arena_free(&not_an_arena);
}

static void null_arena(void *arg)
{
    (void)arg;
    ua_arena_alloc(NULL, &byte_type, 1);
}

static void null_heap(void *arg)
{
    (void)arg;
    ua_arena_new(NULL);
}

static void test_null_and_foreign_pointers(void **state)
{
    struct ua_heap *heap = ts_heap("safe", "gogc=off quarantine_limit=0 sanitizer=off");

    (void)state;
    ab_expect_fatal(foreign_free, NULL, "ua_arena_free: not an arena");
    ab_expect_fatal(null_arena, NULL, "ua_arena_alloc: the arena is NULL");
    ab_expect_fatal(null_heap, NULL, "ua_arena_new: the heap is NULL");
    ua_arena_free(NULL);
    ua_heap_close(NULL);
    assert_false(ua_contains(heap, NULL));
    assert_false(ua_contains(heap, &heap));
    assert_false(ua_contains(heap, (void *)UINTPTR_MAX));
    ua_heap_close(heap);
}

struct packed {
    char c;
    void *p;
} __attribute__((packed));
UA_TYPE(packed_type, struct packed, UA_PTR(p));

struct two {
    void *p[2];
};
UA_TYPE(miscounted_type, struct two, UA_PTR(p));

struct page_pair {
    void *p;
} __attribute__((aligned(8192)));
UA_TYPE(too_aligned_type, struct page_pair, UA_PTR(p));
UA_SCALAR_TYPE(too_aligned_scalar_type, struct page_pair);

static void too_aligned_in_an_arena(void *arg)
{
    ua_arena_alloc(ua_arena_new(ts_heap("safe", "gogc=off quarantine_limit=0 sanitizer=off")), arg, 1);
}

static void too_aligned_inlined(void *arg)
{
    (void)arg;
    ua_new(ua_arena_new(ts_heap("safe", "gogc=off quarantine_limit=0 sanitizer=off")), &too_aligned_type);
}

static void too_aligned_in_the_heap(void *arg)
{
    ua_heap_alloc(ts_heap("safe", "gogc=off quarantine_limit=0 sanitizer=off"), arg, 1);
}

static void packed_pointer(void *arg)
{
    (void)arg;
    ua_new(ua_arena_new(ts_heap("safe", "gogc=off quarantine_limit=0 sanitizer=off")), &packed_type);
}

static void miscounted_pointer(void *arg)
{
    (void)arg;
    ua_new(ua_arena_new(ts_heap("safe", "gogc=off quarantine_limit=0 sanitizer=off")), &miscounted_type);
}

static void type_of_another_heap(void *arg)
{
    uint64_t mask = 1;
    const struct ua_type *type = ua_type_make(ts_heap("safe", "gogc=off quarantine_limit=0 sanitizer=off"), 8, 8, &mask, 1, "other");

    (void)arg;
    ua_arena_alloc(ua_arena_new(ts_heap("safe", "gogc=off quarantine_limit=0 sanitizer=off")), type, 1);
}

static void test_bad_types_are_fatal(void **state)
{
    (void)state;
    ab_expect_fatal(packed_pointer, NULL, "multiple of 8 bytes");
    ab_expect_fatal(miscounted_pointer, NULL, "not that many pointers");
    ab_expect_fatal(type_of_another_heap, NULL, "belongs to another heap");
    ab_expect_fatal(too_aligned_in_an_arena, (void *)(uintptr_t)&too_aligned_type, "power of two up to 4096");
    ab_expect_fatal(too_aligned_in_an_arena, (void *)(uintptr_t)&too_aligned_scalar_type, "power of two up to 4096");
    ab_expect_fatal(too_aligned_inlined, NULL, "power of two up to 4096");
    ab_expect_fatal(too_aligned_in_the_heap, (void *)(uintptr_t)&too_aligned_type, "power of two up to 4096");
}

static void test_bad_run_time_types(void **state)
{
    struct ua_heap *heap = ts_heap("safe", "gogc=off quarantine_limit=0 sanitizer=off");
    uint64_t mask = 7;

    (void)state;
    assert_null(ua_type_make(heap, 16, 8, &mask, 3, "mask longer than the type"));
    assert_int_equal(errno, EINVAL);
    assert_non_null(strstr(ua_last_error(), "longer"));
    assert_null(ua_type_make(heap, 24, 24, NULL, 0, "not a power of two"));
    assert_null(ua_type_make(heap, 8192, 8192, NULL, 0, "above 4096"));
    assert_null(ua_type_make(heap, 12, 8, NULL, 0, "size is no multiple"));
    assert_null(ua_type_make(heap, 12, 4, &mask, 1, "pointers at alignment 4"));
    assert_null(ua_type_make(heap, 24, 8, NULL, 1, "no mask"));
    assert_non_null(ua_type_make(heap, 24, 8, &mask, 3, NULL));
    ua_heap_close(heap);
}

static void test_overflow(void **state)
{
    struct ua_heap *heap = ts_heap("safe", "gogc=off quarantine_limit=0 sanitizer=off");
    struct ua_arena *arena = ua_arena_new(heap);
    struct ua_stats before;
    struct ua_stats after;
    struct small_pointer *slice = ua_slice(arena, &small_pointer_type, 2);
    volatile size_t huge = SIZE_MAX / 8 + 2;

    (void)state;
    ua_stats(heap, &before);
    assert_null(ua_slice(arena, &small_pointer_type, huge));
    assert_int_equal(errno, EOVERFLOW);
    assert_null(ua_slice(arena, &small_scalar_type, huge));
    assert_null(ua_slice(arena, &byte_type, (size_t)PTRDIFF_MAX + 1));
    assert_int_equal(errno, EOVERFLOW);
    assert_null(ua_slice(arena, &byte_type, SIZE_MAX));
    assert_null(ua_slice(arena, &byte_type, (size_t)1 << 60));
    assert_int_equal(errno, ENOMEM);
    /* The collected heap, growing, cloning. */
    errno = 0;
    assert_null(ua_heap_alloc(heap, &small_pointer_type, huge));
    assert_int_equal(errno, EOVERFLOW);
    errno = 0;
    assert_null(ua_slice_grow(arena, &small_pointer_type, slice, 2, huge));
    assert_int_equal(errno, EOVERFLOW);
    errno = 0;
    assert_null(ua_clone(heap, &small_pointer_type, slice, huge));
    assert_int_equal(errno, EOVERFLOW);
    ua_stats(heap, &after);
    assert_int_equal(before.heap_in_use_bytes, after.heap_in_use_bytes);
    assert_int_equal(before.large_alloc_count, after.large_alloc_count);
    ua_heap_close(heap);
}

static void test_type_ids_run_out(void **state)
{
    struct ua_heap *heap = ts_heap("kept", "gogc=off quarantine_limit=0 sanitizer=off");
    struct ua_heap *other;
    uint64_t mask = 1;
    size_t made = 0;

    (void)state;
    while (ua_type_make(heap, 8, 8, &mask, 1, "one of many") != NULL)
        made++;
    assert_int_equal(errno, ENOSPC);
    /* Compile-time types that this process registered before count too. */
    assert_true(made > 65535 - 64 && made <= 65535);
    other = ts_heap("kept", "gogc=off quarantine_limit=0 sanitizer=off");
    assert_non_null(ua_type_make(other, 8, 8, &mask, 1, "another heap has its own"));
    ua_heap_close(other);
    ua_heap_close(heap);
}

static void rank_violation(void *arg)
{
    struct ua_lock low;
    struct ua_lock high;

    (void)arg;
    ua_lock_init(&low, UA_RANK_CHUNKS, NULL);
    ua_lock_init(&high, UA_RANK_META, NULL);
    ua_lock_acquire(&high);
    ua_lock_acquire(&low);
}

static void overdraft(void *arg)
{
    struct ua_acct acct;

    (void)arg;
    ua_acct_init(&acct);
    ua_acct_move(&acct, UA_ACCT_NONE, UA_ACCT_RESERVED, 4096);
    ua_acct_move(&acct, UA_ACCT_RESERVED, UA_ACCT_IN_USE, 8192);
}

static void test_lock_rank_violation(void **state)
{
    (void)state;
    ab_expect_fatal(rank_violation, NULL, "lock rank violation");
}

static void test_ledger_overdraft(void **state)
{
    (void)state;
    ab_expect_fatal(overdraft, NULL, "ledger overdraft");
}

static void chunk_in_mark_termination(void *arg)
{
    struct ua_heap *heap = ts_heap("go", "gogc=off quarantine_limit=0 sanitizer=off");

    (void)arg;
    ua_chunk_set_phase(&heap->chunks, UA_PHASE_MARK_TERMINATION);
    ua_arena_new(heap);
}

static void lost_full_chunk(void *arg)
{
    struct ua_arena *arena = ua_arena_new(ts_heap("go", "gogc=off quarantine_limit=0 sanitizer=off"));

    (void)arg;
    arena->chunk_count++;
    ua_arena_free(arena);
}

/* Given up with that many bytes free. */
static void wasted_chunk(void *arg)
{
    struct ua_heap *heap = ts_heap("go", "gogc=off quarantine_limit=0 sanitizer=off");
    struct ua_arena *arena = ua_arena_new(heap);

    ua_chunk_fill(&heap->chunks, arena->active, arena->fast.back - *(const size_t *)arg, arena->fast.back, arena->fast.log);
}

/* Options refuse such sizes with a value; this is the check behind them, at start, as Go's. */
static void chunk_of(void *arg)
{
    struct ua_options options;

    ua_options_preset(&options, "go");
    options.chunk_bytes = *(const size_t *)arg;
    ua_heap_create(&options, &ua_vm_linux, NULL);
}

static void test_chunk_geometry_is_checked_at_start(void **state)
{
    size_t not_pages = ((size_t)1 << 20) + 4096;
    size_t no_divisor = (size_t)3 << 20;

    (void)state;
    ab_expect_fatal(chunk_of, &not_pages, "user arena chunk size is not a multiple of the page size");
    ab_expect_fatal(chunk_of, &no_divisor, "user arena chunk size does not divide a heap arena");
}

static void test_go_throws(void **state)
{
    size_t most = ((size_t)2 << 20) + 4096 - 1;
    size_t too_much = most + 1;
    struct ab_death death;

    (void)state;
    ab_expect_fatal(chunk_in_mark_termination, NULL, "in mark termination");
    ab_expect_fatal(lost_full_chunk, NULL, "full list doesn't match refs list in length");
    /* What may be left over: no room for the largest object at the largest alignment. */
    ab_run_in_child(wasted_chunk, &most, &death);
    assert_true(death.exited && death.exit_status == 0);
    ab_expect_fatal(wasted_chunk, &too_much, "wasted too much memory in an arena chunk");
}

static void read_after_free_quietly(void *arg)
{
    struct ua_arena *arena = ua_arena_new(ts_heap(arg, "gogc=off quarantine_limit=0 sanitizer=off"));
    volatile uint8_t *first = ua_slice(arena, &byte_type, 2 << 20);

    for (int i = 0; i < 5; i++)
        ua_slice(arena, &byte_type, 2 << 20);
    first[0] = 1;
    ua_arena_free(arena);
    first[0] = 2;
}

static void read_after_free(void *arg)
{
    signal(SIGSEGV, SIG_DFL); /* cmocka's handler would go on with the parent's tests */
    read_after_free_quietly(arg);
}

static void test_use_after_free_faults(void **state)
{
    struct ab_death death;

    (void)state;
    ab_run_in_child(read_after_free, "go", &death);
    assert_true(!death.exited || death.exit_status != 0); /* a sanitizer turns the signal into an exit */
    ab_run_in_child(read_after_free, "safe", &death);
    assert_true(!death.exited || death.exit_status != 0);
    ab_run_in_child(read_after_free, "kept", &death);
    assert_true(death.exited && death.exit_status == 0);
}

static void read_after_free_explained(void *arg)
{
    signal(SIGSEGV, SIG_DFL);
    ua_fault_handler_install();
    read_after_free_quietly(arg);
}

static void null_read_explained(void *arg)
{
    volatile int *volatile near_null = (volatile int *)(uintptr_t)8;

    signal(SIGSEGV, SIG_DFL);
    ua_fault_handler_install();
    ua_arena_new(ts_heap(arg, "gogc=off quarantine_limit=0 sanitizer=off"));
    *near_null = 1;
}

static void test_fault_handler_names_the_arena(void **state)
{
    struct ab_death death;

    (void)state;
    ab_expect_fatal(read_after_free_explained, "go", "accessed data from freed user arena 0x");
    ab_expect_fatal(read_after_free_explained, "safe", "accessed data from freed user arena 0x");
    ab_run_in_child(null_read_explained, "go", &death);
    assert_true(!death.exited || death.exit_status != 0);
    assert_null(strstr(death.stderr_text, "freed user arena"));
}

static void test_option_words(void **state)
{
    struct ua_options options;

    (void)state;
    assert_int_equal(ua_options_preset(&options, "fast"), -1);
    assert_non_null(strstr(ua_last_error(), "safe, go or kept"));
    ua_options_preset(&options, "safe");
    assert_int_equal(ua_options_set(&options, "prezero", "all"), -1);
    assert_non_null(strstr(ua_last_error(), "chunk, populate, window, background or none"));
    assert_int_equal(options.prezero, UA_PREZERO_WINDOW);
    assert_int_equal(ua_options_set(&options, "prezero", "background"), 0);
    assert_int_equal(options.prezero, UA_PREZERO_BACKGROUND);
    assert_int_equal(ua_options_set(&options, "verify", "bitmap"), 0);
    assert_int_equal(ua_options_set(&options, "colour", "red"), -1);
    assert_non_null(strstr(ua_last_error(), "prezero"));
    assert_int_equal(ua_options_set(&options, "chunk_bytes", "1MiB"), 0);
    assert_int_equal(options.chunk_bytes, 1 << 20);
    assert_int_equal(ua_options_set(&options, "chunk_bytes", "3MiB"), -1);
    assert_int_equal(ua_options_set(&options, "chunk_bytes", "128MiB"), -1);
    assert_int_equal(options.chunk_bytes, 1 << 20);
    assert_int_equal(ua_options_set(&options, "gogc", "off"), 0);
    assert_int_equal(options.gogc, -1);
    assert_int_equal(ua_options_set(&options, "gogc", "200"), 0);
    assert_int_equal(ua_options_set(&options, "memory_limit", "1GiB"), 0);
    assert_int_equal(options.memory_limit_bytes, 1 << 30);
    assert_int_equal(ua_options_set(&options, "memory_limit", "-1"), -1);
    assert_int_equal(ua_options_set(&options, "assist", "off"), 0);
    assert_int_equal(options.assist, 0);
    options.chunk_bytes = 12345;
    assert_null(ua_heap_new(&options));
    assert_int_equal(errno, EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_double_free),
        cmocka_unit_test(test_use_of_freed_handle),
        cmocka_unit_test(test_null_and_foreign_pointers),
        cmocka_unit_test(test_bad_types_are_fatal),
        cmocka_unit_test(test_bad_run_time_types),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_lock_rank_violation),
        cmocka_unit_test(test_ledger_overdraft),
        cmocka_unit_test(test_chunk_geometry_is_checked_at_start),
        cmocka_unit_test(test_go_throws),
        cmocka_unit_test(test_use_after_free_faults),
        cmocka_unit_test(test_fault_handler_names_the_arena),
        cmocka_unit_test(test_option_words),
        cmocka_unit_test(test_type_ids_run_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
