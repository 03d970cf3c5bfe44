/* hx_cell.c - see hx_cell.h. */
#include "record/hx_cell.h"

#include "base/hx_base.h"

#include <stdio.h>
#include <string.h>

static const char *const pass_names[HX_PASS_COUNT] = {
    [HX_PASS_TIME] = "time",     [HX_PASS_LATENCY] = "latency", [HX_PASS_COUNTERS] = "counters",
    [HX_PASS_MEMORY] = "memory", [HX_PASS_COUNTS] = "counts",   [HX_PASS_PLAN] = "plan",
};
static const char *const pages_names[HX_PAGES_COUNT] = {[HX_PAGES_4K] = "4k", [HX_PAGES_HUGE] = "huge"};

const char *hx_pass_name(enum hx_pass pass) {
    HX_CHECK((unsigned)pass < HX_PASS_COUNT);
    return pass_names[pass];
}

const char *hx_pages_name(enum hx_pages pages) {
    HX_CHECK((unsigned)pages < HX_PAGES_COUNT);
    return pages_names[pages];
}

bool hx_pass_from_name(const char *name, enum hx_pass *out) {
    for (unsigned i = 0; i < HX_PASS_COUNT; i++) {
        if (strcmp(pass_names[i], name) == 0) {
            *out = (enum hx_pass)i;
            return true;
        }
    }
    return false;
}

bool hx_pages_from_name(const char *name, enum hx_pages *out) {
    for (unsigned i = 0; i < HX_PAGES_COUNT; i++) {
        if (strcmp(pages_names[i], name) == 0) {
            *out = (enum hx_pages)i;
            return true;
        }
    }
    return false;
}

bool hx_cell_same(const struct hx_cell *a, const struct hx_cell *b) {
    return strcmp(a->scenario, b->scenario) == 0 && strcmp(a->backend, b->backend) == 0 && strcmp(a->arm, b->arm) == 0 &&
           strcmp(a->options, b->options) == 0 && a->threads == b->threads && a->pages == b->pages;
}

void hx_cell_title(const struct hx_cell *cell, char out[HX_CELL_TITLE_BYTES]) {
    bool has_options = strcmp(cell->options, "-") != 0;
    (void)snprintf(out, HX_CELL_TITLE_BYTES, "%s/%s/%s/%u/%s%s%s", cell->scenario, cell->backend, cell->arm, cell->threads,
                   hx_pages_name(cell->pages), has_options ? "/" : "", has_options ? cell->options : "");
}
