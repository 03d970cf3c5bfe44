/* fake_pmu.c - the operations of the fake PMU. What it is for: fake_pmu.h. */
#include "fake_pmu.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

static int fake_encode(void *self, const char *event, struct hx_counter *out) {
    static const struct {
        const char *name;
        uint32_t type;
        uint64_t config;
    } known[] = {
        {"CYCLES", 0, 0}, {"INSTRUCTIONS", 0, 1}, {"BRANCH-INSTRUCTIONS", 0, 4}, {"BRANCH-MISSES", 0, 5},
        {"DTLB-LOADS", 3, 0x3}, {"DTLB-LOAD-MISSES", 3, 0x10003}, {"LLC-LOADS", 3, 0x2}, {"LLC-LOAD-MISSES", 3, 0x10002},
        {"PAGE-FAULTS", 1, 2}, {"MINOR-FAULTS", 1, 5}, {"MAJOR-FAULTS", 1, 6}, {"CONTEXT-SWITCHES", 1, 3},
        {"CPU-MIGRATIONS", 1, 4}, {"TASK-CLOCK", 1, 1}, {"amd64::RETIRED_INSTRUCTIONS:ANY", 4, 0xc0},
    };
    (void)self;
    for (size_t i = 0; i < HX_COUNT_OF(known); i++) {
        if (strcasecmp(known[i].name, event) == 0) {
            out->type = known[i].type;
            out->config = known[i].config;
            return 0;
        }
    }
    return -ENOENT;
}

static int fake_open(void *self, const struct hx_counter *counter, enum hx_counter_scope scope, int leader_fd) {
    struct fake_pmu *fake = self;
    bool hardware = counter->type != 1;
    if (scope != HX_SCOPE_USER && fake->kernel_error != 0) {
        return -fake->kernel_error; /* the kernel checks this before it looks for the event */
    }
    if (hardware && fake->hardware_error != 0) {
        return -fake->hardware_error;
    }
    if (hardware && leader_fd >= 0 && fake->sibling_error != 0) {
        return -fake->sibling_error;
    }
    for (int i = 0; i < FAKE_FDS; i++) {
        if (!fake->fds[i].open) {
            if (fake->open_limit != 0 && (size_t)fake->opened >= fake->open_limit) {
                return -EMFILE;
            }
            fake->fds[i] = (struct fake_fd){
                .open = true, .leader = leader_fd < 0 ? -1 : leader_fd - FAKE_BASE, .counter = *counter, .scope = scope};
            fake->opened++;
            return FAKE_BASE + i;
        }
    }
    return -EMFILE;
}

static int fake_read(void *self, int fd, struct hx_counter_reading *out) {
    struct fake_pmu *fake = self;
    assert_true(fake->fds[fd - FAKE_BASE].open);
    if (fake->read_fails) {
        return -EIO;
    }
    *out = fake->fds[fd - FAKE_BASE].now;
    return 0;
}

static void fake_switch(struct fake_pmu *fake, int fd, bool on) {
    for (int i = 0; i < FAKE_FDS; i++) {
        if (i == fd - FAKE_BASE || fake->fds[i].leader == fd - FAKE_BASE) {
            fake->fds[i].enabled = on;
        }
    }
}

static int fake_enable(void *self, int fd) {
    fake_switch(self, fd, true);
    return 0;
}

static int fake_disable(void *self, int fd) {
    fake_switch(self, fd, false);
    return 0;
}

static void fake_close(void *self, int fd) {
    struct fake_pmu *fake = self;
    assert_true(fake->fds[fd - FAKE_BASE].open);
    fake->fds[fd - FAKE_BASE].open = false;
    fake->opened--;
}

static bool fake_has_pmu(void *self) {
    return ((struct fake_pmu *)self)->has_pmu;
}

struct hx_counter_ops fake_pmu_ops(struct fake_pmu *fake) {
    *fake = (struct fake_pmu){.has_pmu = true, .running_share = 1};
    for (int i = 0; i < FAKE_FDS; i++) {
        fake->fds[i].leader = -1;
    }
    return (struct hx_counter_ops){.encode = fake_encode, .open = fake_open, .read = fake_read, .enable = fake_enable,
                                   .disable = fake_disable, .close = fake_close, .has_pmu = fake_has_pmu, .self = fake};
}

void fake_pmu_work(struct fake_pmu *fake, uint64_t count) {
    for (int i = 0; i < FAKE_FDS; i++) {
        struct fake_fd *f = &fake->fds[i];
        if (!f->open || !f->enabled) {
            continue;
        }
        double share = f->counter.type == 1 ? 1 : fake->running_share;
        f->now.raw += (uint64_t)((double)count * share);
        f->now.enabled_ns += 1000000;
        f->now.running_ns += (uint64_t)(1000000 * share);
    }
}
