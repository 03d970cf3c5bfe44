/* report_spread.h - the run-to-run spread: this run's times beside those of another run of the same plan. */
#ifndef HX_REPORT_SPREAD_H
#define HX_REPORT_SPREAD_H

#include "report/report_format.h"
#include "report/report_summary.h"

struct hx_report_spread {
    const char *id; /* of the other run */
    double *ratio;  /* one a cell: median best time here / there; 0 where one of them has none */
};

/* Compares with the run in `against`, or, when that is NULL, with the newest run beside this one (both in a folder named runs) that has
 * the same plan, the same builds of the workers and the same processor; there need not be one, then nothing is said. Sets
 * summary->spread and adds one note. A run named by `against` that cannot be compared ends the program with one line. */
void hx_report_spread(struct hx_report_summary *summary, const char *against);

/* "+2.3 %": how far the cell's time is from that of the other run, or "-". Only with summary->spread. */
void hx_report_moved(const struct hx_report_summary *summary, size_t cell, char out[HX_REPORT_SHOWN_BYTES]);

#endif
