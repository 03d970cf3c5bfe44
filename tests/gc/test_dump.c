/* test_dump.c - the text of a heap says what the heap's own figures say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "gc/gc_support.h"
#include "include/ua_debug.h"

#define MIB ((size_t)1 << 20)

static size_t count_lines(FILE *text, const char *with, const char *and)
{
    char line[512];
    size_t count = 0;

    rewind(text);
    while (fgets(line, sizeof line, text) != NULL) {
        assert_non_null(strchr(line, '\n')); /* none is cut */
        count += strstr(line, with) == line && strstr(line, and) != NULL ? 1 : 0;
    }
    return count;
}

static void fill(struct ua_arena *arena, size_t bytes)
{
    for (size_t done = 0; done < bytes; done += MIB)
        assert_non_null(ua_arena_alloc(arena, gs_byte_type(), MIB));
}

static void test_dump_agrees_with_the_figures(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct ua_arena *kept = ua_arena_new(heap);
    struct ua_arena *freed;
    struct gs_node *root = NULL;
    struct ua_lists lists;
    struct ua_stats stats;
    char wanted[128];
    FILE *text = tmpfile();

    (void)state;
    assert_non_null(text);
    fill(kept, 20 * MIB);
    freed = ua_arena_new(heap);
    fill(freed, 30 * MIB);
    ua_arena_free(freed);
    assert_int_equal(ua_root_add(heap, &root), 0);
    for (int i = 0; i < 1000; i++)
        assert_non_null(ua_heap_alloc(heap, gs_node_type(), 1));
    root = ua_heap_alloc(heap, gs_byte_type(), MIB);
    assert_non_null(root);

    assert_int_equal(ua_debug_dump(heap, fileno(text)), 0);
    ua_debug_lists(heap, &lists);
    stats = ts_stats(heap);
    assert_int_equal(count_lines(text, "heap ", "chunk_bytes="), 1);
    assert_int_equal(count_lines(text, "end", ""), 1);
    assert_int_equal(count_lines(text, "chunk ", "state=quarantine"), lists.quarantine);
    assert_true(lists.quarantine > 0);
    assert_int_equal(count_lines(text, "chunk ", "state=reuse"), lists.reuse);
    assert_int_equal(count_lines(text, "chunk ", "state=active") + count_lines(text, "chunk ", "state=full"), stats.chunks_active);
    assert_int_equal(count_lines(text, "chunk ", "broken"), 0);
    assert_int_equal(count_lines(text, "large ", "object_bytes=1048576 "), 1);
    assert_true(count_lines(text, "small ", "object_bytes=24 ") >= 3); /* 341 to a span */
    snprintf(wanted, sizeof wanted, "name=in_use bytes=%llu\n", (unsigned long long)stats.heap_in_use_bytes);
    assert_int_equal(count_lines(text, "account ", wanted), 1);
    snprintf(wanted, sizeof wanted, "slots=1 ");
    assert_int_equal(count_lines(text, "roots ", wanted), 1);

    ua_root_remove(heap, &root);
    ua_arena_free(kept);
    ua_heap_close(heap);
    fclose(text);
}

static void test_dump_to_a_bad_descriptor(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();

    (void)state;
    errno = 0;
    assert_int_equal(ua_debug_dump(heap, -1), -1);
    assert_int_equal(errno, EBADF);
    assert_non_null(strstr(ua_last_error(), "ua_debug_dump"));
    ua_heap_close(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dump_agrees_with_the_figures),
        cmocka_unit_test(test_dump_to_a_bad_descriptor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
