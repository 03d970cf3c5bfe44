/* report_figure_data.c - the numbers of each kind of figure. See report_figures.h.
 *
 * Why blocks: gnuplot finds a curve by its place in the file (index), so a curve that is missing still takes its place, as one
 * line of NaN. Panels count row by row. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_figures.h"
#include "report/report_format.h"
#include "report/report_words.h"

static void put_value(struct hx_text *tsv, bool there, double value) {
    if (there) {
        hx_text_put_double(tsv, value);
    } else {
        hx_text_put(tsv, "NaN");
    }
}

static void end_block(struct hx_text *tsv, size_t lines) {
    hx_text_put(tsv, lines == 0 ? "NaN\tNaN\n\n\n" : "\n\n");
}

/* conf: one array over panels. */
static void put_panel_array(const struct hx_figure_grid *grid, struct hx_text *conf, const char *name, const double *of_panel) {
    hx_text_format(conf, "array %s[%zu] = [", name, grid->rows * grid->columns);
    for (size_t p = 0; p < grid->rows * grid->columns; p++) {
        hx_text_put(conf, p > 0 ? ", " : "");
        hx_text_put_double(conf, of_panel[p]);
    }
    hx_text_put(conf, "]\n");
}

/* The same where both page modes of a scenario share their value. */
static void put_row_array(const struct hx_figure_grid *grid, struct hx_text *conf, const char *name, const double *of_row) {
    hx_text_format(conf, "array %s[%zu] = [", name, grid->rows * grid->columns);
    for (size_t p = 0; p < grid->rows * grid->columns; p++) {
        hx_text_put(conf, p > 0 ? ", " : "");
        hx_text_put_double(conf, of_row[p / grid->columns]);
    }
    hx_text_put(conf, "]\n");
}

/* One bar: its place, name and colour, best with interval, typical, where its text goes and what it says. Returns that end. */
static double put_bar(const struct hx_report_summary *summary, size_t i, size_t bar, struct hx_text *tsv) {
    const struct hx_report_cell *cell = &summary->run->cell[i];
    const struct hx_estimate *e = &hx_report_find(summary, i, "time")->estimate;
    double best = e->value.value, typical = 0;
    bool interval = e->low.reason == NULL, has_typical = hx_report_value(hx_report_find(summary, i, "time_typical"), &typical);
    hx_text_format(tsv, "%zu\t%s\t%d\t", bar, cell->label, hx_figure_style(cell->backend));
    put_value(tsv, true, best);
    hx_text_put(tsv, "\t");
    put_value(tsv, interval, e->low.value);
    hx_text_put(tsv, "\t");
    put_value(tsv, interval, e->high.value);
    hx_text_put(tsv, "\t");
    put_value(tsv, has_typical, typical);
    double end = fmax(best, fmax(interval ? e->high.value : 0, typical));
    char shown[HX_REPORT_SHOWN_BYTES];
    hx_report_show_number(shown, best);
    hx_text_put(tsv, "\t");
    hx_text_put_double(tsv, end);
    hx_text_format(tsv, "\t%s", shown);
    if (has_typical) {
        hx_report_show_number(shown, typical);
        hx_text_format(tsv, " (%s)", shown);
    }
    hx_text_put(tsv, "\n");
    return end;
}

/* Single options over a preset have a picture of their own (report_split_figures); tuning=keep is part of arm keep. */
static bool is_a_bar(const struct hx_report_cell *cell) {
    return strcmp(cell->options, "-") == 0 || strcmp(cell->arm, "keep") == 0;
}

/* Bars of one panel, first cell on top. Returns how many; *most: the largest value shown. */
static size_t time_panel(const struct hx_figure_grid *grid, size_t panel, struct hx_text *tsv, double *most) {
    const struct hx_report_run *run = grid->summary->run;
    size_t *member = hx_grow(NULL, run->cell_count + 1, sizeof *member), bars = 0;
    size_t count = hx_report_group(run, grid->scenario[panel / grid->columns], grid->pages[panel % grid->columns], member);
    double best;
    *most = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_a_bar(&run->cell[member[i]]) && hx_report_value(hx_report_find(grid->summary, member[i], "time"), &best)) {
            *most = fmax(*most, put_bar(grid->summary, member[i], bars, tsv));
            bars++;
        }
    }
    *most = *most > 0 ? *most : 1;
    free(member);
    return bars;
}

bool hx_figure_time(const struct hx_figure_grid *grid, struct hx_text *tsv, struct hx_text *conf) {
    double most[HX_FIGURE_SCENARIOS_MAX * HX_FIGURE_PAGES_MAX];
    size_t bars[HX_FIGURE_SCENARIOS_MAX * HX_FIGURE_PAGES_MAX], bars_most = 0;
    hx_text_put(tsv, "# row\tcell\tstyle\tbest_ns_per_op\tlow\thigh\ttypical_ns_per_op\tend\tshown\n");
    for (size_t p = 0; p < grid->rows * grid->columns; p++) {
        bars[p] = time_panel(grid, p, tsv, &most[p]);
        bars_most = bars[p] > bars_most ? bars[p] : bars_most;
        if (bars[p] == 0) {
            hx_text_put(tsv, "NaN\t \t1\tNaN\tNaN\tNaN\tNaN\tNaN\t \n");
        }
        hx_text_put(tsv, "\n\n");
    }
    put_panel_array(grid, conf, "panel_most", most);
    size_t label_columns = 0;
    for (size_t i = 0; i < grid->summary->run->cell_count; i++) {
        const struct hx_report_cell *cell = &grid->summary->run->cell[i];
        size_t columns = is_a_bar(cell) ? hx_report_columns(cell->label) : 0;
        label_columns = columns > label_columns ? columns : label_columns;
    }
    hx_text_format(conf, "label_columns = %zu\n", label_columns);
    hx_text_format(conf, "bars_most = %zu\narray panel_bars[%zu] = [", bars_most, grid->rows * grid->columns);
    for (size_t p = 0; p < grid->rows * grid->columns; p++) {
        hx_text_format(conf, "%s%zu", p > 0 ? ", " : "", bars[p]);
    }
    hx_text_put(conf, "]\n");
    return bars_most > 0;
}

static int compare_bucket(const void *left, const void *right) {
    const struct hx_report_bucket *a = left, *b = right;
    return a->low_ns < b->low_ns ? -1 : a->low_ns > b->low_ns;
}

struct range {
    double low, high; /* ns; low 0: nothing seen */
    double rarest;    /* largest 1 / (1 - p) */
};

static void widen(struct range *range, double x, double value) {
    range->rarest = x > range->rarest ? x : range->rarest;
    range->low = range->low == 0 || value < range->low ? value : range->low;
    range->high = value > range->high ? value : range->high;
}

/* The distribution of all processes of the cell, from the histogram. x = 1 / (1 - p); stops where fewer than 10 calls are left. */
static void latency_curve(const struct hx_figure_grid *grid, long cell, const char *call, struct hx_text *tsv,
                          struct range *range) {
    const struct hx_report_run *run = grid->summary->run;
    struct hx_report_bucket *bucket = hx_grow(NULL, run->bucket_count + 1, sizeof *bucket);
    size_t count = 0, lines = 0;
    double total = 0;
    for (size_t i = 0; cell >= 0 && i < run->bucket_count; i++) {
        if (run->bucket[i].cell == run->cell[cell].index && strcmp(run->bucket[i].call, call) == 0) {
            bucket[count++] = run->bucket[i];
            total += run->bucket[i].count;
        }
    }
    qsort(bucket, count, sizeof *bucket, compare_bucket);
    double seen = 0;
    size_t at = 0;
    for (int step = 0; total > 0 && step <= 48; step++) {
        double x = 2 * pow(10, step * log10(5000) / 48); /* 2 .. 10,000: p50 .. p99.99 */
        double rank = ceil((1 - 1 / x) * total - 1e-9);
        if (total < 10 * x * (1 - 1e-9)) {
            break;
        }
        while (at < count && seen + bucket[at].count < rank) {
            seen += bucket[at++].count;
        }
        double value = (bucket[at].low_ns + bucket[at].high_ns) / 2;
        hx_text_format(tsv, "%.6g\t%.9g\n", x, value);
        widen(range, x, value);
        lines++;
    }
    end_block(tsv, lines);
    free(bucket);
}

/* The named percentiles as samples.tsv has them. */
static bool latency_markers(const struct hx_figure_grid *grid, long cell, const char *call, struct hx_text *tsv,
                            struct range *range) {
    static const struct {
        const char *name;
        double x;
    } quantile[] = {{"p50", 2}, {"p90", 10}, {"p99", 100}, {"p99_9", 1000}, {"p99_99", 10000}};
    size_t lines = 0;
    for (size_t q = 0; cell >= 0 && q < HX_COUNT_OF(quantile); q++) {
        char *metric = hx_print("latency_%s_%s", call, quantile[q].name);
        double value;
        if (hx_report_value(hx_report_find(grid->summary, (size_t)cell, metric), &value) && value > 0) {
            hx_text_format(tsv, "%.6g\t%.9g\n", quantile[q].x, value);
            widen(range, quantile[q].x, value);
            lines++;
        }
        free(metric);
    }
    end_block(tsv, lines);
    return lines > 0;
}

void hx_figure_duration_tics(struct hx_text *out, double low_ns, double high_ns) {
    static const double mantissa[] = {1, 2, 5};
    double decades = log10(high_ns / low_ns);
    bool fine = decades < 3, any = false;
    for (int exponent = 0; exponent <= 11; exponent++) {
        for (size_t m = 0; m < (fine ? HX_COUNT_OF(mantissa) : 1); m++) {
            double value = mantissa[m] * pow(10, exponent);
            if (value < low_ns || value > high_ns) {
                continue;
            }
            static const char *const unit[] = {"ns", "µs", "ms", "s"};
            int step = exponent / 3 > 3 ? 3 : exponent / 3;
            hx_text_format(out, "%s'%.0f %s' %.0f", any ? ", " : "", value / pow(1000, step), unit[step], value);
            any = true;
        }
    }
}

/* One scale a scenario, with air above and below, at least from one tic of 1-2-5 to two further. */
static struct range nice_range(struct range range) {
    if (range.low == 0) {
        return (struct range){1, 1000, range.rarest};
    }
    range.low /= 1.4;
    range.high *= 1.4;
    if (range.high < 6 * range.low) {
        double middle = sqrt(range.low * range.high);
        range.low = middle / 2.5;
        range.high = middle * 2.5;
    }
    return range;
}

bool hx_figure_latency(const struct hx_figure_grid *grid, const char *call, struct hx_text *tsv, struct hx_text *conf) {
    struct range range[HX_FIGURE_SCENARIOS_MAX] = {{0, 0, 0}};
    double step = 0, rarest = 100, lowest = 0, low[HX_FIGURE_SCENARIOS_MAX], high[HX_FIGURE_SCENARIOS_MAX];
    bool any = false;
    hx_text_format(tsv, "# 1/(1-p)\tlatency_%s_ns; per panel and series: curve from hist.tsv, then percentiles of samples.tsv\n", call);
    for (size_t p = 0; p < grid->rows * grid->columns; p++) {
        for (size_t s = 0; s < grid->series_count; s++) {
            long cell = hx_figure_cell(grid, p / grid->columns, p % grid->columns, grid->backend[s]);
            latency_curve(grid, cell, call, tsv, &range[p / grid->columns]);
            any |= latency_markers(grid, cell, call, tsv, &range[p / grid->columns]);
            double here;
            if (cell >= 0 && hx_report_value(hx_report_find(grid->summary, (size_t)cell, "clock_step"), &here)) {
                step = fmax(step, here);
            }
        }
    }
    hx_text_format(conf, "array panel_tics[%zu]\n", grid->rows * grid->columns);
    for (size_t r = 0; r < grid->rows; r++) {
        struct range nice = nice_range(range[r]);
        low[r] = nice.low;
        high[r] = nice.high;
        lowest = lowest == 0 || nice.low < lowest ? nice.low : lowest;
        rarest = fmax(rarest, nice.rarest);
        for (size_t c = 0; c < grid->columns; c++) {
            hx_text_format(conf, "panel_tics[%zu] = \"", r * grid->columns + c + 1);
            hx_figure_duration_tics(conf, low[r], high[r]);
            hx_text_put(conf, "\"\n");
        }
    }
    put_row_array(grid, conf, "panel_low", low);
    put_row_array(grid, conf, "panel_high", high);
    /* The band is drawn, and explained in the legend, only where it reaches into a panel. */
    hx_text_format(conf, "band_ns = %.9g\nrarest = %.6g\ncall = '%s'\n", 2 * step > lowest ? 2 * step : 0, rarest,
                   strcmp(call, "alloc") == 0 ? "allocation" : call);
    return any;
}

void hx_figure_byte_tics(struct hx_text *out, double low_bytes, double high_bytes) {
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    int first = (int)ceil(log2(low_bytes)), last = (int)floor(log2(high_bytes));
    int stride = (last - first) / 8 + 1;
    bool any = false;
    for (int exponent = last; exponent >= first; exponent -= stride) {
        int step = exponent / 10 > 4 ? 4 : exponent / 10;
        hx_text_format(out, "%s'%.0f %s' %.0f", any ? ", " : "", ldexp(1, exponent - 10 * step), unit[step], ldexp(1, exponent));
        any = true;
    }
}

/* What the curves of one row of panels span: both page modes share the axis of bytes. */
struct span {
    double least_rss, most_bytes, most_live;
};

/* The first process of the cell that left a curve. Returns its points; raises *most_ops. */
static size_t memory_block(const struct hx_figure_grid *grid, long cell, bool live, struct hx_text *tsv, struct span *span,
                           double *most_ops) {
    const struct hx_report_run *run = grid->summary->run;
    size_t lines = 0;
    long rep = -1;
    for (size_t i = 0; cell >= 0 && i < run->point_count; i++) {
        const struct hx_report_point *point = &run->point[i];
        if (point->cell != run->cell[cell].index || (rep >= 0 && point->rep != rep)) {
            continue;
        }
        rep = point->rep;
        double bytes = live ? point->live_bytes : point->rss_bytes;
        hx_text_format(tsv, "%.15g\t%.15g\n", point->work_ops, bytes);
        span->most_bytes = fmax(span->most_bytes, bytes);
        span->most_live = live ? fmax(span->most_live, bytes) : span->most_live;
        span->least_rss = !live && (span->least_rss == 0 || bytes < span->least_rss) ? bytes : span->least_rss;
        *most_ops = fmax(*most_ops, point->work_ops);
        lines++;
    }
    end_block(tsv, lines);
    return lines;
}

static bool has_curve(const struct hx_report_run *run, long cell) {
    for (size_t i = 0; cell >= 0 && i < run->point_count; i++) {
        if (run->point[i].cell == run->cell[cell].index) {
            return true;
        }
    }
    return false;
}

/* Axes of the memory figure: bytes by row, operations by panel in units a reader can say. */
static void put_memory_axes(const struct hx_figure_grid *grid, const struct span *span, const double *most_ops,
                            struct hx_text *conf) {
    double low[HX_FIGURE_SCENARIOS_MAX], high[HX_FIGURE_SCENARIOS_MAX], unit[HX_FIGURE_SCENARIOS_MAX * HX_FIGURE_PAGES_MAX];
    double last[HX_FIGURE_SCENARIOS_MAX * HX_FIGURE_PAGES_MAX];
    hx_text_format(conf, "array panel_tics[%zu]\narray panel_ops[%zu]\n", grid->rows * grid->columns, grid->rows * grid->columns);
    for (size_t r = 0; r < grid->rows; r++) {
        double least = span[r].most_live > 0 ? fmin(span[r].least_rss, span[r].most_live) : span[r].least_rss;
        low[r] = least > 0 ? least / 4 : 4096;
        high[r] = fmax(span[r].most_bytes * 1.3, low[r] * 8);
    }
    for (size_t p = 0; p < grid->rows * grid->columns; p++) {
        unit[p] = most_ops[p] >= 2e6 ? 1e6 : most_ops[p] >= 2e3 ? 1e3 : 1;
        last[p] = most_ops[p] > 0 ? most_ops[p] / unit[p] * 1.02 : 1;
        hx_text_format(conf, "panel_ops[%zu] = '%soperations done'\npanel_tics[%zu] = \"", p + 1,
                       unit[p] > 1e3 ? "million " : unit[p] > 1 ? "thousand " : "", p + 1);
        hx_figure_byte_tics(conf, low[p / grid->columns], high[p / grid->columns]);
        hx_text_put(conf, "\"\n");
    }
    put_panel_array(grid, conf, "panel_last", last);
    put_panel_array(grid, conf, "panel_unit", unit);
    put_row_array(grid, conf, "panel_low", low);
    put_row_array(grid, conf, "panel_high", high);
}

bool hx_figure_memory(const struct hx_figure_grid *grid, struct hx_text *tsv, struct hx_text *conf) {
    struct span span[HX_FIGURE_SCENARIOS_MAX] = {{0, 0, 0}};
    double most_ops[HX_FIGURE_SCENARIOS_MAX * HX_FIGURE_PAGES_MAX] = {0};
    size_t lines = 0;
    hx_text_put(tsv, "# work_ops\tbytes; per panel: live bytes, then rss_bytes of each series\n");
    for (size_t p = 0; p < grid->rows * grid->columns; p++) {
        size_t row = p / grid->columns;
        long first = -1; /* live bytes are the same for all: those of the first cell that left a curve */
        for (size_t s = 0; s < grid->series_count && !has_curve(grid->summary->run, first); s++) {
            first = hx_figure_cell(grid, row, p % grid->columns, grid->backend[s]);
        }
        lines += memory_block(grid, first, true, tsv, &span[row], &most_ops[p]);
        for (size_t s = 0; s < grid->series_count; s++) {
            long cell = hx_figure_cell(grid, row, p % grid->columns, grid->backend[s]);
            lines += memory_block(grid, cell, false, tsv, &span[row], &most_ops[p]);
        }
    }
    put_memory_axes(grid, span, most_ops, conf);
    return lines > 0;
}
