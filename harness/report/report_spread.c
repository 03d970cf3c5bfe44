/* report_spread.c - this run against another one of the same plan: how far do times move from run to run, do counts agree?
 *
 * Why: an interval says what noise did within one run. What a whole run does to a figure (another minute, another layout, another
 * neighbour) is in no interval of that run, so it is measured by a second run and shown beside the interval. Claims are still made from
 * pairs within one run alone. Times: the ratio of medians. Counts: intervals overlap, or, where there is one observation, the values
 * lie within the gate's own slack (gate/hx_count_rule.h). */
#include "report/report_spread.h"

#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/hx_count_rule.h"

static bool same_text(const json_t *a, const json_t *b, const char *key) {
    const char *left = json_string_value(json_object_get(a, key)), *right = json_string_value(json_object_get(b, key));
    return left != NULL && right != NULL && strcmp(left, right) == 0;
}

/* The same work by the same programs on the same kind of machine; else a difference would be no noise. */
static const char *differs(const json_t *a, const json_t *b) {
    const json_t *machine_a = json_object_get(json_object_get(a, "attestation"), "cpu_model");
    const json_t *machine_b = json_object_get(json_object_get(b, "attestation"), "cpu_model");
    if (!same_text(a, b, "plan_sha256")) {
        return "its plan is another one";
    }
    if (!json_equal(json_object_get(a, "workers"), json_object_get(b, "workers"))) {
        return "its workers are other builds";
    }
    if (machine_a != NULL && machine_b != NULL && !json_equal(json_object_get(machine_a, "value"), json_object_get(machine_b, "value"))) {
        return "it ran on another processor";
    }
    return json_integer_value(json_object_get(b, "exit")) != 0 ? "it did not end well" : NULL;
}

/* The newest other run beside this one that can be compared; NULL when there is none. Fresh memory. */
static char *newest_beside(const struct hx_report_run *run) {
    char own[PATH_MAX];
    if (realpath(run->dir, own) == NULL) {
        return NULL;
    }
    char *slash = strrchr(own, '/');
    *slash = '\0';
    const char *mine = slash + 1, *parent = own[0] != '\0' ? own : "/", *folder = strrchr(parent, '/');
    DIR *list = folder != NULL && strcmp(folder, "/runs") == 0 ? opendir(parent) : NULL; /* no other folder is ours to look through */
    char *found = NULL, *started = NULL;
    for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
        if (entry->d_name[0] == '.' || entry->d_type == DT_LNK || strcmp(entry->d_name, mine) == 0) {
            continue;
        }
        char *path = hx_print("%s/%s/run.json", parent, entry->d_name);
        json_t *other = json_load_file(path, 0, NULL);
        const char *when = json_string_value(json_object_get(other, "started"));
        if (other != NULL && when != NULL && differs(run->json, other) == NULL && (started == NULL || strcmp(when, started) > 0)) {
            free(found);
            free(started);
            found = hx_print("%s/%s", parent, entry->d_name);
            started = hx_print("%s", when);
        }
        json_decref(other);
        free(path);
    }
    if (list != NULL) {
        closedir(list);
    }
    free(started);
    return found;
}

static bool same_cell(const struct hx_report_cell *a, const struct hx_report_cell *b) {
    return a->index == b->index && a->index >= 0 && a->again == b->again && a->threads == b->threads && strcmp(a->scenario, b->scenario) == 0 &&
           strcmp(a->backend, b->backend) == 0 && strcmp(a->arm, b->arm) == 0 && strcmp(a->pages, b->pages) == 0 &&
           strcmp(a->options, b->options) == 0;
}

/* Do two figures of one count agree? -1 when one of them is not there. */
static int agree(const struct hx_report_metric *a, const struct hx_report_metric *b, const struct hx_count_rule *slack) {
    double x, y;
    if (!hx_report_value(a, &x) || !hx_report_value(b, &y)) {
        return -1;
    }
    bool intervals = a->estimate.low.reason == NULL && b->estimate.low.reason == NULL;
    if (intervals && a->estimate.low.value <= b->estimate.high.value && b->estimate.low.value <= a->estimate.high.value) {
        return 1;
    }
    return fabs(x - y) <= hx_count_slack(slack, y, 0);
}

struct tally {
    size_t agree, cells;
};

static void count(struct tally *tally, int answer) {
    tally->cells += answer >= 0;
    tally->agree += answer > 0;
}

static void tell(struct hx_report_summary *summary, double *moved, size_t count, struct tally faults, struct tally rss) {
    struct hx_report_run *run = summary->run;
    const char *id = summary->spread->id;
    if (count == 0) {
        hx_report_note(run, "Run to run, against %s: no cell has a time in both.", id);
        return;
    }
    hx_stats_sort(moved, count);
    hx_report_note(run,
                   "Run to run, against %s: the best time of %zu cells moved by %.1f %% (median) and by at most %.1f %% in 95 %% of them; page "
                   "faults agree in %zu of %zu cells, anonymous RSS in %zu of %zu. No claim is made across runs: all comparisons are pairs of this run.",
                   id, count, 100 * hx_stats_quantile_sorted(moved, count, 0.5).value, 100 * hx_stats_quantile_sorted(moved, count, 0.95).value,
                   faults.agree, faults.cells, rss.agree, rss.cells);
}

static void compare(struct hx_report_summary *summary, const struct hx_report_summary *other) {
    struct hx_report_run *run = summary->run;
    struct tally faults = {0}, rss = {0};
    double *moved = hx_grow(NULL, run->cell_count + 1, sizeof *moved);
    size_t moved_count = 0;
    for (size_t i = 0; i < run->cell_count; i++) {
        for (size_t k = 0; k < other->run->cell_count; k++) {
            double mine, theirs;
            if (!same_cell(&run->cell[i], &other->run->cell[k])) {
                continue;
            }
            if (hx_report_value(hx_report_find(summary, i, "time"), &mine) && hx_report_value(hx_report_find(other, k, "time"), &theirs) &&
                theirs > 0 && mine > 0) {
                summary->spread->ratio[i] = mine / theirs;
                moved[moved_count++] = fabs(log(mine / theirs));
            }
            count(&faults, agree(hx_report_find(summary, i, "faults_minor"), hx_report_find(other, k, "faults_minor"), &hx_count_faults));
            count(&rss, agree(hx_report_find(summary, i, "rss_anon_bytes"), hx_report_find(other, k, "rss_anon_bytes"), &hx_count_rss));
        }
    }
    tell(summary, moved, moved_count, faults, rss);
    free(moved);
}

void hx_report_spread(struct hx_report_summary *summary, const char *against) {
    struct hx_report_run *run = summary->run;
    char *found = against == NULL ? newest_beside(run) : hx_print("%s", against);
    if (found == NULL) {
        return;
    }
    struct hx_report_run *other = hx_grow(NULL, 1, sizeof *other);
    struct hx_report_summary figures;
    hx_report_load(other, found);
    const char *why = differs(run->json, other->json);
    if (why != NULL) {
        hx_die("--against %s: %s", against, why);
    }
    hx_report_summarise(&figures, other);
    summary->spread = hx_grow(NULL, 1, sizeof *summary->spread);
    *summary->spread = (struct hx_report_spread){.id = other->id, .ratio = hx_grow(NULL, run->cell_count + 1, sizeof(double))};
    for (size_t i = 0; i < run->cell_count; i++) {
        summary->spread->ratio[i] = 0;
    }
    compare(summary, &figures);
}

void hx_report_moved(const struct hx_report_summary *summary, size_t cell, char out[HX_REPORT_SHOWN_BYTES]) {
    double ratio = summary->spread->ratio[cell];
    if (ratio <= 0) {
        (void)hx_copy_string(out, HX_REPORT_SHOWN_BYTES, "-");
    } else {
        (void)snprintf(out, HX_REPORT_SHOWN_BYTES, "%+.1f %%", 100 * (ratio - 1));
    }
}
