/* hx_counters.h - hardware and software counters around phases: value, or none with the reason. Never 0 for "not counted".
 *
 * Why: most machines refuse some of this (no PMU in a VM, paranoid levels, too few counters), each in its own way, and a
 * multiplexed counter is an estimate. The whole fall-back ladder lives in hx_counters.c over a table of operations, so that tests
 * can be any machine.
 *
 *   driver: hx_counters_plan (libpfm4, opens each group once)  ->  group text  ->  worker: parse, open, enable, read, close
 *
 * One process per group, so nothing is multiplexed by us. The worker needs neither libpfm4 nor malloc: codes travel in the text.
 * Threads: a set counts the thread that opened it; each thread opens its own, results are added (hx_counters_add). */
#ifndef HX_COUNTERS_H
#define HX_COUNTERS_H

#include "base/hx_base.h"

enum {
    HX_COUNTERS_PER_GROUP_MAX = 12,
    HX_COUNTER_GROUPS_MAX = 24,
    HX_COUNTER_NAME_BYTES = 56,
    HX_COUNTERS_MISSING_MAX = 96,
    HX_COUNTER_TEXT_BYTES = 2048, /* enough for any group's text */
};

/* Whose work is counted. ANY is for events that mean the same in both (task-clock, switches); it falls back to USER where the
 * kernel forbids more, unless the event happens in the kernel only. */
enum hx_counter_scope { HX_SCOPE_USER, HX_SCOPE_KERNEL, HX_SCOPE_ANY };

/* The reasons, one constant each, as they appear in samples.tsv. */
extern const char hx_counter_no_pmu[];          /* "no PMU (virtualised)" */
extern const char hx_counter_unknown[];         /* "unknown event" */
extern const char hx_counter_no_names[];        /* "libpfm4 knows no names without /proc" */
extern const char hx_counter_unsupported[];     /* "not supported here" */
extern const char hx_counter_not_permitted[];   /* "not permitted (perf_event_paranoid)" */
extern const char hx_counter_no_slot[];         /* "no free counter" */
extern const char hx_counter_never_ran[];       /* "never scheduled" */
extern const char hx_counter_rarely_ran[];      /* "scheduled under 25 % of the time" */
extern const char hx_counter_open_failed[];     /* "could not be opened" */
extern const char hx_counter_read_failed[];     /* "could not be read" */
extern const char hx_counter_perf_disabled[];   /* "perf events disabled in this kernel" */
extern const char hx_counter_kernel_only[];     /* "happens in the kernel, which is not permitted here" */

/* Below this share of running to enabled time a scaled value is not shown. */
#define HX_COUNTER_RUNNING_SHARE_LEAST 0.25

/* One counter: an encoded event and a scope. `name` is the metric's name: libpfm4's event name in lower case, with _user or
 * _kernel (no suffix for ANY). */
struct hx_counter {
    char name[HX_COUNTER_NAME_BYTES];
    enum hx_counter_scope scope;
    bool kernel_only; /* happens in kernel mode: a user-only count would always read 0 */
    uint32_t type;    /* perf_event_attr.type, config, config1, config2 */
    uint64_t config;
    uint64_t config1;
    uint64_t config2;
};

/* Counters whose ratios make sense together: counted at the same time, in one process. */
struct hx_counter_group {
    char name[HX_COUNTER_NAME_BYTES];
    size_t counter_count;
    struct hx_counter counter[HX_COUNTERS_PER_GROUP_MAX];
};

/* What one read of one counter gives. */
struct hx_counter_reading {
    uint64_t raw;
    uint64_t enabled_ns;
    uint64_t running_ns;
};

/* How a machine is asked. Results: 0 or a descriptor, else -errno. encode: 0, -ENOENT for a name libpfm4 does not know, or
 * -ENOSYS where libpfm4 knows none at all. */
struct hx_counter_ops {
    int (*encode)(void *self, const char *event, struct hx_counter *out); /* NULL where codes come ready (worker) */
    int (*open)(void *self, const struct hx_counter *counter, enum hx_counter_scope scope, int leader_fd);
    int (*read)(void *self, int fd, struct hx_counter_reading *out);
    int (*enable)(void *self, int fd);  /* with its siblings */
    int (*disable)(void *self, int fd); /* with its siblings */
    void (*close)(void *self, int fd);
    bool (*has_pmu)(void *self);
    void *self;
};

/* A kernel software event by libpfm4's name ("PAGE-FAULTS", "perf::TASK-CLOCK"; case does not matter), scope ANY. False for any other
 * name. Needs no libpfm4. */
bool hx_counter_software(const char *event, struct hx_counter *out);

/* perf_event_open and read(2); encode is NULL. No malloc, no library. */
const struct hx_counter_ops *hx_counter_ops_perf(void);

/* The same with libpfm4's encode (libpfm4 is initialised by the first call of encode; target hx_measure only). */
const struct hx_counter_ops *hx_counter_ops_pfm(void);

/* An event that no group can count, and why. */
struct hx_counter_missing {
    char name[HX_COUNTER_NAME_BYTES];
    const char *reason;
};

/* Which groups open here. Software groups come last and there is always at least one group, even if all of it is missing. */
struct hx_counter_plan {
    size_t group_count;
    struct hx_counter_group group[HX_COUNTER_GROUPS_MAX];
    size_t missing_count;
    struct hx_counter_missing missing[HX_COUNTERS_MISSING_MAX];
};

/* Plans the standard groups (core, branch, dtlb, cache, software), or, when events is not NULL and not empty, the comma-joined
 * libpfm4 events in groups of two, each for user and kernel (ratios: neighbours of the list), plus software. Opens and closes each
 * counter once. Never fails: what is missing is in `missing`. About 1.5 KB a group: not for a small stack. */
void hx_counters_plan(const struct hx_counter_ops *ops, const char *events, struct hx_counter_plan *out);

/* Group <-> one line of text without spaces or quotes: "core;cycles_user,u,0,0x0,0x0,0x0;..." (name, scope u k a, or K for an event
 * of the kernel only, type, config, config1, config2). This text is what a request's "events" holds: the worker needs no
 * libpfm4. Print returns false when it does not fit, parse returns false (out unspecified) on anything malformed. */
bool hx_counter_group_print(const struct hx_counter_group *group, char *out, size_t capacity_bytes);
bool hx_counter_group_parse(const char *text, struct hx_counter_group *out);

/* An open group: counts the calling thread. */
struct hx_counters {
    const struct hx_counter_ops *ops;
    struct hx_counter_group group;
    int fd[HX_COUNTERS_PER_GROUP_MAX];             /* -1: not open, reason[] says why */
    bool leads[HX_COUNTERS_PER_GROUP_MAX];         /* enabled and disabled by itself (leader, or refused by the group) */
    bool user_only[HX_COUNTERS_PER_GROUP_MAX];     /* ANY that had to fall back */
    const char *reason[HX_COUNTERS_PER_GROUP_MAX]; /* NULL while the counter is good */
};

/* All counters at one moment. */
struct hx_counters_snapshot {
    struct hx_counter_reading reading[HX_COUNTERS_PER_GROUP_MAX];
    bool good[HX_COUNTERS_PER_GROUP_MAX];
};

/* One counter over one phase. */
struct hx_counter_result {
    const char *name;        /* the counter's, valid as long as the set */
    struct hx_figure figure; /* count, scaled by enabled / running */
    double running_share;    /* running / enabled in this phase, 0..1; 1 = not multiplexed. 0 when there is no figure */
    bool user_only;          /* asked for both, got user mode only */
};

/* Opens what opens, disabled. Returns how many did; the others carry their reason. */
size_t hx_counters_open(struct hx_counters *set, const struct hx_counter_ops *ops, const struct hx_counter_group *group);
void hx_counters_enable(struct hx_counters *set);
void hx_counters_disable(struct hx_counters *set);
/* Works while enabled or disabled; about 0.6 us a counter. Between phases leave it enabled; the last ratio digit needs it
 * disabled, since counters are read one after the other. */
void hx_counters_read(struct hx_counters *set, struct hx_counters_snapshot *out);
void hx_counters_close(struct hx_counters *set);

/* The phase between two snapshots; `out` has room for set->group.counter_count results, in the group's order. */
void hx_counters_phase(const struct hx_counters *set, const struct hx_counters_snapshot *before,
                       const struct hx_counters_snapshot *after, struct hx_counter_result *out);

/* Pure: scales one pair of readings. The ladder's last step. */
struct hx_counter_result hx_counter_scale(const struct hx_counter_reading *before, const struct hx_counter_reading *after);

/* Adds another thread's result of the same counter: figures add, the lower running share stays, a missing part makes the sum
 * missing. */
void hx_counter_add(struct hx_counter_result *into, const struct hx_counter_result *from);

/* What one enable + read + disable of this set costs, median of 64, in ns: shown beside the figures. */
double hx_counters_cost_ns(struct hx_counters *set);

#endif
