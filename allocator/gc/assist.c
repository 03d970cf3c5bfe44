/* assist.c - see assist.h. */
#include "gc/assist.h"

#include "gc/cycle.h"

#define HEAPS_MAX 8u /* credits a thread keeps at once, by heap; more heaps that mark at once share and lose some */
#define STEP_BYTES ((int64_t)64 << 10)

/* What the thread has left of the running mark with this serial. */
struct credit {
    uint64_t serial;
    int64_t bytes;
};

static _Thread_local struct credit credits[HEAPS_MAX];

static struct credit *credit_of(struct ua_gc *gc)
{
    uint64_t serial = ua_gc_load(&gc->serial);
    struct credit *credit = &credits[serial % HEAPS_MAX];

    if (credit->serial != serial)
        *credit = (struct credit){serial, 0};
    return credit;
}

static bool is_marking(struct ua_gc *gc)
{
    return __atomic_load_n(&gc->state, __ATOMIC_ACQUIRE) == UA_GC_RUNNING;
}

void ua_assist_charge(struct ua_gc *gc, size_t bytes)
{
    if (UA_UNLIKELY(is_marking(gc)))
        credit_of(gc)->bytes -= (int64_t)bytes;
}

/* Guard: pacer_lock. The rates as they are now, and what they follow from. */
static struct ua_gc_pace revise(struct ua_gc *gc)
{
    const struct ua_pacer *p = &gc->pacer;

    ua_gc_load_ledger(gc);
    ua_pacer_revise(&gc->pacer);
    return (struct ua_gc_pace){.gc_percent = p->gc_percent, .heap_live = p->heap_live, .heap_scan = p->heap_scan,
                               .heap_goal = ua_pacer_goal(p).goal, .triggered = p->triggered,
                               .last_heap_scan = p->last_heap_scan, .last_stack_scan = p->last_stack_scan,
                               .globals_scan = p->globals_scan, .max_stack_scan = p->max_stack_scan,
                               .heap_scan_work = p->heap_scan_work, .stack_scan_work = p->stack_scan_work,
                               .globals_scan_work = p->globals_scan_work};
}

/* With a goal out of reach (gogc=off) a unit of work earns more bytes than 63 bits hold, and the pacer's figure is Go's: negative. */
static void earn(struct credit *credit, int64_t bytes)
{
    if (bytes < 0 || __builtin_add_overflow(credit->bytes, bytes, &credit->bytes))
        credit->bytes = INT64_MAX / 2;
}

/* Plans for what is owed and takes background credit for it. Guard: pacer_lock. */
static void plan_and_steal(struct ua_pacer *pacer, struct credit *credit, struct ua_gc_assist_event *event)
{
    struct ua_pacer_assist plan = ua_pacer_assist_plan(pacer, event->debt_bytes);

    event->planned_work = plan.scan_work;
    event->planned_bytes = plan.debt_bytes;
    if (pacer->bg_scan_credit > 0) {
        bool enough = pacer->bg_scan_credit >= plan.scan_work;

        event->stolen_work = enough ? plan.scan_work : pacer->bg_scan_credit;
        event->stolen_bytes = enough ? plan.debt_bytes : ua_pacer_assist_credit(pacer, event->stolen_work);
        pacer->bg_scan_credit -= event->stolen_work;
        earn(credit, event->stolen_bytes);
    }
}

/* What is left to mark is planned_work - stolen_work: nothing for a thread that owes nothing. False, with nothing taken, when the
 * heap is over its goal and the pacer has not a byte left for the program, however far it stretches the goal. */
static bool plan_assist(struct ua_gc *gc, struct credit *credit, bool over_goal, struct ua_gc_assist_event *event)
{
    bool has_room;

    ua_lock_acquire(&gc->pacer_lock);
    *event = (struct ua_gc_assist_event){.cycle = gc->current.cycle, .debt_bytes = -credit->bytes};
    event->plan = revise(gc);
    has_room = !over_goal || !ua_pacer_is_out_of_room(&gc->pacer);
    if (has_room && event->debt_bytes > 0)
        plan_and_steal(&gc->pacer, credit, event);
    ua_lock_release(&gc->pacer_lock);
    return has_room;
}

static void record(struct ua_gc *gc, struct credit *credit, struct ua_gc_assist_event *event)
{
    if (event->stolen_work == 0 && event->done_work == 0)
        return;
    ua_gc_add(&gc->counts.assists, 1);
    ua_lock_acquire(&gc->pacer_lock);
    event->time_ns = ua_gc_now_ns(gc);
    if (event->done_work > 0) {
        event->pay = revise(gc);
        event->done_bytes = ua_pacer_assist_credit(&gc->pacer, event->done_work);
        earn(credit, event->done_bytes);
    }
    ua_ring_put(&gc->assists.events, &gc->heap->meta, gc->assists.count++, event);
    ua_lock_release(&gc->pacer_lock);
}

/* How an assist ended. */
enum outcome { ASSIST_DONE, ASSIST_NOTHING_GREY, ASSIST_TIRED };

/* Marks what the plan has left, in steps that a collection can stop between. Items that lead to what is marked already are no scan
 * work, and near a mark's end there may be little else: a thread that went through so many is let go, and owes the rest. */
static enum outcome mark_planned(struct ua_gc *gc, struct ua_gc_assist_event *event)
{
    uint64_t start_ns = ua_clock_cpu_ns(gc->heap->clock);
    int64_t left = event->planned_work - event->stolen_work;
    uint64_t step_bytes = 0;
    struct ua_gc_help help = {0};

    while (left > event->done_work && !help.complete && step_bytes / UA_GC_HELP_STEPS < (uint64_t)left) {
        int64_t want = left - event->done_work;

        help = ua_gc_help(gc, (uint64_t)(want < STEP_BYTES ? want : STEP_BYTES));
        event->done_work += (int64_t)help.scan_work;
        step_bytes += help.step_bytes;
        if (help.step_bytes == 0)
            break;
        ua_world_safepoint();
    }
    ua_gc_add(&gc->counts.assist_ns, ua_clock_cpu_ns(gc->heap->clock) - start_ns);
    if (help.complete)
        ua_gc_terminate(gc);
    if (event->done_work >= left)
        return ASSIST_DONE;
    return help.complete || help.step_bytes == 0 ? ASSIST_NOTHING_GREY : ASSIST_TIRED;
}

void ua_assist_pay(struct ua_gc *gc)
{
    bool over_goal;

    if (!is_marking(gc) || gc->heap->options.assist == 0)
        return;
    /* Credit earned before does not count there: near the expected end of a mark 64 KiB of work can earn gigabytes, as in Go. */
    over_goal = ua_gc_load(&gc->heap->acct.heap_live) > ua_gc_load(&gc->goal_bytes);
    for (;; over_goal = false) {
        struct credit *credit = credit_of(gc);
        uint32_t seen = ua_pool_seen(&gc->pool);
        struct ua_gc_assist_event event;
        enum outcome outcome = ASSIST_DONE;

        if (!is_marking(gc) || (credit->bytes >= 0 && !over_goal))
            return;
        if (!plan_assist(gc, credit, over_goal, &event)) {
            ua_gc_finish_running(gc);
            return;
        }
        if (event.stolen_work < event.planned_work)
            outcome = mark_planned(gc, &event);
        record(gc, credit, &event);
        if (outcome == ASSIST_TIRED)
            return;
        if (credit->bytes >= 0 || outcome == ASSIST_DONE || !is_marking(gc))
            continue;
        /* All that is grey is in others' hands: wait for what they earn, or for the end. */
        if (ua_pool_is_complete(&gc->pool)) {
            ua_gc_terminate(gc);
            continue;
        }
        ua_gc_wait_for_grey(gc, seen);
    }
}

size_t ua_assist_read(struct ua_gc *gc, struct ua_gc_assist_event *events, size_t capacity)
{
    size_t count;

    ua_lock_acquire(&gc->pacer_lock);
    count = ua_ring_read(&gc->assists.events, gc->assists.count, gc->assists.count, events, capacity);
    ua_lock_release(&gc->pacer_lock);
    return count;
}
