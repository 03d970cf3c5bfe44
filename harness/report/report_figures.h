/* report_figures.h - the data of every figure as tables, and gnuplot runs that draw them.
 *
 * Why two steps: the tables hold exactly the numbers that are drawn, so a reader can check a picture against samples.tsv, redraw
 * it, or draw something else; the scripts in plots/ compute nothing but scaling. One gnuplot process a figure writes SVG and PNG.
 * Ownership: memory lives as long as the program. One thread. Not here: what a figure says in words (report_words). */
#ifndef HX_REPORT_FIGURES_H
#define HX_REPORT_FIGURES_H

#include "base/hx_text.h"
#include "report/report_split.h"
#include "report/report_summary.h"

enum {
    HX_FIGURE_SCENARIOS_MAX = 6, /* rows of panels on one picture; more go to the next part */
    HX_FIGURE_SERIES_MAX = 8,    /* lines a reader can tell apart; as many as there are colours */
    HX_FIGURE_PAGES_MAX = 4,
};

/* One picture: plots/NAME.tsv, NAME.conf.gp, NAME.svg, NAME.png. */
struct hx_report_figure {
    char *name;
    const char *script;  /* in plots/ */
    const char *heading;
    const char *caption; /* how to read it */
    char *problem;       /* why there is no picture; NULL when it was drawn */
};

struct hx_report_figures {
    struct hx_report_figure *figure;
    size_t count;
    size_t hidden_series; /* backends that had no line because there are more than HX_FIGURE_SERIES_MAX */
};

/* What one picture shows: a grid of panels, a row a scenario and a column a page mode. */
struct hx_figure_grid {
    const struct hx_report_summary *summary;
    const char *scenario[HX_FIGURE_SCENARIOS_MAX];
    size_t rows;
    const char *pages[HX_FIGURE_PAGES_MAX];
    size_t columns;
    const char *backend[HX_FIGURE_SERIES_MAX]; /* of line figures */
    size_t series_count;
};

/* Table and settings of one kind of figure; false when the run has nothing to draw. `tsv` and `conf` are empty texts. */
bool hx_figure_time(const struct hx_figure_grid *grid, struct hx_text *tsv, struct hx_text *conf);
bool hx_figure_latency(const struct hx_figure_grid *grid, const char *call, struct hx_text *tsv, struct hx_text *conf);
bool hx_figure_memory(const struct hx_figure_grid *grid, struct hx_text *tsv, struct hx_text *conf);
/* Collections of scenario gc_pacing; its panels are backends. */
bool hx_figure_pacing(const struct hx_report_summary *summary, struct hx_text *tsv, struct hx_text *conf);

/* Settings that all kinds share: grid, titles, names and styles of the series. */
void hx_figure_conf(const struct hx_figure_grid *grid, struct hx_text *conf);

/* The cell that stands for a backend in a panel: its usual arm (each, reuse, collect, bulk, else the first with a time); -1 none. */
long hx_figure_cell(const struct hx_figure_grid *grid, size_t row, size_t column, const char *backend);

/* Colour and marker of a backend, the same in every figure: 1..8 of plots/style.gp. */
int hx_figure_style(const char *backend);

/* "0 'zero', 10 'ten'": tics for a logarithmic axis of nanoseconds from low to high, at least two. */
void hx_figure_duration_tics(struct hx_text *out, double low_ns, double high_ns);

/* The same for bytes, in powers of two, at most nine. */
void hx_figure_byte_tics(struct hx_text *out, double low_bytes, double high_bytes);

/* A kind of figure: its name and script, the call for latencies, and what the page says of it. */
struct hx_figure_kind {
    const char *name, *script, *call, *heading, *caption;
};

/* Publishes the tables of one picture (nothing of an earlier one stays), draws it, adds it to the list. `name` changes owner. Without
 * data the picture is listed with that reason. */
void hx_figure_put(struct hx_report_figures *figures, const struct hx_figure_kind *kind, const char *plots_dir, char *name,
                   const struct hx_text *tsv, const struct hx_text *conf, bool any, bool draw);

/* Credit and price of safety, a picture a page mode and six scenarios; none when the run has nothing for them. */
void hx_figure_splits(const struct hx_report_summary *summary, const struct hx_report_splits *splits, struct hx_report_figures *figures,
                      const char *plots_dir, bool draw);

/* Writes DIR/plots/ and draws. With draw false only the tables are written. */
void hx_report_draw(const struct hx_report_summary *summary, const struct hx_report_splits *splits, struct hx_report_figures *figures,
                    bool draw);

/* Runs gnuplot on one figure in DIR/plots. NULL on success, else why not (fresh memory). */
char *hx_figure_gnuplot(const char *plots_dir, const char *script, const char *name);

#endif
