/* report_run.h - a run directory in memory: what was planned, every row of samples.tsv, the curves, and what is missing.
 *
 * Why: everything the report shows is derived from these files and from nothing else, so the same directory gives the same
 * report on any machine. What a run could not deliver becomes a note here and never an empty place further down.
 * Ownership: all memory lives as long as the program. One thread.
 * Not here: statistics (report_summary), words (report_words). */
#ifndef HX_REPORT_RUN_H
#define HX_REPORT_RUN_H

#include <jansson.h>

#include "record/hx_samples.h"

/* One cell: scenario x backend x arm x threads x pages x options (and side, in a gate's run). */
struct hx_report_cell {
    long index; /* in run.json plan.cells; -1 for rows of samples.tsv that were not planned (an arm that is absent) */
    const char *side;
    bool again;   /* A' of an A/A pair: part of no table, only of what report_aa says */
    const char *scenario;
    const char *backend;
    const char *arm;
    const char *pages;
    const char *options;
    long threads;
    double scale;         /* 0: not known */
    double ops_per_block; /* 0: not known */
    double blocks;        /* 0: not known */
    size_t migrated_count; /* processes that did not stay where they were pinned */
    char *label;          /* "arena-safe fresh", with threads, options and side where they differ from the usual */
};

/* One point of a memory curve, and one bucket of a latency histogram. */
struct hx_report_point {
    long cell; /* as in series.tsv: index of plan.cells */
    long rep;
    double work_ops, time_ns, live_bytes, rss_bytes, rss_anon_bytes;
};

struct hx_report_bucket {
    long cell;
    long rep;
    const char *call;
    double low_ns, high_ns, count;
};

/* One change of a collector's phase; of gc.tsv, which only runs with a collector have. */
struct hx_report_collection {
    long cell;
    long rep;
    const char *phase;
    double time_ns, heap_live_bytes, goal_bytes, trigger_bytes, mark_work_bytes;
};

struct hx_report_run {
    const char *dir;
    json_t *json; /* run.json */
    const char *id;
    const char *profile;
    struct hx_report_cell *cell;
    size_t cell_count;
    struct hx_samples samples;
    size_t *row_cell;  /* of each row of samples: its index in `cell` */
    bool from_journal; /* the run was cut short: rows and curves come from observations.jsonl */
    struct hx_report_point *point; /* in the file's order */
    size_t point_count;
    struct hx_report_bucket *bucket;
    size_t bucket_count;
    struct hx_report_collection *collection;
    size_t collection_count;
    char **note;
    size_t note_count;
};

/* Reads the directory. Ends the program with one clear line and exit 5 when it is no run directory or a file of it is damaged;
 * missing curves, an interrupted run and processes that migrated become notes. */
void hx_report_load(struct hx_report_run *run, const char *dir);

/* Parts of hx_report_load. Rows come after the plan: they may add cells. */
void hx_report_load_rows(struct hx_report_run *run);
void hx_report_load_curves(struct hx_report_run *run);

/* Rows and curves of a run without tables, from its journal. False when it has no journal either. */
bool hx_report_load_journal(struct hx_report_run *run);

/* Adds a line that every form of the report shows. printf format. */
void hx_report_note(struct hx_report_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends an empty cell; earlier pointers into `cell` are no longer valid. */
struct hx_report_cell *hx_report_cell_add(struct hx_report_run *run);

/* A whole file of the directory as text, decompressed when its name ends in .zst; NULL when it is not there. Damage ends the
 * program. */
char *hx_report_read_text(const char *dir, const char *name);

/* True for rows whose value is a word even when all its digits happen to be decimal (checksums). */
bool hx_report_is_word(const struct hx_sample *row);

#endif
