/* hx_cgroup.h - what a control group takes away: CPU time and memory, version 1 and 2, all ancestors counted.
 *
 * Why: in a container the machine looks whole while the scheduler stops the process after half a CPU, and memory ends long before
 * MemAvailable does. Reads files below `root` only. Threads: any. No malloc. */
#ifndef HX_CGROUP_H
#define HX_CGROUP_H

#include "base/hx_base.h"

struct hx_cgroup {
    unsigned version;                    /* 0: no cgroup file system seen, 1 or 2 (a machine with both counts as 1) */
    struct hx_figure cpu_limit;          /* CPUs, e.g. 0.5; none "no limit" or why it is unknown */
    struct hx_figure memory_limit_bytes; /* the same */
    struct hx_figure memory_left_bytes;  /* least of limit - usage over this group and its ancestors */
    bool cpu_read;                       /* some group's CPU limit file could be read, so "no limit" is knowledge */
    bool memory_read;
};

extern const char hx_cgroup_no_limit[]; /* "no limit" */
extern const char hx_cgroup_unseen[];   /* "no control group seen" */
extern const char hx_cgroup_unread[];   /* "the control group's limits are not readable here" */

void hx_cgroup_read(struct hx_cgroup *out, const char *root);

#endif
