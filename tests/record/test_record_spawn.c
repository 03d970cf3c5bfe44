/* test_record_spawn.c - every way a process can end, its three outputs, its environment and its descriptors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "record/hx_spawn.h"

static struct hx_spawned run(const char *script, const char *const *environment, unsigned timeout_ms, int stop_fd) {
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    struct hx_spawn what = {.argv = argv, .environment = environment, .timeout_ms = timeout_ms, .stop_fd = stop_fd};
    struct hx_spawned out;
    struct hx_error error = {{0}};
    assert_true(hx_spawn(&what, &out, &error));
    return out;
}

static void three_outputs_are_kept_apart(void **state) {
    (void)state;
    struct hx_spawned out = run("echo said; echo wrong >&2; echo seen >&3; exit 7", NULL, 0, -1);
    assert_int_equal(out.ending, HX_ENDED_EXIT);
    assert_int_equal(out.code, 7);
    assert_string_equal(out.output, "said\n");
    assert_string_equal(out.errors, "wrong\n");
    assert_string_equal(out.observation, "seen\n");
    assert_true(out.wall_ns > 0);
    char how[64];
    assert_string_equal(hx_spawned_say(&out, how, sizeof how), "exit 7");
    hx_spawned_free(&out);
}

static void a_signal_is_named(void **state) {
    (void)state;
    struct hx_spawned out = run("kill -SEGV $$", NULL, 0, -1);
    assert_int_equal(out.ending, HX_ENDED_SIGNAL);
    assert_int_equal(out.code, SIGSEGV);
    char how[64];
    assert_string_equal(hx_spawned_say(&out, how, sizeof how), "killed by SIGSEGV");
    hx_spawned_free(&out);
}

static void a_hanging_process_is_ended(void **state) {
    (void)state;
    struct hx_spawned out = run("echo early >&3; sleep 600", NULL, 200, -1);
    assert_int_equal(out.ending, HX_ENDED_TIMEOUT);
    assert_string_equal(out.observation, "early\n");
    hx_spawned_free(&out);
}

static void the_stop_descriptor_ends_it(void **state) {
    (void)state;
    int fd = eventfd(1, EFD_CLOEXEC);
    assert_true(fd >= 0);
    struct hx_spawned out = run("sleep 600", NULL, 0, fd);
    assert_int_equal(out.ending, HX_ENDED_STOPPED);
    hx_spawned_free(&out);
    (void)close(fd);
}

/* What a worker leaves behind must not run beside the next one, nor keep us waiting for its end of the pipe. */
static void grandchildren_end_too(void **state) {
    (void)state;
    struct hx_spawned out = run("sleep 600 & echo $! >&3", NULL, 0, -1);
    assert_int_equal(out.ending, HX_ENDED_EXIT);
    pid_t left = (pid_t)atoi(out.observation);
    assert_true(left > 1);
    for (unsigned tries = 0; tries < 1000 && kill(left, 0) == 0; tries++) {
        char path[64], text[256] = "";
        (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)left);
        FILE *file = fopen(path, "re");
        size_t got = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
        if (file != NULL) {
            (void)fclose(file);
        }
        if (got != 0 && strstr(text, ") Z") != NULL) {
            break; /* dead; whoever adopted it has not reaped it yet */
        }
        (void)usleep(1000);
        assert_true(tries < 999);
    }
    hx_spawned_free(&out);
}

static void more_than_a_pipe_holds(void **state) {
    (void)state;
    struct hx_spawned out = run("head -c 1000000 /dev/zero | tr '\\0' x >&3; head -c 300000 /dev/zero | tr '\\0' y >&2", NULL, 60000, -1);
    assert_int_equal(out.ending, HX_ENDED_EXIT);
    assert_int_equal(strlen(out.observation), 1000000);
    assert_int_equal(strlen(out.errors), 64 * 1024); /* cut, and the writer not blocked */
    hx_spawned_free(&out);
}

static void nothing_but_four_descriptors_is_inherited(void **state) {
    (void)state;
    int extra = open("/dev/null", O_RDONLY); /* on purpose without close-on-exec: a library may open such */
    assert_true(extra >= 0);
    struct hx_spawned out = run("ls /proc/self/fd >&3", NULL, 0, -1);
    assert_string_equal(out.observation, "0\n1\n2\n3\n4\n"); /* 4 is the folder that ls reads */
    hx_spawned_free(&out);
    (void)close(extra);
}

static void signals_are_at_their_defaults(void **state) {
    (void)state;
    sigset_t set, before;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    assert_int_equal(sigprocmask(SIG_BLOCK, &set, &before), 0);
    struct hx_spawned out = run("kill -TERM $$; echo survived >&3", NULL, 0, -1);
    assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
    assert_int_equal(out.ending, HX_ENDED_SIGNAL);
    assert_int_equal(out.code, SIGTERM);
    hx_spawned_free(&out);
}

static void what_cannot_start_says_why(void **state) {
    (void)state;
    const char *const argv[] = {"/nonexistent/program", NULL};
    struct hx_spawn what = {.argv = argv, .stop_fd = -1};
    struct hx_spawned out;
    struct hx_error error = {{0}};
    assert_false(hx_spawn(&what, &out, &error));
    assert_string_equal(error.line, "cannot start /nonexistent/program: No such file or directory");
}

static const char *value(const char **environment, const char *name) {
    size_t length = strlen(name);
    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=') {
            return *environment + length + 1;
        }
    }
    return NULL;
}

static void environments_by_malloc_and_page_mode(void **state) {
    (void)state;
    struct hx_cell cell = {.scenario = "s", .backend = "malloc", .arm = "each", .options = "-", .threads = 1, .pages = HX_PAGES_4K};
    assert_int_equal(setenv("HX_FAKE_THING", "1", 1), 0);
    assert_int_equal(setenv("SECRET_THING", "1", 1), 0);
    const char **environment = hx_environment(&cell, HX_ALLOCATOR_GLIBC, NULL, 0);
    assert_null(value(environment, "GLIBC_TUNABLES"));
    assert_null(value(environment, "LD_PRELOAD"));
    assert_null(value(environment, "SECRET_THING"));
    assert_string_equal(value(environment, "HX_FAKE_THING"), "1");
    assert_string_equal(value(environment, "LC_ALL"), "C");
    free(environment);
    cell.pages = HX_PAGES_HUGE;
    environment = hx_environment(&cell, HX_ALLOCATOR_GLIBC, NULL, 100);
    assert_string_equal(value(environment, "GLIBC_TUNABLES"), "glibc.malloc.hugetlb=1");
    assert_int_equal(strlen(value(environment, "HX_PAD")), 100);
    free(environment);
    memcpy(cell.options, "tuning=keep", sizeof "tuning=keep");
    environment = hx_environment(&cell, HX_ALLOCATOR_JEMALLOC, "/lib/x.so", 0);
    assert_string_equal(value(environment, "MALLOC_CONF"), "thp:always,dirty_decay_ms:-1,muzzy_decay_ms:-1");
    assert_string_equal(value(environment, "LD_PRELOAD"), "/lib/x.so");
    assert_null(value(environment, "GLIBC_TUNABLES"));
    free(environment);
    environment = hx_environment(&cell, HX_ALLOCATOR_MIMALLOC, "/lib/x.so", 0);
    assert_string_equal(value(environment, "MIMALLOC_LARGE_OS_PAGES"), "1");
    assert_string_equal(value(environment, "MIMALLOC_ALLOW_DECOMMIT"), "0");
    free(environment);
    /* A region takes chunks from a malloc and gets that one's words; of its pages it keeps all. */
    struct hx_backend region = {.memory = HX_ALLOCATOR_GLIBC};
    memcpy(cell.options, "-", sizeof "-");
    environment = hx_backend_environment(&cell, &region, 0);
    assert_non_null(strstr(value(environment, "GLIBC_TUNABLES"), "glibc.malloc.hugetlb=1"));
    assert_non_null(strstr(value(environment, "GLIBC_TUNABLES"), "glibc.malloc.trim_threshold"));
    free(environment);
    memcpy(cell.options, "tuning=keep", sizeof "tuning=keep");
    /* A tuned cell of a backend that is no malloc gets none of it. */
    environment = hx_environment(&cell, HX_ALLOCATOR_NONE, NULL, 0);
    assert_null(value(environment, "GLIBC_TUNABLES"));
    assert_null(value(environment, "MALLOC_CONF"));
    free(environment);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_outputs_are_kept_apart),  cmocka_unit_test(a_signal_is_named),
        cmocka_unit_test(a_hanging_process_is_ended),    cmocka_unit_test(the_stop_descriptor_ends_it),
        cmocka_unit_test(grandchildren_end_too),         cmocka_unit_test(more_than_a_pipe_holds),
        cmocka_unit_test(nothing_but_four_descriptors_is_inherited), cmocka_unit_test(signals_are_at_their_defaults),
        cmocka_unit_test(what_cannot_start_says_why),    cmocka_unit_test(environments_by_malloc_and_page_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
