/* test_profile.c - the sampled profile: planted sites are found in the file, with Go's figures, and go when freed. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <ua_debug.h>

#include "allocator/go_types.h"
#include "allocator/heap_profile.h"
#include "debug/profile.h"

#define CHUNK 8388608u

struct mib {
    uint8_t x[1 << 20];
};
UA_SCALAR_TYPE(mib_type, struct mib);
UA_SCALAR_TYPE(byte_type, uint8_t);

/* Planted code lies in a section of its own, so that a frame's address tells whether it is in there. */
#define PLANTED __attribute__((noinline, section("planted_text")))
extern const char __start_planted_text[], __stop_planted_text[];

static char folder[] = "/tmp/ua_profile_XXXXXX";
static char path[sizeof folder + 16];

static struct ua_heap *heap_of(const char *preset, const char *rate)
{
    struct ua_options options;
    struct ua_heap *heap;

    ua_options_preset(&options, preset);
    options.sanitizer = UA_SANITIZER_OFF;
    options.gogc = UA_GOGC_OFF;
    options.quarantine_limit_bytes = 0;
    options.roots = UA_ROOTS_REGISTERED;
    assert_int_equal(ua_options_set(&options, "profile_rate", rate), 0);
    heap = ua_heap_new(&options);
    assert_non_null(heap);
    return heap;
}

PLANTED static struct ua_arena *planted_arena(struct ua_heap *heap)
{
    struct ua_arena *volatile arena = ua_arena_new(heap);

    return arena;
}

PLANTED static void planted_fill(struct ua_arena *arena, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_non_null(ua_arena_alloc(arena, &mib_type, 1));
}

PLANTED static void *planted_large(struct ua_arena *arena)
{
    void *volatile object = ua_arena_alloc(arena, &byte_type, 3 << 20);

    return object;
}

static struct decoded_profile profile_of(struct ua_heap *heap)
{
    struct decoded_profile decoded;

    assert_int_equal(ua_profile_write(heap, path), 0);
    profile_decode(path, __start_planted_text, __stop_planted_text, &decoded);
    return decoded;
}

static void expect_planted(struct ua_heap *heap, size_t in_use_count, size_t alloc_count, size_t bytes_each)
{
    struct decoded_profile decoded = profile_of(heap);

    assert_int_equal(decoded.planted.in_use_count, in_use_count);
    assert_int_equal(decoded.planted.in_use_bytes, in_use_count * bytes_each);
    assert_int_equal(decoded.planted.alloc_count, alloc_count);
    assert_int_equal(decoded.planted.alloc_bytes, alloc_count * bytes_each);
}

static void test_the_file_names_the_planted_site(void **state)
{
    struct ua_heap *heap = heap_of("go", "512KiB");
    struct ua_arena *arena = planted_arena(heap);
    struct decoded_profile decoded = profile_of(heap);

    (void)state;
    assert_int_equal(decoded.rate, 524288);
    assert_int_equal(decoded.planted_sites, 1);
    assert_int_equal(decoded.planted.in_use_count, 1);
    assert_int_equal(decoded.planted.in_use_bytes, 8388608);
    assert_true(decoded.planted_mapped);
    /* Another place is another line. */
    ua_arena_new(heap);
    decoded = profile_of(heap);
    assert_int_equal(decoded.sites, 2);
    assert_int_equal(decoded.sum.in_use_bytes, 2 * 8388608);
    assert_int_equal(decoded.planted.in_use_bytes, 8388608);
    ua_arena_free(arena);
    ua_heap_close(heap);
}

static void profile_of_three_chunks(const char *preset)
{
    struct ua_heap *heap = heap_of(preset, "1");
    struct ua_arena *arena = planted_arena(heap);
    struct ua_arena *next;

    planted_fill(arena, 20);
    expect_planted(heap, 3, 3, CHUNK);
    ua_arena_free(arena);
    /* The active chunk lives on the reuse list, on the account of who took it, as in Go. */
    expect_planted(heap, 1, 3, CHUNK);
    next = ua_arena_new(heap);
    for (int i = 0; i < 9; i++)
        assert_non_null(ua_arena_alloc(next, &mib_type, 1));
    expect_planted(heap, 1, 3, CHUNK);
    ua_arena_free(next);
    expect_planted(heap, 0, 3, CHUNK);
    ua_heap_close(heap);
}

static void test_in_use_goes_to_zero(void **state)
{
    (void)state;
    profile_of_three_chunks("go");
    profile_of_three_chunks("safe");
    profile_of_three_chunks("kept");
}

static void test_freed_in_a_mark_is_in_use_until_its_end(void **state)
{
    struct ua_heap *heap = heap_of("go", "1");
    struct ua_arena *arena = planted_arena(heap);

    (void)state;
    planted_fill(arena, 9);
    ua_debug_mark_begin(heap);
    ua_arena_free(arena);
    expect_planted(heap, 2, 2, CHUNK);
    ua_debug_mark_end(heap);
    expect_planted(heap, 1, 2, CHUNK);
    ua_heap_close(heap);
}

static void test_large_objects_are_sampled(void **state)
{
    struct ua_heap *heap = heap_of("go", "1");
    struct ua_arena *arena = ua_arena_new(heap);
    void *object = planted_large(arena);

    (void)state;
    expect_planted(heap, 1, 1, 3 << 20);
    ua_heap_free(heap, object);
    expect_planted(heap, 0, 1, 3 << 20);
    planted_large(arena);
    expect_planted(heap, 1, 2, 3 << 20);
    ua_collect(heap);
    expect_planted(heap, 0, 2, 3 << 20);
    ua_heap_close(heap);
}

static void test_rewound_scopes_are_booked(void **state)
{
    struct ua_heap *heap = heap_of("kept", "1");
    struct ua_arena *arena = ua_arena_new(heap);
    struct ua_scope scope;

    (void)state;
    assert_int_equal(ua_arena_mark(arena, &scope), 0);
    planted_fill(arena, 20);
    expect_planted(heap, 2, 2, CHUNK);
    ua_arena_rewind(arena, &scope);
    expect_planted(heap, 0, 2, CHUNK);
    ua_heap_close(heap);
}

/* A chunk below the distance is sampled with probability 1 - exp(-size / rate), and the reader's scaling restores the sum. */
static void test_countdown_samples_by_bytes(void **state)
{
    struct ua_heap *heap;
    struct ua_options options;
    struct decoded_profile decoded;
    double share = 1 - exp(-65536.0 / 524288.0);
    const size_t chunks = 4096;

    (void)state;
    ua_options_preset(&options, "kept");
    options.sanitizer = UA_SANITIZER_OFF;
    options.chunk_bytes = 65536;
    options.huge_pages = UA_HUGE_NEVER;
    options.profile_rate_bytes = 524288;
    heap = ua_heap_new(&options);
    for (size_t round = 0; round < chunks / 64; round++) {
        struct ua_arena *arena = ua_arena_new(heap);
        struct ua_stats stats;

        while (ua_stats(heap, &stats), stats.chunks_active < 64)
            assert_non_null(ua_arena_alloc(arena, &byte_type, 16384));
        ua_arena_free(arena);
    }
    decoded = profile_of(heap);
    /* 63 of 64: the first chunk of a round comes from the reuse list. */
    assert_true(fabs((double)decoded.sum.alloc_count / ((double)chunks * 63 / 64 + 1) - share) < 0.015);
    assert_true(decoded.sum.in_use_count <= 1);
    ua_heap_close(heap);
}

static void test_next_sample_is_exponential(void **state)
{
    uint64_t random = 42;
    double sum = 0;
    double above = 0;
    const int draws = 200000;

    (void)state;
    for (int i = 0; i < draws; i++) {
        uint64_t next = ua_profile_next_sample(524288, &random);

        assert_in_range(next, 1, (uint64_t)(26 * 0.6931471806 * 524288) + 1);
        sum += (double)next;
        above += next > 524288;
    }
    assert_true(fabs(sum / draws / 524288 - 1) < 0.01);
    assert_true(fabs(above / draws - exp(-1)) < 0.005);
    assert_int_equal(ua_profile_next_sample(1, &random), 0);
    assert_true(ua_profile_next_sample(UINT64_MAX, &random) <= (uint64_t)(26 * 0.6931471806 * 0x7000000) + 1);
}

static void test_bad_input(void **state)
{
    struct ua_heap *heap = heap_of("go", "off");
    char nowhere[PATH_MAX + 8];
    struct ua_options options;
    int fd;

    (void)state;
    assert_int_equal(ua_profile_write(heap, path), -1);
    assert_int_equal(errno, EINVAL);
    assert_non_null(strstr(ua_last_error(), "profile_rate is off"));
    ua_heap_close(heap);
    ua_options_preset(&options, "safe");
    assert_int_equal(ua_options_set(&options, "profile_rate", "often"), -1);
    assert_non_null(strstr(ua_last_error(), "option profile_rate must be off, or the bytes between samples"));
    heap = heap_of("go", "1");
    snprintf(nowhere, sizeof nowhere, "%s/none/profile", folder);
    assert_int_equal(ua_profile_write(heap, nowhere), -1);
    assert_int_equal(errno, ENOENT);
    memset(nowhere, 'x', sizeof nowhere - 1);
    nowhere[sizeof nowhere - 1] = '\0';
    assert_int_equal(ua_profile_write(heap, nowhere), -1);
    assert_int_equal(errno, ENAMETOOLONG);
    /* A file that cannot be renamed leaves nothing behind. */
    snprintf(nowhere, sizeof nowhere, "%s/taken", folder);
    assert_int_equal(mkdir(nowhere, 0700), 0);
    assert_int_equal(ua_profile_write(heap, nowhere), -1);
    assert_int_equal(rmdir(nowhere), 0);
    fd = open("/dev/full", O_WRONLY);
    assert_int_equal(ua_profile_write_fd(heap, fd), -1);
    assert_int_equal(errno, ENOSPC);
    close(fd);
    ua_heap_close(heap);
}

/* More stacks than the table has room for are one line that says so, and nothing is lost from the sum. */
static void recurse(struct ua_heap *heap, uint64_t number, unsigned depth);

static __attribute__((noinline)) void go_left(struct ua_heap *heap, uint64_t number, unsigned depth)
{
    recurse(heap, number, depth);
    __asm__ volatile(""); /* not a tail call */
}

static __attribute__((noinline)) void go_right(struct ua_heap *heap, uint64_t number, unsigned depth)
{
    recurse(heap, number, depth);
    __asm__ volatile("");
}

static void recurse(struct ua_heap *heap, uint64_t number, unsigned depth)
{
    if (depth == 0)
        assert_non_null(ua_arena_new(heap));
    else if (number & 1)
        go_left(heap, number >> 1, depth - 1);
    else
        go_right(heap, number >> 1, depth - 1);
    __asm__ volatile("");
}

static void test_a_full_table_loses_nothing(void **state)
{
    struct ua_options options;
    struct ua_heap *heap;
    struct decoded_profile decoded;
    struct ua_stats stats;

    (void)state;
    ua_options_preset(&options, "kept");
    options.chunk_bytes = 65536;
    options.sanitizer = UA_SANITIZER_OFF;
    options.profile_rate_bytes = 1;
    heap = ua_heap_new(&options);
    for (uint64_t i = 0; i < 6000; i++)
        recurse(heap, i, 13);
    ua_stats(heap, &stats);
    decoded = profile_of(heap);
    assert_int_equal(decoded.sum.alloc_count, 6000);
    assert_int_equal(decoded.sum.alloc_count, stats.large_alloc_count);
    assert_in_range(decoded.sites, 4000, 4096);
    ua_debug_verify(heap);
    ua_heap_close(heap);
}

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/profile", folder);
    return 0;
}

static int drop_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder); /* fails if a temporary file was left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_file_names_the_planted_site),
        cmocka_unit_test(test_in_use_goes_to_zero),
        cmocka_unit_test(test_freed_in_a_mark_is_in_use_until_its_end),
        cmocka_unit_test(test_large_objects_are_sampled),
        cmocka_unit_test(test_rewound_scopes_are_booked),
        cmocka_unit_test(test_countdown_samples_by_bytes),
        cmocka_unit_test(test_next_sample_is_exponential),
        cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_a_full_table_loses_nothing),
    };

    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
