/* hx_event_group.h - the event group that a request names. */
#ifndef HX_EVENT_GROUP_H
#define HX_EVENT_GROUP_H

#include "measure/hx_counters.h"
#include "worker/hx_ask.h"

/* An entry of "events" is either a whole group as hx_counter_group_print writes it (codes included: any event), or the name of a
 * kernel software event, which needs no code table ("PAGE-FAULTS"). Dies with one line on anything else. No events: an empty
 * group, the figures of getrusage alone. */
void hx_event_group_of(const struct hx_ask *ask, struct hx_counter_group *out);

#endif
