/* hx_tables.h - the journal turned into the files people read.
 *
 * Why apart from hx_finish: these are pure functions from a finished drive to text. Rows are ordered by cell, pass and repetition,
 * not by the order of the processes, which is a column. One thread. */
#ifndef HX_TABLES_H
#define HX_TABLES_H

#include "driver/hx_drive.h"

/* Everything that is built in one walk over the observations. */
struct hx_tables {
    struct hx_buffer samples; /* samples.tsv */
    struct hx_buffer series;  /* series.tsv: cell rep step work_ops time_ns live_bytes rss_bytes rss_anon_bytes */
    struct hx_buffer hist;    /* hist.tsv: cell rep phase call low_ns high_ns count */
    struct hx_buffer gc;      /* gc.tsv: cell rep and what results/README.md lists; empty when no backend knows of a collection */
    json_t *gbench;           /* gbench.json's "benchmarks" */
};

/* False with one line when an observation does not parse: the journal was changed by someone. */
bool hx_tables_make(const struct hx_drive *drive, struct hx_tables *out, struct hx_error *error);
void hx_tables_free(struct hx_tables *tables);

#endif
