/* test_trace.c - the trace has one line for each event of an arena's chunks, in order, and says what could not be written. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <ua_debug.h>

#include "support/make_heap.h"

struct mib {
    uint8_t x[1 << 20];
};
UA_SCALAR_TYPE(mib_type, struct mib);
UA_SCALAR_TYPE(byte_type, uint8_t);

struct line {
    char event[16];
    unsigned long long arena, at, bytes, thread, ns; /* 0: not on the line */
};

static struct line lines[4096];
static size_t line_count;

static unsigned long long field(const char *line, const char *name)
{
    const char *at = strstr(line, name);

    return at != NULL ? strtoull(at + strlen(name), NULL, 0) : 0;
}

static void read_lines(FILE *file)
{
    char text[256];

    line_count = 0;
    rewind(file);
    while (fgets(text, sizeof text, file) != NULL && line_count < sizeof lines / sizeof lines[0]) {
        struct line *line = &lines[line_count++];

        assert_int_equal(text[strlen(text) - 1], '\n');
        assert_int_equal(sscanf(text, "ua: %15s ", line->event), 1);
        line->arena = field(text, " arena=");
        line->at = field(text, " at=");
        line->bytes = field(text, " bytes=");
        line->thread = field(text, " thread=");
        line->ns = field(text, " ns=");
    }
}

static void expect_events(const char *const *expected)
{
    size_t i = 0;

    for (; expected[i] != NULL; i++) {
        if (i >= line_count)
            fail_msg("the trace ends before event %zu, %s", i, expected[i]);
        assert_string_equal(lines[i].event, expected[i]);
    }
    assert_int_equal(line_count, i);
}

static void take_mib(struct ua_arena *arena, size_t count)
{
    while (count-- > 0)
        assert_non_null(ua_arena_alloc(arena, &mib_type, 1));
}

static void test_the_life_of_an_arena(void **state)
{
    static const char *const expected[] = {"chunk", "new", "chunk", "full", "free", "leave", "fault", /* first arena */
                                           "reuse", "new", "large", "ready", "large-free", "reset", NULL};
    struct ua_heap *heap = ts_heap("go", TS_QUIET);
    FILE *file = tmpfile();
    struct ua_arena *arena;

    (void)state;
    assert_int_equal(ua_trace_start(heap, fileno(file)), 0);
    arena = ua_arena_new(heap);
    take_mib(arena, 9);
    ua_arena_free(arena);
    arena = ua_arena_new(heap);
    assert_non_null(ua_arena_alloc(arena, &byte_type, (2 << 20) + 1));
    ua_collect(heap);
    ua_arena_reset(arena);
    assert_int_equal(ua_trace_stop(heap), 0);
    ua_arena_free(arena);
    read_lines(file);
    expect_events(expected);
    assert_int_equal(lines[0].bytes, 8388608);
    assert_int_equal(lines[6].at, lines[0].at); /* the full one faults, */
    assert_int_equal(lines[5].at, lines[2].at); /* the active one is left */
    assert_int_equal(lines[7].at, lines[2].at);
    assert_int_equal(lines[10].at, lines[0].at);
    assert_int_equal(lines[9].bytes, (2 << 20) + 8192);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(lines[i].arena, lines[1].arena);
    for (size_t i = 0; i < line_count; i++) {
        assert_int_equal(lines[i].thread, (unsigned long long)gettid());
        assert_true(lines[i].ns >= lines[i > 0 ? i - 1 : 0].ns);
    }
    fclose(file);
    ua_heap_close(heap);
}

static void test_free_during_a_mark_waits(void **state)
{
    static const char *const expected[] = {"free", "leave", "wait", "fault", "ready", NULL};
    struct ua_heap *heap = ts_heap("go", TS_QUIET);
    FILE *file = tmpfile();
    struct ua_arena *arena = ua_arena_new(heap);

    (void)state;
    take_mib(arena, 9);
    ua_debug_mark_begin(heap);
    assert_int_equal(ua_trace_start(heap, fileno(file)), 0);
    ua_arena_free(arena);
    ua_debug_mark_end(heap);
    ua_collect(heap);
    ua_trace_stop(heap);
    read_lines(file);
    expect_events(expected);
    fclose(file);
    ua_heap_close(heap);
}

static void *churn(void *heap)
{
    for (int i = 0; i < 40; i++) {
        struct ua_arena *arena = ua_arena_new(heap);

        take_mib(arena, 9);
        ua_arena_free(arena);
    }
    return NULL;
}

/* What a chunk may go through next; the events of one chunk are in order whatever the threads do. */
static bool follows(const char *last, const char *next)
{
    static const char *const pairs[][2] = {{"", "chunk"},     {"chunk", "full"},  {"reuse", "full"},  {"chunk", "leave"},
                                           {"reuse", "leave"}, {"leave", "reuse"}, {"full", "fault"},  {"fault", "chunk"}};

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (strcmp(pairs[i][0], last) == 0 && strcmp(pairs[i][1], next) == 0)
            return true;
    return false;
}

static void test_events_of_a_chunk_are_in_order(void **state)
{
    struct ua_heap *heap = ts_heap("kept", TS_QUIET);
    FILE *file = tmpfile();
    pthread_t threads[3];

    (void)state;
    assert_int_equal(ua_trace_start(heap, fileno(file)), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, churn, heap), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(ua_trace_stop(heap), 0);
    read_lines(file);
    assert_true(line_count >= 3 * 40 * 7);
    for (size_t i = 0; i < line_count; i++) {
        const char *last = "";

        if (lines[i].at == 0)
            continue;
        for (size_t k = i; k-- > 0;)
            if (lines[k].at == lines[i].at) {
                last = lines[k].event;
                break;
            }
        if (!follows(last, lines[i].event))
            fail_msg("line %zu: \"%s\" after \"%s\"", i, lines[i].event, last);
    }
    fclose(file);
    ua_heap_close(heap);
}

static void test_lines_that_are_lost_are_counted(void **state)
{
    struct ua_heap *heap = ts_heap("kept", TS_QUIET);
    int full = open("/dev/full", O_WRONLY);

    (void)state;
    assert_int_equal(ua_trace_stop(heap), 0);
    assert_int_equal(ua_trace_start(heap, -1), -1);
    assert_int_equal(errno, EBADF);
    assert_int_equal(ua_trace_start(heap, 1000), -1);
    assert_int_equal(errno, EBADF);
    assert_int_equal(ua_trace_start(heap, full), 0);
    errno = 0;
    ua_arena_free(ua_arena_new(heap));
    assert_int_equal(errno, 0);
    assert_int_equal(ua_trace_stop(heap), 4); /* chunk, new, free, leave */
    ua_arena_free(ua_arena_new(heap));
    assert_int_equal(ua_trace_stop(heap), 4);
    close(full);
    ua_heap_close(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_life_of_an_arena),
        cmocka_unit_test(test_free_during_a_mark_waits),
        cmocka_unit_test(test_events_of_a_chunk_are_in_order),
        cmocka_unit_test(test_lines_that_are_lost_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
