/* test_verify_bitmap.c - verify=bitmap: every write-out is read again against the types, and a wrong bit is fatal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ua_debug.h>

#include "allocator/go_types.h"
#include "arena/arena.h"
#include "base/bits.h"
#include "support/death.h"

static struct ua_heap *heap_verified(const char *word)
{
    struct ua_options options;

    assert_int_equal(ua_options_preset(&options, "go"), 0);
    assert_int_equal(ua_options_set(&options, "verify", word), 0);
    options.prezero = UA_PREZERO_WINDOW;
    options.gogc = UA_GOGC_OFF;
    options.sanitizer = UA_SANITIZER_OFF;
    options.roots = UA_ROOTS_REGISTERED;
    return ua_heap_new(&options);
}

/* Single values, short and long slices, all-pointer ones, types of more than 64 words, alignment gaps; written out at
 * frontiers anywhere in a word. */
static void fill(struct ua_heap *heap, struct ua_arena *arena)
{
    uint64_t aligned_mask = 5;
    const struct ua_type *aligned = ua_type_make(heap, 1024, 512, &aligned_mask, 3, "aligned");

    for (size_t i = 0; i < 40; i++) {
        assert_non_null(ua_arena_alloc(arena, &small_pointer_type, 1 + i));
        assert_non_null(ua_new(arena, &small_pointer_mix_type));
        assert_non_null(ua_slice(arena, &small_pointer_mix_type, 1 + i * 37));
        if (i % 5 == 0)
            assert_non_null(ua_arena_alloc(arena, aligned, 1));
        if (i % 3 == 0)
            ua_debug_write_out(heap);
        assert_non_null(ua_new(arena, &medium_pointer_odd_type));
    }
    ua_debug_write_out(heap);
}

static void test_right_bits_pass(void **state)
{
    static const char *const words[] = {"bitmap", "full"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct ua_heap *heap = heap_verified(words[i]);
        struct ua_arena *arena = ua_arena_new(heap);

        fill(heap, arena);
        ua_collect(heap);
        ua_arena_free(arena);
        ua_heap_close(heap);
    }
}

/* The check alone, on a bitmap in which one bit was turned. */
static void read_a_wrong_bit(void *arg)
{
    struct ua_heap *heap = heap_verified("bitmap");
    struct ua_arena *arena = ua_arena_new(heap);
    struct ua_span *chunk;
    size_t bit = *(const size_t *)arg;

    fill(heap, arena);
    chunk = arena->active;
    chunk->bits[bit / 64] ^= (uint64_t)1 << (bit % 64);
    ua_heapbits_check(&heap->heapbits, chunk, chunk->base, chunk->log, chunk->bits_end);
}

static void test_a_wrong_bit_is_fatal(void **state)
{
    static size_t bits[] = {0, 1, 63, 64, 700, 9999};

    (void)state;
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++)
        ab_expect_fatal(read_a_wrong_bit, &bits[i], "verify: ");
}

/* The log that was written out and the log that is read differ: as if a store had been lost in between. */
static void write_a_wrong_bit(void *arg)
{
    struct ua_heap *heap = heap_verified("bitmap");
    struct ua_arena *arena = ua_arena_new(heap);
    struct ua_span *chunk = arena->active;
    uint16_t *log = chunk->log;

    (void)arg;
    ua_new(arena, &small_pointer_mix_type);
    ua_new(arena, &small_pointer_type);
    ua_new(arena, &medium_pointer_odd_type);
    log[0] ^= log[1];
    log[1] ^= log[0];
    log[0] ^= log[1];
    ua_debug_write_out(heap);
    chunk->bits_end = chunk->base;
    chunk->log_read = log;
    log[0] ^= log[1];
    log[1] ^= log[0];
    log[0] ^= log[1];
    ua_heapbits_check(&heap->heapbits, chunk, chunk->base, chunk->log, ua_chunk_front(chunk));
}

static void test_swapped_log_entries_are_found(void **state)
{
    (void)state;
    ab_expect_fatal(write_a_wrong_bit, NULL, "verify: heap bitmap differs from the type log");
}

/* Single values, `length` of a type one after the other, written out now and then: in the middle of runs, and where one begins. Types
 * of 1, 4, 5, 16 and 1,023 words, one of them with gaps. Each bit is checked by verify=bitmap, scan_alloc is added up here. */
static void run_case(unsigned *seed, size_t rounds, size_t length_max)
{
    struct ua_heap *heap = heap_verified("bitmap");
    struct ua_arena *arena = ua_arena_new(heap);
    uint64_t mixed_mask = 0x15, aligned_mask = 0x2a81;
    const struct {
        const struct ua_type *type;
        size_t pointer_bytes;
    } kinds[] = {{&small_pointer_type, 8},
                 {&small_pointer_mix_type, 24},
                 {ua_type_make(heap, 40, 8, &mixed_mask, 5, "mixed"), 40},
                 {ua_type_make(heap, 128, 128, &aligned_mask, 14, "aligned"), 112},
                 {&medium_pointer_odd_type, 1023 * 8}};
    uint64_t scan_bytes = 0;
    struct ua_stats stats;

    for (size_t i = 0; i < rounds; i++) {
        size_t kind = (size_t)rand_r(seed) % (i % 16 == 0 ? 5 : 4);
        size_t length = 1 + (size_t)rand_r(seed) % (kind == 4 ? 12 : length_max);

        for (size_t n = 0; n < length; n++) {
            assert_non_null(ua_arena_alloc(arena, kinds[kind].type, 1));
            if (rand_r(seed) % 97 == 0)
                ua_debug_write_out(heap);
        }
        scan_bytes += length * kinds[kind].pointer_bytes;
    }
    ua_debug_write_out(heap);
    ua_stats(heap, &stats);
    assert_int_equal(stats.scan_alloc_bytes, scan_bytes);
    ua_arena_free(arena);
    ua_heap_close(heap);
}

static void test_runs_of_one_type(void **state)
{
    unsigned seed = 11;

    (void)state;
    run_case(&seed, 3000, 3);
    run_case(&seed, 1500, 40);
    run_case(&seed, 60, 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_bits_pass),
        cmocka_unit_test(test_a_wrong_bit_is_fatal),
        cmocka_unit_test(test_swapped_log_entries_are_found),
        cmocka_unit_test(test_runs_of_one_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
