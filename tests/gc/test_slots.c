/* test_slots.c - slots that are looked at together: none that leads out of its chunk may be taken for one that does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gc/gc_support.h"
#include "os/slots.h"
#include "support/death.h"

static uintptr_t some_value(unsigned *seed, unsigned shift, uintptr_t own)
{
    const uintptr_t unit = (uintptr_t)1 << shift;
    const uintptr_t values[] = {0,
                                1,
                                unit - 1,
                                unit,
                                own,
                                own + unit - 1,
                                own - 1,
                                own + unit,
                                own ^ (uintptr_t)1 << 46,
                                (uintptr_t)1 << 47,
                                own + (uintptr_t)rand_r(seed) % unit,
                                (uintptr_t)rand_r(seed) << 16 ^ (uintptr_t)rand_r(seed)};

    return values[(unsigned)rand_r(seed) % (sizeof values / sizeof values[0])];
}

static void test_each_slot_gets_its_bit(void **state)
{
    static uintptr_t slots[UA_SLOTS_COUNT] __attribute__((aligned(16)));
    unsigned seed = 3;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        unsigned shift = UA_SLOTS_SHIFT_MIN + round % 11;
        uintptr_t own = ((uintptr_t)0xc000000000 + ((uintptr_t)rand_r(&seed) << 16)) >> shift << shift;
        uint64_t want = 0;

        for (unsigned i = 0; i < UA_SLOTS_COUNT; i++) {
            slots[i] = round % 4 == 0 && rand_r(&seed) % 32 != 0 ? own + i : some_value(&seed, shift, own);
            want |= (uint64_t)(slots[i] >> shift != 0 && slots[i] >> shift != own >> shift) << i;
        }
        if (ua_slots_elsewhere(slots, shift, (uint32_t)(own >> shift)) != want)
            fail_msg("round %u, shift %u: %lx, want %lx", round, shift,
                     (unsigned long)ua_slots_elsewhere(slots, shift, (uint32_t)(own >> shift)), (unsigned long)want);
    }
}

struct dense {
    struct dense *own[7];
    uint64_t number;
};
UA_TYPE(dense_type, struct dense, UA_PTRS(own, 7));

#define DENSE_COUNT ((size_t)40000) /* 2.5 MB: 20 oblets */
#define HELD_COUNT ((size_t)64)
#define EACH (DENSE_COUNT / HELD_COUNT) /* objects of which one holds something */

/* An arena whose pointers are NULL or lead into its own chunk, but for some that hold an object of the heap each; the numbers between them
 * look like addresses and hold nothing. `neighbours`: how many objects of each EACH have a pointer to another chunk. */
static void held_from_a_dense_chunk(size_t neighbours)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct ua_arena *arena = ua_arena_new(heap);
    struct ua_arena *other = ua_arena_new(heap);
    struct dense *elsewhere = ua_new(other, &dense_type);
    struct dense **all = calloc(DENSE_COUNT, sizeof(struct dense *));
    unsigned seed = 5;
    int held = 0, dropped = 0;

    assert_non_null(all);
    for (size_t i = 0; i < DENSE_COUNT; i++) {
        all[i] = ua_new(arena, &dense_type);
        assert_non_null(all[i]);
        for (size_t s = 0; s < 7; s++)
            all[i]->own[s] = s % 3 == 2 ? NULL : all[(size_t)rand_r(&seed) % (i + 1)];
    }
    for (size_t i = 0; i < HELD_COUNT * neighbours; i++)
        all[i / neighbours * EACH + i % neighbours]->own[i % 7] = elsewhere;
    for (size_t i = 0; i < HELD_COUNT; i++) {
        struct dense *holder = all[i * EACH + (size_t)rand_r(&seed) % EACH];
        struct gs_node *kept = ua_heap_alloc(heap, gs_node_type(), 1);
        struct gs_node *lost = ua_heap_alloc(heap, gs_node_type(), 1);

        assert_int_equal(ua_finalizer_set(heap, kept, gs_count_finalizer, &held), 0);
        assert_int_equal(ua_finalizer_set(heap, lost, gs_count_finalizer, &dropped), 0);
        holder->own[(size_t)rand_r(&seed) % 7] = (struct dense *)(void *)kept;
        holder->number = (uint64_t)(uintptr_t)lost;
    }
    ua_collect(heap);
    assert_int_equal(dropped, HELD_COUNT);
    assert_int_equal(held, 0);
    for (size_t i = 0; i < DENSE_COUNT; i++)
        for (size_t s = 0; s < 7; s++)
            all[i]->own[s] = NULL;
    ua_collect(heap);
    assert_int_equal(held, HELD_COUNT);
    free(all);
    ua_arena_free(other);
    ua_arena_free(arena);
    ua_heap_close(heap);
}

static void test_one_slot_of_a_chunk_holds_an_object(void **state)
{
    (void)state;
    held_from_a_dense_chunk(0);
    held_from_a_dense_chunk(40);
    held_from_a_dense_chunk(EACH);
}

static void test_words_that_lead_into_a_range(void **state)
{
    static uintptr_t slots[UA_SLOTS_AT_ONCE] __attribute__((aligned(16)));
    unsigned seed = 9;

    (void)state;
    for (unsigned round = 0; round < 100000; round++) {
        uintptr_t low = (uintptr_t)0x7ff00000 + ((uintptr_t)rand_r(&seed) << 16);
        uintptr_t last = low + ((uintptr_t)1 << rand_r(&seed) % 46) - 1;
        uint32_t low_key = (uint32_t)(low >> UA_SLOTS_SHIFT_MIN);
        bool want = false;

        for (unsigned i = 0; i < UA_SLOTS_AT_ONCE; i++) {
            const uintptr_t values[] = {0, low - 1, last + ((uintptr_t)1 << UA_SLOTS_SHIFT_MIN), (uintptr_t)rand_r(&seed), low, last,
                                        low + (uintptr_t)rand_r(&seed) % (last - low + 1)};

            slots[i] = values[(unsigned)rand_r(&seed) % (rand_r(&seed) % 64 == 0 ? 7 : 4)];
            want |= slots[i] >> UA_SLOTS_SHIFT_MIN >= low_key && slots[i] >> UA_SLOTS_SHIFT_MIN <= last >> UA_SLOTS_SHIFT_MIN;
        }
        assert_int_equal(ua_slots_lead_into(slots, low_key, (uint32_t)(last >> UA_SLOTS_SHIFT_MIN) - low_key), want);
    }
}

/* A range of roots of any length, from any word on, in which one word after the other holds an object. */
static void test_each_word_of_a_range_is_a_root(void **state)
{
    static uintptr_t words[80] __attribute__((aligned(16)));
    struct ua_heap *heap = gs_quiet_heap();
    int finalized = 0;

    (void)state;
    for (size_t from = 0; from < 3; from++) {
        for (size_t count = 1; count + from <= 80; count += 1 + count / 3) {
            assert_int_equal(ua_root_range_add(heap, &words[from], count * sizeof words[0]), 0);
            for (size_t i = 0; i < count; i++) {
                struct gs_node *node = ua_heap_alloc(heap, gs_node_type(), 1);

                finalized = 0;
                assert_int_equal(ua_finalizer_set(heap, node, gs_count_finalizer, &finalized), 0);
                words[from + i] = (uintptr_t)node + i % sizeof *node;
                ua_collect(heap);
                assert_int_equal(finalized, 0);
                words[from + i] = i % 2 == 0 ? 0 : 12345;
                ua_collect(heap);
                assert_int_equal(finalized, 1);
            }
            ua_root_range_remove(heap, &words[from]);
        }
    }
    ua_heap_close(heap);
}

static void root_without_end(void *unused)
{
    static uintptr_t words[2];

    (void)unused;
    ua_root_range_add(gs_quiet_heap(), words, SIZE_MAX);
}

static void root_at_no_word(void *unused)
{
    static char bytes[16] __attribute__((aligned(8)));

    (void)unused;
    ua_root_range_add(gs_quiet_heap(), bytes + 1, 8);
}

/* The end of the first wrapped, and none of it was read. */
static void test_ranges_that_are_none_are_fatal(void **state)
{
    (void)state;
    ab_expect_fatal(root_without_end, NULL, "ua_root_range_add: the range ends beyond the address space");
    ab_expect_fatal(root_at_no_word, NULL, "ua_root_range_add: a root is NULL or not aligned to 8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_slot_gets_its_bit),
        cmocka_unit_test(test_one_slot_of_a_chunk_holds_an_object),
        cmocka_unit_test(test_words_that_lead_into_a_range),
        cmocka_unit_test(test_each_word_of_a_range_is_a_root),
        cmocka_unit_test(test_ranges_that_are_none_are_fatal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
