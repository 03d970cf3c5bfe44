/* hx_tune_state.h - the state file of hx_tune on disk. Private to hx_tune*.c. */
#ifndef HX_TUNE_STATE_H
#define HX_TUNE_STATE_H

#include "measure/hx_tune.h"

/* Publishes the knobs that are to be put back: those that will be changed, or (changed_only) those that are. 0 or an errno. */
int hx_tune_state_write(const struct hx_tune *tune, bool changed_only);

/* Removes it; its absence is fine. 0 or an errno. */
int hx_tune_state_remove(const char *root);

#endif
