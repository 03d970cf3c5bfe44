/* hx_progress.h - one line on stderr between processes: how far, how long, how much longer.
 *
 * Why between processes only: a timer that woke during one would disturb what is measured. On a terminal the line is rewritten;
 * elsewhere (a CI log) it appears every few seconds. The time left comes from the mean of each pass so far, since passes differ
 * much and cells little. One thread. */
#ifndef HX_PROGRESS_H
#define HX_PROGRESS_H

#include "record/hx_plan.h"

struct hx_progress {
    const struct hx_plan *plan;
    unsigned reps[HX_PASS_COUNT]; /* of each pass, for "3/6" */
    size_t left[HX_PASS_COUNT];   /* processes that remain */
    size_t ran[HX_PASS_COUNT];
    uint64_t spent_ns[HX_PASS_COUNT];
    size_t done;
    uint64_t started_ns, shown_ns;
    bool terminal;
    bool line_open; /* a rewritten line stands on the terminal */
};

/* `finished[i]` says which steps need not run any more (NULL = none). */
void hx_progress_begin(struct hx_progress *progress, const struct hx_plan *plan, const bool *finished, bool terminal);

/* Before step `index` starts: shows it when it is time to. */
void hx_progress_show(struct hx_progress *progress, size_t index);

/* After it ended. */
void hx_progress_note(struct hx_progress *progress, size_t index, uint64_t wall_ns);

/* Ends the rewritten line, so that another message can follow. */
void hx_progress_clear(struct hx_progress *progress);

/* Nanoseconds left, from what was seen so far; 0 when nothing was. Pure. */
uint64_t hx_progress_left_ns(const struct hx_progress *progress);

/* The line without its ending, into a buffer. Pure. */
void hx_progress_text(const struct hx_progress *progress, size_t index, uint64_t elapsed_ns, char *out, size_t capacity_bytes);

#endif
