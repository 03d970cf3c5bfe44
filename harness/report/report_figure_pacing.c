/* report_figure_pacing.c - the figure of scenario gc_pacing: heap live, goal and trigger of the collector over time.
 *
 * Why apart: a panel here is a backend that collects, not a scenario, and the curves are its collections (gc.tsv). Per panel four
 * blocks: the program's own live bytes, heap live, goal, trigger; time in ms, sizes in MiB. One process a cell: the first. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_figures.h"
#include "report/report_format.h"
#include "report/report_words.h"

static const char pacing_scenario[] = "gc_pacing";

enum { PANELS_MAX = 12, BLOCKS = 4 };
static const double ns_per_ms = 1e6, bytes_per_mib = 1048576.0;

struct panel {
    const struct hx_report_cell *cell; /* NULL: nothing to show in this page mode */
    double last_ms;
    double most_mib;
    size_t collections;
    double mark_work_mib;
};

static bool has_collections(const struct hx_report_run *run, const struct hx_report_cell *cell) {
    for (size_t i = 0; i < run->collection_count; i++) {
        if (run->collection[i].cell == cell->index && cell->index >= 0) {
            return true;
        }
    }
    return false;
}

static const struct hx_report_cell *find_cell(const struct hx_report_run *run, const char *backend, const char *pages) {
    const struct hx_report_cell *found = NULL;
    for (size_t i = 0; i < run->cell_count; i++) {
        const struct hx_report_cell *cell = &run->cell[i];
        bool better = found == NULL || strcmp(cell->arm, "fresh") != 0; /* reuse before fresh */
        if (better && strcmp(cell->scenario, pacing_scenario) == 0 && strcmp(cell->backend, backend) == 0 &&
            strcmp(cell->pages, pages) == 0 && has_collections(run, cell)) {
            found = cell;
        }
    }
    return found;
}

static void point(struct hx_text *tsv, struct panel *panel, double time_ns, double bytes) {
    hx_text_format(tsv, "%.6f\t%.6f\n", time_ns / ns_per_ms, bytes / bytes_per_mib);
    panel->last_ms = fmax(panel->last_ms, time_ns / ns_per_ms);
    panel->most_mib = fmax(panel->most_mib, bytes / bytes_per_mib);
}

static void end_block(struct hx_text *tsv, size_t lines) {
    hx_text_put(tsv, lines == 0 ? "NaN\tNaN\n\n\n" : "\n\n");
}

/* Rows of the panel's first process; which figure of a row is drawn depends on the block. */
static void put_collections(const struct hx_report_run *run, struct panel *panel, unsigned block, struct hx_text *tsv) {
    size_t lines = 0;
    for (size_t i = 0; panel->cell != NULL && i < run->collection_count; i++) {
        const struct hx_report_collection *row = &run->collection[i];
        bool ends = strcmp(row->phase, "termination") == 0;
        if (row->cell != panel->cell->index || row->rep != 0) {
            continue;
        }
        if (ends && block == 1) {
            panel->collections++;
            panel->mark_work_mib += row->mark_work_bytes / bytes_per_mib;
        }
        if (!ends) {
            point(tsv, panel, row->time_ns, block == 1 ? row->heap_live_bytes : block == 2 ? row->goal_bytes : row->trigger_bytes);
            lines++;
        }
    }
    end_block(tsv, lines);
}

static void put_panel(const struct hx_report_run *run, struct panel *panel, struct hx_text *tsv) {
    size_t lines = 0;
    for (size_t i = 0; panel->cell != NULL && i < run->point_count; i++) {
        if (run->point[i].cell == panel->cell->index && run->point[i].rep == 0) {
            point(tsv, panel, run->point[i].time_ns, run->point[i].live_bytes);
            lines++;
        }
    }
    end_block(tsv, lines);
    for (unsigned block = 1; block < BLOCKS; block++) {
        put_collections(run, panel, block, tsv);
    }
}

static void put_conf(const struct panel *panel, size_t rows, size_t columns, struct hx_text *conf) {
    size_t count = rows * columns;
    hx_text_format(conf, "# Written by arenabench-report for the script of this figure.\nrows = %zu\ncolumns = %zu\n", rows, columns);
    hx_text_format(conf, "array panel_title[%zu]\narray panel_last[%zu]\narray panel_high[%zu]\n", count, count, count);
    for (size_t p = 0; p < count; p++) {
        char *title = panel[p].cell == NULL ? hx_print("no data")
                                            : hx_print("%s, %s: %zu collection%s read %.1f MiB", panel[p].cell->backend,
                                                       hx_report_pages_name(panel[p].cell->pages), panel[p].collections,
                                                       panel[p].collections == 1 ? "" : "s",
                                                       panel[p].mark_work_mib);
        hx_text_format(conf, "panel_title[%zu] = ", p + 1);
        hx_report_quote_gnuplot(conf, title);
        hx_text_format(conf, "\npanel_last[%zu] = %.6f\npanel_high[%zu] = %.6f\n", p + 1, fmax(panel[p].last_ms, 1), p + 1,
                       fmax(panel[p].most_mib * 1.15, 1));
        free(title);
    }
}

bool hx_figure_pacing(const struct hx_report_summary *summary, struct hx_text *tsv, struct hx_text *conf) {
    static const char *const backends[] = {"gcheap", "gcheap-concurrent", "arena-safe", "arena-go"};
    static const char *const page_modes[] = {"4k", "huge"};
    const struct hx_report_run *run = summary->run;
    struct panel panel[PANELS_MAX] = {{0}};
    size_t rows = 0, columns = 0;
    const char *pages[HX_COUNT_OF(page_modes)];
    for (size_t m = 0; m < HX_COUNT_OF(page_modes); m++) {
        bool any = false;
        for (size_t b = 0; b < HX_COUNT_OF(backends); b++) {
            any |= find_cell(run, backends[b], page_modes[m]) != NULL;
        }
        if (any) {
            pages[columns++] = page_modes[m];
        }
    }
    hx_text_put(tsv, "# time_ms\tMiB; per panel: live bytes of the program, heap live, goal, trigger\n");
    for (size_t b = 0; b < HX_COUNT_OF(backends) && columns > 0; b++) {
        bool any = false;
        for (size_t c = 0; c < columns; c++) {
            panel[rows * columns + c].cell = find_cell(run, backends[b], pages[c]);
            any |= panel[rows * columns + c].cell != NULL;
        }
        for (size_t c = 0; c < columns && any; c++) {
            put_panel(run, &panel[rows * columns + c], tsv);
        }
        rows += any ? 1 : 0;
    }
    put_conf(panel, rows, columns, conf);
    return rows > 0;
}
