/* hx_event_group.c - see hx_event_group.h. libpfm4 stays in the driver: it calls malloc, and its answer travels as text. */
#include "worker/hx_event_group.h"

#include <stdio.h>
#include <string.h>

static void add_software(const char *name, struct hx_counter_group *out) {
    if (!hx_counter_software(name, &out->counter[out->counter_count++])) {
        hx_die("unknown event \"%s\": the worker takes a group with its codes, or one of PAGE-FAULTS, MINOR-FAULTS, MAJOR-FAULTS, "
               "CONTEXT-SWITCHES, CPU-MIGRATIONS, TASK-CLOCK, CPU-CLOCK",
               name);
    }
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
