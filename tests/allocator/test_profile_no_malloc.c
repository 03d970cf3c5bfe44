/* test_profile_no_malloc.c - a profiled, traced allocation never calls malloc, not even for its first stack.
 *
 * Why apart: it replaces malloc by one that counts, which a sanitizer's own would not survive. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <ua.h>

struct mib {
    uint8_t x[1 << 20];
};
UA_SCALAR_TYPE(mib_type, struct mib);

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
static size_t calls; /* one thread */

void *malloc(size_t bytes)
{
    calls++;
    return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    calls++;
    return __libc_calloc(count, bytes);
}

void *realloc(void *old, size_t bytes)
{
    calls++;
    return __libc_realloc(old, bytes);
}

static void test_no_malloc_on_the_allocation_path(void **state)
{
    struct ua_options options;
    struct ua_heap *heap;
    struct ua_arena *arena;
    void *volatile counted;
    size_t before;
    int fd = open("/dev/null", O_WRONLY);

    (void)state;
    counted = malloc(1);
    assert_true(calls > 0);
    free(counted);
    ua_options_preset(&options, "go");
    options.profile_rate_bytes = 1;
    options.roots = UA_ROOTS_REGISTERED;
    before = calls;
    heap = ua_heap_new(&options);
    arena = ua_arena_new(heap);
    ua_trace_start(heap, fd);
    for (int i = 0; i < 20; i++)
        ua_new(arena, &mib_type);
    ua_heap_alloc(heap, &mib_type, 3);
    ua_arena_free(arena);
    ua_collect(heap);
    assert_int_equal(ua_profile_write(heap, "/dev/null/no"), -1);
    assert_int_equal(ua_profile_write_fd(heap, fd), 0);
    assert_int_equal(calls, before);
    ua_heap_close(heap);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_malloc_on_the_allocation_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
