/* gc_support.c - see gc_support.h. */
#include "gc/gc_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

UA_TYPE(node_type, struct gs_node, UA_PTR(left), UA_PTR(right));
UA_SCALAR_TYPE(byte_type, unsigned char);

const struct ua_type *gs_node_type(void)
{
    return &node_type;
}

const struct ua_type *gs_byte_type(void)
{
    return &byte_type;
}

/* Words are cut in place. */
static void set_all(struct ua_options *options, char *text)
{
    char *rest = NULL;

    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');

        assert_non_null(value);
        *value++ = '\0';
        if (ua_options_set(options, word, value) != 0)
            fail_msg("%s=%s: %s", word, value, ua_last_error());
    }
}

struct ua_heap *gs_heap(const char *preset, const char *settings)
{
    struct ua_options options;
    struct ua_heap *heap;
    char text[512];

    assert_int_equal(ua_options_preset(&options, preset), 0);
    assert_true(strlen(settings) < sizeof text);
    memcpy(text, settings, strlen(settings) + 1);
    set_all(&options, text);
    /* The same tests under other options: what they say does not depend on the kind of collection. */
    if (getenv("GC_TESTS_SETTINGS") != NULL) {
        assert_true(strlen(getenv("GC_TESTS_SETTINGS")) < sizeof text);
        memcpy(text, getenv("GC_TESTS_SETTINGS"), strlen(getenv("GC_TESTS_SETTINGS")) + 1);
        set_all(&options, text);
    }
    heap = ua_heap_new(&options);
    if (heap == NULL)
        fail_msg("ua_heap_new: %s", ua_last_error());
    return heap;
}

bool gs_is_concurrent(void)
{
    const char *settings = getenv("GC_TESTS_SETTINGS");

    return settings != NULL && strstr(settings, "collect=concurrent") != NULL;
}

struct ua_heap *gs_quiet_heap(void)
{
    return gs_heap("go", "roots=registered gogc=off sanitizer=off");
}

void gs_count_finalizer(void *object, void *argument)
{
    (void)object;
    ++*(int *)argument;
}

struct ua_stats gs_stats(struct ua_heap *heap)
{
    struct ua_stats stats;

    ua_stats(heap, &stats);
    return stats;
}

__attribute__((noinline)) void gs_clean_stack(void)
{
    volatile unsigned char dead[16384];

    for (size_t i = 0; i < sizeof dead; i++)
        dead[i] = 0;
}
