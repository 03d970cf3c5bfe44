/* report_figures.c - which pictures there are and which cells are on them. See report_figures.h. */
#include "report/report_figures.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hx_file.h"
#include "report/report_format.h"
#include "report/report_words.h"

/* What every reader looks for comes first when there are more backends than colours. */
static const char *const backend_order[] = {
    "malloc", "mimalloc", "arena-safe", "arena-go", "arena-kept", "bump", "gcheap", "bdwgc",
};

int hx_figure_style(const char *backend) {
    for (size_t i = 0; i < HX_COUNT_OF(backend_order); i++) {
        if (strcmp(backend_order[i], backend) == 0) {
            return (int)i + 1;
        }
    }
    return HX_FIGURE_SERIES_MAX; /* grey; of several lines the others take colours that are free */
}

static bool is_usual(const struct hx_report_cell *cell) {
    return hx_report_is_plain(cell) && strcmp(cell->side, "-") == 0;
}

static long least_threads(const struct hx_report_run *run) {
    long least = 0;
    for (size_t i = 0; i < run->cell_count; i++) {
        least = least == 0 || run->cell[i].threads < least ? run->cell[i].threads : least;
    }
    return least;
}

static int arm_rank(const char *arm) {
    static const char *const order[] = {"each", "reuse", "collect", "bulk"};
    for (size_t i = 0; i < HX_COUNT_OF(order); i++) {
        if (strcmp(order[i], arm) == 0) {
            return (int)i;
        }
    }
    return (int)HX_COUNT_OF(order);
}

long hx_figure_cell(const struct hx_figure_grid *grid, size_t row, size_t column, const char *backend) {
    const struct hx_report_run *run = grid->summary->run;
    long found = -1, threads = least_threads(run);
    for (size_t i = 0; i < run->cell_count; i++) {
        const struct hx_report_cell *cell = &run->cell[i];
        if (cell->index < 0 || cell->threads != threads || !is_usual(cell) || strcmp(cell->backend, backend) != 0 ||
            strcmp(cell->scenario, grid->scenario[row]) != 0 || strcmp(cell->pages, grid->pages[column]) != 0) {
            continue;
        }
        if (found < 0 || arm_rank(cell->arm) < arm_rank(run->cell[found].arm)) {
            found = (long)i;
        }
    }
    return found;
}

/* Is the backend on any panel of the picture? */
static bool is_shown(const struct hx_figure_grid *grid, const char *backend) {
    for (size_t p = 0; p < grid->rows * grid->columns; p++) {
        if (hx_figure_cell(grid, p / grid->columns, p % grid->columns, backend) >= 0) {
            return true;
        }
    }
    return false;
}

static bool is_first_of_backend(const struct hx_report_run *run, size_t cell) {
    for (size_t i = 0; i < cell; i++) {
        if (strcmp(run->cell[i].backend, run->cell[cell].backend) == 0) {
            return false;
        }
    }
    return true;
}

/* The lines of one picture, in the order of backend_order, then of the plan. Returns how many had to be left out. */
static size_t choose_series(struct hx_figure_grid *grid) {
    const struct hx_report_run *run = grid->summary->run;
    size_t hidden = 0;
    grid->series_count = 0;
    for (size_t i = 0; i < HX_COUNT_OF(backend_order) + run->cell_count; i++) {
        bool known = i < HX_COUNT_OF(backend_order);
        const char *backend = known ? backend_order[i] : run->cell[i - HX_COUNT_OF(backend_order)].backend;
        bool taken = false;
        for (size_t k = 0; k < grid->series_count; k++) {
            taken |= strcmp(grid->backend[k], backend) == 0;
        }
        if (taken || !is_shown(grid, backend)) {
            continue;
        }
        if (grid->series_count < HX_FIGURE_SERIES_MAX) {
            grid->backend[grid->series_count++] = backend;
        } else if (known || is_first_of_backend(run, i - HX_COUNT_OF(backend_order))) {
            hidden++;
        }
    }
    return hidden;
}

/* Each line its own colour and marker: a backend's usual one, or the first that is free. */
static void choose_styles(const struct hx_figure_grid *grid, int *style) {
    bool taken[HX_FIGURE_SERIES_MAX + 1] = {false};
    for (size_t s = 0; s < grid->series_count; s++) {
        int wanted = hx_figure_style(grid->backend[s]);
        style[s] = taken[wanted] ? 0 : wanted;
        taken[wanted] = true;
    }
    for (size_t s = 0; s < grid->series_count; s++) {
        for (int free_style = 1; style[s] == 0 && free_style <= HX_FIGURE_SERIES_MAX; free_style++) {
            style[s] = taken[free_style] ? 0 : free_style;
            taken[free_style] = true;
        }
    }
}

void hx_figure_conf(const struct hx_figure_grid *grid, struct hx_text *conf) {
    hx_text_format(conf, "# Written by arenabench-report for the script of this figure.\nrows = %zu\ncolumns = %zu\n", grid->rows,
                   grid->columns);
    hx_text_format(conf, "array panel_title[%zu] = [", grid->rows * grid->columns);
    for (size_t p = 0; p < grid->rows * grid->columns; p++) {
        char *title = hx_print("%s, %s", grid->scenario[p / grid->columns],
                               hx_report_pages_name(grid->pages[p % grid->columns]));
        hx_text_put(conf, p > 0 ? ", " : "");
        hx_report_quote_gnuplot(conf, title);
        free(title);
    }
    hx_text_format(conf, "]\nseries = %zu\n", grid->series_count);
    if (grid->series_count == 0) {
        return;
    }
    hx_text_format(conf, "array series_name[%zu] = [", grid->series_count);
    for (size_t s = 0; s < grid->series_count; s++) {
        const char *arm = NULL;
        bool one_arm = true;
        for (size_t p = 0; p < grid->rows * grid->columns; p++) {
            long cell = hx_figure_cell(grid, p / grid->columns, p % grid->columns, grid->backend[s]);
            const char *here = cell >= 0 ? grid->summary->run->cell[cell].arm : arm;
            one_arm &= arm == NULL || here == NULL || strcmp(arm, here) == 0;
            arm = arm == NULL ? here : arm;
        }
        char *name = one_arm && arm != NULL ? hx_print("%s %s", grid->backend[s], arm) : hx_print("%s", grid->backend[s]);
        hx_text_put(conf, s > 0 ? ", " : "");
        hx_report_quote_gnuplot(conf, name);
        free(name);
    }
    int style[HX_FIGURE_SERIES_MAX];
    choose_styles(grid, style);
    hx_text_format(conf, "]\narray series_style[%zu] = [", grid->series_count);
    for (size_t s = 0; s < grid->series_count; s++) {
        hx_text_format(conf, "%s%d", s > 0 ? ", " : "", style[s]);
    }
    hx_text_put(conf, "]\n");
}

static void publish(const char *plots_dir, const char *name, const char *suffix, const struct hx_text *text) {
    char *path = hx_print("%s/%s%s", plots_dir, name, suffix);
    int error = hx_text_finish(text);
    if (error == 0) {
        error = hx_file_publish(path, text->data, text->used_bytes);
    }
    if (error != 0) {
        hx_die("%s: %s", path, strerror(error));
    }
    free(path);
}

/* A figure of an earlier report of the same directory must not be taken for one of this report. */
static void remove_old(const char *plots_dir, const char *name) {
    static const char *const suffix[] = {".svg", ".png", ".tsv", ".conf.gp"};
    for (size_t i = 0; i < HX_COUNT_OF(suffix); i++) {
        char *path = hx_print("%s/%s%s", plots_dir, name, suffix[i]);
        if (unlink(path) != 0 && errno != ENOENT) {
            hx_die("%s: %s", path, strerror(errno));
        }
        free(path);
    }
}

/* All pictures of a kind: a report that has fewer parts than the one before leaves none of its. */
static void remove_parts(const char *plots_dir, const char *name) {
    enum { PARTS_MOST = 40 };
    for (unsigned part = 2; part <= PARTS_MOST; part++) {
        char *one = hx_print("%s_%u", name, part);
        remove_old(plots_dir, one);
        free(one);
    }
}

/* The kinds of figures, in the order in which a reader wants them. */
static const struct hx_figure_kind kind[] = {
    {"time", "time.gp", NULL, "Time per operation",
     "Bar: fastest block of each process, median over processes; whisker: its 95 % interval; open diamond: typical (all time over "
     "all operations). Shorter is better. Each panel has its own scale."},
    {"latency_request", "latency.gp", "request", "Latency of one request",
     "A request is one whole document, tree or request. The line is the distribution over all processes together, markers are the "
     "percentiles of the tables, medians of the processes: where they lie off the line, the processes differ. Further right is rarer: at "
     "99.99 % one call in 10,000 takes longer."},
    {"latency_alloc", "latency.gp", "alloc", "Latency of one allocation",
     "Single calls, clock included. In the grey band, below twice the step of the clock, a value only says \"less than\"."},
    {"memory", "memory.gp", NULL, "Resident memory over the work",
     "Grey: bytes the program has asked for and not yet released. Lines: resident set (RSS) of the whole process (the tables "
     "show it above the process's start). The axis is logarithmic: equal distances are equal factors."},
};

static const struct hx_figure_kind pacing = {
    "gc_pacing", "gc_pacing.gp", NULL, "The collector over time",
    "Grey: bytes the program needs. Blue: what the collector counts as live; it rises with garbage until the trigger, and falls to what "
    "was marked. Arenas count by whole chunks of 8 MiB and give them back when a life ends, so collections are few or, under go, made by "
    "the harness between blocks. Scenario gc_pacing, first process of pass memory."};

static bool write_tables(const struct hx_figure_grid *grid, const struct hx_figure_kind *k, struct hx_text *tsv, struct hx_text *conf) {
    hx_figure_conf(grid, conf);
    if (k->call != NULL) {
        return hx_figure_latency(grid, k->call, tsv, conf);
    }
    return strcmp(k->name, "time") == 0 ? hx_figure_time(grid, tsv, conf) : hx_figure_memory(grid, tsv, conf);
}

static void add_figure(struct hx_report_figures *figures, const struct hx_figure_kind *k, char *name, char *problem) {
    figures->figure = hx_grow(figures->figure, figures->count + 1, sizeof *figures->figure);
    figures->figure[figures->count++] = (struct hx_report_figure){name, k->script, k->heading, k->caption, problem};
}

void hx_figure_put(struct hx_report_figures *figures, const struct hx_figure_kind *k, const char *plots_dir, char *name,
                   const struct hx_text *tsv, const struct hx_text *conf, bool any, bool draw) {
    remove_old(plots_dir, name);
    if (!any) {
        add_figure(figures, k, name, hx_print("this run has no data for it"));
        return;
    }
    publish(plots_dir, name, ".tsv", tsv);
    publish(plots_dir, name, ".conf.gp", conf);
    add_figure(figures, k, name, draw ? hx_figure_gnuplot(plots_dir, k->script, name) : hx_print("not drawn (--no-plots)"));
}

/* Pictures of these scenarios in the grid's columns; `part` counts them over all calls. */
static void draw_kind(struct hx_report_figures *figures, struct hx_figure_grid *grid, const struct hx_figure_kind *k, const char *plots_dir,
                      const char *const *scenario, size_t scenario_count, size_t *part, bool draw) {
    for (size_t start = 0; start < scenario_count; start += HX_FIGURE_SCENARIOS_MAX) {
        grid->rows = 0;
        while (grid->rows < HX_FIGURE_SCENARIOS_MAX && start + grid->rows < scenario_count) {
            grid->scenario[grid->rows] = scenario[start + grid->rows];
            grid->rows++;
        }
        size_t hidden = choose_series(grid);
        figures->hidden_series = hidden > figures->hidden_series ? hidden : figures->hidden_series;
        struct hx_text tsv, conf;
        if (!hx_text_init(&tsv, HX_MIB) || !hx_text_init(&conf, 64 * HX_KIB)) {
            hx_die("out of memory");
        }
        char *name = ++*part == 1 ? hx_print("%s", k->name) : hx_print("%s_%zu", k->name, *part);
        bool any = write_tables(grid, k, &tsv, &conf);
        hx_figure_put(figures, k, plots_dir, name, &tsv, &conf, any, draw);
        hx_text_deinit(&tsv);
        hx_text_deinit(&conf);
    }
}

/* Has the scenario a figure of this kind on any backend? One that is not made for a pass (an open loop has latencies of requests alone)
 * would be a row of empty panels. Curves of memory come with the live bytes. */
static bool has_figure(const struct hx_report_summary *summary, const struct hx_figure_kind *k, const char *scenario) {
    char metric[64];
    if (k->call != NULL) {
        (void)snprintf(metric, sizeof metric, "latency_%s_p50", k->call);
    } else {
        (void)snprintf(metric, sizeof metric, "%s", strcmp(k->name, "time") == 0 ? "time" : "live_bytes");
    }
    double value;
    bool found = false;
    for (size_t i = 0; i < summary->run->cell_count && !found; i++) {
        found = strcmp(summary->run->cell[i].scenario, scenario) == 0 && hx_report_value(hx_report_find(summary, i, metric), &value);
    }
    return found;
}

/* Only runs that hold its scenario on a backend with a collector have this one. */
static void draw_pacing(struct hx_report_figures *figures, const struct hx_report_summary *summary, const char *plots_dir, bool draw) {
    struct hx_text tsv, conf;
    remove_old(plots_dir, pacing.name);
    if (!hx_text_init(&tsv, HX_MIB) || !hx_text_init(&conf, 64 * HX_KIB)) {
        hx_die("out of memory");
    }
    if (summary->run->collection_count > 0 && hx_figure_pacing(summary, &tsv, &conf)) {
        hx_figure_put(figures, &pacing, plots_dir, hx_print("%s", pacing.name), &tsv, &conf, true, draw);
    }
    hx_text_deinit(&tsv);
    hx_text_deinit(&conf);
}

void hx_report_draw(const struct hx_report_summary *summary, const struct hx_report_splits *splits, struct hx_report_figures *figures,
                    bool draw) {
    const struct hx_report_run *run = summary->run;
    *figures = (struct hx_report_figures){0};
    char *plots_dir = hx_print("%s/plots", run->dir);
    if (mkdir(plots_dir, 0777) != 0 && errno != EEXIST) {
        hx_die("%s: %s", plots_dir, strerror(errno));
    }
    struct hx_figure_grid grid = {.summary = summary};
    const char **word = hx_grow(NULL, run->cell_count + 1, sizeof *word), **some = hx_grow(NULL, run->cell_count + 1, sizeof *some);
    const char *pages[HX_FIGURE_PAGES_MAX];
    size_t mode_count = hx_report_distinct(run, hx_report_pages_of, word);
    mode_count = mode_count < HX_FIGURE_PAGES_MAX ? mode_count : HX_FIGURE_PAGES_MAX;
    memcpy(pages, word, mode_count * sizeof *pages);
    size_t scenarios = hx_report_scenarios(run, word);
    for (size_t i = 0; i < HX_COUNT_OF(kind); i++) {
        size_t part = 0;
        remove_parts(plots_dir, kind[i].name);
        /* Scenarios of the same page modes share pictures, most modes first: no panel is empty because nobody asked for it. */
        for (unsigned modes = (1u << mode_count) - 1; modes > 0; modes--) {
            size_t count = 0;
            grid.columns = 0;
            for (size_t p = 0; p < mode_count; p++) {
                if ((modes >> p & 1) != 0) {
                    grid.pages[grid.columns++] = pages[p];
                }
            }
            for (size_t s = 0; s < scenarios; s++) {
                if (hx_report_modes_of(run, word[s], pages, mode_count) == modes && has_figure(summary, &kind[i], word[s])) {
                    some[count++] = word[s];
                }
            }
            draw_kind(figures, &grid, &kind[i], plots_dir, some, count, &part, draw);
        }
        if (part == 0) {
            hx_figure_put(figures, &kind[i], plots_dir, hx_print("%s", kind[i].name), NULL, NULL, false, draw);
        }
    }
    draw_pacing(figures, summary, plots_dir, draw);
    hx_figure_splits(summary, splits, figures, plots_dir, draw);
    free(some);
    free(word);
    free(plots_dir);
}
