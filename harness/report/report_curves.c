/* report_curves.c - series.tsv.zst, hist.tsv.zst and gc.tsv.zst. See report_run.h.
 *
 * Why tolerant of absence and strict about damage: an interrupted run has no curves, which a note says; a curve that is there but
 * cannot be read would be drawn wrong. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/hx_rundir.h"
#include "report/report_run.h"

char *hx_report_read_text(const char *dir, const char *name) {
    char *path = hx_print("%s/%s", dir, name);
    struct hx_buffer text = {0};
    struct hx_error error = {0};
    if (access(path, F_OK) != 0) {
        free(path);
        return NULL;
    }
    if (!hx_file_slurp(path, &text, &error)) {
        hx_die("%s", error.line);
    }
    hx_buffer_add(&text, "", 0);
    free(path);
    return text.data;
}

/* Cuts the next line off *rest (without its newline); NULL at the end. */
static char *next_line(char **rest) {
    char *line = *rest;
    if (line == NULL || *line == '\0') {
        return NULL;
    }
    char *end = strchr(line, '\n');
    if (end != NULL) {
        *end = '\0';
        *rest = end + 1;
    } else {
        *rest = line + strlen(line);
    }
    return line;
}

/* Splits in place at tabs into at most `most` fields; returns how many there were (most + 1: too many). */
static size_t split(char *line, char **field, size_t most) {
    size_t count = 0;
    for (char *at = line; at != NULL;) {
        if (count == most) {
            return most + 1;
        }
        field[count++] = at;
        at = strchr(at, '\t');
        if (at != NULL) {
            *at++ = '\0';
        }
    }
    return count;
}

/* A table of numbers with a fixed header. */
struct table {
    const char *file;
    const char *const *column;
    size_t column_count;
    size_t newer_count; /* of these, the last ones: runs of before do not have them */
};

static bool fits(const struct table *table, size_t count) {
    return count <= table->column_count && count + table->newer_count >= table->column_count;
}

static char *open_table(struct hx_report_run *run, const struct table *table, const char *what) {
    char *rest = hx_report_read_text(run->dir, table->file);
    if (rest == NULL) {
        hx_report_note(run, "%s is missing: %s.", table->file, what);
        return NULL;
    }
    char *field[16];
    char *line = next_line(&rest);
    size_t count = line != NULL ? split(line, field, 16) : 0;
    bool good = fits(table, count);
    for (size_t i = 0; good && i < count; i++) {
        good = strcmp(field[i], table->column[i]) == 0;
    }
    if (!good) {
        hx_die("%s: the first line does not name the expected columns (%s, ...)", table->file, table->column[0]);
    }
    return rest;
}

static double number(const struct table *table, const char *text, size_t column, size_t line_number) {
    double value;
    if (!hx_parse_double(text, &value)) {
        hx_die("%s: line %zu: %s is \"%s\", not a number", table->file, line_number, table->column[column], text);
    }
    return value;
}

static void cut(const struct table *table, char *line, char **field, size_t line_number) {
    if (!fits(table, split(line, field, table->column_count))) {
        hx_die("%s: line %zu does not have %zu columns", table->file, line_number, table->column_count);
    }
}

static void load_series(struct hx_report_run *run) {
    static const char *const column[] = {"cell", "rep", "step", "work_ops", "time_ns", "live_bytes", "rss_bytes", "rss_anon_bytes"};
    static const struct table table = {"series.tsv.zst", column, HX_COUNT_OF(column), 0};
    char *rest = open_table(run, &table, "no figure of memory over work");
    char *line, *field[16];
    size_t capacity = 0;
    for (size_t n = 2; rest != NULL && (line = next_line(&rest)) != NULL; n++) {
        cut(&table, line, field, n);
        if (run->point_count == capacity) {
            capacity = capacity == 0 ? 4096 : 2 * capacity;
            run->point = hx_grow(run->point, capacity, sizeof *run->point);
        }
        run->point[run->point_count++] = (struct hx_report_point){
            .cell = (long)number(&table, field[0], 0, n),
            .rep = (long)number(&table, field[1], 1, n),
            .work_ops = number(&table, field[3], 3, n),
            .time_ns = number(&table, field[4], 4, n),
            .live_bytes = number(&table, field[5], 5, n),
            .rss_bytes = number(&table, field[6], 6, n),
            .rss_anon_bytes = number(&table, field[7], 7, n),
        };
    }
}

static void load_hist(struct hx_report_run *run) {
    static const char *const column[] = {"cell", "rep", "phase", "call", "low_ns", "high_ns", "count"};
    static const struct table table = {"hist.tsv.zst", column, HX_COUNT_OF(column), 0};
    char *rest = open_table(run, &table, "latency figures join the named percentiles by straight lines");
    char *line, *field[16];
    size_t capacity = 0;
    for (size_t n = 2; rest != NULL && (line = next_line(&rest)) != NULL; n++) {
        cut(&table, line, field, n);
        if (run->bucket_count == capacity) {
            capacity = capacity == 0 ? 4096 : 2 * capacity;
            run->bucket = hx_grow(run->bucket, capacity, sizeof *run->bucket);
        }
        run->bucket[run->bucket_count++] = (struct hx_report_bucket){
            .cell = (long)number(&table, field[0], 0, n),
            .rep = (long)number(&table, field[1], 1, n),
            .call = field[3],
            .low_ns = number(&table, field[4], 4, n),
            .high_ns = number(&table, field[5], 5, n),
            .count = number(&table, field[6], 6, n),
        };
    }
}

/* No note when it is not there: most runs have no collector. */
static void load_collections(struct hx_report_run *run) {
    static const char *const column[] = {"cell", "rep", "cycle", "phase", "cause", "time_ns", "heap_live_bytes", "goal_bytes", "trigger_bytes",
                                         "mark_work_bytes", "assist_ns", "pause_ns", "sweep_ns"};
    static const struct table table = {"gc.tsv.zst", column, HX_COUNT_OF(column), 1};
    char *path = hx_print("%s/%s", run->dir, table.file), *line, *field[16];
    char *rest = access(path, F_OK) == 0 ? open_table(run, &table, "") : NULL;
    size_t capacity = 0;
    free(path);
    for (size_t n = 2; rest != NULL && (line = next_line(&rest)) != NULL; n++) {
        cut(&table, line, field, n);
        if (run->collection_count == capacity) {
            capacity = capacity == 0 ? 1024 : 2 * capacity;
            run->collection = hx_grow(run->collection, capacity, sizeof *run->collection);
        }
        run->collection[run->collection_count++] = (struct hx_report_collection){
            .cell = (long)number(&table, field[0], 0, n),
            .rep = (long)number(&table, field[1], 1, n),
            .phase = field[3],
            .time_ns = number(&table, field[5], 5, n),
            .heap_live_bytes = number(&table, field[6], 6, n),
            .goal_bytes = number(&table, field[7], 7, n),
            .trigger_bytes = number(&table, field[8], 8, n),
            .mark_work_bytes = number(&table, field[9], 9, n),
        };
    }
}

void hx_report_load_curves(struct hx_report_run *run) {
    if (run->from_journal) {
        return;
    }
    load_series(run);
    load_hist(run);
    load_collections(run);
}
