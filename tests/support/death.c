#include "support/death.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void read_all(int fd, char *text, size_t capacity)
{
    size_t used = 0;
    char chunk[512];
    ssize_t got;

    while ((got = read(fd, chunk, sizeof chunk)) > 0) {
        size_t room = capacity - 1 - used;
        size_t take = (size_t)got < room ? (size_t)got : room;

        memcpy(text + used, chunk, take);
        used += take;
    }
    text[used] = '\0';
}

void ab_run_in_child(void (*fn)(void *), void *arg, struct ab_death *out)
{
    int ends[2];
    int status = 0;
    pid_t child;

    memset(out, 0, sizeof *out);
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit no_core = {0, 0};

        setrlimit(RLIMIT_CORE, &no_core);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        fn(arg);
        _exit(0);
    }
    close(ends[1]);
    read_all(ends[0], out->stderr_text, sizeof out->stderr_text);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    out->exited = WIFEXITED(status);
    out->exit_status = out->exited ? WEXITSTATUS(status) : 0;
    out->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

void ab_expect_fatal(void (*fn)(void *), void *arg, const char *message)
{
    struct ab_death death;

    ab_run_in_child(fn, arg, &death);
    if (death.exited && death.exit_status == 0)
        fail_msg("expected a fatal \"%s\", but the child went on to its end", message);
    if (strstr(death.stderr_text, message) == NULL)
        fail_msg("expected \"%s\" on stderr, got \"%s\"", message, death.stderr_text);
}
