/* counter_plan.h - the plan a counter test works on, and looking into it by name. */
#ifndef COUNTER_PLAN_H
#define COUNTER_PLAN_H

#include <string.h>

#include "measure/hx_counters.h"

static struct hx_counter_plan plan; /* large */

static inline const struct hx_counter_group *group_named(const char *name) {
    for (size_t i = 0; i < plan.group_count; i++) {
        if (strcmp(plan.group[i].name, name) == 0) {
            return &plan.group[i];
        }
    }
    return NULL;
}

static inline const char *missing_reason(const char *name) {
    for (size_t i = 0; i < plan.missing_count; i++) {
        if (strcmp(plan.missing[i].name, name) == 0) {
            return plan.missing[i].reason;
        }
    }
    return NULL;
}

#endif
