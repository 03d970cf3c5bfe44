/* hx_samples.h - samples.tsv: one row a figure, written once and read by gate, summary and plots.
 *
 * Why: a long table with one value a row takes a new metric without a new column. A figure that could not be had is `null` with
 * its reason. The columns are pass side scenario backend arm threads pages options rep order phase metric unit value reason. */
#ifndef HX_SAMPLES_H
#define HX_SAMPLES_H

#include "record/hx_cell.h"
#include "record/hx_error.h"
#include "record/hx_words.h"

#define HX_SAMPLES_HEADER \
    "pass\tside\tscenario\tbackend\tarm\tthreads\tpages\toptions\trep\torder\tphase\tmetric\tunit\tvalue\treason"

/* What a value cell holds. */
enum hx_value_kind {
    HX_VALUE_NULL,   /* not had: `reason` says why */
    HX_VALUE_NUMBER, /* a plain decimal: `number` */
    HX_VALUE_WORD,   /* e.g. a checksum: `text` alone */
};

/* One row. The pointers point into the table (or, when written, to the caller's strings); never NULL after reading. */
struct hx_sample {
    enum hx_pass pass;
    const char *side; /* "-", "base" or "head" */
    const char *scenario, *backend, *arm, *options;
    unsigned threads;
    enum hx_pages pages;
    unsigned rep;
    int64_t order; /* global start number of the process; -1 ("-") for a row no process made (an absent arm) */
    const char *phase, *metric, *unit;
    enum hx_value_kind kind;
    double number;      /* kind NUMBER only */
    const char *text;   /* the value as written: "null" for kind NULL */
    const char *reason; /* "-" unless kind NULL */
};

/* A whole file in memory. */
struct hx_samples {
    struct hx_sample *rows;
    size_t row_count;
    char *storage; /* the file's bytes, which rows point into */
};

/* Appends the header line, or one row, to a buffer. Tabs and newlines inside words become spaces. */
void hx_samples_write_header(struct hx_buffer *out);
void hx_sample_write(struct hx_buffer *out, const struct hx_sample *row);

/* Reads path. On failure (no file, wrong header, a row with too few columns or a bad number) names the file and the line, and
 * leaves *out empty. hx_samples_free releases what a successful read gave. */
bool hx_samples_read(const char *path, struct hx_samples *out, struct hx_error *error);
void hx_samples_free(struct hx_samples *samples);

#endif
