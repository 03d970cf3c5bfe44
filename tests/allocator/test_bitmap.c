/* test_bitmap.c - the heap bitmap against what Go's runtime wrote, step by step (tests/golden/bitmap.csv), and bulk fill
 * against a bit-by-bit model.
 *
 * Each scenario is replayed three times: log written out after every step, at random steps, only at the end. The order of
 * write-outs must not show in the words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ua_debug.h>
#include <zstd.h>

#include "base/bits.h"
#include "heap/heapbits.h"
#include "support/tools.h"

/* libzstd is not instrumented, so MSan does not see it write. */
#if TS_UNDER_MSAN
#include <sanitizer/msan_interface.h>
#define WRITTEN_BY_ZSTD(at, bytes) __msan_unpoison(at, bytes)
#else
#define WRITTEN_BY_ZSTD(at, bytes) ((void)(at), (void)(bytes))
#endif

#define CHUNK_WORDS 16384u
#define COLUMNS 13

enum replay { EACH_STEP, RANDOM_STEPS, AT_END };

struct row {
    char *column[COLUMNS];
};

static char *read_zst(const char *path)
{
    FILE *file = fopen(path, "rb");
    static char packed[1 << 20];
    size_t packed_bytes;
    size_t bytes;
    char *text;

    assert_non_null(file);
    packed_bytes = fread(packed, 1, sizeof packed, file);
    fclose(file);
    bytes = (size_t)ZSTD_getFrameContentSize(packed, packed_bytes);
    assert_true(bytes > 0 && bytes < (size_t)1 << 30);
    text = malloc(bytes + 1);
    assert_int_equal(ZSTD_decompress(text, bytes, packed, packed_bytes), bytes);
    WRITTEN_BY_ZSTD(text, bytes);
    text[bytes] = '\0';
    return text;
}

static void split(char *line, struct row *row)
{
    for (int i = 0; i < COLUMNS; i++) {
        assert_non_null(line);
        row->column[i] = strsep(&line, ",");
    }
    assert_null(line);
}

static const struct ua_type *type_of(struct ua_heap *heap, const struct row *row)
{
    static uint64_t mask[1 << 12];
    const char *bits = row->column[5];
    size_t words = strcmp(bits, "-") == 0 ? 0 : strlen(bits);
    const struct ua_type *type;

    memset(mask, 0, sizeof mask);
    for (size_t i = 0; i < words; i++)
        if (bits[i] == '1')
            ua_bit_set(mask, i);
    type = ua_type_make(heap, strtoul(row->column[3], NULL, 10), strtoul(row->column[4], NULL, 10), mask, words,
                        row->column[2]);
    assert_non_null(type);
    return type;
}

/* Expands "word*n word*n" and compares it with the chunk's words (base 16) or marks (base 2). */
static void check_words(const char *runs, const uint64_t *words, const uint8_t *marks, size_t count)
{
    size_t at = 0;

    while (*runs != '\0') {
        char *end;
        uint64_t want = strtoull(runs, &end, 16);
        size_t repeat = strtoul(end + 1, &end, 10);

        for (; repeat > 0; repeat--, at++) {
            assert_true(at < count);
            if (words != NULL && words[at] != want)
                fail_msg("bitmap word %zu is %lx, Go has %lx", at, (unsigned long)words[at], (unsigned long)want);
            if (marks != NULL && marks[at] != want)
                fail_msg("noMorePtrs bit %zu is %u, Go has %lu", at, marks[at], (unsigned long)want);
        }
        runs = *end == ' ' ? end + 1 : end;
    }
    assert_int_equal(at, count);
}

static void compare(struct ua_heap *heap, void *in_chunk, const struct row *row)
{
    static uint64_t words[CHUNK_WORDS];
    static uint8_t marks[CHUNK_WORDS];
    size_t count = strtoul(row->column[10], NULL, 10) + 1;
    struct ua_where where;

    assert_int_equal(ua_debug_where(heap, in_chunk, &where), 0);
    assert_int_equal(where.free_low, strtoul(row->column[8], NULL, 10));
    assert_int_equal(where.free_high, strtoul(row->column[9], NULL, 10));
    assert_int_equal(ua_debug_bitmap(heap, in_chunk, 0, count, words, marks), 0);
    check_words(row->column[11], words, NULL, count);
    check_words(row->column[12], NULL, marks, count);
}

struct replayed {
    struct ua_heap *heap;
    struct ua_arena *arena;
    void *in_chunk;
    size_t row_count;
    enum replay replay;
    unsigned seed;
};

static void replay_row(struct replayed *run, const struct row *row)
{
    const char *op = row->column[1];
    struct ua_where where;
    void *object;
    long cap = strtol(row->column[6], NULL, 10);

    run->row_count++;
    if (strcmp(op, "init") == 0) {
        run->arena = ua_arena_new(run->heap);
        run->in_chunk = NULL;
        return;
    }
    if (strcmp(op, "end") == 0) {
        compare(run->heap, run->in_chunk, row);
        return;
    }
    object = ua_arena_alloc(run->arena, type_of(run->heap, row), cap < 0 ? 1 : (size_t)cap);
    assert_non_null(object);
    if (strcmp(row->column[7], "heap") == 0 || !ua_contains(run->heap, object))
        return;
    run->in_chunk = object;
    assert_int_equal(ua_debug_where(run->heap, object, &where), 0);
    assert_int_equal(where.offset_bytes, strtoul(row->column[7], NULL, 10));
    if (run->replay == EACH_STEP || (run->replay == RANDOM_STEPS && rand_r(&run->seed) % 7 == 0))
        compare(run->heap, object, row);
}

static void replay_file(enum replay replay)
{
    char *text = read_zst("tests/golden/bitmap.csv.zst");
    char *line = strchr(text, '\n') + 1;
    struct replayed run = {.replay = replay, .seed = 1};
    struct ua_options options;
    struct row row;

    ua_options_preset(&options, "go");
    options.prezero = UA_PREZERO_WINDOW;
    options.sanitizer = UA_SANITIZER_OFF;
    options.gogc = UA_GOGC_OFF;
    run.heap = ua_heap_new(&options);
    assert_non_null(run.heap);
    while (*line != '\0') {
        char *next = strchr(line, '\n');

        *next = '\0';
        split(line, &row);
        replay_row(&run, &row);
        line = next + 1;
    }
    assert_int_equal(run.row_count, 1240);
    ua_heap_close(run.heap);
    free(text);
}

static void test_golden_bitmap_each_step(void **state)
{
    (void)state;
    replay_file(EACH_STEP);
}

static void test_golden_bitmap_random_steps(void **state)
{
    (void)state;
    replay_file(RANDOM_STEPS);
}

static void test_golden_bitmap_at_end(void **state)
{
    (void)state;
    replay_file(AT_END);
}

/* Bulk fill of `count` elements from a random bit on, against one bit at a time. */
static void fill_case(unsigned *seed, size_t size_words, size_t count)
{
    static uint64_t words[1 << 13];
    static uint64_t want[1 << 13];
    static uint64_t mask[64];
    struct ua_layout layout = {.size_words = size_words, .size_bytes = size_words * 8, .align_bytes = 8, .mask = mask};
    size_t at = (size_t)rand_r(seed) % 130;
    size_t end = at + size_words * count;
    bool dense = rand_r(seed) % 4 == 0;

    memset(mask, 0, sizeof mask);
    layout.ptrdata_words = 1 + (size_t)rand_r(seed) % size_words;
    if (dense)
        layout.ptrdata_words = size_words;
    for (size_t i = 0; i < layout.ptrdata_words; i++)
        if (dense || i + 1 == layout.ptrdata_words || rand_r(seed) % 2)
            ua_bit_set(mask, i);
    layout.all_pointers = dense;
    layout.ptrdata_bytes = layout.ptrdata_words * 8;
    assert_true(end / 64 + 1 < sizeof words / 8);
    memset(words, 0xa5, sizeof words);
    memcpy(want, words, sizeof words);
    for (size_t bit = at; bit < end; bit++)
        ua_bits_assign(want, bit, bit + 1, ua_layout_bit(&layout, (bit - at) % size_words));
    if (end % 64 != 0)
        ua_bits_assign(want, end, (end / 64 + 1) * 64, false);
    ua_heapbits_fill(words, at, &layout, count);
    for (size_t i = 0; i <= end / 64; i++)
        if (words[i] != want[i])
            fail_msg("word %zu of %zu elements of %zu words: %lx, want %lx", i, count, size_words,
                     (unsigned long)words[i], (unsigned long)want[i]);
    assert_int_equal(words[end / 64 + 1], 0xa5a5a5a5a5a5a5a5);
}

static void test_bulk_fill_equals_bit_model(void **state)
{
    unsigned seed = 7;

    (void)state;
    for (int round = 0; round < 300; round++)
        for (size_t size_words = 1; size_words <= 80; size_words += 1 + (size_t)rand_r(&seed) % 9)
            fill_case(&seed, size_words, 1 + (size_t)rand_r(&seed) % (round % 3 == 0 ? 3000 / size_words + 260 : 12));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_bitmap_each_step),
        cmocka_unit_test(test_golden_bitmap_random_steps),
        cmocka_unit_test(test_golden_bitmap_at_end),
        cmocka_unit_test(test_bulk_fill_equals_bit_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
