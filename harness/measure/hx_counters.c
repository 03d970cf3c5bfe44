/* hx_counters.c - the fall-back ladder and the arithmetic of counters. Why and order of use: hx_counters.h.
 *
 * Ladder of one counter, top to bottom:
 *   open in the group -> EINVAL: alone, as its own leader (the PMU may not hold the group at once; scaling is then shown)
 *                     -> EACCES, EPERM: user mode only if that still means something, else "not permitted"
 *                     -> ENOENT, ENODEV, EOPNOTSUPP: "not supported here", or "no PMU" where the kernel lists none
 *                     -> EMFILE, EBUSY, ENOSPC: "no free counter"
 * The kernel checks permission before it looks for the event, so on a machine without PMU a refusal still means "no PMU". */
#include "measure/hx_counters.h"

#include <errno.h>
#include <string.h>

#include "measure/hx_clock.h"
#include "measure/hx_stats.h"

const char hx_counter_no_pmu[] = "no PMU (virtualised)";
const char hx_counter_unknown[] = "unknown event";
const char hx_counter_no_names[] = "libpfm4 knows no names without /proc";
const char hx_counter_unsupported[] = "not supported here";
const char hx_counter_not_permitted[] = "not permitted (perf_event_paranoid)";
const char hx_counter_no_slot[] = "no free counter";
const char hx_counter_never_ran[] = "never scheduled";
const char hx_counter_rarely_ran[] = "scheduled under 25 % of the time";
const char hx_counter_open_failed[] = "could not be opened";
const char hx_counter_read_failed[] = "could not be read";
const char hx_counter_perf_disabled[] = "perf events disabled in this kernel";
const char hx_counter_kernel_only[] = "happens in the kernel, which is not permitted here";

enum { TYPE_SOFTWARE = 1, TYPE_TRACEPOINT = 2 }; /* perf_event_attr.type; all others need a PMU */

static bool needs_pmu(const struct hx_counter *counter) {
    return counter->type != TYPE_SOFTWARE && counter->type != TYPE_TRACEPOINT;
}

static const char *reason_of(const struct hx_counter_ops *ops, const struct hx_counter *counter, int error) {
    bool refused = error == EACCES || error == EPERM;
    bool absent = error == ENOENT || error == ENODEV || error == EOPNOTSUPP || error == ENXIO;
    if ((refused || absent) && needs_pmu(counter) && !ops->has_pmu(ops->self)) {
        return hx_counter_no_pmu;
    }
    if (refused) {
        return counter->kernel_only ? hx_counter_kernel_only : hx_counter_not_permitted;
    }
    if (absent) {
        return hx_counter_unsupported;
    }
    switch (error) {
    case ENOSYS: return hx_counter_perf_disabled;
    case EMFILE:
    case ENFILE:
    case EBUSY:
    case ENOSPC: return hx_counter_no_slot;
    default: return hx_counter_open_failed;
    }
}

/* Opens counter `index` under `leader_fd` (-1: none yet). Sets fd and leads, or the reason. */
static void counter_open(struct hx_counters *set, size_t index, int leader_fd) {
    const struct hx_counter_ops *ops = set->ops;
    const struct hx_counter *counter = &set->group.counter[index];
    enum hx_counter_scope scope = counter->scope;
    int in_group_of = leader_fd;
    int fd = ops->open(ops->self, counter, scope, in_group_of);
    if (fd == -EINVAL && in_group_of >= 0) {
        in_group_of = -1;
        fd = ops->open(ops->self, counter, scope, in_group_of);
    }
    if ((fd == -EACCES || fd == -EPERM) && scope == HX_SCOPE_ANY && !counter->kernel_only) {
        fd = ops->open(ops->self, counter, HX_SCOPE_USER, in_group_of);
        set->user_only[index] = fd >= 0;
    }
    if (fd < 0) {
        set->reason[index] = reason_of(ops, counter, -fd);
        return;
    }
    set->fd[index] = fd;
    set->leads[index] = in_group_of < 0;
}

size_t hx_counters_open(struct hx_counters *set, const struct hx_counter_ops *ops, const struct hx_counter_group *group) {
    HX_CHECK(group->counter_count <= HX_COUNTERS_PER_GROUP_MAX);
    memset(set, 0, sizeof *set);
    set->ops = ops;
    set->group = *group;
    int leader_fd = -1;
    size_t opened = 0;
    for (size_t i = 0; i < group->counter_count; i++) {
        set->fd[i] = -1;
        counter_open(set, i, leader_fd);
        if (set->fd[i] < 0) {
            continue;
        }
        opened++;
        if (leader_fd < 0) {
            leader_fd = set->fd[i];
        }
    }
    return opened;
}

void hx_counters_enable(struct hx_counters *set) {
    for (size_t i = 0; i < set->group.counter_count; i++) {
        if (set->leads[i] && set->ops->enable(set->ops->self, set->fd[i]) < 0) {
            set->reason[i] = hx_counter_open_failed; /* its siblings then never run, which the scaling finds out */
        }
    }
}

void hx_counters_disable(struct hx_counters *set) {
    for (size_t i = 0; i < set->group.counter_count; i++) {
        if (set->leads[i]) {
            (void)set->ops->disable(set->ops->self, set->fd[i]); /* counting on is harmless: phases are differences */
        }
    }
}

void hx_counters_read(struct hx_counters *set, struct hx_counters_snapshot *out) {
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < set->group.counter_count; i++) {
        if (set->fd[i] >= 0) {
            out->good[i] = set->ops->read(set->ops->self, set->fd[i], &out->reading[i]) == 0;
        }
    }
}

void hx_counters_close(struct hx_counters *set) {
    for (size_t i = set->group.counter_count; i-- > 0;) { /* siblings before their leader */
        if (set->fd[i] >= 0) {
            set->ops->close(set->ops->self, set->fd[i]);
            set->fd[i] = -1;
            set->leads[i] = false;
        }
    }
}

struct hx_counter_result hx_counter_scale(const struct hx_counter_reading *before, const struct hx_counter_reading *after) {
    struct hx_counter_result out = {.figure = hx_figure_none(hx_counter_read_failed)};
    if (after->raw < before->raw || after->enabled_ns < before->enabled_ns || after->running_ns < before->running_ns) {
        return out;
    }
    double raw = (double)(after->raw - before->raw);
    double enabled_ns = (double)(after->enabled_ns - before->enabled_ns);
    double running_ns = (double)(after->running_ns - before->running_ns);
    if (running_ns <= 0) {
        out.figure = hx_figure_none(hx_counter_never_ran);
        return out;
    }
    double share = enabled_ns > running_ns ? running_ns / enabled_ns : 1.0;
    if (share < HX_COUNTER_RUNNING_SHARE_LEAST) {
        out.figure = hx_figure_none(hx_counter_rarely_ran);
        return out;
    }
    out.figure = hx_figure_of(share < 1.0 ? raw * (enabled_ns / running_ns) : raw);
    out.running_share = share;
    return out;
}

void hx_counters_phase(const struct hx_counters *set, const struct hx_counters_snapshot *before,
                       const struct hx_counters_snapshot *after, struct hx_counter_result *out) {
    for (size_t i = 0; i < set->group.counter_count; i++) {
        if (set->reason[i] != NULL) {
            out[i] = (struct hx_counter_result){.figure = hx_figure_none(set->reason[i])};
        } else if (!before->good[i] || !after->good[i]) {
            out[i] = (struct hx_counter_result){.figure = hx_figure_none(hx_counter_read_failed)};
        } else {
            out[i] = hx_counter_scale(&before->reading[i], &after->reading[i]);
        }
        out[i].name = set->group.counter[i].name;
        out[i].user_only = set->user_only[i];
    }
}

void hx_counter_add(struct hx_counter_result *into, const struct hx_counter_result *from) {
    if (into->figure.reason != NULL) {
        return;
    }
    if (from->figure.reason != NULL) {
        into->figure = from->figure;
        into->running_share = 0;
        return;
    }
    into->figure.value += from->figure.value;
    if (from->running_share < into->running_share) {
        into->running_share = from->running_share;
    }
    into->user_only = into->user_only || from->user_only;
}

double hx_counters_cost_ns(struct hx_counters *set) {
    enum { TRIES = 64 };
    double tries_ns[TRIES];
    struct hx_counters_snapshot snapshot;
    for (size_t i = 0; i < TRIES; i++) {
        uint64_t start_ns = hx_monotonic_ns();
        hx_counters_enable(set);
        hx_counters_read(set, &snapshot);
        hx_counters_disable(set);
        tries_ns[i] = (double)(hx_monotonic_ns() - start_ns);
    }
    hx_stats_sort(tries_ns, TRIES);
    return tries_ns[TRIES / 2];
}
