/* gr_pacer_log.c - pacer.jsonl: whole cycles of a controller that is carried from line to line.
 *
 * Recorded doubles agree within 1e-9 relative; integers exactly. */
#include "gr_pacer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "gc/pacer.h"

#define RELATIVE_TOLERANCE 1e-9

struct run {
    struct ua_pacer pacer;
    int32_t procs;
    bool started;
};

static bool integer(struct gr_file *f, const json_t *line, const char *key, int64_t *out)
{
    const json_t *value = json_object_get(line, key);

    if (!json_is_integer(value))
        return gr_fail(f, "%s: missing or not an integer", key);
    *out = json_integer_value(value);
    return true;
}

static bool same_integer(struct gr_file *f, const json_t *line, const char *key, uint64_t got)
{
    int64_t want = 0;

    if (!integer(f, line, key, &want))
        return false;
    return (uint64_t)want == got || gr_fail(f, "%s: want %" PRIu64 ", got %" PRIu64, key, (uint64_t)want, got);
}

static bool same_double(struct gr_file *f, const json_t *line, const char *key, double got)
{
    const json_t *value = json_object_get(line, key);
    double want = json_number_value(value);

    if (!json_is_number(value))
        return gr_fail(f, "%s: missing or not a number", key);
    return fabs(want - got) <= RELATIVE_TOLERANCE * fabs(want) || gr_fail(f, "%s: want %.17g, got %.17g", key, want, got);
}

static bool pacer_init(struct gr_file *f, const json_t *line, struct run *run)
{
    int64_t percent = 0;
    int64_t limit = 0;
    int64_t procs = 0;

    if (!integer(f, line, "gogc", &percent) || !integer(f, line, "memory_limit", &limit) ||
        !integer(f, line, "procs", &procs))
        return false;
    ua_pacer_init(&run->pacer, (int32_t)percent, limit);
    run->procs = (int32_t)procs;
    run->started = true;
    return same_integer(f, line, "heap_goal", ua_pacer_goal(&run->pacer).goal) &&
           same_integer(f, line, "trigger", ua_pacer_trigger(&run->pacer).trigger) &&
           same_integer(f, line, "runway", run->pacer.runway);
}

static bool start_cycle(struct gr_file *f, const json_t *line, struct run *run)
{
    struct ua_pacer *p = &run->pacer;
    const json_t *fraction = json_object_get(line, "scannable_frac");
    int64_t stack = 0;
    int64_t globals = 0;
    uint64_t live = ua_pacer_trigger(p).trigger;

    if (!json_is_number(fraction))
        return gr_fail(f, "scannable_frac: missing or not a number");
    if (!integer(f, line, "stack", &stack) || !integer(f, line, "globals", &globals))
        return false;
    if (live < p->heap_marked)
        live = p->heap_marked;
    p->max_stack_scan = (uint64_t)stack;
    p->globals_scan = (uint64_t)globals;
    p->heap_live = live;
    p->heap_scan += (uint64_t)ua_pacer_to_i64((double)(live - p->heap_marked) * json_number_value(fraction));
    ua_pacer_start_cycle(p, 0, run->procs, false);
    return same_integer(f, line, "heap_live", p->heap_live) && same_integer(f, line, "triggered", p->triggered) &&
           same_integer(f, line, "heap_goal", ua_pacer_goal(p).goal) &&
           same_double(f, line, "assist_work_per_byte", p->assist_work_per_byte);
}

static bool revise(struct gr_file *f, const json_t *line, struct run *run)
{
    struct ua_pacer *p = &run->pacer;
    int64_t live = 0;
    int64_t scan = 0;
    int64_t heap_work = 0;
    int64_t stack_work = 0;
    int64_t globals_work = 0;

    if (!integer(f, line, "heap_live_delta", &live) || !integer(f, line, "heap_scan_delta", &scan) ||
        !integer(f, line, "heap_scan_work_delta", &heap_work) ||
        !integer(f, line, "stack_scan_work_delta", &stack_work) ||
        !integer(f, line, "globals_scan_work_delta", &globals_work))
        return false;
    p->heap_live += (uint64_t)live;
    p->heap_scan += (uint64_t)scan;
    p->heap_scan_work += heap_work;
    p->stack_scan_work += stack_work;
    p->globals_scan_work += globals_work;
    ua_pacer_revise(p);
    return same_integer(f, line, "heap_goal", ua_pacer_goal(p).goal) &&
           same_double(f, line, "assist_work_per_byte", p->assist_work_per_byte);
}

static bool end_cycle(struct gr_file *f, const json_t *line, struct run *run)
{
    struct ua_pacer *p = &run->pacer;
    int64_t assist_ns = 0;
    int64_t elapsed_ns = 0;
    int64_t marked = 0;

    if (!integer(f, line, "assist_ns", &assist_ns) || !integer(f, line, "elapsed_ns", &elapsed_ns) ||
        !integer(f, line, "marked", &marked))
        return false;
    p->assist_time = assist_ns;
    ua_pacer_end_cycle(p, elapsed_ns, run->procs);
    ua_pacer_reset_live(p, (uint64_t)marked);
    ua_pacer_commit(p, false);
    return same_double(f, line, "cons_mark", p->cons_mark) &&
           same_integer(f, line, "last_heap_scan", p->last_heap_scan) &&
           same_integer(f, line, "runway", p->runway) &&
           same_integer(f, line, "heap_goal", ua_pacer_goal(p).goal) &&
           same_integer(f, line, "trigger", ua_pacer_trigger(p).trigger);
}

static bool replay_line(struct gr_file *f, const json_t *line, struct run *run)
{
    const char *op = gr_string(line, "op");

    if (op == NULL)
        return gr_fail(f, "no op");
    if (strcmp(op, "pacer_init") == 0)
        return pacer_init(f, line, run);
    if (!run->started)
        return gr_fail(f, "%s before pacer_init", op);
    if (strcmp(op, "start_cycle") == 0)
        return start_cycle(f, line, run);
    if (strcmp(op, "revise") == 0)
        return revise(f, line, run);
    if (strcmp(op, "end_cycle") == 0)
        return end_cycle(f, line, run);
    return gr_fail(f, "unknown op '%s'", op);
}

bool gr_replay_pacer_log(struct gr_file *f)
{
    struct run run = {0};
    bool passed = true;
    json_t *line;

    while (passed && (line = gr_file_next_json(f)) != NULL) {
        passed = replay_line(f, line, &run);
        json_decref(line);
    }
    return passed && !f->failed;
}
