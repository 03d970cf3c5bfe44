/* test_record_rundir.c - a directory is made whole or not at all; the journal only grows by whole lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/hx_rundir.h"

static char root[] = "/tmp/hx_rundir_XXXXXX";

static int setup(void **state) {
    (void)state;
    return mkdtemp(root) == NULL ? -1 : 0;
}

static int teardown(void **state) {
    (void)state;
    char *command = hx_print("rm -rf %s", root);
    int result = system(command);
    free(command);
    return result;
}

static char *below(const char *name) {
    return hx_print("%s/%s", root, name);
}

static bool exists(const char *name) {
    char *path = below(name);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

static void parents_are_made_and_the_journal_opened(void **state) {
    (void)state;
    char *path = below("a/b/run");
    struct hx_rundir run;
    struct hx_error error = {{0}};
    assert_true(hx_rundir_create(path, "{}\n", &run, &error));
    assert_true(exists("a/b/run/plan.json") && exists("a/b/run/observations.jsonl"));
    assert_true(hx_rundir_append(&run, "{\"order\":0}", 11, &error));
    assert_true(hx_rundir_append(&run, "{\"order\":1}", 11, &error));
    hx_rundir_close(&run);
    struct hx_buffer plan, lines;
    assert_true(hx_rundir_open(path, &run, &plan, &lines, &error));
    assert_string_equal(plan.data, "{}\n");
    assert_string_equal(lines.data, "{\"order\":0}\n{\"order\":1}\n");
    hx_buffer_free(&plan);
    hx_buffer_free(&lines);
    hx_rundir_point_latest(&run);
    char *latest = below("a/b/latest");
    char target[64] = "";
    assert_true(readlink(latest, target, sizeof target - 1) == 3);
    assert_string_equal(target, "run");
    free(latest);
    assert_true(hx_rundir_remove_journal(&run, &error));
    hx_rundir_close(&run);
    assert_false(exists("a/b/run/plan.json") || exists("a/b/run/observations.jsonl"));
    free(path);
}

static void a_folder_with_something_in_it_is_refused(void **state) {
    (void)state;
    char *path = below("taken"), *inside = below("taken/x");
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(mkdir(inside, 0755), 0);
    struct hx_rundir run;
    struct hx_error error = {{0}};
    assert_false(hx_rundir_create(path, "{}", &run, &error));
    assert_non_null(strstr(error.line, "not empty"));
    assert_false(exists("taken/plan.json"));
    free(path);
    free(inside);
}

static void a_failure_leaves_no_folder(void **state) {
    (void)state;
    char *file = below("file");
    int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    (void)close(fd);
    char *path = below("file/run");
    struct hx_rundir run;
    struct hx_error error = {{0}};
    assert_false(hx_rundir_create(path, "{}", &run, &error));
    assert_non_null(strstr(error.line, "Not a directory"));
    free(path);
    /* A write that fails after the folders were made takes them away again. */
    struct rlimit old, small = {0, 0};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    path = below("deep/er/run");
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    bool made = hx_rundir_create(path, "{\"plan\":1}", &run, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_false(made);
    assert_non_null(strstr(error.line, "File too large"));
    assert_false(exists("deep"));
    free(path);
    free(file);
}

static void a_failed_append_changes_nothing(void **state) {
    (void)state;
    char *path = below("limited");
    struct hx_rundir run;
    struct hx_error error = {{0}};
    assert_true(hx_rundir_create(path, "{}", &run, &error));
    assert_true(hx_rundir_append(&run, "first", 5, &error));
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){.rlim_cur = 10, .rlim_max = old.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    bool appended = hx_rundir_append(&run, "second is longer than ten bytes", 31, &error); /* a short write of 4 bytes first */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_false(appended);
    assert_non_null(strstr(error.line, "No space left"));
    assert_true(hx_rundir_append(&run, "third", 5, &error));
    hx_rundir_close(&run);
    struct hx_buffer plan, lines;
    assert_true(hx_rundir_open(path, &run, &plan, &lines, &error));
    assert_string_equal(lines.data, "first\nthird\n");
    hx_buffer_free(&plan);
    hx_buffer_free(&lines);
    hx_rundir_close(&run);
    free(path);
}

static void published_files_read_back(void **state) {
    (void)state;
    char *path = below("published"), *raw = below("published/raw/c0000.jsonl.zst"), *plain = below("published/samples.tsv");
    struct hx_rundir run;
    struct hx_error error = {{0}};
    assert_true(hx_rundir_create(path, "{}", &run, &error));
    struct hx_buffer text = {0}, read;
    for (unsigned i = 0; i < 50000; i++) {
        hx_buffer_print(&text, "%u\t", i * 7919u);
    }
    assert_true(hx_rundir_publish_zstd(&run, "raw/c0000.jsonl.zst", text.data, text.size_bytes, &error));
    assert_true(hx_rundir_publish(&run, "samples.tsv", text.data, text.size_bytes, &error));
    const char *const paths[] = {raw, plain};
    for (size_t i = 0; i < 2; i++) {
        assert_true(hx_file_slurp(paths[i], &read, &error));
        assert_int_equal(read.size_bytes, text.size_bytes);
        assert_memory_equal(read.data, text.data, text.size_bytes);
        hx_buffer_free(&read);
    }
    assert_int_equal(truncate(raw, 200), 0);
    assert_false(hx_file_slurp(raw, &read, &error));
    assert_non_null(strstr(error.line, "cut short"));
    assert_true(hx_rundir_publish_zstd(&run, "hist.tsv.zst", "", 0, &error));
    free(raw);
    raw = below("published/hist.tsv.zst");
    assert_true(hx_file_slurp(raw, &read, &error));
    assert_int_equal(read.size_bytes, 0);
    hx_buffer_free(&read);
    hx_buffer_free(&text);
    hx_rundir_close(&run);
    free(path);
    free(raw);
    free(plain);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parents_are_made_and_the_journal_opened), cmocka_unit_test(a_folder_with_something_in_it_is_refused),
        cmocka_unit_test(a_failure_leaves_no_folder),              cmocka_unit_test(a_failed_append_changes_nothing),
        cmocka_unit_test(published_files_read_back),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
