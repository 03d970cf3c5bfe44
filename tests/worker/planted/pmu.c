/* pmu.c - see pmu.h. Config 0 counts cycles, 1 instructions. */
#include "worker/planted/pmu.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "measure/hx_counters.h"

enum { EVENTS = 2, CYCLES_USER = 2, CYCLES_KERNEL = 5, FD_BASE = 1000, US_NS = 1000 };

struct counter {
    bool open, enabled;
    int leader; /* index, or -1 */
    uint64_t config;
    enum hx_counter_scope scope;
    struct hx_counter_reading now;
};

static _Thread_local struct counter counters[HX_COUNTERS_PER_GROUP_MAX];
static _Thread_local unsigned number; /* of this thread, from 1 */
static atomic_uint threads;

/* Entry `index` of PLANTED_SHARES. */
static double share_of(unsigned index) {
    const char *text = getenv("PLANTED_SHARES"), *second = getenv("PLANTED_SECOND");
    char *end = NULL;
    double share = 1;
    for (unsigned i = 0; text != NULL && i <= index; i++) {
        share = strtod(text, &end);
        text = *end == ',' ? end + 1 : end;
    }
    return number > 1 && second != NULL ? share * strtod(second, NULL) : share;
}

void planted_work(enum planted_phase phase, uint64_t user, uint64_t kernel) {
    double share = share_of(phase);
    for (unsigned i = 0; i < HX_COUNTERS_PER_GROUP_MAX; i++) {
        struct counter *counter = &counters[i];
        if (!counter->open || !counter->enabled) {
            continue;
        }
        uint64_t user_each = counter->config == 0 ? CYCLES_USER : 1, kernel_each = counter->config == 0 ? CYCLES_KERNEL : 1;
        uint64_t count = (counter->scope == HX_SCOPE_KERNEL ? 0 : user * user_each) +
                         (counter->scope == HX_SCOPE_USER ? 0 : kernel * kernel_each);
        counter->now.raw += (uint64_t)((double)count * share);
        counter->now.enabled_ns += US_NS;
        counter->now.running_ns += (uint64_t)(US_NS * share);
    }
}

static int pmu_open(void *self, const struct hx_counter *counter, enum hx_counter_scope scope, int leader_fd) {
    (void)self;
    if (number == 0) {
        number = 1 + atomic_fetch_add(&threads, 1);
    }
    if (counter->type != 0 || counter->config >= EVENTS) {
        return -ENOENT;
    }
    for (int i = 0; i < HX_COUNTERS_PER_GROUP_MAX; i++) {
        if (!counters[i].open) {
            counters[i] = (struct counter){.open = true, .config = counter->config, .scope = scope,
                                           .leader = leader_fd < 0 ? -1 : leader_fd - FD_BASE};
            return FD_BASE + i;
        }
    }
    return -EMFILE;
}

static int pmu_read(void *self, int fd, struct hx_counter_reading *out) {
    (void)self;
    *out = counters[fd - FD_BASE].now;
    return 0;
}

static int enable(int fd, bool on) {
    for (int i = 0; i < HX_COUNTERS_PER_GROUP_MAX; i++) {
        if (i == fd - FD_BASE || counters[i].leader == fd - FD_BASE) {
            counters[i].enabled = on;
        }
    }
    return 0;
}

static int pmu_enable(void *self, int fd) {
    (void)self;
    return enable(fd, true);
}

static int pmu_disable(void *self, int fd) {
    (void)self;
    return enable(fd, false);
}

static void pmu_close(void *self, int fd) {
    (void)self;
    counters[fd - FD_BASE] = (struct counter){.leader = -1};
}

static bool pmu_there(void *self) {
    (void)self;
    return true;
}

const struct hx_counter_ops *hx_counter_ops_perf(void) {
    static const struct hx_counter_ops ops = {
        .open = pmu_open, .read = pmu_read, .enable = pmu_enable, .disable = pmu_disable, .close = pmu_close, .has_pmu = pmu_there};
    return &ops;
}
