/* report_run.c - run.json: plan, processes, how the run ended. See report_run.h. */
#define _GNU_SOURCE
#include "report/report_run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void hx_report_note(struct hx_report_run *run, const char *format, ...) {
    va_list list;
    char *text = NULL;
    va_start(list, format);
    int bytes = vasprintf(&text, format, list);
    va_end(list);
    if (bytes < 0) {
        hx_die("out of memory");
    }
    run->note = hx_grow(run->note, run->note_count + 1, sizeof *run->note);
    run->note[run->note_count++] = text;
}

struct hx_report_cell *hx_report_cell_add(struct hx_report_run *run) {
    run->cell = hx_grow(run->cell, run->cell_count + 1, sizeof *run->cell);
    struct hx_report_cell *cell = &run->cell[run->cell_count++];
    *cell = (struct hx_report_cell){.index = -1, .side = "-", .threads = 1};
    return cell;
}

static const char *need_string(const json_t *object, const char *key, size_t index) {
    const char *value = json_string_value(json_object_get(object, key));
    if (value == NULL) {
        hx_die("run.json: plan.cells[%zu] has no text \"%s\"", index, key);
    }
    return value;
}

static void load_plan(struct hx_report_run *run) {
    const json_t *cells = json_object_get(json_object_get(run->json, "plan"), "cells");
    if (!json_is_array(cells)) {
        hx_die("run.json: no list plan.cells");
    }
    size_t i;
    json_t *from;
    json_array_foreach(cells, i, from) {
        struct hx_report_cell *cell = hx_report_cell_add(run);
        const json_t *index = json_object_get(from, "index");
        cell->index = json_is_integer(index) ? (long)json_integer_value(index) : (long)i;
        cell->scenario = need_string(from, "scenario", i);
        cell->backend = need_string(from, "backend", i);
        cell->arm = need_string(from, "arm", i);
        enum hx_pages pages;
        if (!hx_pages_from_name(need_string(from, "pages", i), &pages)) {
            hx_die("run.json: plan.cells[%zu] has pages \"%s\" (valid: 4k huge)", i, need_string(from, "pages", i));
        }
        cell->pages = hx_pages_name(pages);
        cell->options = need_string(from, "options", i);
        const char *side = json_string_value(json_object_get(from, "side"));
        cell->side = side != NULL ? side : "-";
        cell->again = side != NULL && strcmp(side, "head") == 0;
        cell->threads = (long)json_integer_value(json_object_get(from, "threads"));
        cell->scale = json_number_value(json_object_get(from, "scale"));
        cell->ops_per_block = json_number_value(json_object_get(from, "ops_per_block"));
        cell->blocks = json_number_value(json_object_get(from, "blocks"));
    }
}

static struct hx_report_cell *planned_cell(struct hx_report_run *run, long index) {
    for (size_t i = 0; i < run->cell_count; i++) {
        if (run->cell[i].index == index) {
            return &run->cell[i];
        }
    }
    return NULL;
}

/* Processes that failed or moved, and observations that the plan still owes. */
static void load_processes(struct hx_report_run *run) {
    const json_t *processes = json_object_get(run->json, "processes");
    const char *first = NULL;
    size_t i, failed = 0, migrated = 0;
    json_t *process;
    json_array_foreach(processes, i, process) {
        const json_t *status = json_object_get(process, "exit");
        const json_t *signal = json_object_get(process, "signal");
        bool killed = (json_is_integer(signal) && json_integer_value(signal) != 0) || json_is_string(signal);
        const char *problem = json_string_value(json_object_get(process, "problem"));
        if (killed || (json_is_integer(status) && json_integer_value(status) != 0)) {
            failed++;
            first = first != NULL || problem == NULL || problem[0] == '\0' ? first : problem;
        }
        if (json_is_true(json_object_get(process, "migrated"))) {
            migrated++;
            struct hx_report_cell *cell = planned_cell(run, (long)json_integer_value(json_object_get(process, "cell")));
            if (cell != NULL) {
                cell->migrated_count++;
            }
        }
    }
    if (failed > 0) {
        hx_report_note(run, "%zu of %zu processes failed; their cells are incomplete.%s%s", failed, json_array_size(processes),
                       first != NULL ? " The first said: " : "", first != NULL ? first : "");
    }
    if (migrated > 0) {
        hx_report_note(run, "%zu of %zu processes did not stay on the CPU they were pinned to; they are marked in their cells.",
                       migrated, json_array_size(processes));
    }
    size_t planned = json_array_size(json_object_get(json_object_get(run->json, "plan"), "order"));
    if (planned > json_array_size(processes) && json_is_array(processes)) {
        hx_report_note(run, "Incomplete: %zu of %zu planned processes are in this directory.", json_array_size(processes), planned);
    }
}

/* What the attestation itself calls unfit belongs beside the figures, not only into a folded table. */
static void load_machine(struct hx_report_run *run) {
    const char *key;
    json_t *fact;
    char *unfit = NULL;
    json_object_foreach(json_object_get(run->json, "attestation"), key, fact) {
        const char *verdict = json_string_value(json_object_get(fact, "verdict"));
        const char *value = json_string_value(json_object_get(fact, "value"));
        if (verdict != NULL && strcmp(verdict, "unfit") == 0) {
            char *longer = hx_print("%s%s%s %s", unfit != NULL ? unfit : "", unfit != NULL ? ", " : "", key, value != NULL ? value : "");
            free(unfit);
            unfit = longer;
        }
    }
    if (unfit != NULL) {
        hx_report_note(run, "The machine was not fit for timing when the run began: %s. What to do about it: ./run.sh doctor.", unfit);
        free(unfit);
    }
}

static void load_end(struct hx_report_run *run) {
    const json_t *end = json_object_get(run->json, "exit");
    long code = json_is_integer(end) ? (long)json_integer_value(end) : -1;
    if (code > 128) {
        hx_report_note(run, "The run was interrupted by signal %ld; go on with ./run.sh --resume DIR.", code - 128);
    } else if (code < 0) {
        hx_report_note(run, "The run has not ended, or was killed; go on with ./run.sh --resume DIR.");
    } else if (code > 0) {
        hx_report_note(run, "The run ended with exit code %ld: it is not complete.", code);
    }
}

/* What tells two cells of one scenario and page mode apart, in the reader's words. */
static void label_cells(struct hx_report_run *run) {
    bool many_threads = false;
    for (size_t i = 0; i < run->cell_count; i++) {
        many_threads |= run->cell[i].threads != 1;
    }
    for (size_t i = 0; i < run->cell_count; i++) {
        struct hx_report_cell *cell = &run->cell[i];
        char *threads = many_threads ? hx_print(" t%ld", cell->threads) : hx_print("%s", "");
        bool has_options = strcmp(cell->options, "-") != 0;
        bool has_side = strcmp(cell->side, "-") != 0;
        cell->label = hx_print("%s %s%s%s%s%s%s", cell->backend, cell->arm, threads, has_options ? " " : "",
                                       has_options ? cell->options : "", has_side ? " " : "", has_side ? cell->side : "");
        free(threads);
    }
}

void hx_report_load(struct hx_report_run *run, const char *dir) {
    *run = (struct hx_report_run){.dir = dir};
    struct stat about;
    if (stat(dir, &about) != 0 || !S_ISDIR(about.st_mode)) {
        hx_die("%s: no such run directory (runs are in results/runs/, the newest is results/runs/latest)", dir);
    }
    const char *name = "run.json";
    char *text = hx_report_read_text(dir, name);
    if (text == NULL) { /* a driver that was killed left only what it wrote before the first process */
        name = "plan.json";
        text = hx_report_read_text(dir, name);
    }
    if (text == NULL) {
        hx_die("%s: run.json is missing: not a run directory", dir);
    }
    json_error_t error;
    run->json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    free(text);
    if (run->json == NULL) {
        hx_die("%s/%s: line %d: %s", dir, name, error.line, error.text);
    }
    const char *id = json_string_value(json_object_get(run->json, "id"));
    const char *profile = json_string_value(json_object_get(run->json, "profile"));
    run->id = id != NULL ? id : "unnamed";
    run->profile = profile != NULL ? profile : "-";
    load_plan(run);
    hx_report_load_rows(run);
    label_cells(run);
    load_end(run);
    load_machine(run);
    load_processes(run);
    hx_report_load_curves(run);
}
