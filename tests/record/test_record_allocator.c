/* test_record_allocator.c - what is a malloc library and what is not, without loading it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/hx_allocator.h"
#include "record/hx_elf.h"
#include "record/hx_words.h"

static void libraries_that_are_none(void **state) {
    (void)state;
    static const struct {
        const char *argument, *words;
    } cases[] = {
        {"mine", "NAME=LIB"},
        {"mine=", "NAME=LIB"},
        {"=x.so", "NAME=LIB"},
        {"my name=x.so", "NAME=LIB"},
        {"mine=/nonexistent.so", "No such file"},
        {"mine=/tmp", "not a file"},
        {"mine=/proc/self/exe", "exports no malloc"},
        {"mine=/proc/version", "no shared library"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hx_allocator found;
        struct hx_error error = {{0}};
        assert_false(hx_allocator_parse(cases[i].argument, &found, &error));
        if (strstr(error.line, cases[i].words) == NULL) {
            fail_msg("%s: %s", cases[i].argument, error.line);
        }
    }
}

/* Bytes cut or flipped anywhere must lead to an answer, never to a crash: the reader checks each offset. */
static void damaged_libraries_do_no_harm(void **state) {
    (void)state;
    struct hx_allocator mimalloc;
    if (!hx_allocator_find("mimalloc", &mimalloc, NULL)) {
        skip();
    }
    FILE *file = fopen(mimalloc.path, "re");
    assert_non_null(file);
    static unsigned char bytes[1 << 20];
    size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    char path[] = "/tmp/hx_elf_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    static const char *const symbols[] = {"malloc", "free", NULL};
    for (unsigned round = 0; round < 300; round++) {
        unsigned char saved[8];
        size_t at = round < 200 ? (round * 8) % 2048 : size - 4096 + (round - 200) * 40;
        memcpy(saved, bytes + at, 8);
        memset(bytes + at, round % 3 == 0 ? 0xff : 0x7f, 8);
        size_t length = round % 10 == 0 ? size / 2 : size;
        assert_int_equal(pwrite(fd, bytes, length, 0), (ssize_t)length);
        assert_int_equal(ftruncate(fd, (off_t)length), 0);
        struct hx_elf elf;
        (void)hx_elf_read(path, symbols, &elf, NULL);
        memcpy(bytes + at, saved, 8);
    }
    (void)close(fd);
    (void)unlink(path);
}

static void a_real_malloc_is_found_and_known_by_its_symbols(void **state) {
    (void)state;
    struct hx_allocator found, named;
    struct hx_error error = {{0}};
    if (!hx_allocator_find("mimalloc", &found, &error)) {
        assert_non_null(strstr(error.line, "libmimalloc2.0"));
        skip();
    }
    char *argument = hx_print("my-malloc=%s", found.path);
    assert_true(hx_allocator_parse(argument, &named, &error));
    assert_string_equal(named.name, "my-malloc");
    assert_int_equal(named.kind, HX_ALLOCATOR_MIMALLOC);
    char id[HX_BUILD_ID_BYTES];
    assert_true(hx_build_id(found.path, id));
    assert_true(strlen(id) >= 16 && strspn(id, "0123456789abcdef") == strlen(id));
    free(argument);
    assert_false(hx_allocator_find("dlmalloc", &found, &error));
    assert_non_null(strstr(error.line, "mimalloc, jemalloc, tcmalloc"));
}

static void page_modes_of_unknown_mallocs(void **state) {
    (void)state;
    assert_null(hx_allocator_pages_reason(HX_ALLOCATOR_OTHER, HX_PAGES_4K));
    assert_null(hx_allocator_pages_reason(HX_ALLOCATOR_GLIBC, HX_PAGES_HUGE));
    assert_null(hx_allocator_pages_reason(HX_ALLOCATOR_MIMALLOC, HX_PAGES_HUGE));
    assert_int_equal(hx_allocator_kind_of("malloc"), HX_ALLOCATOR_GLIBC);
    assert_int_equal(hx_allocator_kind_of("jemalloc"), HX_ALLOCATOR_JEMALLOC);
    assert_int_equal(hx_allocator_kind_of("mine"), HX_ALLOCATOR_OTHER);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libraries_that_are_none),
        cmocka_unit_test(damaged_libraries_do_no_harm),
        cmocka_unit_test(a_real_malloc_is_found_and_known_by_its_symbols),
        cmocka_unit_test(page_modes_of_unknown_mallocs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
