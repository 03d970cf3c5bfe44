/* hx_gate_process.h - one worker process of a gate: request, environment, spawn, checked answer, its rows of samples.tsv.
 *
 * Threads: counts call it from two threads at once; what it shares (order, samples) is under gate->lock. */
#ifndef HX_GATE_PROCESS_H
#define HX_GATE_PROCESS_H

#include "gate/hx_callgrind.h"
#include "gate/hx_gate.h"
#include "record/hx_observation.h"

struct hx_gate_process {
    enum hx_side side;
    enum hx_pass pass;
    enum hx_pages pages; /* of this process: counts of pages and faults are made with 4k, see docs/GATE.md */
    uint64_t blocks;
    double scale_factor; /* on the cell's scale; 0 = 1 */
    unsigned rep;
    unsigned pu;
    size_t pad_bytes;    /* environment pad; 0 = none */
    bool counted;        /* fixed environment and no ASLR */
    bool callgrind;      /* under callgrind (implies counted) */
};

enum hx_gate_ran {
    HX_GATE_RAN,
    HX_GATE_FAILED,  /* the process or its answer is bad: one line in error */
    HX_GATE_STOPPED, /* a signal asked us to end */
};

/* Runs one process. On HX_GATE_RAN the observation is the caller's to free, and totals are set when callgrind was asked for. */
enum hx_gate_ran hx_gate_process_run(struct hx_gate *gate, const struct hx_gate_cell *cell, const struct hx_gate_process *process,
                                     struct hx_observation *observation, struct hx_callgrind_totals *totals,
                                     struct hx_error *error);

/* Adds a row that no single process made (a difference of two) to samples.tsv. */
void hx_gate_process_row(struct hx_gate *gate, const struct hx_gate_cell *cell, enum hx_side side, enum hx_pass pass,
                         const char *metric, const char *unit, double value);

/* The files a scenario reads: --input, else those of its own list that exist here. Pointers live as long as gate. */
const char *const *hx_gate_inputs(const struct hx_gate *gate, const struct hx_scenario *scenario, size_t *count);

#endif
