/* gr_bitmap.h - replay of the two bitmap formats, each three times: the lazy log is written out after every allocation, at
 * random ones, and only at the end, because a log that is right when flushed at once may be wrong when flushed late. */
#ifndef TESTS_GOLDEN_REPLAY_GR_BITMAP_H
#define TESTS_GOLDEN_REPLAY_GR_BITMAP_H

#include <stdint.h>

#include "gr_file.h"

/* bitmaps.jsonl: pointer words of objects allocated from a chunk's front. */
bool gr_replay_bitmaps(struct gr_file *f);
/* bitmap.csv: bitmap words and noMorePtrs bits after every allocation. */
bool gr_replay_bitmap_csv(struct gr_file *f);

enum gr_write_out { GR_WRITE_OUT_ALWAYS, GR_WRITE_OUT_SOMETIMES, GR_WRITE_OUT_AT_END, GR_WRITE_OUT_COUNT };

/* Whether the given step is one to look at; seed makes "sometimes" repeatable. `last`: it is the end. */
bool gr_looks_now(enum gr_write_out when, uint64_t *seed, bool last);
const char *gr_write_out_name(enum gr_write_out when);

#endif
