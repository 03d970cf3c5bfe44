/* hx_event_group.c - see hx_event_group.h. libpfm4 stays in the driver: it calls malloc, and its answer travels as text. */
#include "worker/hx_event_group.h"

#include <ctype.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct software_event {
    const char *name; /* libpfm4's */
    uint64_t config;
    bool kernel_only; /* happens in kernel mode */
};

static const struct software_event software_events[] = {
    {"PAGE-FAULTS", PERF_COUNT_SW_PAGE_FAULTS, false},
    {"MINOR-FAULTS", PERF_COUNT_SW_PAGE_FAULTS_MIN, false},
    {"MAJOR-FAULTS", PERF_COUNT_SW_PAGE_FAULTS_MAJ, false},
    {"CONTEXT-SWITCHES", PERF_COUNT_SW_CONTEXT_SWITCHES, true},
    {"CPU-MIGRATIONS", PERF_COUNT_SW_CPU_MIGRATIONS, true},
    {"TASK-CLOCK", PERF_COUNT_SW_TASK_CLOCK, false},
    {"CPU-CLOCK", PERF_COUNT_SW_CPU_CLOCK, false},
};

static void add_software(const char *name, struct hx_counter_group *out) {
    const char *bare = strncasecmp(name, "perf::", 6) == 0 ? name + 6 : name;
    for (size_t i = 0; i < HX_COUNT_OF(software_events); i++) {
        const struct software_event *event = &software_events[i];
        if (strcasecmp(bare, event->name) != 0) {
            continue;
        }
        struct hx_counter *counter = &out->counter[out->counter_count++];
        *counter = (struct hx_counter){.scope = HX_SCOPE_ANY, .kernel_only = event->kernel_only, .type = PERF_TYPE_SOFTWARE,
                                       .config = event->config};
        for (size_t c = 0; event->name[c] != '\0'; c++) {
            counter->name[c] = (char)tolower((unsigned char)event->name[c]);
        }
        return;
    }
    hx_die("unknown event \"%s\": the worker takes a group with its codes, or one of PAGE-FAULTS, MINOR-FAULTS, MAJOR-FAULTS, "
           "CONTEXT-SWITCHES, CPU-MIGRATIONS, TASK-CLOCK, CPU-CLOCK",
           name);
}

void hx_event_group_of(const struct hx_ask *ask, struct hx_counter_group *out) {
    memset(out, 0, sizeof *out);
    snprintf(out->name, sizeof out->name, "software");
    for (size_t i = 0; i < ask->event_count; i++) {
        if (strchr(ask->event[i], ';') != NULL) {
            if (ask->event_count != 1) {
                hx_die("request: a group with codes stands alone in \"events\"");
            }
            if (!hx_counter_group_parse(ask->event[i], out)) {
                hx_die("malformed event group \"%s\"", ask->event[i]);
            }
            return;
        }
        if (out->counter_count == HX_COUNTERS_PER_GROUP_MAX) {
            hx_die("request: more than %d events in one group", HX_COUNTERS_PER_GROUP_MAX);
        }
        add_software(ask->event[i], out);
    }
}
