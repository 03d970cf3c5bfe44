/* hx_process.h - one worker process of a run: started, judged, written down.
 *
 * Why: whatever a process does (exit, signal, silence, nonsense on fd 3) becomes one journal line, and an error line that names the
 * cell and the pass. One thread. */
#ifndef HX_PROCESS_H
#define HX_PROCESS_H

#include "driver/hx_drive.h"

enum hx_process_end {
    HX_PROCESS_GOOD,    /* a valid observation, journalled */
    HX_PROCESS_FAILED,  /* crashed, timed out, refused or talked nonsense: journalled too, the line is in error */
    HX_PROCESS_STOPPED, /* we were interrupted: nothing written */
    HX_PROCESS_BROKEN,  /* the driver cannot go on (no fork, disk full): the line is in error */
};

/* Runs step `index` and journals it. *wall_ns: how long it took. */
enum hx_process_end hx_process_step(struct hx_drive *drive, size_t index, uint64_t *wall_ns, struct hx_error *error);

/* Runs the plan pass of a cell and fills its ops_per_block; writes nothing. */
bool hx_process_learn(struct hx_drive *drive, struct hx_cell *cell, struct hx_error *error);

#endif
