/* report_journal.c - rows and curves of a run that was cut short, from observations.jsonl. See report_run.h.
 *
 * Why: an interrupted run has no tables yet, only its journal, one line a finished process; whoever stopped it may still want to see
 * what there is before going on with --resume. A torn last line (the driver died while writing) counts as not finished. */
#include <stdlib.h>
#include <string.h>

#include "report/report_run.h"

static const char *word(const json_t *object, const char *key, const char *otherwise) {
    const char *value = json_string_value(json_object_get(object, key));
    return value != NULL ? value : otherwise;
}

/* What all rows of one process have in common. False: not an observation of this protocol. */
static bool row_head(const json_t *observation, struct hx_sample *row) {
    *row = (struct hx_sample){
        .side = "-",
        .scenario = word(observation, "scenario", NULL),
        .backend = word(observation, "backend", NULL),
        .arm = word(observation, "arm", NULL),
        .options = word(observation, "options", "-"),
        .threads = (unsigned)json_integer_value(json_object_get(observation, "threads")),
        .rep = (unsigned)json_integer_value(json_object_get(observation, "rep")),
        .order = json_integer_value(json_object_get(observation, "order")),
        .text = "null",
        .reason = "-",
    };
    return row->scenario != NULL && row->backend != NULL && row->arm != NULL &&
           hx_pass_from_name(word(observation, "pass", ""), &row->pass) &&
           hx_pages_from_name(word(observation, "pages", ""), &row->pages);
}

static void add_row(struct hx_report_run *run, struct hx_sample row) {
    struct hx_samples *samples = &run->samples;
    samples->rows = hx_grow(samples->rows, samples->row_count + 1, sizeof *samples->rows);
    samples->rows[samples->row_count++] = row;
}

static void add_metrics(struct hx_report_run *run, const json_t *observation, struct hx_sample head) {
    size_t i;
    json_t *metric;
    json_array_foreach(json_object_get(observation, "metrics"), i, metric) {
        struct hx_sample row = head;
        const json_t *value = json_object_get(metric, "value");
        row.phase = word(metric, "phase", "all");
        row.metric = word(metric, "metric", "unnamed");
        row.unit = word(metric, "unit", "-");
        if (json_is_number(value)) {
            row.kind = HX_VALUE_NUMBER;
            row.number = json_number_value(value);
        } else if (json_is_string(value)) {
            row.kind = HX_VALUE_WORD;
            row.text = json_string_value(value);
        } else {
            row.kind = HX_VALUE_NULL;
            row.reason = word(metric, "reason", "no reason given");
        }
        add_row(run, row);
    }
    const char *checksum = word(observation, "checksum", "");
    if (head.pass == HX_PASS_TIME && checksum[0] != '\0') {
        head.phase = "all";
        head.metric = "checksum";
        head.unit = "hex";
        head.kind = HX_VALUE_WORD;
        head.text = checksum;
        add_row(run, head);
    }
}

static double at(const json_t *array, size_t index) {
    return json_number_value(json_array_get(array, index));
}

static void add_curves(struct hx_report_run *run, const json_t *observation, long cell, long rep) {
    size_t i, k;
    json_t *point, *hist, *bucket;
    json_array_foreach(json_object_get(observation, "series"), i, point) {
        run->point = hx_grow(run->point, run->point_count + 1, sizeof *run->point);
        run->point[run->point_count++] = (struct hx_report_point){cell, rep, at(point, 1), at(point, 2), at(point, 3), at(point, 4),
                                                                  at(point, 5)};
    }
    json_array_foreach(json_object_get(observation, "hist"), i, hist) {
        json_array_foreach(json_object_get(hist, "buckets"), k, bucket) {
            run->bucket = hx_grow(run->bucket, run->bucket_count + 1, sizeof *run->bucket);
            run->bucket[run->bucket_count++] = (struct hx_report_bucket){cell, rep, word(hist, "call", "-"), at(bucket, 0),
                                                                         at(bucket, 1), at(bucket, 2)};
        }
    }
}

bool hx_report_load_journal(struct hx_report_run *run) {
    char *text = hx_report_read_text(run->dir, "observations.jsonl");
    if (text == NULL) {
        return false;
    }
    size_t number = 0, finished = 0;
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        number++;
        json_error_t error;
        json_t *process = json_loads(line, 0, &error); /* kept: rows point into it */
        if (process == NULL) {
            hx_die("%s/observations.jsonl: line %zu: %s", run->dir, number, error.text);
        }
        const json_t *observation = json_object_get(process, "observation");
        struct hx_sample head;
        if (!json_is_object(observation)) {
            continue; /* a process that failed: run.json says how */
        }
        if (!row_head(observation, &head)) {
            hx_die("%s/observations.jsonl: line %zu: not an observation of this protocol", run->dir, number);
        }
        size_t cell = (size_t)json_integer_value(json_object_get(process, "cell"));
        head.side = cell < run->cell_count && run->cell[cell].again ? run->cell[cell].side : head.side;
        add_metrics(run, observation, head);
        add_curves(run, observation, (long)json_integer_value(json_object_get(process, "cell")), (long)head.rep);
        finished++;
    }
    free(text);
    run->from_journal = true;
    hx_report_note(run, "samples.tsv is not written yet: these figures come from the %zu processes in observations.jsonl.", finished);
    return true;
}
