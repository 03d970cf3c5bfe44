/* gr_pacer_trace.c - pacer_traces/ *.csv: Go's TestGcPacer scenarios step by step, arguments before `|`, outputs after.
 *
 * heapGoal and trigger are evaluated after every row, also in the middle of a cycle, as the recorder did. */
#include "gr_pacer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gc/pacer.h"

#define COLUMNS_MAX 32

struct row {
    char *cells[COLUMNS_MAX];
    int count;
    int bar; /* index of the `|` */
};

static bool split(struct gr_file *f, char *line, struct row *row)
{
    row->count = 0;
    row->bar = -1;
    for (char *cell = line; cell != NULL;) {
        char *comma = strchr(cell, ',');

        if (comma != NULL)
            *comma++ = '\0';
        if (row->count == COLUMNS_MAX)
            return gr_fail(f, "more than %d columns", COLUMNS_MAX);
        if (strcmp(cell, "|") == 0)
            row->bar = row->count;
        row->cells[row->count++] = cell;
        cell = comma;
    }
    return row->bar > 0 || gr_fail(f, "no | column");
}

static int64_t arg(const struct row *row, int index)
{
    return strtoll(row->cells[index], NULL, 10);
}

static bool want_args(struct gr_file *f, const struct row *row, int count)
{
    return row->bar == count + 1 || gr_fail(f, "%s: want %d arguments, got %d", row->cells[0], count, row->bar - 1);
}

static bool apply(struct gr_file *f, const struct row *row, struct ua_pacer *p)
{
    const char *op = row->cells[0];

    if (strcmp(op, "init") == 0) {
        if (!want_args(f, row, 4))
            return false;
        ua_pacer_init(p, (int32_t)arg(row, 1), arg(row, 2));
    } else if (strcmp(op, "start") == 0) {
        uint64_t live = ua_pacer_trigger(p).trigger;

        if (!want_args(f, row, 4))
            return false;
        if (live < p->heap_marked)
            live = p->heap_marked;
        p->max_stack_scan = (uint64_t)arg(row, 1);
        p->globals_scan = (uint64_t)arg(row, 2);
        p->heap_live = live;
        p->heap_scan += (uint64_t)ua_pacer_to_i64((double)(live - p->heap_marked) * strtod(row->cells[3], NULL));
        ua_pacer_start_cycle(p, 0, (int32_t)arg(row, 4), false);
    } else if (strcmp(op, "revise") == 0) {
        if (!want_args(f, row, 5))
            return false;
        p->heap_live += (uint64_t)arg(row, 1);
        p->heap_scan += (uint64_t)arg(row, 2);
        p->heap_scan_work += arg(row, 3);
        p->stack_scan_work += arg(row, 4);
        p->globals_scan_work += arg(row, 5);
        ua_pacer_revise(p);
    } else if (strcmp(op, "end") == 0) {
        if (!want_args(f, row, 4))
            return false;
        p->assist_time = arg(row, 2);
        ua_pacer_end_cycle(p, arg(row, 3), (int32_t)arg(row, 4));
        ua_pacer_reset_live(p, (uint64_t)arg(row, 1));
        ua_pacer_commit(p, false);
    } else {
        return gr_fail(f, "unknown op '%s'", op);
    }
    return true;
}

static bool compare(struct gr_file *f, const struct row *row, const struct ua_pacer *p)
{
    static const char *const integer_names[] = {
        "heapLive",          "heapMarked",          "triggered", "heapScan", "lastHeapScan", "lastStackScan",
        "gcPercentHeapGoal", "sweepDistMinTrigger", "runway",    "heapGoal", "trigger"};
    static const char *const double_names[] = {"assistWorkPerByte", "assistBytesPerWork", "consMark", "lastConsMark"};
    const uint64_t integers[] = {p->heap_live,
                                 p->heap_marked,
                                 p->triggered,
                                 p->heap_scan,
                                 p->last_heap_scan,
                                 p->last_stack_scan,
                                 p->gc_percent_heap_goal,
                                 p->sweep_dist_min_trigger,
                                 p->runway,
                                 ua_pacer_goal(p).goal,
                                 ua_pacer_trigger(p).trigger};
    const double doubles[] = {p->assist_work_per_byte, p->assist_bytes_per_work, p->cons_mark, p->last_cons_mark};
    int integer_count = (int)(sizeof integers / sizeof integers[0]);
    int double_count = (int)(sizeof doubles / sizeof doubles[0]);
    char *const *cells = row->cells + row->bar + 1;

    if (row->count - row->bar - 1 != integer_count + double_count)
        return gr_fail(f, "want %d outputs, got %d", integer_count + double_count, row->count - row->bar - 1);
    for (int i = 0; i < integer_count; i++) {
        uint64_t want = strtoull(cells[i], NULL, 10);

        if (want != integers[i])
            return gr_fail(f, "%s: %s: want %" PRIu64 ", got %" PRIu64, row->cells[0], integer_names[i], want,
                           integers[i]);
    }
    for (int i = 0; i < double_count; i++) {
        double want = strtod(cells[integer_count + i], NULL);

        /* By bits: 17 digits name a double exactly; a NaN has no sign in a text. */
        if (memcmp(&want, &doubles[i], sizeof want) != 0 && !(isnan(want) && isnan(doubles[i])))
            return gr_fail(f, "%s: %s: want %.17g, got %.17g", row->cells[0], double_names[i], want, doubles[i]);
    }
    return true;
}

bool gr_replay_pacer_trace(struct gr_file *f)
{
    struct ua_pacer pacer = {0};
    bool started = false;
    char *line;

    while ((line = gr_file_next(f)) != NULL) {
        struct row row;

        if (*line == '#' || *line == '\0')
            continue;
        if (!split(f, line, &row))
            return false;
        if (!started && strcmp(row.cells[0], "init") != 0)
            return gr_fail(f, "%s before init", row.cells[0]);
        started = true;
        if (!apply(f, &row, &pacer) || !compare(f, &row, &pacer))
            return false;
    }
    return started || gr_fail(f, "no rows");
}
