/* hx_usage.h - what the kernel counts for every process, whatever the permissions: faults, switches, CPU time.
 *
 * Why: perf events may be missing or forbidden; getrusage never is. It costs about 1.2 us, so only around phases and blocks.
 * Threads: RUSAGE_SELF sums all threads of the process, RUSAGE_THREAD is the caller alone. No malloc. */
#ifndef HX_USAGE_H
#define HX_USAGE_H

#include "base/hx_base.h"

/* Counts since the start of the process or thread; subtract two. ru_maxrss is left out on purpose: a child inherits its
 * parent's, so it says nothing about this process. */
struct hx_usage {
    uint64_t faults_minor;
    uint64_t faults_major;
    uint64_t switches_voluntary;
    uint64_t switches_involuntary;
    uint64_t cpu_user_ns;
    uint64_t cpu_system_ns;
};

/* Of the whole process. Dies when the kernel refuses, which it has no reason for. */
void hx_usage_process(struct hx_usage *out);

/* Of the calling thread. */
void hx_usage_thread(struct hx_usage *out);

/* after - before, field by field. */
struct hx_usage hx_usage_difference(const struct hx_usage *before, const struct hx_usage *after);

#endif
