/* hx_lacks.h - what this machine cannot tell: one line each before the run, and null with its reason after it.
 *
 * Why: a run goes on without a figure that cannot be had, but its reader must not find that out at the end. Everything is read from the
 * head of plan.json, so a resumed run says and nulls the same. */
#ifndef HX_LACKS_H
#define HX_LACKS_H

#include "record/hx_observation.h"
#include "record/hx_tree.h"

/* One line on stderr for each thing that is not to be had: event counters by reason, /proc, cores, less than one CPU. */
void hx_lacks_tell(const json_t *head);

/* Under a quota of less than one CPU the scheduler stops a process in mid-block: what such a stop is part of (time_typical, the far
 * end of latencies) becomes null with that reason. Best times, counts and bytes stay. */
void hx_lacks_strike(const json_t *head, struct hx_observation *observation);

#endif
