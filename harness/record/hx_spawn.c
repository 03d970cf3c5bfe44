/* hx_spawn.c - fork, exec, one poll loop, kill. See hx_spawn.h.
 *
 * A plain fork is used rather than posix_spawn because only the child itself can ask to die with its parent and to run without
 * ASLR. The driver is a small process of one thread; nothing but async-signal-safe calls happens between fork and exec. */
#include "record/hx_spawn.h"

#include "record/hx_words.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/close_range.h>

enum { OBSERVATION, OUTPUT, ERRORS, PIPE_COUNT };

static const size_t keep_bytes[PIPE_COUNT] = {
    [OBSERVATION] = 64 * HX_MIB, /* series, histograms and blocks of one process are a few hundred KiB */
    [OUTPUT] = 16 * HX_MIB,
    [ERRORS] = 64 * HX_KIB,
};

/* What one pipe gave so far. Beyond its limit it is still read, so that the child never blocks, and thrown away. */
struct stream {
    int fd; /* -1 once closed */
    struct hx_buffer text;
    size_t limit_bytes;
};

static uint64_t now_ns(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * HX_NS_PER_S + (uint64_t)t.tv_nsec;
}

/* In the child: tells the parent which errno stopped it, through a pipe that a successful exec closes. */
static _Noreturn void child_fail(int report_fd) {
    int problem = errno;
    ssize_t written = write(report_fd, &problem, sizeof problem);
    _exit(written == (ssize_t)sizeof problem ? 127 : 126);
}

static _Noreturn void child_run(const struct hx_spawn *what, const int write_fds[PIPE_COUNT], int report_fd, pid_t parent) {
    static const char *const nothing[] = {NULL};
    (void)setpgid(0, 0);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
        _exit(126);
    }
    if (what->no_aslr && personality(ADDR_NO_RANDOMIZE) < 0) {
        child_fail(report_fd);
    }
    for (int s = 1; s < NSIG; s++) {
        (void)signal(s, SIG_DFL);
    }
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    /* Every descriptor here is above 3 (see pipe_above), so no dup2 overwrites one that is still needed. */
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(write_fds[OUTPUT], 1) < 0 || dup2(write_fds[ERRORS], 2) < 0 ||
        dup2(write_fds[OBSERVATION], 3) < 0) {
        child_fail(report_fd);
    }
    const char *const *environment = what->environment != NULL ? what->environment : nothing;
    /* Descriptors that a library of ours may have left open; a kernel before 5.11 cannot, and leaves them. */
    (void)close_range(4, ~0U, CLOSE_RANGE_CLOEXEC);
    /* execve's prototype lacks const for history's sake; it changes nothing. */
    union {
        const char *const *in;
        char *const *out;
    } argv = {.in = what->argv}, envp = {.in = environment};
    (void)execve(what->argv[0], argv.out, envp.out);
    child_fail(report_fd);
}

/* A close-on-exec pipe whose descriptors are both 10 or higher. */
static bool pipe_above(int fds[2]) {
    int low[2];
    if (pipe2(low, O_CLOEXEC) != 0) {
        return false;
    }
    for (int i = 0; i < 2; i++) {
        fds[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 10);
    }
    int problem = errno;
    (void)close(low[0]);
    (void)close(low[1]);
    if (fds[0] >= 0 && fds[1] >= 0) {
        return true;
    }
    for (int i = 0; i < 2; i++) {
        if (fds[i] >= 0) {
            (void)close(fds[i]);
        }
    }
    errno = problem;
    return false;
}

static void close_fd(int *fd) {
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

/* Reads what is there now; closes at end of file or error. */
static void stream_drain(struct stream *stream) {
    char chunk[64 * 1024];
    while (stream->fd >= 0) {
        ssize_t got = read(stream->fd, chunk, sizeof chunk);
        if (got > 0) {
            size_t room = stream->limit_bytes - stream->text.size_bytes;
            hx_buffer_add(&stream->text, chunk, (size_t)got < room ? (size_t)got : room);
        } else if (got < 0 && errno == EINTR) {
            continue;
        } else if (got < 0 && errno == EAGAIN) {
            return;
        } else {
            close_fd(&stream->fd);
        }
    }
}

struct child {
    pid_t pid;
    int pidfd;
    struct stream streams[PIPE_COUNT];
};

static void child_release(struct child *child) {
    close_fd(&child->pidfd);
    for (int i = 0; i < PIPE_COUNT; i++) {
        close_fd(&child->streams[i].fd);
    }
}

/* Forks and waits until exec has succeeded (the report pipe closes) or has failed. */
static bool child_start(const struct hx_spawn *what, struct child *child, struct hx_error *error) {
    int pipes[PIPE_COUNT][2], report[2] = {-1, -1}, write_fds[PIPE_COUNT];
    int made = 0;
    while (made < PIPE_COUNT && pipe_above(pipes[made])) {
        made++;
    }
    if (made == PIPE_COUNT && pipe_above(report)) {
        for (int i = 0; i < PIPE_COUNT; i++) {
            write_fds[i] = pipes[i][1];
        }
        pid_t parent = getpid();
        child->pid = fork();
        if (child->pid == 0) {
            child_run(what, write_fds, report[1], parent);
        }
    } else {
        child->pid = -1;
    }
    int problem = errno;
    for (int i = 0; i < made; i++) {
        (void)close(pipes[i][1]);
        child->streams[i] = (struct stream){.fd = pipes[i][0], .limit_bytes = keep_bytes[i]};
        (void)fcntl(pipes[i][0], F_SETFL, O_NONBLOCK);
    }
    close_fd(&report[1]);
    if (child->pid > 0) {
        int child_problem = 0;
        ssize_t got;
        do {
            got = read(report[0], &child_problem, sizeof child_problem);
        } while (got < 0 && errno == EINTR);
        problem = got == (ssize_t)sizeof child_problem ? child_problem : 0;
        if (problem != 0) {
            (void)waitpid(child->pid, NULL, 0);
            child->pid = -1;
        }
    }
    close_fd(&report[0]);
    if (child->pid < 0) {
        child_release(child);
        return hx_fail(error, "cannot start %s: %s", what->argv[0], strerror(problem));
    }
    child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
    if (child->pidfd < 0) {
        problem = errno;
        (void)kill(-child->pid, SIGKILL);
        (void)waitpid(child->pid, NULL, 0);
        child_release(child);
        return hx_fail(error, "cannot watch %s: %s", what->argv[0], strerror(problem));
    }
    return true;
}

/* Sleeps until the child has ended; returns why the wait ended (EXIT stands for either natural end). */
static enum hx_ending child_wait(const struct hx_spawn *what, struct child *child, uint64_t started_ns) {
    for (;;) {
        struct pollfd polls[PIPE_COUNT + 2];
        nfds_t count = 0;
        polls[count++] = (struct pollfd){.fd = child->pidfd, .events = POLLIN};
        polls[count++] = (struct pollfd){.fd = what->stop_fd, .events = POLLIN}; /* poll ignores a negative one */
        for (int i = 0; i < PIPE_COUNT; i++) {
            polls[count++] = (struct pollfd){.fd = child->streams[i].fd, .events = POLLIN};
        }
        int wait_ms = -1;
        if (what->timeout_ms != 0) {
            uint64_t spent_ms = (now_ns() - started_ns) / 1000000;
            wait_ms = spent_ms >= what->timeout_ms ? 0 : (int)(what->timeout_ms - spent_ms);
        }
        int ready = poll(polls, count, wait_ms);
        if (ready == 0) {
            return HX_ENDED_TIMEOUT;
        }
        for (int i = 0; i < PIPE_COUNT; i++) {
            stream_drain(&child->streams[i]);
        }
        if (ready > 0 && (polls[0].revents & POLLIN) != 0) {
            return HX_ENDED_EXIT;
        }
        if (ready > 0 && (polls[1].revents & (POLLIN | POLLERR | POLLHUP)) != 0) {
            return HX_ENDED_STOPPED;
        }
    }
}

static char *take_text(struct stream *stream) {
    return stream->text.data != NULL ? stream->text.data : hx_dup("");
}

bool hx_spawn(const struct hx_spawn *what, struct hx_spawned *out, struct hx_error *error) {
    *out = (struct hx_spawned){0};
    struct child child = {.pidfd = -1, .streams = {{.fd = -1}, {.fd = -1}, {.fd = -1}}};
    uint64_t started_ns = now_ns();
    if (!child_start(what, &child, error)) {
        return false;
    }
    out->ending = child_wait(what, &child, started_ns);
    /* The group dies in every case: whatever a worker left behind would disturb the next one. */
    (void)kill(-child.pid, SIGKILL);
    int status = 0;
    while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
    }
    out->wall_ns = now_ns() - started_ns;
    for (int i = 0; i < PIPE_COUNT; i++) {
        stream_drain(&child.streams[i]);
    }
    if (out->ending == HX_ENDED_EXIT && WIFSIGNALED(status)) {
        out->ending = HX_ENDED_SIGNAL;
        out->code = WTERMSIG(status);
    } else if (out->ending == HX_ENDED_EXIT) {
        out->code = WEXITSTATUS(status);
    }
    out->observation = take_text(&child.streams[OBSERVATION]);
    out->output = take_text(&child.streams[OUTPUT]);
    out->errors = take_text(&child.streams[ERRORS]);
    child_release(&child);
    return true;
}

void hx_spawned_free(struct hx_spawned *spawned) {
    free(spawned->observation);
    free(spawned->output);
    free(spawned->errors);
    *spawned = (struct hx_spawned){0};
}

const char *hx_spawned_say(const struct hx_spawned *spawned, char *buffer, size_t capacity_bytes) {
    const char *signal_name = NULL;
    switch (spawned->ending) {
    case HX_ENDED_EXIT:
        (void)snprintf(buffer, capacity_bytes, "exit %d", spawned->code);
        break;
    case HX_ENDED_SIGNAL:
        signal_name = sigabbrev_np(spawned->code);
        (void)snprintf(buffer, capacity_bytes, "killed by SIG%s", signal_name != NULL ? signal_name : "?");
        break;
    case HX_ENDED_TIMEOUT:
        (void)snprintf(buffer, capacity_bytes, "timed out");
        break;
    case HX_ENDED_STOPPED:
        (void)snprintf(buffer, capacity_bytes, "stopped");
        break;
    }
    return buffer;
}
