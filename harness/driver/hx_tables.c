/* hx_tables.c - see hx_tables.h. */
#include "driver/hx_tables.h"

#include "driver/hx_lacks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Steps in the order of the tables. */
struct row_order {
    unsigned cell, rep;
    enum hx_pass pass;
    size_t step;
};

static int compare_rows(const void *a, const void *b) {
    const struct row_order *x = a, *y = b;
    if (x->cell != y->cell) {
        return x->cell < y->cell ? -1 : 1;
    }
    if (x->pass != y->pass) {
        return x->pass < y->pass ? -1 : 1;
    }
    return x->rep == y->rep ? 0 : x->rep < y->rep ? -1 : 1;
}

static struct row_order *ordered_steps(const struct hx_plan *plan) {
    struct row_order *rows = hx_alloc(plan->step_count * sizeof *rows);
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct hx_step *step = &plan->steps[i];
        rows[i] = (struct row_order){.cell = step->cell, .rep = step->rep, .pass = step->pass, .step = i};
    }
    qsort(rows, plan->step_count, sizeof *rows, compare_rows);
    return rows;
}

static struct hx_sample row_of(const struct hx_cell *cell, enum hx_pass pass, unsigned rep, int64_t order) {
    return (struct hx_sample){.pass = pass, .side = cell->again ? "head" : "-", .scenario = cell->scenario, .backend = cell->backend, .arm = cell->arm,
                              .options = cell->options, .threads = cell->threads, .pages = cell->pages, .rep = rep, .order = order,
                              .phase = "all", .reason = "-"};
}

/* The sums belong to every observation; the time pass shows them. */
static void add_checksum(struct hx_tables *out, const struct hx_request *request, const struct hx_observation *observation) {
    if (request->pass != HX_PASS_TIME || observation->checksum[0] == '\0' ||
        hx_observation_metric(observation, "all", "checksum") != NULL) {
        return;
    }
    struct hx_sample row = row_of(&request->cell, request->pass, request->rep, (int64_t)request->order);
    row.metric = "checksum";
    row.unit = "hex";
    row.kind = HX_VALUE_WORD;
    row.text = observation->checksum;
    hx_sample_write(&out->samples, &row);
}

/* Events that no group can count here: the worker never hears of them. */
static void add_missing_events(struct hx_tables *out, const struct hx_drive *drive, const struct hx_request *request) {
    const json_t *missing = json_object_get(json_object_get(drive->head, "counters"), "missing");
    if (request->pass != HX_PASS_COUNTERS || request->event_group != 0) {
        return;
    }
    for (size_t i = 0; i < json_array_size(missing); i++) {
        struct hx_sample row = row_of(&request->cell, request->pass, request->rep, (int64_t)request->order);
        const char *name = json_string_value(json_object_get(json_array_get(missing, i), "name"));
        const char *reason = json_string_value(json_object_get(json_array_get(missing, i), "reason"));
        if (name != NULL && reason != NULL) {
            row.metric = name;
            row.unit = "count";
            row.kind = HX_VALUE_NULL;
            row.reason = reason;
            hx_sample_write(&out->samples, &row);
        }
    }
}

/* Rows of numbers out of an array of arrays, behind the words that every one of them starts with. */
static void add_number_rows(struct hx_buffer *out, const char *lead, const json_t *rows, size_t columns) {
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (json_array_size(row) != columns) {
            continue;
        }
        hx_buffer_print(out, "%s", lead);
        for (size_t c = 0; c < columns; c++) {
            const json_t *number = json_array_get(row, c);
            if (json_is_integer(number)) {
                hx_buffer_print(out, "\t%" JSON_INTEGER_FORMAT, json_integer_value(number));
            } else if (json_is_real(number)) {
                char text[HX_DECIMAL_BYTES];
                hx_decimal(json_real_value(number), text);
                hx_buffer_print(out, "\t%s", text);
            } else {
                hx_buffer_print(out, "\tnull");
            }
        }
        hx_buffer_print(out, "\n");
    }
}

/* Collections: numbers, and two words each. */
static void add_collections(struct hx_tables *out, const struct hx_request *request, const json_t *rows) {
    enum { COLUMNS = 11 };
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (json_array_size(row) != COLUMNS) {
            continue;
        }
        if (out->gc.size_bytes == 0) {
            hx_buffer_print(&out->gc, "cell\trep\tcycle\tphase\tcause\ttime_ns\theap_live_bytes\tgoal_bytes\ttrigger_bytes\t"
                                      "mark_work_bytes\tassist_ns\tpause_ns\tsweep_ns\n");
        }
        hx_buffer_print(&out->gc, "%u\t%u", request->cell.index, request->rep);
        for (size_t c = 0; c < COLUMNS; c++) {
            const json_t *value = json_array_get(row, c);
            if (json_is_string(value)) {
                hx_buffer_print(&out->gc, "\t%s", json_string_value(value));
            } else {
                hx_buffer_print(&out->gc, "\t%" JSON_INTEGER_FORMAT, json_integer_value(value));
            }
        }
        hx_buffer_print(&out->gc, "\n");
    }
}

static void add_curves(struct hx_tables *out, const struct hx_request *request, const json_t *root) {
    char *lead = hx_print("%u\t%u", request->cell.index, request->rep);
    add_number_rows(&out->series, lead, json_object_get(root, "series"), 6);
    free(lead);
    add_collections(out, request, json_object_get(root, "gc"));
    const json_t *hist = json_object_get(root, "hist");
    for (size_t i = 0; i < json_array_size(hist); i++) {
        const json_t *one = json_array_get(hist, i);
        const char *phase = json_string_value(json_object_get(one, "phase")), *call = json_string_value(json_object_get(one, "call"));
        lead = hx_print("%u\t%u\t%s\t%s", request->cell.index, request->rep, phase != NULL ? phase : "-", call != NULL ? call : "-");
        add_number_rows(&out->hist, lead, json_object_get(one, "buckets"), 3);
        free(lead);
    }
}

/* One iteration row a process, in the members of Google Benchmark's own JSON, so that its compare.py reads it. */
static void add_gbench(struct hx_tables *out, const struct hx_drive *drive, const struct hx_request *request, const json_t *root) {
    const json_t *said = json_object_get(root, "gbench");
    if (!json_is_object(said) || request->cell.again) { /* its title is that of A: a reader would count it among A's repetitions */
        return;
    }
    unsigned repetitions = 0;
    for (size_t i = 0; i < drive->plan.step_count; i++) {
        repetitions += drive->plan.steps[i].cell == request->cell.index && drive->plan.steps[i].pass == HX_PASS_TIME;
    }
    /* Our own title, not the worker's name: it tells cells with other options apart. */
    char title[HX_CELL_TITLE_BYTES];
    hx_cell_title(&request->cell, title);
    json_t *row = json_object();
    hx_tree_put(row, "name", hx_tree_word(title));
    hx_tree_put(row, "family_index", json_integer(request->cell.index));
    hx_tree_put(row, "per_family_instance_index", json_integer(0));
    hx_tree_put(row, "run_name", hx_tree_word(title));
    hx_tree_put(row, "run_type", hx_tree_word("iteration"));
    hx_tree_put(row, "repetitions", json_integer(repetitions));
    hx_tree_put(row, "repetition_index", json_integer(request->rep));
    hx_tree_put(row, "threads", json_integer(request->cell.threads));
    static const char *const members[] = {"iterations", "real_time", "cpu_time", "time_unit"};
    for (size_t i = 0; i < HX_COUNT_OF(members); i++) {
        hx_tree_put(row, members[i], json_incref(json_object_get(said, members[i])));
    }
    HX_CHECK(json_array_append_new(out->gbench, row) == 0);
}

static bool add_process(struct hx_tables *out, const struct hx_drive *drive, size_t step, struct hx_error *error) {
    const struct hx_finished *finished = &drive->finished[step];
    struct hx_request request;
    const char *events[1];
    hx_drive_request(drive, step, &request, events);
    char *text = hx_rundir_line(&drive->dir, finished->offset, finished->size_bytes, error);
    json_t *line = text != NULL ? hx_tree_parse(text, "a journal line", error) : NULL;
    free(text);
    json_t *said = json_incref(json_object_get(line, "observation"));
    bool have = line != NULL;
    json_decref(line);
    struct hx_observation observation;
    if (!have || !hx_observation_take(said, &request, &observation, error)) {
        return false;
    }
    hx_lacks_strike(drive->head, &observation);
    hx_observation_rows(&observation, &request, request.cell.again ? "head" : "-", &out->samples);
    add_checksum(out, &request, &observation);
    add_missing_events(out, drive, &request);
    add_curves(out, &request, said);
    add_gbench(out, drive, &request, said);
    hx_observation_free(&observation);
    return true;
}

/* Some cell is measured in this pass; cell != NULL: this one is. */
static bool is_planned(const struct hx_plan *plan, enum hx_pass pass, const struct hx_cell *cell) {
    bool planned = false;
    for (size_t s = 0; s < plan->step_count && !planned; s++) {
        planned = plan->steps[s].pass == pass && (cell == NULL || plan->steps[s].cell == cell->index);
    }
    return planned;
}

/* Rows that stand for all figures of a pass which this cell cannot have: an absent cell in any, one of the plan where it has no
 * process. */
static void add_absent(struct hx_tables *out, const struct hx_drive *drive, const struct hx_cell *cell, bool in_plan, const char *reason) {
    static const struct {
        enum hx_pass pass;
        const char *phase, *metric, *unit;
    } shown[] = {
        {HX_PASS_TIME, "all", "time", "ns/op"},
        {HX_PASS_TIME, "all", "time_typical", "ns/op"},
        {HX_PASS_LATENCY, "all", "latency_request_p99", "ns"},
        {HX_PASS_COUNTERS, "all", "faults_minor", "count"},
        {HX_PASS_MEMORY, "all", "rss_peak_bytes", "bytes"},
    };
    for (size_t i = 0; i < HX_COUNT_OF(shown); i++) {
        bool has = in_plan && is_planned(&drive->plan, shown[i].pass, cell);
        if (is_planned(&drive->plan, shown[i].pass, NULL) && !has) {
            struct hx_sample row = row_of(cell, shown[i].pass, 0, -1);
            row.phase = shown[i].phase;
            row.metric = shown[i].metric;
            row.unit = shown[i].unit;
            row.kind = HX_VALUE_NULL;
            row.reason = reason;
            hx_sample_write(&out->samples, &row);
        }
    }
}

bool hx_tables_make(const struct hx_drive *drive, struct hx_tables *out, struct hx_error *error) {
    *out = (struct hx_tables){.gbench = json_array()};
    hx_samples_write_header(&out->samples);
    hx_buffer_print(&out->series, "cell\trep\tstep\twork_ops\ttime_ns\tlive_bytes\trss_bytes\trss_anon_bytes\n");
    hx_buffer_print(&out->hist, "cell\trep\tphase\tcall\tlow_ns\thigh_ns\tcount\n");
    struct row_order *rows = ordered_steps(&drive->plan);
    bool good = true;
    for (size_t i = 0; i < drive->plan.step_count && good; i++) {
        if (drive->finished[rows[i].step].good) {
            good = add_process(out, drive, rows[i].step, error);
        }
    }
    free(rows);
    for (size_t i = 0; i < drive->plan.absent_count && good; i++) {
        add_absent(out, drive, &drive->plan.absent[i].cell, false, drive->plan.absent[i].reason);
    }
    for (size_t i = 0; i < drive->plan.cell_count && good; i++) {
        const struct hx_scenario *scenario = hx_catalogue_scenario(&drive->catalogue, drive->plan.cells[i].scenario);
        if (scenario != NULL && scenario->rate_per_s > 0) {
            add_absent(out, drive, &drive->plan.cells[i], true, "an open loop: only its latencies mean something");
        }
    }
    if (!good) {
        hx_tables_free(out);
    }
    return good;
}

void hx_tables_free(struct hx_tables *tables) {
    hx_buffer_free(&tables->samples);
    hx_buffer_free(&tables->series);
    hx_buffer_free(&tables->hist);
    hx_buffer_free(&tables->gc);
    json_decref(tables->gbench);
    *tables = (struct hx_tables){0};
}
