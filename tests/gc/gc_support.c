/* gc_support.c - see gc_support.h. */
#include "gc/gc_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gc/workers.h"

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

struct ua_heap *gs_heap(const char *preset, const char *settings)
{
    const char *more = getenv("GC_TESTS_SETTINGS");
    char text[512];

    /* The same tests under other options: what they say does not depend on the kind of collection. */
    assert_true((size_t)snprintf(text, sizeof text, "%s %s", settings, more != NULL ? more : "") < sizeof text);
    return ts_heap(preset, text);
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

void gs_fill_with_marked(struct ua_mark_pool *pool, struct ua_marker *marker, const void *object, size_t count)
{
    do {
        while (ua_mark_drain_some(marker, UA_WORKER_QUANTUM_BYTES)) {
        }
    } while (ua_pool_take(pool, marker));
    assert_true(ua_mark_is_marked(marker, (uintptr_t)object));
    for (size_t i = 0; i < count; i++)
        ua_work_push(&marker->work, (uintptr_t)object | UA_CANDIDATE);
}

__attribute__((noinline)) void gs_clean_stack(void)
{
    volatile unsigned char dead[16384];

    for (size_t i = 0; i < sizeof dead; i++)
        dead[i] = 0;
}
