/* hx_counters_pfm.c - event names to codes through libpfm4. Driver only: libpfm4 calls malloc.
 *
 * Why its own file: libpfm4's header brings a second copy of the kernel's, so nothing else may see it. Only type and config
 * are taken; whose work is counted is decided by the scope, not by modifiers in the name. */
#include <errno.h>
#include <perfmon/pfmlib_perf_event.h>
#include <string.h>

#include "measure/hx_counters.h"

static int pfm_encode(void *self, const char *event, struct hx_counter *out) {
    (void)self;
    static int initialised = 1; /* 1: not yet, else pfm_initialize's answer; driver's main thread only */
    if (initialised == 1) {
        initialised = pfm_initialize();
    }
    if (initialised != PFM_SUCCESS) {
        return -ENOSYS;
    }
    struct perf_event_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.size = sizeof attr;
    pfm_perf_encode_arg_t argument;
    memset(&argument, 0, sizeof argument);
    argument.attr = &attr;
    argument.size = sizeof argument;
    if (pfm_get_os_event_encoding(event, PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT, &argument) != PFM_SUCCESS) {
        return -ENOENT;
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
