/* hx_rundir.h - a run directory: the journal while the run goes on, the published files at its end.
 *
 * Why: no finished observation may be lost, whatever kills the run. So there are two kinds of files only: plan.json, written before
 * the first process, and observations.jsonl, one line a finished process, appended by one write and synced. Everything else is
 * derived from these two, written to a temporary name and renamed. A torn last line (the driver died while writing, or the disk
 * was full) is cut off when the journal is opened again: that process simply counts as not finished.
 *
 *      absent or empty --create--> journal --append…--> journal --publish--> run.json samples.tsv …   (journal removed)
 *                                     ^------ open (--resume)
 */
#ifndef HX_RUNDIR_H
#define HX_RUNDIR_H

#include "record/hx_error.h"
#include "record/hx_words.h"

struct hx_rundir {
    char *path;
    int journal_fd;         /* observations.jsonl, O_APPEND */
    uint64_t journal_bytes; /* its whole lines so far: where the next one begins */
};

/* Makes path (and its parents) or takes it when it is an empty folder; writes plan.json = plan_text, and opens the journal. On
 * failure nothing is left that was not there before. */
bool hx_rundir_create(const char *path, const char *plan_text, struct hx_rundir *out, struct hx_error *error);

/* Opens an unfinished run: plan_text and the journal's whole lines (terminated buffers the caller frees). */
bool hx_rundir_open(const char *path, struct hx_rundir *out, struct hx_buffer *plan_text, struct hx_buffer *lines,
                    struct hx_error *error);

/* Appends one line (without its newline) by one write, then syncs. On failure the journal is as it was before. */
bool hx_rundir_append(struct hx_rundir *run, const char *line, size_t size_bytes, struct hx_error *error);

/* Reads a line of the journal back: its offset (journal_bytes before it was appended) and its length without the newline. Fresh
 * memory, terminated; NULL with one line on failure. */
char *hx_rundir_line(const struct hx_rundir *run, uint64_t offset, size_t size_bytes, struct hx_error *error);

/* Publishes a file under a name that may have one folder in it ("raw/c0001.jsonl.zst"): temporary, sync, rename. */
bool hx_rundir_publish(struct hx_rundir *run, const char *name, const void *data, size_t size_bytes, struct hx_error *error);

/* The same, compressed with zstd. */
bool hx_rundir_publish_zstd(struct hx_rundir *run, const char *name, const void *data, size_t size_bytes, struct hx_error *error);

/* Removes plan.json and observations.jsonl: the run is whole. */
bool hx_rundir_remove_journal(struct hx_rundir *run, struct hx_error *error);

/* Points `latest` beside the run directory at it, when `latest` is absent or a symbolic link. */
void hx_rundir_point_latest(const struct hx_rundir *run);

void hx_rundir_close(struct hx_rundir *run);

/* A whole file, decompressed when its name ends in .zst, into a terminated buffer. For readers of a run directory. */
bool hx_file_slurp(const char *path, struct hx_buffer *out, struct hx_error *error);

#endif
