/* report_main.c - arenabench-report DIR: from a run directory to summary.json, summary.md, plots/ and report.html.
 *
 * Why the summary comes first: it is what scripts read and must be there even where pictures cannot be drawn. Each file is
 * published whole or not at all. Exit 0, or 5 with one clear line. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hx_file.h"
#include "report/report_html.h"
#include "report/report_spread.h"

struct options {
    const char *dir;
    bool json;
    bool plots_only;
    bool no_plots;
    const char *against; /* another run of the plan; NULL: the newest one beside it */
};

static struct options parse(int argc, char **argv) {
    struct options options = {0};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            options.json = true;
        } else if (strcmp(argv[i], "--plots-only") == 0) {
            options.plots_only = true;
        } else if (strcmp(argv[i], "--no-plots") == 0) {
            options.no_plots = true;
        } else if (strcmp(argv[i], "--against") == 0 && i + 1 < argc) {
            options.against = argv[++i];
        } else if (strncmp(argv[i], "--against=", 10) == 0) {
            options.against = argv[i] + 10;
        } else if (strcmp(argv[i], "--help") == 0) {
            puts("arenabench-report DIR [--json] [--plots-only | --no-plots] [--against DIR2]\n"
                 "writes summary.json, summary.md, plots/ and report.html into the run directory DIR; how far times move from run to run is\n"
                 "shown against run DIR2, or the newest run of the same plan and builds beside DIR");
            exit(HX_EXIT_OK);
        } else if (argv[i][0] == '-') {
            hx_die("unknown option \"%s\" (valid: --json --plots-only --no-plots --against DIR2 --help)", argv[i]);
        } else if (options.dir != NULL) {
            hx_die("one run directory at a time: \"%s\" after \"%s\"", argv[i], options.dir);
        } else {
            options.dir = argv[i];
        }
    }
    if (options.dir == NULL) {
        hx_die("which run? arenabench-report DIR [--json] [--plots-only | --no-plots] [--against DIR2]");
    }
    if (options.plots_only && options.no_plots) {
        hx_die("--plots-only and --no-plots exclude each other");
    }
    return options;
}

static void start(struct hx_text *text) {
    if (!hx_text_init(text, 4 * HX_MIB)) {
        hx_die("out of memory");
    }
}

static void publish(const char *dir, const char *name, const struct hx_text *text) {
    char *path = hx_print("%s/%s", dir, name);
    int error = hx_text_finish(text);
    error = error != 0 ? error : hx_file_publish(path, text->data, text->used_bytes);
    if (error != 0) {
        hx_die("%s: %s", path, strerror(error));
    }
    free(path);
}

static void emit(FILE *file, const struct hx_text *text) {
    int error = hx_write_all(fileno(file), text->data, text->used_bytes);
    if (error != 0) {
        hx_die("output: %s", strerror(error));
    }
}

/* A picture that could not be drawn is told on stderr and on the page. True when all were drawn or none was asked for. */
static bool tell_problems(const struct hx_report_figures *figures, bool draw) {
    bool good = true;
    for (size_t i = 0; i < figures->count && draw; i++) {
        if (figures->figure[i].problem != NULL) {
            hx_warn("figure %s: %s", figures->figure[i].name, figures->figure[i].problem);
            good = false;
        }
    }
    return good;
}

int main(int argc, char **argv) {
    hx_program_set("arenabench-report");
    struct options options = parse(argc, argv);
    struct hx_report_run run;
    struct hx_report_summary summary;
    struct hx_report_words words;
    struct hx_report_figures figures;
    struct hx_report_splits splits;
    hx_report_load(&run, options.dir);
    hx_report_summarise(&summary, &run);
    hx_report_spread(&summary, options.against);
    hx_report_split(&summary, &splits);
    if (options.plots_only) {
        hx_report_draw(&summary, &splits, &figures, true);
        return tell_problems(&figures, true) ? HX_EXIT_OK : HX_EXIT_ERROR;
    }
    hx_report_say(&summary, &words);
    struct hx_text json, table, markdown, html;
    start(&json);
    hx_report_json(&summary, &json);
    publish(run.dir, "summary.json", &json);
    start(&markdown);
    hx_report_markdown(&summary, &words, &splits, &markdown);
    publish(run.dir, "summary.md", &markdown);
    hx_report_draw(&summary, &splits, &figures, !options.no_plots);
    tell_problems(&figures, !options.no_plots);
    start(&html);
    hx_report_html(&(struct hx_report_page){&summary, &words, &splits, &figures}, &html);
    publish(run.dir, "report.html", &html);
    start(&table);
    hx_report_table(&summary, &words, &splits, &table);
    hx_text_format(&table, "Report: %s/report.html\n", run.dir);
    emit(options.json ? stderr : stdout, &table);
    if (options.json) {
        emit(stdout, &json);
    }
    return HX_EXIT_OK;
}
