/* report_words.c - verdicts into sentences. See report_words.h. */
#include "report/report_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_format.h"

/* Peak RSS within this of malloc's is not worth a sentence: one observation, and page granularity. */
static const double memory_notable_ratio = 1.10;
static const double memory_notable_bytes = 1024.0 * 1024.0;

static void add(struct hx_report_lines *lines, char *line) {
    lines->line = hx_grow(lines->line, lines->count + 1, sizeof *lines->line);
    lines->line[lines->count++] = line;
}

const char *hx_report_scenario_of(const struct hx_report_cell *cell) {
    return cell->scenario;
}

const char *hx_report_pages_of(const struct hx_report_cell *cell) {
    return cell->pages;
}

size_t hx_report_distinct(const struct hx_report_run *run, const char *(*get)(const struct hx_report_cell *), const char **word) {
    size_t count = 0;
    for (size_t i = 0; i < run->cell_count; i++) {
        size_t k = 0;
        while (k < count && strcmp(word[k], get(&run->cell[i])) != 0) {
            k++;
        }
        if (k == count) {
            word[count++] = get(&run->cell[i]);
        }
    }
    return count;
}

const char hx_report_floor_scenario[] = "empty";

unsigned hx_report_modes_of(const struct hx_report_run *run, const char *scenario, const char *const *pages, size_t count) {
    unsigned modes = 0;
    for (size_t i = 0; i < run->cell_count; i++) {
        for (size_t p = 0; p < count && strcmp(run->cell[i].scenario, scenario) == 0; p++) {
            modes |= strcmp(run->cell[i].pages, pages[p]) == 0 ? 1u << p : 0;
        }
    }
    return modes;
}

size_t hx_report_scenarios(const struct hx_report_run *run, const char **word) {
    size_t count = hx_report_distinct(run, hx_report_scenario_of, word), kept = 0;
    const char **pages = hx_grow(NULL, run->cell_count + 1, sizeof *pages);
    size_t page_count = hx_report_distinct(run, hx_report_pages_of, pages);
    int *modes = hx_grow(NULL, count + 1, sizeof *modes);
    for (size_t i = 0; i < count; i++) {
        const char *scenario = word[i];
        if (count > 1 && strcmp(scenario, hx_report_floor_scenario) == 0) {
            continue;
        }
        int mine = __builtin_popcount(hx_report_modes_of(run, scenario, pages, page_count));
        size_t at = kept++;
        for (; at > 0 && modes[at - 1] < mine; at--) {
            word[at] = word[at - 1];
            modes[at] = modes[at - 1];
        }
        word[at] = scenario;
        modes[at] = mine;
    }
    free(modes);
    free(pages);
    return kept;
}

const char *hx_report_zeroing(const struct hx_report_run *run, const char *scenario) {
    const json_t *zeroed = json_object_get(run->json, "zeroed");
    json_t *name;
    size_t i;
    if (!json_is_array(zeroed)) {
        return "";
    }
    json_array_foreach(zeroed, i, name) {
        if (json_is_string(name) && strcmp(json_string_value(name), scenario) == 0) {
            return "needs zeros: malloc is calloc, regions and bump clear each object";
        }
    }
    return "needs no zeros: only the arenas clear";
}

/* Mallocs first, then arenas, then the rest, the floor last. */
static size_t backend_rank(const char *backend) {
    static const char *const order[] = {"malloc", "mimalloc", "jemalloc", "tcmalloc", "", "arena-safe", "arena-go", "arena-kept",
                                        "gcheap", "gcheap-concurrent", "bdwgc", "mimalloc-heap", "obstack", "apr", "talloc", "bump"};
    size_t unknown = 4;
    for (size_t i = 0; i < HX_COUNT_OF(order); i++) {
        if (strcmp(order[i], backend) == 0) {
            return i;
        }
    }
    return unknown;
}

/* Where a cell stands in its table. Within one backend in the order of the run, absent arms after those that ran. */
static bool stands_before(const struct hx_report_cell *a, const struct hx_report_cell *b) {
    size_t rank_a = backend_rank(a->backend), rank_b = backend_rank(b->backend);
    if (rank_a != rank_b) {
        return rank_a < rank_b;
    }
    int order = strcmp(a->backend, b->backend);
    return order != 0 ? order < 0 : a->index >= 0 && b->index < 0;
}

size_t hx_report_group(const struct hx_report_run *run, const char *scenario, const char *pages, size_t *member) {
    size_t count = 0;
    for (size_t i = 0; i < run->cell_count; i++) {
        if (!run->cell[i].again && strcmp(run->cell[i].scenario, scenario) == 0 && strcmp(run->cell[i].pages, pages) == 0) {
            size_t at = count++;
            while (at > 0 && stands_before(&run->cell[i], &run->cell[member[at - 1]])) {
                member[at] = member[at - 1];
                at--;
            }
            member[at] = i;
        }
    }
    return count;
}

void hx_report_versus(const struct hx_report_comparison *comparison, char *out, bool *sure) {
    *sure = false;
    if (comparison == NULL) {
        snprintf(out, HX_REPORT_SHOWN_BYTES, "-");
        return;
    }
    hx_report_show_ratio(out, comparison->ratio.value.value);
    *sure = comparison->verdict == HX_REPORT_FASTER || comparison->verdict == HX_REPORT_SLOWER;
}

/* The interval as factors in the direction of the estimate: "2.91-3.35". An interval that holds 1 has no direction. */
static void range_of(const struct hx_report_comparison *c, char *out, size_t capacity) {
    if (c == NULL) {
        snprintf(out, capacity, "-");
    } else if (c->verdict == HX_REPORT_UNDECIDED) {
        snprintf(out, capacity, "%s", c->ratio.low.reason);
    } else if (c->verdict == HX_REPORT_NO_DIFFERENCE) {
        snprintf(out, capacity, "no difference shown");
    } else {
        bool faster = c->verdict == HX_REPORT_FASTER;
        char low[HX_REPORT_SHOWN_BYTES], high[HX_REPORT_SHOWN_BYTES];
        hx_report_show_number(low, faster ? 1 / c->ratio.high.value : c->ratio.low.value);
        hx_report_show_number(high, faster ? 1 / c->ratio.low.value : c->ratio.high.value);
        snprintf(out, capacity, "%.24s-%.24s", low, high);
    }
}

/* Peak RSS of a cell and of malloc each beside it. */
static bool peaks(const struct hx_report_summary *summary, size_t cell, double *mine, double *other) {
    long malloc_cell = hx_report_reference(summary->run, cell, "malloc");
    return malloc_cell >= 0 && hx_report_value(hx_report_find(summary, cell, "rss_peak_bytes"), mine) &&
           hx_report_value(hx_report_find(summary, (size_t)malloc_cell, "rss_peak_bytes"), other);
}

static struct hx_report_gain gain_of(const struct hx_report_summary *summary, size_t cell) {
    struct hx_report_gain gain = {.cell = cell};
    const struct hx_report_comparison *c = hx_report_against(summary, cell, "malloc", "time");
    char shown[HX_REPORT_SHOWN_BYTES];
    bool sure;
    hx_report_versus(c, shown, &sure);
    snprintf(gain.versus_malloc, sizeof gain.versus_malloc, "%s", shown);
    range_of(c, gain.malloc_range, sizeof gain.malloc_range);
    c = hx_report_against(summary, cell, "mimalloc", "time");
    hx_report_versus(c, shown, &sure);
    snprintf(gain.versus_mimalloc, sizeof gain.versus_mimalloc, "%s", shown);
    range_of(c, gain.mimalloc_range, sizeof gain.mimalloc_range);
    double mine, other;
    snprintf(gain.memory, sizeof gain.memory, "-");
    if (peaks(summary, cell, &mine, &other)) {
        char theirs[HX_REPORT_SHOWN_BYTES];
        hx_report_show_bytes(shown, mine);
        hx_report_show_bytes(theirs, other);
        snprintf(gain.memory, sizeof gain.memory, "%.20s (malloc %.20s)", shown, theirs);
    }
    return gain;
}

/* Threads beyond the first and single options are steps of an explanation, not candidates for "the best arena". */
static bool is_candidate(const struct hx_report_cell *cell) {
    return hx_report_is_arena(cell) && hx_report_is_plain(cell) && cell->threads == 1 && strcmp(cell->side, "-") == 0;
}

/* Is there a malloc beside it? `cell` may be any of a scenario, page mode and number of threads. */
static bool is_compared(const struct hx_report_run *run, size_t cell) {
    return hx_report_reference(run, cell, "malloc") >= 0 || hx_report_reference(run, cell, "mimalloc") >= 0;
}

/* A scenario without a malloc (alloc_paths_*_out: how long the library's own path takes) says nothing of what arenas buy; a run without
 * any shows its arenas all the same. */
static bool is_gain(const struct hx_report_run *run, size_t cell) {
    bool any = false;
    for (size_t i = 0; i < run->cell_count && !any; i++) {
        any = hx_report_is_arena(&run->cell[i]) && is_compared(run, i);
    }
    return !any || is_compared(run, cell);
}

static void say_gain(const struct hx_report_summary *summary, const size_t *member, size_t count, struct hx_report_words *words) {
    long best = -1;
    double least = 0, value;
    for (size_t i = 0; i < count; i++) {
        if (is_candidate(&summary->run->cell[member[i]]) && hx_report_value(hx_report_find(summary, member[i], "time"), &value) &&
            (best < 0 || value < least)) {
            best = (long)member[i];
            least = value;
        }
    }
    if (best >= 0 && is_gain(summary->run, (size_t)best)) {
        words->gain = hx_grow(words->gain, words->gain_count + 1, sizeof *words->gain);
        words->gain[words->gain_count++] = gain_of(summary, (size_t)best);
    }
}

/* One kind of sentence about one arena of one scenario: both page modes in one line. */
struct sentence {
    char *text;     /* NULL: nothing to say */
    const char *start; /* "takes", "peaks at" */
};

/* "json_dom: arena-go fresh takes 1.38x malloc's time with 4 KiB pages (1.35-1.45), 1.40x with huge pages (1.36-1.45)":
 * `what` is said once. Takes over `bracket`. */
static void extend(struct sentence *sentence, const struct hx_report_cell *cell, const char *value, const char *what,
                   char *bracket) {
    const char *pages = hx_report_pages_name(cell->pages);
    char *longer = sentence->text == NULL
                       ? hx_print("%s: %s %s %s%s with %s (%s)", cell->scenario, cell->label, sentence->start, value, what, pages,
                                  bracket)
                       : hx_print("%s, %s with %s (%s)", sentence->text, value, pages, bracket);
    free(sentence->text);
    free(bracket);
    sentence->text = longer;
}

static void finish(struct hx_report_lines *lines, struct sentence *sentence) {
    if (sentence->text != NULL) {
        add(lines, sentence->text);
    }
}

enum { SLOWER, SLOWER_MIMALLOC, BIGGER, UNSURE, SENTENCES };

/* One comparison of times into the sentence it belongs to. */
static void say_time(const struct hx_report_summary *summary, size_t i, const char *other, struct sentence *slower,
                     struct sentence *unsure) {
    const struct hx_report_comparison *c = hx_report_against(summary, i, other, "time");
    if (c == NULL || c->verdict == HX_REPORT_FASTER) {
        return;
    }
    const struct hx_report_cell *cell = &summary->run->cell[i];
    char low[HX_REPORT_SHOWN_BYTES], high[HX_REPORT_SHOWN_BYTES], factor[HX_REPORT_SHOWN_BYTES], times[HX_REPORT_SHOWN_BYTES + 8];
    char what[32];
    hx_report_show_number(factor, c->ratio.value.value);
    snprintf(times, sizeof times, "%sx", factor);
    snprintf(what, sizeof what, " %s's time", other);
    if (c->verdict == HX_REPORT_UNDECIDED) {
        extend(unsure, cell, times, what, hx_print("%s: %zu", c->ratio.low.reason, c->ratio.count));
        return;
    }
    hx_report_show_number(low, c->ratio.low.value);
    hx_report_show_number(high, c->ratio.high.value);
    extend(c->verdict == HX_REPORT_SLOWER ? slower : unsure, cell, times, what, hx_print("%s-%s", low, high));
}

static void say_memory(const struct hx_report_summary *summary, size_t i, struct sentence *sentence) {
    double mine, other;
    if (peaks(summary, i, &mine, &other) && mine >= memory_notable_ratio * other && mine - other >= memory_notable_bytes) {
        char ours[HX_REPORT_SHOWN_BYTES], theirs[HX_REPORT_SHOWN_BYTES];
        hx_report_show_bytes(ours, mine);
        hx_report_show_bytes(theirs, other);
        extend(sentence, &summary->run->cell[i], ours, "", hx_print("malloc %s", theirs));
    }
}

/* Two cells that differ in their page mode alone. */
static bool same_but_pages(const struct hx_report_cell *a, const struct hx_report_cell *b) {
    return strcmp(a->scenario, b->scenario) == 0 && strcmp(a->label, b->label) == 0;
}

/* order: all cells, group after group, so that the lines come as the tables do. Single options are steps of the price of safety, which has
 * a table of its own. */
static void say_losses(const struct hx_report_summary *summary, const size_t *order, size_t count, struct hx_report_words *words) {
    const struct hx_report_cell *cell = summary->run->cell;
    for (size_t i = 0; i < count; i++) {
        bool first = hx_report_is_arena(&cell[order[i]]) && hx_report_is_plain(&cell[order[i]]);
        for (size_t k = 0; k < i && first; k++) {
            first = !same_but_pages(&cell[order[k]], &cell[order[i]]);
        }
        struct sentence sentence[SENTENCES] = {{NULL, "takes"}, {NULL, "takes"}, {NULL, "peaks at"}, {NULL, "takes"}};
        struct sentence with_mimalloc = {NULL, "takes"};
        for (size_t k = i; k < count && first; k++) {
            if (same_but_pages(&cell[order[k]], &cell[order[i]])) {
                say_time(summary, order[k], "malloc", &sentence[SLOWER], &sentence[UNSURE]);
                say_time(summary, order[k], "mimalloc", &sentence[SLOWER_MIMALLOC], &with_mimalloc);
                say_memory(summary, order[k], &sentence[BIGGER]);
            }
        }
        finish(&words->malloc_faster, &sentence[SLOWER]);
        finish(&words->mimalloc_faster, &sentence[SLOWER_MIMALLOC]);
        finish(&words->malloc_smaller, &sentence[BIGGER]);
        finish(&words->cannot_tell, &sentence[UNSURE]);
        finish(&words->cannot_tell, &with_mimalloc);
    }
}

void hx_report_say(const struct hx_report_summary *summary, struct hx_report_words *words) {
    struct hx_report_run *run = summary->run;
    *words = (struct hx_report_words){0};
    const char **scenario = hx_grow(NULL, run->cell_count + 1, sizeof *scenario);
    const char **pages = hx_grow(NULL, run->cell_count + 1, sizeof *pages);
    size_t *order = hx_grow(NULL, run->cell_count + 1, sizeof *order), total = 0;
    size_t scenarios = hx_report_scenarios(run, scenario);
    size_t modes = hx_report_distinct(run, hx_report_pages_of, pages);
    for (size_t s = 0; s < scenarios; s++) {
        for (size_t p = 0; p < modes; p++) {
            size_t count = hx_report_group(run, scenario[s], pages[p], order + total);
            say_gain(summary, order + total, count, words);
            total += count;
        }
    }
    say_losses(summary, order, total, words);
    free(order);
    free(pages);
    free(scenario);
}
