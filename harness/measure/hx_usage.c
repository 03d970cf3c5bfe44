/* hx_usage.c - getrusage as counts. Why: hx_usage.h. */
#define _GNU_SOURCE
#include "measure/hx_usage.h"

#include <sys/resource.h>

static uint64_t ns_of(struct timeval time) {
    return (uint64_t)time.tv_sec * HX_NS_PER_S + (uint64_t)time.tv_usec * 1000;
}

static void usage_of(int who, struct hx_usage *out) {
    struct rusage usage;
    HX_CHECK(getrusage(who, &usage) == 0);
    *out = (struct hx_usage){
        .faults_minor = (uint64_t)usage.ru_minflt,
        .faults_major = (uint64_t)usage.ru_majflt,
        .switches_voluntary = (uint64_t)usage.ru_nvcsw,
        .switches_involuntary = (uint64_t)usage.ru_nivcsw,
        .cpu_user_ns = ns_of(usage.ru_utime),
        .cpu_system_ns = ns_of(usage.ru_stime),
    };
}

void hx_usage_process(struct hx_usage *out) {
    usage_of(RUSAGE_SELF, out);
}

void hx_usage_thread(struct hx_usage *out) {
    usage_of(RUSAGE_THREAD, out);
}

struct hx_usage hx_usage_difference(const struct hx_usage *before, const struct hx_usage *after) {
    return (struct hx_usage){
        .faults_minor = after->faults_minor - before->faults_minor,
        .faults_major = after->faults_major - before->faults_major,
        .switches_voluntary = after->switches_voluntary - before->switches_voluntary,
        .switches_involuntary = after->switches_involuntary - before->switches_involuntary,
        .cpu_user_ns = after->cpu_user_ns - before->cpu_user_ns,
        .cpu_system_ns = after->cpu_system_ns - before->cpu_system_ns,
    };
}
