/* pacer.c - Go 1.20's pacing controller, bit for bit; see pacer.h for what it is for.
 *
 * Rules that keep it exact: uint64_t wraps; products of doubles are taken left to right and never fused; a double
 * becomes an integer only through ua_pacer_to_i64 / _u64. The recorded vectors in tests/golden hold this file to it. */
#include "gc/pacer.h"

#include <string.h>

#define OVERSHOOT_MAX 1.1
#define SCAN_WORK_MIN 1000
#define ASSIST_WORK_MIN 65536
/* revise() with gogc off still needs some bound on the goal it may stretch to. */
#define GC_PERCENT_WHEN_OFF 100000
/* Where the trigger may lie between heap_marked (0) and the goal (64). */
#define TRIGGER_RATIO_DEN 64
#define TRIGGER_RATIO_MIN 45
#define TRIGGER_RATIO_MAX 61
/* Fractional workers are used when whole ones miss the utilization by more than this. */
#define UTILIZATION_ERROR_MAX 0.3
#define SWEEP_DISTANCE_MIN_BYTES 8192

_Static_assert(TRIGGER_RATIO_MIN < TRIGGER_RATIO_MAX && TRIGGER_RATIO_MAX < TRIGGER_RATIO_DEN,
               "the trigger lies strictly between the marked heap and the goal");

int64_t ua_pacer_to_i64(double x)
{
    /* The comparison is false for NaN, which belongs with what does not fit. */
    if (x >= -0x1p63 && x < 0x1p63)
        return (int64_t)x;
    return INT64_MIN;
}

uint64_t ua_pacer_to_u64(double x)
{
    if (x < 0x1p63)
        return (uint64_t)ua_pacer_to_i64(x);
    return (uint64_t)ua_pacer_to_i64(x - 0x1p63) | ((uint64_t)1 << 63);
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void ua_pacer_init(struct ua_pacer *p, int32_t gc_percent, int64_t memory_limit)
{
    memset(p, 0, sizeof *p);
    p->memory_limit = UA_PACER_NO_LIMIT;
    p->triggered = UA_PACER_NONE;
    ua_pacer_set_gc_percent(p, gc_percent);
    ua_pacer_set_memory_limit(p, memory_limit);
    ua_pacer_commit(p, true);
}

int32_t ua_pacer_set_gc_percent(struct ua_pacer *p, int32_t gc_percent)
{
    int32_t old = p->gc_percent;

    if (gc_percent < 0)
        gc_percent = -1;
    /* Off wraps to a minimum beyond any heap; harmless, since the goal is then "none". */
    p->heap_minimum = UA_PACER_HEAP_MINIMUM_BYTES * (uint64_t)gc_percent / 100;
    p->gc_percent = gc_percent;
    return old;
}

int64_t ua_pacer_set_memory_limit(struct ua_pacer *p, int64_t limit_bytes)
{
    int64_t old = p->memory_limit;

    if (limit_bytes >= 0)
        p->memory_limit = limit_bytes;
    return old;
}

void ua_pacer_commit(struct ua_pacer *p, bool sweep_done)
{
    uint64_t goal = UA_PACER_NONE;
    uint64_t roots_scan = p->last_stack_scan + p->globals_scan;

    p->sweep_dist_min_trigger = sweep_done ? 0 : p->heap_live + UA_PACER_SWEEP_MIN_BYTES;
    if (p->gc_percent >= 0)
        goal = p->heap_marked + (p->heap_marked + roots_scan) * (uint64_t)p->gc_percent / 100;
    p->gc_percent_heap_goal = max_u64(goal, p->heap_minimum);
    p->runway = ua_pacer_to_u64((p->cons_mark * (1 - UA_PACER_UTILIZATION) / UA_PACER_UTILIZATION) *
                                (double)(p->last_heap_scan + roots_scan));
}

uint64_t ua_pacer_memory_limit_goal(const struct ua_pacer *p)
{
    uint64_t limit = (uint64_t)p->memory_limit;
    uint64_t heap_alloc = p->total_alloc - p->total_free;
    uint64_t non_heap = p->mapped_ready - p->heap_free - heap_alloc;
    uint64_t overage = p->mapped_ready > limit ? p->mapped_ready - limit : 0;
    uint64_t goal;

    if (non_heap + overage >= limit)
        return p->heap_marked;
    goal = limit - (non_heap + overage);
    if (goal < 2 * UA_PACER_LIMIT_HEADROOM_BYTES)
        goal = UA_PACER_LIMIT_HEADROOM_BYTES;
    else
        goal -= UA_PACER_LIMIT_HEADROOM_BYTES;
    return max_u64(goal, p->heap_marked);
}

struct ua_pacer_plan ua_pacer_goal(const struct ua_pacer *p)
{
    struct ua_pacer_plan plan = {0, p->gc_percent_heap_goal, 0};
    uint64_t limit_goal = ua_pacer_memory_limit_goal(p);

    if (limit_goal < plan.goal) {
        plan.goal = limit_goal;
    } else {
        plan.min_trigger = p->sweep_dist_min_trigger;
        plan.goal = max_u64(plan.goal, p->sweep_dist_min_trigger);
        if (p->triggered != UA_PACER_NONE)
            plan.goal = max_u64(plan.goal, p->triggered + UA_PACER_RUNWAY_MIN_BYTES);
    }
    plan.trigger = plan.goal;
    return plan;
}

struct ua_pacer_plan ua_pacer_trigger(const struct ua_pacer *p)
{
    struct ua_pacer_plan plan = ua_pacer_goal(p);
    uint64_t growth_step;
    uint64_t lowest;
    uint64_t highest;

    if (p->heap_marked >= plan.goal)
        return plan;
    growth_step = (plan.goal - p->heap_marked) / TRIGGER_RATIO_DEN;
    lowest = max_u64(plan.min_trigger, p->heap_marked);
    lowest = max_u64(lowest, growth_step * TRIGGER_RATIO_MIN + p->heap_marked);
    highest = growth_step * TRIGGER_RATIO_MAX + p->heap_marked;
    if (plan.goal > UA_PACER_HEAP_MINIMUM_BYTES)
        highest = max_u64(highest, plan.goal - UA_PACER_HEAP_MINIMUM_BYTES);
    highest = max_u64(highest, lowest);

    plan.trigger = p->runway > plan.goal ? lowest : plan.goal - p->runway;
    plan.trigger = max_u64(plan.trigger, lowest);
    if (plan.trigger > highest)
        plan.trigger = highest;
    return plan;
}

void ua_pacer_start_cycle(struct ua_pacer *p, int64_t now_ns, int32_t procs, bool time_trigger)
{
    double total_goal = (double)procs * UA_PACER_UTILIZATION;
    double error;

    p->heap_scan_work = 0;
    p->stack_scan_work = 0;
    p->globals_scan_work = 0;
    p->bg_scan_credit = 0;
    p->assist_time = 0;
    p->dedicated_mark_time = 0;
    p->fractional_mark_time = 0;
    p->idle_mark_time = 0;
    p->mark_start_time = now_ns;
    p->triggered = p->heap_live;

    p->dedicated_workers_needed = ua_pacer_to_i64(total_goal + 0.5);
    error = (double)p->dedicated_workers_needed / total_goal - 1;
    p->fractional_utilization_goal = 0;
    if (error < -UTILIZATION_ERROR_MAX || error > UTILIZATION_ERROR_MAX) {
        if ((double)p->dedicated_workers_needed > total_goal)
            p->dedicated_workers_needed--;
        p->fractional_utilization_goal = (total_goal - (double)p->dedicated_workers_needed) / (double)procs;
    }
    if (time_trigger)
        p->max_idle_workers = p->dedicated_workers_needed > 0 ? 0 : 1;
    else
        p->max_idle_workers = procs - p->dedicated_workers_needed;
    ua_pacer_revise(p);
}

void ua_pacer_plan_stop_the_world(struct ua_pacer *p, int32_t procs)
{
    p->dedicated_workers_needed = procs;
    p->fractional_utilization_goal = 0;
    p->max_idle_workers = 0;
}

void ua_pacer_revise(struct ua_pacer *p)
{
    int32_t percent = p->gc_percent < 0 ? GC_PERCENT_WHEN_OFF : p->gc_percent;
    int64_t live = (int64_t)p->heap_live;
    int64_t goal = (int64_t)ua_pacer_goal(p).goal;
    int64_t triggered = (int64_t)p->triggered;
    int64_t work = p->heap_scan_work + p->stack_scan_work + p->globals_scan_work;
    int64_t expected = (int64_t)(p->last_heap_scan + p->last_stack_scan + p->globals_scan);
    int64_t most = (int64_t)(p->heap_scan + p->max_stack_scan + p->globals_scan);
    int64_t work_left;
    int64_t bytes_left;

    if (work > expected) {
        /* More than last time: stretch the goal in proportion, as far as a fully scannable heap could need. */
        double stretched = (double)(int64_t)((uint64_t)goal - (uint64_t)triggered) / (double)expected * (double)most;
        int64_t extended = (int64_t)((uint64_t)ua_pacer_to_i64(stretched) + (uint64_t)triggered);
        int64_t hard = ua_pacer_to_i64((1.0 + (double)percent / 100.0) * (double)goal);

        goal = extended > hard ? hard : extended;
        expected = most;
    }
    if (live > goal) {
        goal = ua_pacer_to_i64((double)goal * OVERSHOOT_MAX);
        expected = most;
    }
    work_left = (int64_t)((uint64_t)expected - (uint64_t)work);
    if (work_left < SCAN_WORK_MIN)
        work_left = SCAN_WORK_MIN;
    bytes_left = (int64_t)((uint64_t)goal - (uint64_t)live);
    if (bytes_left <= 0)
        bytes_left = 1;
    p->assist_work_per_byte = (double)work_left / (double)bytes_left;
    p->assist_bytes_per_work = (double)bytes_left / (double)work_left;
}

bool ua_pacer_is_out_of_room(const struct ua_pacer *p)
{
    /* One byte for at least SCAN_WORK_MIN of work is what revise says then; with more room it says more. */
    return p->assist_bytes_per_work <= 1.0 / SCAN_WORK_MIN && p->assist_work_per_byte >= SCAN_WORK_MIN;
}

void ua_pacer_end_cycle(struct ua_pacer *p, int64_t now_ns, int32_t procs)
{
    int64_t duration = now_ns - p->mark_start_time;
    double utilization = UA_PACER_UTILIZATION;
    double idle = 0;
    int64_t work;
    double current;

    p->last_heap_goal = ua_pacer_goal(p).goal;
    if (duration > 0)
        utilization += (double)p->assist_time / (double)(duration * procs);
    if (p->heap_live <= p->triggered)
        return; /* nothing was allocated: no new evidence */
    if (duration > 0)
        idle = (double)p->idle_mark_time / (double)(duration * procs);
    work = p->heap_scan_work + p->stack_scan_work + p->globals_scan_work;
    current = ((double)(p->heap_live - p->triggered) * (utilization + idle)) / ((double)work * (1 - utilization));
    p->cons_mark = (current + p->last_cons_mark) / 2;
    p->last_cons_mark = current;
}

void ua_pacer_reset_live(struct ua_pacer *p, uint64_t bytes_marked)
{
    p->heap_marked = bytes_marked;
    p->heap_live = bytes_marked;
    p->heap_scan = (uint64_t)p->heap_scan_work;
    p->last_heap_scan = (uint64_t)p->heap_scan_work;
    p->last_stack_scan = (uint64_t)p->stack_scan_work;
    p->triggered = UA_PACER_NONE;
}

void ua_pacer_update(struct ua_pacer *p, int64_t live_delta, int64_t scan_delta, bool marking)
{
    p->heap_live += (uint64_t)live_delta;
    if (marking)
        ua_pacer_revise(p);
    else
        p->heap_scan += (uint64_t)scan_delta;
}

void ua_pacer_worker_stop(struct ua_pacer *p, enum ua_pacer_worker kind, int64_t duration_ns)
{
    switch (kind) {
    case UA_PACER_DEDICATED:
        p->dedicated_mark_time += duration_ns;
        p->dedicated_workers_needed++;
        break;
    case UA_PACER_FRACTIONAL:
        p->fractional_mark_time += duration_ns;
        break;
    case UA_PACER_IDLE:
        p->idle_mark_time += duration_ns;
        break;
    }
}

struct ua_pacer_assist ua_pacer_assist_plan(const struct ua_pacer *p, int64_t debt_bytes)
{
    struct ua_pacer_assist plan = {ua_pacer_to_i64(p->assist_work_per_byte * (double)debt_bytes), debt_bytes};

    if (plan.scan_work < ASSIST_WORK_MIN) {
        plan.scan_work = ASSIST_WORK_MIN;
        plan.debt_bytes = ua_pacer_to_i64(p->assist_bytes_per_work * (double)plan.scan_work);
    }
    return plan;
}

int64_t ua_pacer_assist_credit(const struct ua_pacer *p, int64_t work)
{
    return 1 + ua_pacer_to_i64(p->assist_bytes_per_work * (double)work);
}

struct ua_pacer_sweep ua_pacer_sweep_plan(const struct ua_pacer *p, uint64_t trigger, bool sweep_done,
                                          uint64_t pages_in_use, uint64_t pages_swept)
{
    struct ua_pacer_sweep plan = {0, p->heap_live, pages_swept};
    int64_t distance = (int64_t)(trigger - p->heap_live - UA_PACER_SWEEP_MIN_BYTES);
    int64_t pages = (int64_t)(pages_in_use - pages_swept);

    if (sweep_done || pages <= 0)
        return plan;
    if (distance < SWEEP_DISTANCE_MIN_BYTES)
        distance = SWEEP_DISTANCE_MIN_BYTES;
    plan.pages_per_byte = (double)pages / (double)distance;
    return plan;
}
