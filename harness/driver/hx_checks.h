/* hx_checks.h - did all backends do the same work? The checksums of a run, compared as they arrive.
 *
 * Why: a backend that hands out overlapping, unzeroed or early reused memory is fast and wrong. All processes of one scenario at one
 * scale and number of threads must read back the same contents and ask for the same allocations; the first to say so is what the
 * others are held against, and a difference names both. No I/O. One thread. */
#ifndef HX_CHECKS_H
#define HX_CHECKS_H

#include "record/hx_observation.h"

struct hx_check {
    char scenario[HX_NAME_BYTES];
    double scale;
    unsigned threads;
    char checksum[20], allocation_checksum[20]; /* empty until somebody gave one */
    char checksum_by[HX_CELL_TITLE_BYTES], allocation_checksum_by[HX_CELL_TITLE_BYTES];
};

struct hx_checks {
    struct hx_check *checks;
    size_t count;
};

/* Notes what one process of `cell` read back. False with one line naming both cells when it differs. */
bool hx_checks_note(struct hx_checks *checks, const struct hx_cell *cell, const struct hx_observation *observation,
                    struct hx_error *error);

/* What is known of the cell's scenario, scale and threads, or NULL. */
const struct hx_check *hx_checks_find(const struct hx_checks *checks, const struct hx_cell *cell);

void hx_checks_free(struct hx_checks *checks);

#endif
