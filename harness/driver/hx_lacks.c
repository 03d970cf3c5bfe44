/* hx_lacks.c - see hx_lacks.h. */
#include "driver/hx_lacks.h"

#include "base/hx_base.h"

#include <stdlib.h>
#include <string.h>

enum { NAMES_SHOWN = 4 };

static const char under_one_cpu[] = "a quota of less than one CPU stops the process in mid-block";

static const json_t *fact(const json_t *head, const char *key) {
    return json_object_get(json_object_get(head, "attestation"), key);
}

static const char *reason_of(const json_t *head, const char *key) {
    return json_string_value(json_object_get(fact(head, key), "reason"));
}

/* The quota in CPUs, or 0 where there is none. */
static double quota_cpus(const json_t *head) {
    const char *value = json_string_value(json_object_get(fact(head, "cgroup_cpus"), "value"));
    double cpus;
    return value != NULL && hx_parse_double(value, &cpus) ? cpus : 0;
}

/* All events of the list's entry `first` and later ones with the same reason; none when an earlier entry had it. */
static void tell_reason(const json_t *missing, size_t first) {
    const char *reason = json_string_value(json_object_get(json_array_get(missing, first), "reason"));
    struct hx_buffer names = {0};
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(missing); i++) {
        const json_t *one = json_array_get(missing, i);
        const char *other = json_string_value(json_object_get(one, "reason"));
        if (reason == NULL || other == NULL || strcmp(other, reason) != 0) {
            continue;
        }
        if (i < first) {
            return;
        }
        if (count++ < NAMES_SHOWN) {
            hx_buffer_print(&names, "%s%s", count > 1 ? ", " : "", json_string_value(json_object_get(one, "name")));
        }
    }
    if (count > NAMES_SHOWN) {
        hx_buffer_print(&names, " and %zu more", count - NAMES_SHOWN);
    }
    if (count != 0) {
        hx_warn("not counted here: %s: %s; null in the results", names.data, reason);
    }
    hx_buffer_free(&names);
}

void hx_lacks_tell(const json_t *head) {
    const json_t *missing = json_object_get(json_object_get(head, "counters"), "missing");
    for (size_t i = 0; i < json_array_size(missing); i++) {
        tell_reason(missing, i);
    }
    if (reason_of(head, "memory_total_bytes") != NULL) {
        hx_warn("/proc is not readable: resident memory, and what only it tells of the machine, are null in the results");
    }
    if (reason_of(head, "cores") != NULL) {
        hx_warn("cores: %s; processors are used in their order, and two of them may share a core", reason_of(head, "cores"));
    }
    double cpus = quota_cpus(head);
    if (cpus > 0 && cpus < 1) {
        hx_warn("the control group allows %.2f of a CPU: workers are stopped in mid-block; time_typical and latencies from p99.9 on are null "
                "in the results",
                cpus);
    }
}

static bool holds_a_stop(const char *metric) {
    static const char *const ends[] = {"_p99_9", "_p99_99", "_max", "_mean"};
    if (strcmp(metric, "time_typical") == 0) {
        return true;
    }
    size_t length = strlen(metric);
    for (size_t i = 0; i < HX_COUNT_OF(ends) && strncmp(metric, "latency_", 8) == 0; i++) {
        size_t end = strlen(ends[i]);
        if (length > end && strcmp(metric + length - end, ends[i]) == 0) {
            return true;
        }
    }
    return false;
}

void hx_lacks_strike(const json_t *head, struct hx_observation *observation) {
    double cpus = quota_cpus(head);
    if (cpus <= 0 || cpus >= 1) {
        return;
    }
    for (size_t i = 0; i < observation->metric_count; i++) {
        struct hx_metric *metric = &observation->metrics[i];
        if (metric->kind == HX_VALUE_NUMBER && holds_a_stop(metric->metric)) {
            metric->kind = HX_VALUE_NULL;
            metric->text = "null";
            metric->reason = under_one_cpu;
        }
    }
}
