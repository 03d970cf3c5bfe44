/* hx_gate_report.h - what a gate tells: one line a cell on stdout, and gate.json with every observation behind it.
 *
 * Reads a finished struct hx_gate, changes nothing. */
#ifndef HX_GATE_REPORT_H
#define HX_GATE_REPORT_H

#include "gate/hx_gate.h"

/* Appends all lines: cells, lonely cells, notes, the closing line. `code` is the gate's exit code. */
void hx_gate_lines(const struct hx_gate *gate, int code, struct hx_buffer *out);

/* One cell's line, without newline. */
void hx_gate_cell_line(const struct hx_gate *gate, const struct hx_gate_cell *cell, struct hx_buffer *out);

/* gate.json, indented, in fresh memory (free it). Shape: docs/GATE.md. */
char *hx_gate_json(const struct hx_gate *gate, int code);

#endif
