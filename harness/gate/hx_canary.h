/* hx_canary.h - is the machine fit to judge times right now?
 *
 * Why: a runner that lies by 20 % for a minute convicts whatever it measures then. So before and after the timed cells, a program
 * that never changes is compared with itself: 20 short processes, paired; if they cannot agree, nothing else would.
 * Two loops: arithmetic with a pointer chase through 256 KiB, and malloc/free of mixed sizes. */
#ifndef HX_CANARY_H
#define HX_CANARY_H

#include "gate/hx_gate.h"

/* What the canary's process does: pins itself to pu, prints each loop's best ns per step on fd 3. Returns the exit code. */
int hx_canary_process(unsigned pu);

/* Starts the processes and fills *out. False when stopped by a signal or with one line when a process failed. */
bool hx_canary_run(struct hx_gate *gate, const char *what, struct hx_canary *out, struct hx_error *error);

/* Pure: why a machine is unfit, into reason ("" = fit). after may be NULL (not yet measured). */
void hx_canary_judge(const struct hx_canary *before, const struct hx_canary *after, char *reason, size_t capacity_bytes);

/* Pure: medians and paired spreads from 2 x HX_GATE_CANARY_PAIRS processes in the order they ran; false when a value is no
 * positive number. */
bool hx_canary_summarise(const double best_ns[2 * HX_GATE_CANARY_PAIRS][HX_GATE_CANARY_LOOPS], struct hx_canary *out);

extern const char *const hx_canary_loop_names[HX_GATE_CANARY_LOOPS];

#endif
