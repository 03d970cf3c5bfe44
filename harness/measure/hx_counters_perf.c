/* hx_counters_perf.c - the real machine behind struct hx_counter_ops: perf_event_open, read, ioctl. No library, no malloc.
 *
 * Why its own file: <linux/perf_event.h> and libpfm4's header cannot be included together. Each counter is read by itself with
 * its enabled and running times; FORMAT_GROUP is not used, so a counter that the group refused is read the same way. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "measure/hx_counters.h"

static int perf_open(void *self, const struct hx_counter *counter, enum hx_counter_scope scope, int leader_fd) {
    (void)self;
    struct perf_event_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.size = sizeof attr;
    attr.type = counter->type;
    attr.config = counter->config;
    attr.config1 = counter->config1;
    attr.config2 = counter->config2;
    attr.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    attr.disabled = leader_fd < 0; /* siblings follow their leader */
    attr.exclude_user = scope == HX_SCOPE_KERNEL;
    attr.exclude_kernel = scope == HX_SCOPE_USER;
    attr.exclude_hv = 1;
    long fd = syscall(SYS_perf_event_open, &attr, 0, -1, leader_fd, PERF_FLAG_FD_CLOEXEC);
    return fd < 0 ? -errno : (int)fd;
}

static int perf_read(void *self, int fd, struct hx_counter_reading *out) {
    (void)self;
    uint64_t values[3];
    ssize_t got;
    do {
        got = read(fd, values, sizeof values);
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof values) {
        return got < 0 ? -errno : -EIO;
    }
    *out = (struct hx_counter_reading){.raw = values[0], .enabled_ns = values[1], .running_ns = values[2]};
    return 0;
}

/* Of the leader alone: its siblings are always enabled and follow it. PERF_IOC_FLAG_GROUP enables them one by one after the
 * leader, and then (seen on Linux 6.18) the last one stands still until the thread is next scheduled in: up to 2 ms of a phase. */
static int perf_enable(void *self, int fd) {
    (void)self;
    return ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) < 0 ? -errno : 0;
}

static int perf_disable(void *self, int fd) {
    (void)self;
    return ioctl(fd, PERF_EVENT_IOC_DISABLE, 0) < 0 ? -errno : 0;
}

static void perf_close(void *self, int fd) {
    (void)self;
    close(fd);
}

/* The names under which kernels list a core PMU: x86, hybrid x86, arm64. */
static bool perf_has_pmu(void *self) {
    (void)self;
    static const char *const folders[] = {
        "/sys/bus/event_source/devices/cpu",
        "/sys/bus/event_source/devices/cpu_core",
        "/sys/bus/event_source/devices/armv8_pmuv3",
        "/sys/bus/event_source/devices/armv8_pmuv3_0",
    };
    for (size_t i = 0; i < HX_COUNT_OF(folders); i++) {
        if (access(folders[i], F_OK) == 0) {
            return true;
        }
    }
    return false;
}

const struct hx_counter_ops *hx_counter_ops_perf(void) {
    static const struct hx_counter_ops ops = {
        .open = perf_open,
        .read = perf_read,
        .enable = perf_enable,
        .disable = perf_disable,
        .close = perf_close,
        .has_pmu = perf_has_pmu,
    };
    return &ops;
}
