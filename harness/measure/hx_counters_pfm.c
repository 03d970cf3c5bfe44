/* hx_counters_pfm.c - event names to codes through libpfm4. Driver only: libpfm4 calls malloc.
 *
 * Why its own file: libpfm4's header brings a second copy of the kernel's, so nothing else may see it. Only type and config
 * are taken; whose work is counted is decided by the scope, not by modifiers in the name. */
#include <errno.h>
#include <perfmon/pfmlib_perf_event.h>
#include <string.h>
#include <unistd.h>

#include "measure/hx_counters.h"

/* What is left where libpfm4 has no answer: the kernel's own events need no table. It takes a kernel for one without perf when this file
 * cannot be seen, and then knows no name at all. */
static int software_encode(const char *event, struct hx_counter *out) {
    struct hx_counter software;
    if (!hx_counter_software(event, &software)) {
        return access("/proc/sys/kernel/perf_event_paranoid", F_OK) == 0 ? -ENOENT : -ENOSYS;
    }
    out->type = software.type;
    out->config = software.config;
    return 0;
}

static int pfm_encode(void *self, const char *event, struct hx_counter *out) {
    (void)self;
    static int initialised = 1; /* 1: not yet, else pfm_initialize's answer; driver's main thread only */
    if (initialised == 1) {
        initialised = pfm_initialize();
    }
    struct perf_event_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.size = sizeof attr;
    pfm_perf_encode_arg_t argument;
    memset(&argument, 0, sizeof argument);
    argument.attr = &attr;
    argument.size = sizeof argument;
    if (initialised != PFM_SUCCESS ||
        pfm_get_os_event_encoding(event, PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT, &argument) != PFM_SUCCESS) {
        return software_encode(event, out);
    }
    out->type = attr.type;
    out->config = attr.config;
    out->config1 = attr.config1;
    out->config2 = attr.config2;
    return 0;
}

const struct hx_counter_ops *hx_counter_ops_pfm(void) {
    static struct hx_counter_ops ops; /* driver's main thread only */
    if (ops.encode == NULL) {
        ops = *hx_counter_ops_perf();
        ops.encode = pfm_encode;
    }
    return &ops;
}
