/* report_split_figures.c - credit and price of safety as pictures: panels of bars, one script (plots/parts.gp) for both.
 *
 * Why a picture a page mode: a row of panels is one scenario, its columns are different questions (time, memory, faults), each with
 * a scale of its own. A bar is a figure, its whisker the interval; what is missing leaves its place empty. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_figures.h"
#include "report/report_format.h"
#include "report/report_words.h"

static const struct hx_figure_kind price_kind = {
    "price_of_safety", "parts.gp", NULL, "The price of safety",
    "From an arena that reuses freed memory at once to what Go does, one choice more a bar. Time is typical (all time over all operations, "
    "collections included), the open diamond the best block; memory is the peak above the process's start; faults are those of a whole time "
    "process. Shorter is better."};
static const struct hx_figure_kind credit_kind = {
    "credit", "parts.gp", NULL, "The gain, split",
    "Left: what malloc and mimalloc pay for freeing each object, and what a bump pointer and its locality win over a malloc that frees "
    "nothing and keeps its pages; both together are the whole gain. Right: what new pages cost each side. Whisker: 95 % interval. "
    "Below 0 the arena loses."};

enum { PANELS_MAX = HX_FIGURE_SCENARIOS_MAX * 3, BARS_MAX = 8, PRICE_PANELS = 3, CREDIT_PANELS = 2 };

struct bar {
    const char *label;
    int style; /* 1..8 of plots/style.gp */
    struct hx_estimate value;
    double also; /* the diamond; NaN: none */
};

struct panel {
    const char *title, *axis;
    const char *unit; /* "count", or "" for a plain number: how the values beside the bars are written */
    struct bar bar[BARS_MAX];
    size_t bars;
};

/* ---- the panels of one scenario ----------------------------------------------------------------------------------------- */

static struct hx_estimate scaled(struct hx_estimate estimate, double factor) {
    estimate.value.value *= factor;
    estimate.low.value *= factor;
    estimate.high.value *= factor;
    return estimate;
}

static void price_bar(const struct hx_report_summary *summary, const struct hx_report_price *price, size_t step, const char *metric,
                      double factor, struct bar *out) {
    static const int style[HX_PRICE_STEPS] = {5, 7, 3, 2, 4};
    long cell = price->cell[step];
    const struct hx_report_metric *found = cell >= 0 ? hx_report_find(summary, (size_t)cell, metric) : NULL;
    *out = (struct bar){.label = hx_price_steps[step].what, .style = style[step], .also = NAN};
    out->value.value = out->value.low = out->value.high = hx_figure_none("missing");
    if (found != NULL && found->value_count != 0) {
        out->value = scaled(found->estimate, factor);
    }
    double best;
    if (strcmp(metric, "time_typical") == 0 && cell >= 0 && hx_report_value(hx_report_find(summary, (size_t)cell, "time"), &best)) {
        out->also = best;
    }
}

static void price_panels(const struct hx_report_summary *summary, const struct hx_report_price *price, struct panel *panel) {
    static const struct {
        const char *metric, *title, *axis, *unit;
        double factor;
    } column[PRICE_PANELS] = {{"time_typical", "time", "ns per operation", "", 1},
                              {"rss_peak_bytes", "peak RSS", "MiB", "", 1 / (1024.0 * 1024.0)},
                              {"faults_minor", "page faults", "of a whole process", "count", 1}};
    for (size_t c = 0; c < PRICE_PANELS; c++) {
        panel[c] = (struct panel){.title = column[c].title, .axis = column[c].axis, .unit = column[c].unit, .bars = HX_PRICE_STEPS};
        for (size_t s = 0; s < HX_PRICE_STEPS; s++) {
            price_bar(summary, price, s, column[c].metric, column[c].factor, &panel[c].bar[s]);
        }
    }
}

static void add_bar(struct panel *panel, const char *label, const char *backend, const struct hx_estimate *value) {
    panel->bar[panel->bars++] = (struct bar){.label = label, .style = hx_figure_style(backend), .value = *value, .also = NAN};
}

/* From the credits of one scenario and page mode: malloc and mimalloc against arena-kept; new pages of arena-safe. */
static void credit_panels(const struct hx_report_splits *splits, const char *scenario, const char *pages, struct panel *panel) {
    panel[0] = (struct panel){.title = "over arena-kept", .axis = "ns per operation", .unit = ""};
    panel[1] = (struct panel){.title = "new pages", .axis = "ns per operation", .unit = ""};
    const struct hx_report_credit *safe = NULL;
    for (size_t i = 0; i < splits->credit_count; i++) {
        const struct hx_report_credit *credit = &splits->credit[i];
        if (strcmp(credit->scenario, scenario) != 0 || strcmp(credit->pages, pages) != 0) {
            continue;
        }
        bool is_malloc = strcmp(credit->malloc_name, "malloc") == 0;
        if (strcmp(credit->arena, "arena-safe") == 0) {
            safe = credit;
            continue;
        }
        add_bar(&panel[0], is_malloc ? "malloc: freeing" : "mimalloc: freeing", credit->malloc_name, &credit->part[HX_CREDIT_FREEING]);
        add_bar(&panel[0], is_malloc ? "malloc: bump, locality" : "mimalloc: bump, locality", credit->malloc_name,
                &credit->part[HX_CREDIT_BUMP]);
        add_bar(&panel[0], is_malloc ? "malloc: both" : "mimalloc: both", "arena-kept", &credit->part[HX_CREDIT_BOTH]);
        add_bar(&panel[1], credit->malloc_name, credit->malloc_name, &credit->part[HX_CREDIT_NEW_MALLOC]);
    }
    if (safe != NULL) {
        add_bar(&panel[1], "arena-safe", "arena-safe", &safe->part[HX_CREDIT_NEW_ARENA]);
    }
}

/* ---- panels into tables --------------------------------------------------------------------------------------------------- */

struct extent {
    double least, most;
};

static void reach(struct extent *extent, double value) {
    extent->least = value < extent->least ? value : extent->least;
    extent->most = value > extent->most ? value : extent->most;
}

static void put_or_nan(struct hx_text *tsv, bool there, double value) {
    hx_text_put(tsv, "\t");
    if (there) {
        hx_text_put_double(tsv, value);
    } else {
        hx_text_put(tsv, "NaN");
    }
}

/* Returns how many bars have a value. */
static size_t put_panel(const struct panel *panel, struct hx_text *tsv, struct extent *extent) {
    size_t there = 0;
    *extent = (struct extent){0, 0};
    for (size_t b = 0; b < panel->bars; b++) {
        const struct bar *bar = &panel->bar[b];
        bool has = bar->value.value.reason == NULL, interval = has && bar->value.low.reason == NULL;
        hx_text_format(tsv, "%zu\t%s\t%d", b, bar->label, bar->style);
        put_or_nan(tsv, has, bar->value.value.value);
        put_or_nan(tsv, interval, bar->value.low.value);
        put_or_nan(tsv, interval, bar->value.high.value);
        put_or_nan(tsv, !isnan(bar->also), bar->also);
        struct extent own = {0, 0};
        if (has) {
            reach(&own, bar->value.value.value);
            there++;
        }
        if (interval) {
            reach(&own, bar->value.low.value);
            reach(&own, bar->value.high.value);
        }
        if (!isnan(bar->also)) {
            reach(&own, bar->also);
        }
        reach(extent, own.least);
        reach(extent, own.most);
        put_or_nan(tsv, true, own.most);
        char shown[HX_REPORT_SHOWN_BYTES] = "-";
        if (has) {
            hx_report_show_unit(shown, bar->value.value.value, panel->unit);
        }
        hx_text_format(tsv, "\t%s\n", shown);
    }
    hx_text_put(tsv, panel->bars == 0 ? "NaN\t \t1\tNaN\tNaN\tNaN\tNaN\tNaN\t \n\n\n" : "\n\n");
    extent->most = extent->most > extent->least ? extent->most : extent->least + 1;
    return there;
}

static void put_array(struct hx_text *conf, const char *name, size_t count, const struct extent *extent, bool least) {
    hx_text_format(conf, "array %s[%zu] = [", name, count);
    for (size_t i = 0; i < count; i++) {
        hx_text_put(conf, i > 0 ? ", " : "");
        hx_text_put_double(conf, least ? extent[i].least : extent[i].most);
    }
    hx_text_put(conf, "]\n");
}

static void put_words(struct hx_text *conf, const char *name, size_t count, char *const *word) {
    hx_text_format(conf, "array %s[%zu] = [", name, count);
    for (size_t i = 0; i < count; i++) {
        hx_text_put(conf, i > 0 ? ", " : "");
        hx_report_quote_gnuplot(conf, word[i]);
    }
    hx_text_put(conf, "]\n");
}

/* One picture of `rows` scenarios with `columns` panels each. */
static void draw_part(const struct hx_figure_kind *kind, const char *pages, size_t part, char *const *scenario, const struct panel *panel,
                      size_t rows, size_t columns, struct hx_report_figures *figures, const char *plots_dir, bool draw) {
    struct hx_text tsv, conf;
    if (!hx_text_init(&tsv, HX_MIB) || !hx_text_init(&conf, 64 * HX_KIB)) {
        hx_die("out of memory");
    }
    struct extent extent[PANELS_MAX];
    char *title[PANELS_MAX], *axis[PANELS_MAX];
    size_t bars_most = 0, there = 0, label_columns = 0;
    hx_text_put(&tsv, "# row\tpart\tstyle\tvalue\tlow\thigh\tbest\tend\tshown\n");
    for (size_t p = 0; p < rows * columns; p++) {
        there += put_panel(&panel[p], &tsv, &extent[p]);
        bars_most = panel[p].bars > bars_most ? panel[p].bars : bars_most;
        title[p] = hx_print("%s, %s: %s", scenario[p / columns], hx_report_pages_name(pages), panel[p].title);
        axis[p] = hx_print("%s", panel[p].axis);
        for (size_t b = 0; b < panel[p].bars; b++) {
            size_t wide = hx_report_columns(panel[p].bar[b].label);
            label_columns = wide > label_columns ? wide : label_columns;
        }
    }
    hx_text_format(&conf, "# Written by arenabench-report for the script of this figure.\nrows = %zu\ncolumns = %zu\n", rows, columns);
    hx_text_format(&conf, "bars_most = %zu\nlabel_columns = %zu\nhas_best = %d\n", bars_most, label_columns, kind == &price_kind);
    put_words(&conf, "panel_title", rows * columns, title);
    put_words(&conf, "panel_axis", rows * columns, axis);
    put_array(&conf, "panel_least", rows * columns, extent, true);
    put_array(&conf, "panel_most", rows * columns, extent, false);
    for (size_t p = 0; p < rows * columns; p++) {
        free(title[p]);
        free(axis[p]);
    }
    char *name = part == 1 ? hx_print("%s_%s", kind->name, pages) : hx_print("%s_%s_%zu", kind->name, pages, part);
    hx_figure_put(figures, kind, plots_dir, name, &tsv, &conf, there > 0, draw);
    hx_text_deinit(&tsv);
    hx_text_deinit(&conf);
}

/* All scenarios of one page mode, in parts. `price`: which of the two. */
static void draw_pages(const struct hx_report_summary *summary, const struct hx_report_splits *splits, bool price, const char *pages,
                       struct hx_report_figures *figures, const char *plots_dir, bool draw) {
    size_t columns = price ? PRICE_PANELS : CREDIT_PANELS, rows = 0, part = 0;
    size_t count = price ? splits->price_count : splits->credit_count;
    struct panel panel[PANELS_MAX];
    char *scenario[HX_FIGURE_SCENARIOS_MAX];
    for (size_t i = 0; i < count; i++) {
        const char *name = price ? splits->price[i].scenario : splits->credit[i].scenario;
        const char *mode = price ? splits->price[i].pages : splits->credit[i].pages;
        bool again = !price && i > 0 && strcmp(splits->credit[i - 1].scenario, name) == 0 && strcmp(splits->credit[i - 1].pages, mode) == 0;
        if (strcmp(mode, pages) == 0 && !again) {
            if (price) {
                price_panels(summary, &splits->price[i], &panel[rows * columns]);
            } else {
                credit_panels(splits, name, pages, &panel[rows * columns]);
            }
            scenario[rows++] = hx_print("%s", name);
        }
        if (rows == HX_FIGURE_SCENARIOS_MAX || (i + 1 == count && rows > 0)) {
            draw_part(price ? &price_kind : &credit_kind, pages, ++part, scenario, panel, rows, columns, figures, plots_dir, draw);
            while (rows > 0) {
                free(scenario[--rows]);
            }
        }
    }
}

void hx_figure_splits(const struct hx_report_summary *summary, const struct hx_report_splits *splits, struct hx_report_figures *figures,
                      const char *plots_dir, bool draw) {
    const char **pages = hx_grow(NULL, summary->run->cell_count + 1, sizeof *pages);
    size_t modes = hx_report_distinct(summary->run, hx_report_pages_of, pages);
    for (size_t p = 0; p < modes; p++) {
        draw_pages(summary, splits, false, pages[p], figures, plots_dir, draw);
        draw_pages(summary, splits, true, pages[p], figures, plots_dir, draw);
    }
    free(pages);
}
