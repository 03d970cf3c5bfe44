/* gr_pacer.h - replay of the three pacer formats against gc/pacer.h; false after the first mismatch was printed. */
#ifndef TESTS_GOLDEN_REPLAY_GR_PACER_H
#define TESTS_GOLDEN_REPLAY_GR_PACER_H

#include "gr_file.h"

/* pacer_ops.jsonl: one call a line on a controller in a given state; doubles by their bits. */
bool gr_replay_pacer_ops(struct gr_file *f);
/* pacer.jsonl: a controller driven by itself; doubles within 1e-9 relative. */
bool gr_replay_pacer_log(struct gr_file *f);
/* pacer_traces/ *.csv: Go's own scenarios; every column exactly. */
bool gr_replay_pacer_trace(struct gr_file *f);

#endif
