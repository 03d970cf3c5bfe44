/* gr_pacer_ops.c - pacer_ops.jsonl: load a complete state, make one call, compare the complete state, bit for bit.
 *
 * The table below is the only place that says how a recorded name maps to our controller. */
#include "gr_pacer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gc/pacer.h"

enum kind { KIND_U64, KIND_I64, KIND_I32, KIND_F64 };

struct field {
    const char *name;
    enum kind kind;
    size_t offset;
};

#define FIELD(name, kind, member) {name, kind, offsetof(struct ua_pacer, member)}

static const struct field fields[] = {
    FIELD("AssistBytesPerWork", KIND_F64, assist_bytes_per_work),
    FIELD("AssistTime", KIND_I64, assist_time),
    FIELD("AssistWorkPerByte", KIND_F64, assist_work_per_byte),
    FIELD("ConsMark", KIND_F64, cons_mark),
    FIELD("DedicatedMarkWorkersNeeded", KIND_I64, dedicated_workers_needed),
    FIELD("FractionalUtilGoal", KIND_F64, fractional_utilization_goal),
    FIELD("GCPercent", KIND_I32, gc_percent),
    FIELD("GCPercentHeapGoal", KIND_U64, gc_percent_heap_goal),
    FIELD("GlobalsScan", KIND_U64, globals_scan),
    FIELD("GlobalsScanWork", KIND_I64, globals_scan_work),
    FIELD("HeapFree", KIND_U64, heap_free),
    FIELD("HeapLive", KIND_U64, heap_live),
    FIELD("HeapMarked", KIND_U64, heap_marked),
    FIELD("HeapMinimum", KIND_U64, heap_minimum),
    FIELD("HeapScan", KIND_U64, heap_scan),
    FIELD("HeapScanWork", KIND_I64, heap_scan_work),
    FIELD("IdleMarkTime", KIND_I64, idle_mark_time),
    FIELD("LastConsMark", KIND_F64, last_cons_mark),
    FIELD("LastHeapScan", KIND_U64, last_heap_scan),
    FIELD("LastStackScan", KIND_U64, last_stack_scan),
    FIELD("MappedReady", KIND_U64, mapped_ready),
    FIELD("MarkStartTime", KIND_I64, mark_start_time),
    FIELD("MaxIdle", KIND_I64, max_idle_workers),
    FIELD("MaxStackScan", KIND_U64, max_stack_scan),
    FIELD("MemoryLimit", KIND_I64, memory_limit),
    FIELD("Runway", KIND_U64, runway),
    FIELD("StackScanWork", KIND_I64, stack_scan_work),
    FIELD("SweepDistMinTrigger", KIND_U64, sweep_dist_min_trigger),
    FIELD("TotalAlloc", KIND_U64, total_alloc),
    FIELD("TotalFree", KIND_U64, total_free),
    FIELD("Triggered", KIND_U64, triggered),
};

static const struct field *field_named(const char *name)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

/* Any number of these files: a decimal string, a JSON integer, or {dec, bits}. False if it is none of them. */
static bool parse_bits(const json_t *value, uint64_t *bits)
{
    const char *text = json_string_value(value);
    char *end = NULL;

    if (json_is_integer(value)) {
        *bits = (uint64_t)json_integer_value(value);
        return true;
    }
    if (json_is_object(value)) {
        text = gr_string(value, "bits");
        if (text == NULL || *text == '\0')
            return false;
        *bits = strtoull(text, &end, 16);
        return *end == '\0';
    }
    if (text == NULL || *text == '\0')
        return false;
    *bits = *text == '-' ? (uint64_t)strtoll(text, &end, 10) : strtoull(text, &end, 10);
    return *end == '\0';
}

static bool member_bits(struct gr_file *f, const json_t *object, const char *key, uint64_t *bits)
{
    const json_t *value = json_object_get(object, key);

    if (value != NULL && parse_bits(value, bits))
        return true;
    return gr_fail(f, "%s: missing or not a number", key);
}

static uint64_t field_bits(const struct ua_pacer *p, const struct field *field)
{
    uint64_t bits = 0;
    int32_t narrow;

    if (field->kind != KIND_I32) {
        memcpy(&bits, (const char *)p + field->offset, sizeof bits);
        return bits;
    }
    memcpy(&narrow, (const char *)p + field->offset, sizeof narrow);
    return (uint64_t)narrow;
}

static bool load_state(struct gr_file *f, const json_t *in, struct ua_pacer *p)
{
    memset(p, 0, sizeof *p);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        char *target = (char *)p + fields[i].offset;
        uint64_t bits;

        if (!member_bits(f, in, fields[i].name, &bits))
            return false;
        if (fields[i].kind == KIND_I32) {
            int32_t narrow = (int32_t)bits;

            memcpy(target, &narrow, sizeof narrow);
        } else {
            memcpy(target, &bits, sizeof bits);
        }
    }
    return true;
}

/* What an op returns beside the state it leaves. */
struct results {
    struct ua_pacer_plan goal;
    struct ua_pacer_plan trigger;
    uint64_t memory_limit_goal;
    int64_t old;
};

static bool call_op(struct gr_file *f, const char *op, const json_t *in, struct ua_pacer *p, struct results *r)
{
    uint64_t time = 0;
    uint64_t procs = 0;
    uint64_t value = 0;

    if (strcmp(op, "commit") == 0) {
        ua_pacer_commit(p, json_is_true(json_object_get(in, "isSweepDone")));
    } else if (strcmp(op, "revise") == 0) {
        ua_pacer_revise(p);
    } else if (strcmp(op, "startCycle") == 0) {
        if (!member_bits(f, in, "markStartTime", &time) || !member_bits(f, in, "procs", &procs))
            return false;
        ua_pacer_start_cycle(p, (int64_t)time, (int32_t)procs, json_is_true(json_object_get(in, "timeTrigger")));
    } else if (strcmp(op, "endCycle") == 0) {
        if (!member_bits(f, in, "now", &time) || !member_bits(f, in, "procs", &procs))
            return false;
        ua_pacer_end_cycle(p, (int64_t)time, (int32_t)procs);
    } else if (strcmp(op, "resetLive") == 0) {
        if (!member_bits(f, in, "bytesMarked", &value))
            return false;
        ua_pacer_reset_live(p, value);
    } else if (strcmp(op, "setGCPercent") == 0) {
        if (!member_bits(f, in, "percent", &value))
            return false;
        r->old = ua_pacer_set_gc_percent(p, (int32_t)value);
    } else {
        return gr_fail(f, "unknown op '%s'", op);
    }
    r->goal = ua_pacer_goal(p);
    r->trigger = ua_pacer_trigger(p);
    r->memory_limit_goal = ua_pacer_memory_limit_goal(p);
    return true;
}

static bool result_bits(const struct results *r, const char *name, uint64_t *bits)
{
    if (strcmp(name, "heapGoal") == 0)
        *bits = r->goal.goal;
    else if (strcmp(name, "minTrigger") == 0)
        *bits = r->goal.min_trigger;
    else if (strcmp(name, "trigger") == 0)
        *bits = r->trigger.trigger;
    else if (strcmp(name, "goalFromTrigger") == 0)
        *bits = r->trigger.goal;
    else if (strcmp(name, "memoryLimitHeapGoal") == 0)
        *bits = r->memory_limit_goal;
    else if (strcmp(name, "old") == 0)
        *bits = (uint64_t)r->old;
    else
        return false;
    return true;
}

static bool compare(struct gr_file *f, const char *op, const json_t *out, const struct ua_pacer *p,
                    const struct results *r)
{
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)out, name, value) {
        const struct field *field = field_named(name);
        uint64_t want;
        uint64_t got;

        if (!parse_bits(value, &want))
            return gr_fail(f, "%s: %s is not a number", op, name);
        if (field != NULL)
            got = field_bits(p, field);
        else if (!result_bits(r, name, &got))
            return gr_fail(f, "%s: unknown output %s", op, name);
        if (want == got)
            continue;
        if (field != NULL && field->kind == KIND_F64) {
            double want_value;
            double got_value;

            memcpy(&want_value, &want, sizeof want_value);
            memcpy(&got_value, &got, sizeof got_value);
            return gr_fail(f, "%s: %s: want %.17g (%" PRIx64 "), got %.17g (%" PRIx64 ")", op, name, want_value, want,
                           got_value, got);
        }
        return gr_fail(f, "%s: %s: want %" PRIu64 ", got %" PRIu64, op, name, want, got);
    }
    return true;
}

static bool replay_line(struct gr_file *f, const json_t *line)
{
    const char *op = gr_string(line, "op");
    const json_t *in = json_object_get(line, "in");
    const json_t *out = json_object_get(line, "out");
    struct ua_pacer pacer;
    struct results results = {0};

    if (op == NULL || !json_is_object(in) || !json_is_object(out) || json_object_size(out) == 0)
        return gr_fail(f, "op, in and out are needed");
    if (strcmp(op, "setGCPercent") == 0)
        ua_pacer_init(&pacer, 100, UA_PACER_NO_LIMIT); /* recorded on a fresh controller */
    else if (!load_state(f, in, &pacer))
        return false;
    return call_op(f, op, in, &pacer, &results) && compare(f, op, out, &pacer, &results);
}

bool gr_replay_pacer_ops(struct gr_file *f)
{
    bool passed = true;
    json_t *line;

    while (passed && (line = gr_file_next_json(f)) != NULL) {
        passed = replay_line(f, line);
        json_decref(line);
    }
    return passed && !f->failed;
}
