/* fake_pmu.h - a machine with any PMU one likes, behind struct hx_counter_ops.
 *
 * Why: most machines that run these tests have no PMU, and none has every way of refusing. The fake counts exactly what
 * fake_pmu_work tells it, for every counter that is open and enabled; permission is checked before existence, as in the kernel. */
#ifndef TESTS_MEASURE_FAKE_PMU_H
#define TESTS_MEASURE_FAKE_PMU_H

#include "measure/hx_counters.h"

enum { FAKE_FDS = 64, FAKE_BASE = 100 };

struct fake_fd {
    bool open;
    bool enabled;
    int leader; /* index, or -1 */
    struct hx_counter counter;
    enum hx_counter_scope scope;
    struct hx_counter_reading now;
};

struct fake_pmu {
    bool has_pmu;
    int kernel_error;    /* answer to a scope that includes the kernel; 0: allowed */
    int hardware_error;  /* answer to any hardware event */
    int sibling_error;   /* answer to a hardware event with a leader */
    size_t open_limit;   /* EMFILE above this many; 0: none */
    double running_share; /* of hardware events */
    bool read_fails;
    int opened;
    struct fake_fd fds[FAKE_FDS];
};

/* Resets the fake to a full, unrestricted PMU and gives its operations. */
struct hx_counter_ops fake_pmu_ops(struct fake_pmu *fake);

/* 1 ms in which `count` things of every enabled counter happen. */
void fake_pmu_work(struct fake_pmu *fake, uint64_t count);

#endif
