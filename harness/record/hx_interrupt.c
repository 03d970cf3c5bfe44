/* hx_interrupt.c - see hx_interrupt.h. The remembered signal is the one piece of process-wide state, as signals are. */
#include "record/hx_interrupt.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int arrived_signal; /* guard: the one thread that runs the driver */

int hx_interrupt_open(struct hx_error *error) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) {
        hx_fail(error, "cannot block signals: %s", strerror(errno));
        return -1;
    }
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        hx_fail(error, "cannot watch for signals: %s", strerror(errno));
    }
    return fd;
}

int hx_interrupt_signal(int fd) {
    struct signalfd_siginfo info;
    if (fd >= 0 && read(fd, &info, sizeof info) == (ssize_t)sizeof info) {
        arrived_signal = (int)info.ssi_signo;
    }
    return arrived_signal;
}
