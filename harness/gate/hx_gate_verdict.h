/* hx_gate_verdict.h - from the findings about each cell to one exit code, and the words for them.
 *
 * Pure: reads a finished struct hx_gate. The order of importance is hx_exit_worse's: 5 1 4 3 2 0. */
#ifndef HX_GATE_VERDICT_H
#define HX_GATE_VERDICT_H

#include "gate/hx_gate.h"

/* 0, 1, 2, 3 or 5 of one cell: its failure, its counts and (when the machine was fit) its times. */
int hx_gate_cell_exit(const struct hx_gate *gate, const struct hx_gate_cell *cell);

/* Of the whole gate: every cell, every lonely cell, fitness; no cell at all is an error. --inconclusive=warn turns a final 2 into 0
 * here and nowhere else. A signal is not known here. */
int hx_gate_exit(const struct hx_gate *gate);

/* The word in front of a cell's line and in gate.json: "REGRESSION", "NO REGRESSION", "IMPROVED", "INCONCLUSIVE",
 * "NOT COMPARABLE", "UNFIT", "ERROR". */
const char *hx_gate_cell_word(const struct hx_gate *gate, const struct hx_gate_cell *cell);
const char *hx_gate_exit_word(int code);

/* The count with this metric (any phase) and the greatest severity, or NULL. */
const struct hx_gate_count *hx_gate_count_find(const struct hx_gate_cell *cell, const char *metric);

/* What times and counts say together: "code", "layout", "kernel" and the like in words for the user, or NULL when there is nothing
 * to explain. Constant string. */
const char *hx_gate_cross_reading(const struct hx_gate_cell *cell);

#endif
