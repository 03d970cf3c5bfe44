/* hx_tune_verb.c - `doctor --tune [-- CMD ARGS]` and `doctor --restore`.
 *
 * Why a command: settings that are held for exactly as long as a measurement need no second step that somebody forgets. Every signal
 * that could end this process is blocked and read from a descriptor, so the way back is one function for the end of CMD, an error
 * and a signal; SIGKILL alone skips it, and the state file is for that (measure/hx_tune.h).
 *
 * A signal from outside is passed on to CMD, which ends in its own way; a second one kills it. Ctrl-C has reached CMD by itself.
 * CMD is no child of the settings: it may not be waited for longer than it runs, and its exit code is ours. One thread. */
#include "driver/hx_drive.h"

#include "measure/hx_tune.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NO_CHILD = 0 };

/* ---- what it says -------------------------------------------------------------------------------------------------------- */

static const char *why(const struct hx_tune_knob *knob) {
    return knob->reads_otherwise ? "it was written and reads otherwise" : strerror(knob->error);
}

/* One line a key, however many files it has: "tune: governor performance (was powersave), 64 files". */
static void tell_key(const struct hx_tune *tune, size_t first) {
    const struct hx_tune_knob *knob = &tune->knob[first], *failed = NULL;
    size_t files = 0, changed = 0;
    const char *was = knob->was;
    for (size_t i = first; i < tune->knob_count; i++) {
        const struct hx_tune_knob *one = &tune->knob[i];
        if (strcmp(one->key, knob->key) == 0) {
            files++;
            changed += one->changed && one->error == 0;
            failed = failed == NULL && one->error != 0 ? one : failed;
            was = one->changed && one->error == 0 && changed == 1 ? one->was : was;
        }
    }
    char count[40] = "";
    if (files > 1) {
        (void)snprintf(count, sizeof count, ", %zu of %zu files", changed, files);
    }
    if (failed != NULL) {
        hx_warn("tune: %s: null (%s: %s)%s", knob->key, failed->path, why(failed), count);
    } else if (changed != 0) {
        hx_warn("tune: %s: %s (was %s)%s", knob->key, knob->want, was, count);
    } else {
        hx_warn("tune: %s: %s already", knob->key, knob->want);
    }
}

static void tell_tuned(const struct hx_tune *tune) {
    for (size_t i = 0; i < tune->knob_count; i++) {
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++) {
            seen = strcmp(tune->knob[k].key, tune->knob[i].key) == 0;
        }
        if (!seen) {
            tell_key(tune, i);
        }
    }
    for (size_t i = 0; i < tune->absent_count; i++) {
        hx_warn("tune: %s: null (%s)", tune->absent[i].key, tune->absent[i].reason);
    }
}

/* Puts everything back and says so. HX_EXIT_OK, or HX_EXIT_ERROR when something could not be. */
static int give_back(struct hx_tune *tune) {
    size_t changed = 0;
    for (size_t i = 0; i < tune->knob_count; i++) {
        changed += tune->knob[i].changed;
    }
    size_t failed = hx_tune_restore(tune);
    for (size_t i = 0; i < tune->knob_count; i++) {
        const struct hx_tune_knob *knob = &tune->knob[i];
        if (knob->changed) {
            hx_warn("restore: %s: %s could not be set back to %s (%s)", knob->key, knob->path, knob->was, why(knob));
        }
    }
    if (failed != 0) {
        hx_warn("restore: %s keeps what is left: try doctor --restore again", hx_tune_state_path);
        return HX_EXIT_ERROR;
    }
    hx_warn("restore: %zu settings are back as they were", changed);
    return HX_EXIT_OK;
}

/* ---- before ------------------------------------------------------------------------------------------------------------- */

static bool take_lock(struct hx_tune *tune, const char *root) {
    long holder = 0;
    tune->root = root;
    int error = hx_tune_lock(tune, &holder);
    if (error == EWOULDBLOCK) {
        hx_warn("another doctor --tune (process %ld) holds this machine: wait for it, or end it by SIGTERM", holder);
    } else if (error != 0) {
        hx_warn("doctor: %s.lock: %s%s", hx_tune_state_path, strerror(error),
                error == EACCES || error == EPERM ? " (it needs root)" : "");
    }
    return error == 0;
}

/* What an earlier --tune left. HX_EXIT_OK also when there was nothing. */
static int finish_earlier(struct hx_tune *tune, const char *root, bool *found) {
    int error = hx_tune_load(tune, root);
    *found = error == 0;
    if (error == ENOENT) {
        return HX_EXIT_OK;
    }
    if (error != 0) {
        hx_warn("doctor: %s: %s; remove it when the settings are as you want them", hx_tune_state_path,
                error == EINVAL ? "not a state file of doctor --tune" : strerror(error));
        return HX_EXIT_ERROR;
    }
    if (tune->another_boot) {
        hx_warn("restore: the state file is from before the last boot, which undid the settings");
    }
    return give_back(tune);
}

static bool may_tune(const char *option, const char *root) {
    if (strcmp(root, "/") == 0 && geteuid() != 0) {
        hx_warn("doctor %s needs root", option);
        return false;
    }
    return true;
}

/* Everything that ends a process by default, but for faults and SIGKILL; SIGCHLD wakes us. */
static int watch_signals(sigset_t *before) {
    static const int numbers[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM,
                                  SIGVTALRM, SIGPROF, SIGXCPU, SIGXFSZ, SIGPIPE, SIGIO,   SIGPWR, SIGCHLD};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < HX_COUNT_OF(numbers); i++) {
        sigaddset(&set, numbers[i]);
    }
    if (sigprocmask(SIG_BLOCK, &set, before) != 0) {
        return -1;
    }
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* ---- while tuned -------------------------------------------------------------------------------------------------------- */

/* The child, or -1. A failed exec comes back as the child's exit code 5, after its line. */
static pid_t start(char *const *command, const sigset_t *mask) {
    pid_t child = fork();
    if (child < 0) {
        hx_warn("cannot start %s: %s", command[0], strerror(errno));
    } else if (child == 0) {
        (void)sigprocmask(SIG_SETMASK, mask, NULL);
        (void)execvp(command[0], command);
        hx_warn("cannot run %s: %s", command[0], strerror(errno));
        _exit(HX_EXIT_ERROR);
    }
    return child;
}

/* Waits for the child's end, or without one for a signal. Returns the exit code. */
static int hold(int signal_fd, pid_t child) {
    struct pollfd wait_for = {.fd = signal_fd, .events = POLLIN};
    struct signalfd_siginfo info;
    int passed_on = 0, status = 0;
    for (;;) {
        if (child != NO_CHILD && waitpid(child, &status, WNOHANG) == child) {
            return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : passed_on != 0 && WEXITSTATUS(status) == 0 ? 128 + passed_on
                                                                                                            : WEXITSTATUS(status);
        }
        (void)poll(&wait_for, 1, -1);
        if (read(signal_fd, &info, sizeof info) != (ssize_t)sizeof info) {
            continue;
        }
        int number = (int)info.ssi_signo;
        if (number == SIGCHLD || number == SIGPIPE) {
            continue;
        }
        if (child == NO_CHILD) {
            return 128 + number;
        }
        /* From a terminal it went to the whole group, the child with it. */
        if (info.ssi_code != SI_KERNEL || passed_on != 0) {
            (void)kill(child, passed_on != 0 ? SIGKILL : number);
        }
        passed_on = number;
    }
}

int hx_verb_tune(const struct hx_options *options) {
    sigset_t before;
    bool found = false;
    if (!may_tune("--tune", options->root)) {
        return HX_EXIT_ERROR;
    }
    struct hx_tune *tune = hx_alloc(sizeof *tune);
    int signal_fd = watch_signals(&before);
    if (signal_fd < 0) {
        hx_warn("cannot watch for signals: %s", strerror(errno));
    }
    if (signal_fd < 0 || !take_lock(tune, options->root)) {
        free(tune);
        return HX_EXIT_ERROR;
    }
    int code = finish_earlier(tune, options->root, &found);
    if (code == HX_EXIT_OK) {
        hx_tune_find(tune, options->root);
        int error = hx_tune_record(tune);
        if (error != 0) {
            hx_warn("doctor: %s: %s; nothing was changed", hx_tune_state_path, strerror(error));
            code = HX_EXIT_ERROR;
        } else {
            (void)hx_tune_apply(tune);
            tell_tuned(tune);
            pid_t child = options->command != NULL ? start(options->command, &before) : NO_CHILD;
            if (options->command == NULL) {
                hx_warn("tune: held until a signal comes (Ctrl-C)");
            }
            code = child < 0 ? HX_EXIT_ERROR : hold(signal_fd, child);
            int restored = give_back(tune);
            code = restored != HX_EXIT_OK ? restored : code;
        }
    }
    hx_tune_unlock(tune);
    free(tune);
    return code;
}

int hx_verb_restore(const struct hx_options *options) {
    bool found = false;
    sigset_t before;
    if (!may_tune("--restore", options->root)) {
        return HX_EXIT_ERROR;
    }
    struct hx_tune *tune = hx_alloc(sizeof *tune);
    (void)watch_signals(&before); /* an interruption here would leave less than before: it waits until all is done */
    if (!take_lock(tune, options->root)) {
        free(tune);
        return HX_EXIT_ERROR;
    }
    int code = finish_earlier(tune, options->root, &found);
    if (code == HX_EXIT_OK && !found) {
        hx_warn("restore: nothing to put back");
    }
    hx_tune_unlock(tune);
    free(tune);
    return code;
}
