/* make_heap.h - a heap by preset and option words, as tests want it: one line, and a test that cannot have its heap fails there.
 * Not part of the support library, since some tests link libua and some its parts. */
#ifndef TESTS_SUPPORT_MAKE_HEAP_H
#define TESTS_SUPPORT_MAKE_HEAP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <ua.h>
#include <ua_stats.h>

/* Nothing happens to memory but what the test asks for. */
#define TS_QUIET "gogc=off quarantine_limit=0 roots=registered sanitizer=off"

/* Sets each "name=value" of the words in `settings`. */
static inline void ts_options_set(struct ua_options *options, const char *settings)
{
    char text[512];
    char *rest = NULL;

    assert_true(strlen(settings) < sizeof text);
    memcpy(text, settings, strlen(settings) + 1);
    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');

        assert_non_null(value);
        *value++ = '\0';
        if (ua_options_set(options, word, value) != 0)
            fail_msg("%s=%s: %s", word, value, ua_last_error());
    }
}

static inline struct ua_heap *ts_heap(const char *preset, const char *settings)
{
    struct ua_options options;
    struct ua_heap *heap;

    assert_int_equal(ua_options_preset(&options, preset), 0);
    ts_options_set(&options, settings);
    heap = ua_heap_new(&options);
    if (heap == NULL)
        fail_msg("ua_heap_new: %s", ua_last_error());
    return heap;
}

static inline struct ua_stats ts_stats(struct ua_heap *heap)
{
    struct ua_stats stats;

    ua_stats(heap, &stats);
    return stats;
}

#endif
