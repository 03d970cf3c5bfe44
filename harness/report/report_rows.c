/* report_rows.c - samples.tsv into rows that know their cell. See report_run.h.
 *
 * Why rows may add cells: a combination that cannot run here has no place in the plan, but its null rows and their reason must
 * reach the reader. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/report_run.h"

bool hx_report_is_word(const struct hx_sample *row) {
    return row->kind == HX_VALUE_WORD || strcmp(row->unit, "hex") == 0 || strstr(row->metric, "checksum") != NULL;
}

static bool same_cell(const struct hx_report_cell *cell, const struct hx_sample *row) {
    return cell->threads == (long)row->threads && strcmp(cell->scenario, row->scenario) == 0 &&
           strcmp(cell->backend, row->backend) == 0 && strcmp(cell->arm, row->arm) == 0 &&
           strcmp(cell->pages, hx_pages_name(row->pages)) == 0 && strcmp(cell->options, row->options) == 0 &&
           strcmp(cell->side, row->side) == 0;
}

/* Rows of one process lie together, so the cell of the row before is the first guess. */
static size_t find_cell(struct hx_report_run *run, const struct hx_sample *row, size_t guess) {
    if (guess < run->cell_count && same_cell(&run->cell[guess], row)) {
        return guess;
    }
    for (size_t i = 0; i < run->cell_count; i++) {
        if (same_cell(&run->cell[i], row)) {
            return i;
        }
    }
    struct hx_report_cell *cell = hx_report_cell_add(run);
    cell->side = row->side;
    cell->scenario = row->scenario;
    cell->backend = row->backend;
    cell->arm = row->arm;
    cell->pages = hx_pages_name(row->pages);
    cell->options = row->options;
    cell->threads = (long)row->threads;
    return run->cell_count - 1;
}

static void read_rows(struct hx_report_run *run, const char *path) {
    struct hx_error error = {0};
    if (access(path, F_OK) == 0) {
        if (!hx_samples_read(path, &run->samples, &error)) {
            hx_die("%s", error.line);
        }
    } else if (!hx_report_load_journal(run)) {
        hx_die("%s: samples.tsv is missing, and so is observations.jsonl: not a run directory", run->dir);
    }
    if (run->samples.row_count == 0) {
        hx_die("%s: %s has no rows: nothing was measured", run->dir, run->from_journal ? "observations.jsonl" : "samples.tsv");
    }
}

void hx_report_load_rows(struct hx_report_run *run) {
    char *path = hx_print("%s/samples.tsv", run->dir);
    read_rows(run, path);
    run->row_cell = hx_grow(NULL, run->samples.row_count, sizeof *run->row_cell);
    size_t guess = 0;
    for (size_t i = 0; i < run->samples.row_count; i++) {
        const struct hx_sample *row = &run->samples.rows[i];
        if (row->kind == HX_VALUE_NULL && (row->reason[0] == '\0' || strcmp(row->reason, "-") == 0)) {
            hx_die("%s: line %zu: %s is null without a reason", path, i + 2, row->metric);
        }
        guess = find_cell(run, row, guess);
        run->row_cell[i] = guess;
    }
    free(path);
}
