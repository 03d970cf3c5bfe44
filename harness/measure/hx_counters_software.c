/* hx_counters_software.c - the kernel's software events by libpfm4's names, without libpfm4.
 *
 * Why: their codes are part of the kernel's interface and need no table of processors, so a worker can name them, and a driver whose
 * libpfm4 knows nothing (it wants /proc) still counts faults and switches. */
#include "measure/hx_counters.h"

#include <ctype.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name; /* libpfm4's */
    uint64_t config;
    bool kernel_only;
} events[] = {
    {"PAGE-FAULTS", PERF_COUNT_SW_PAGE_FAULTS, false},
    {"MINOR-FAULTS", PERF_COUNT_SW_PAGE_FAULTS_MIN, false},
    {"MAJOR-FAULTS", PERF_COUNT_SW_PAGE_FAULTS_MAJ, false},
    {"CONTEXT-SWITCHES", PERF_COUNT_SW_CONTEXT_SWITCHES, true},
    {"CPU-MIGRATIONS", PERF_COUNT_SW_CPU_MIGRATIONS, true},
    {"TASK-CLOCK", PERF_COUNT_SW_TASK_CLOCK, false},
    {"CPU-CLOCK", PERF_COUNT_SW_CPU_CLOCK, false},
};

bool hx_counter_software(const char *event, struct hx_counter *out) {
    const char *bare = strncasecmp(event, "perf::", 6) == 0 ? event + 6 : event;
    for (size_t i = 0; i < HX_COUNT_OF(events); i++) {
        if (strcasecmp(bare, events[i].name) != 0) {
            continue;
        }
        *out = (struct hx_counter){.scope = HX_SCOPE_ANY, .kernel_only = events[i].kernel_only, .type = PERF_TYPE_SOFTWARE,
                                   .config = events[i].config};
        for (size_t c = 0; events[i].name[c] != '\0'; c++) {
            out->name[c] = (char)tolower((unsigned char)events[i].name[c]);
        }
        return true;
    }
    return false;
}
