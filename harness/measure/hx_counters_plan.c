/* hx_counters_plan.c - which events are asked for, and which of them this machine can count. Order of use: hx_counters.h.
 *
 * Why groups by topic: a ratio (misses per load, instructions per cycle) is only sound when both were counted in the same time,
 * and four general counters are what every PMU of the last ten years has for one thread. */
#include "measure/hx_counters.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { EVENTS_PER_TOPIC = 6, EVENTS_PER_CUSTOM_GROUP = 2 /* user and kernel each: four counters */ };

struct topic {
    const char *name;
    const char *events[EVENTS_PER_TOPIC + 1]; /* NULL-terminated, libpfm4's spelling */
};

static const struct topic hardware_topics[] = {
    {"core", {"CYCLES", "INSTRUCTIONS"}},
    {"branch", {"BRANCH-INSTRUCTIONS", "BRANCH-MISSES"}},
    {"dtlb", {"DTLB-LOADS", "DTLB-LOAD-MISSES"}},
    {"llc", {"LLC-LOADS", "LLC-LOAD-MISSES"}},
};

static const struct topic software_topic = {
    "software",
    {"PAGE-FAULTS", "MINOR-FAULTS", "MAJOR-FAULTS", "CONTEXT-SWITCHES", "CPU-MIGRATIONS", "TASK-CLOCK"},
};

/* perf_event_attr.type and software configs that decide about scopes. */
enum {
    TYPE_SOFTWARE = 1,
    TYPE_TRACEPOINT = 2,
    SOFTWARE_CPU_CLOCK = 0,
    SOFTWARE_TASK_CLOCK = 1,
    SOFTWARE_SWITCHES = 3,
    SOFTWARE_MIGRATIONS = 4,
};

/* Does user against kernel mean anything for this event, and does it happen in the kernel alone? */
static bool scope_splits(const struct hx_counter *counter, bool *kernel_only) {
    *kernel_only = false;
    if (counter->type == TYPE_TRACEPOINT) {
        *kernel_only = true;
        return false;
    }
    if (counter->type != TYPE_SOFTWARE) {
        return true;
    }
    if (counter->config == SOFTWARE_SWITCHES || counter->config == SOFTWARE_MIGRATIONS) {
        *kernel_only = true;
        return false;
    }
    return counter->config != SOFTWARE_CPU_CLOCK && counter->config != SOFTWARE_TASK_CLOCK;
}

/* libpfm4's "pmu::EVENT:mask" as a metric's name: the event in lower case, ':' becomes '.', other odd characters '_'. */
static void metric_name(char *out, const char *event, const char *suffix) {
    const char *after = strstr(event, "::");
    const char *from = after == NULL ? event : after + 2;
    size_t room = HX_COUNTER_NAME_BYTES - 1 - strlen(suffix);
    size_t used = 0;
    for (; *from != '\0' && used < room; from++, used++) {
        char c = *from;
        if (c >= 'A' && c <= 'Z') {
            c = (char)(c - 'A' + 'a');
        } else if (c == ':') {
            c = '.';
        } else if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("-_.=", c) != NULL)) {
            c = '_';
        }
        out[used] = c;
    }
    memcpy(out + used, suffix, strlen(suffix) + 1);
}

static void missing_add(struct hx_counter_plan *plan, const char *name, const char *reason) {
    for (size_t i = 0; i < plan->missing_count; i++) {
        if (strcmp(plan->missing[i].name, name) == 0) {
            return; /* named twice by the user */
        }
    }
    HX_CHECK(plan->missing_count < HX_COUNTERS_MISSING_MAX);
    struct hx_counter_missing *missing = &plan->missing[plan->missing_count++];
    memcpy(missing->name, name, sizeof missing->name);
    missing->reason = reason;
}

static bool group_has(const struct hx_counter_group *group, const char *name) {
    for (size_t i = 0; i < group->counter_count; i++) {
        if (strcmp(group->counter[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* A name counted twice would be two values for one metric of one cell. */
static bool is_planned(const struct hx_counter_plan *plan, const char *name) {
    for (size_t i = 0; i < plan->missing_count; i++) {
        if (strcmp(plan->missing[i].name, name) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < plan->group_count; i++) {
        if (group_has(&plan->group[i], name)) {
            return true;
        }
    }
    return false;
}

static void counter_add(const struct hx_counter_plan *plan, struct hx_counter_group *group, const struct hx_counter *code,
                        enum hx_counter_scope scope, const char *event, const char *suffix) {
    struct hx_counter counter = *code;
    counter.scope = scope;
    metric_name(counter.name, event, suffix);
    if (is_planned(plan, counter.name) || group_has(group, counter.name)) {
        return;
    }
    HX_CHECK(group->counter_count < HX_COUNTERS_PER_GROUP_MAX);
    group->counter[group->counter_count++] = counter;
}

/* Adds the counters of one event to the group, or the event's names to what is missing. A trailing ":u" or ":k" asks for one side. */
static void event_add(const struct hx_counter_ops *ops, struct hx_counter_plan *plan, struct hx_counter_group *group,
                      const char *event) {
    char bare[128];
    size_t length = strlen(event);
    bool only_user = length > 2 && strcmp(event + length - 2, ":u") == 0;
    bool only_kernel = length > 2 && strcmp(event + length - 2, ":k") == 0;
    length -= only_user || only_kernel ? 2 : 0;
    struct hx_counter code = {.kernel_only = false};
    char name[HX_COUNTER_NAME_BYTES] = "";
    if (length >= sizeof bare) {
        metric_name(name, event, "");
        missing_add(plan, name, hx_counter_unknown);
        return;
    }
    memcpy(bare, event, length);
    bare[length] = '\0';
    int error = ops->encode(ops->self, bare, &code);
    if (error != 0) {
        metric_name(name, bare, "");
        missing_add(plan, name, error == -ENOSYS ? hx_counter_no_names : hx_counter_unknown);
        return;
    }
    if (!scope_splits(&code, &code.kernel_only)) {
        counter_add(plan, group, &code, HX_SCOPE_ANY, bare, "");
        return;
    }
    if (!only_kernel) {
        counter_add(plan, group, &code, HX_SCOPE_USER, bare, "_user");
    }
    if (!only_user) {
        counter_add(plan, group, &code, HX_SCOPE_KERNEL, bare, "_kernel");
    }
}

/* Opens the group once; what opened becomes a group of the plan, the rest is missing. */
static void group_try(const struct hx_counter_ops *ops, struct hx_counter_plan *plan, const struct hx_counter_group *wanted,
                      bool keep_empty) {
    struct hx_counters set;
    hx_counters_open(&set, ops, wanted);
    HX_CHECK(plan->group_count < HX_COUNTER_GROUPS_MAX);
    struct hx_counter_group *group = &plan->group[plan->group_count];
    memset(group, 0, sizeof *group);
    memcpy(group->name, wanted->name, sizeof group->name);
    for (size_t i = 0; i < wanted->counter_count; i++) {
        if (set.fd[i] >= 0) {
            group->counter[group->counter_count++] = wanted->counter[i];
        } else {
            missing_add(plan, wanted->counter[i].name, set.reason[i]);
        }
    }
    hx_counters_close(&set);
    if (group->counter_count > 0 || keep_empty) {
        plan->group_count++;
    }
}

static void topic_try(const struct hx_counter_ops *ops, struct hx_counter_plan *plan, const struct topic *topic, bool keep_empty) {
    struct hx_counter_group wanted = {.counter_count = 0};
    snprintf(wanted.name, sizeof wanted.name, "%s", topic->name);
    for (size_t i = 0; topic->events[i] != NULL; i++) {
        event_add(ops, plan, &wanted, topic->events[i]);
    }
    group_try(ops, plan, &wanted, keep_empty);
}

/* The user's list: as many as fit the plan; the rest is missing with a reason, not silently dropped. */
static void custom_try(const struct hx_counter_ops *ops, struct hx_counter_plan *plan, const char *events) {
    struct hx_counter_group wanted = {.counter_count = 0};
    unsigned group_number = 0;
    size_t in_group = 0;
    while (*events != '\0') {
        size_t length = strcspn(events, ",");
        char event[128];
        snprintf(event, sizeof event, "%.*s", (int)length, events);
        events += length + (events[length] == ',' ? 1 : 0);
        if (length == 0) {
            continue;
        }
        if (plan->group_count + 2 >= HX_COUNTER_GROUPS_MAX || plan->missing_count + 16 >= HX_COUNTERS_MISSING_MAX) {
            hx_warn("--events: too many events, '%s' and what follows are left out", event);
            break;
        }
        event_add(ops, plan, &wanted, event);
        in_group++;
        if (in_group == EVENTS_PER_CUSTOM_GROUP || *events == '\0') {
            snprintf(wanted.name, sizeof wanted.name, "events%u", group_number++);
            group_try(ops, plan, &wanted, false);
            wanted.counter_count = 0;
            in_group = 0;
        }
    }
    if (in_group > 0) {
        snprintf(wanted.name, sizeof wanted.name, "events%u", group_number);
        group_try(ops, plan, &wanted, false);
    }
}

void hx_counters_plan(const struct hx_counter_ops *ops, const char *events, struct hx_counter_plan *out) {
    HX_CHECK(ops->encode != NULL);
    memset(out, 0, sizeof *out);
    if (events != NULL && events[0] != '\0') {
        custom_try(ops, out, events);
    } else {
        for (size_t i = 0; i < HX_COUNT_OF(hardware_topics); i++) {
            topic_try(ops, out, &hardware_topics[i], false);
        }
    }
    topic_try(ops, out, &software_topic, true);
}
