/* hx_drive.h - one run from its settings to its directory.
 *
 * Why: a run is prepared without writing a byte (bad input leaves nothing behind), then it is a journal that only grows, then
 * everything else is derived from the journal. Resuming is the same three steps with the first one read from plan.json.
 *
 *      prepare (ask workers, learn operations, make the plan)  or  resume (read plan.json and the journal)
 *        -> hx_drive_run (one process after the other, each finished one journalled)
 *        -> hx_finish (samples.tsv, run.json and all other files from plan and journal)
 *
 * One thread. What the run needs to be taken up again is in plan.json and nowhere else. */
#ifndef HX_DRIVE_H
#define HX_DRIVE_H

#include "driver/hx_checks.h"
#include "driver/hx_options.h"
#include "measure/hx_counters.h"
#include "record/hx_rundir.h"
#include "record/hx_tree.h"

/* A finished process. The observation itself stays in the journal: a full run has thousands, and a small driver forks fast. */
struct hx_finished {
    bool good;       /* it gave a valid observation */
    json_t *head;    /* its journal line without the observation, owned; NULL = never ran */
    uint64_t offset; /* of its line in the journal */
    size_t size_bytes;
};

struct hx_drive {
    struct hx_catalogue catalogue;
    struct hx_plan plan;
    char plan_sha256[65];
    struct hx_checks checks;
    struct hx_finished *finished; /* one a step */

    /* What every request repeats. Strings are owned. */
    uint64_t seed;
    char **input;
    size_t input_count;
    char *litter;
    unsigned *pus; /* in the order of use, at least the greatest number of threads */
    size_t pu_count;
    char **groups; /* the text of each event group */
    size_t group_count;

    json_t *head; /* everything of plan.json but the plan itself: id, verb, profile, settings, versions, attestation … */
    struct hx_rundir dir;
    int stop_fd;
    bool failed;    /* a process crashed, or checksums differ: exit 5 at the end */
    int ended_code; /* exit code of the run, once known */
};

/* From options: asks the workers, checks everything, makes the plan, creates the directory with its plan.json. */
bool hx_drive_prepare(const struct hx_options *options, int argc, char **argv, int stop_fd, struct hx_drive *out, struct hx_error *error);

/* From an unfinished directory. */
bool hx_drive_resume(const struct hx_options *options, int stop_fd, struct hx_drive *out, struct hx_error *error);

/* Starts what is not finished. Returns HX_EXIT_OK, HX_EXIT_ERROR (a process failed, work differs, the journal cannot be written) or
 * 128 + signal; what went wrong is on stderr already. */
int hx_drive_run(struct hx_drive *drive);

/* Writes the final files. code: what hx_drive_run returned. An interrupted or incomplete run gets run.json alone and keeps its
 * journal. Returns the exit code of the program. */
int hx_finish(struct hx_drive *drive, int code);

void hx_drive_free(struct hx_drive *drive);

/* The request of one step; borrowed pointers into drive and the caller's arrays. */
void hx_drive_request(const struct hx_drive *drive, size_t step, struct hx_request *out, const char *events[1]);

/* Notes that the journal line at offset tells of step `index`; takes the parsed line's reference and drops its observation. */
void hx_drive_note(struct hx_drive *drive, size_t index, json_t *line, uint64_t offset, size_t size_bytes);

/* True when every step has a good observation. */
bool hx_drive_complete(const struct hx_drive *drive);

/* "versions" and "attestation" of run.json, and each worker's build. */
json_t *hx_identity_versions(const struct hx_catalogue *catalogue);
json_t *hx_identity_attestation(void);
json_t *hx_identity_workers(const struct hx_catalogue *catalogue);

/* Adds a line with the build-id of each malloc of this machine that a plain run would use, or why there is none. */
struct hx_attest;
void hx_identity_allocators(struct hx_attest *attest);

/* Adds how many cores this process may use, or why nobody can tell. */
void hx_identity_cores(struct hx_attest *attest);

/* UTC as 2026-11-24T13:05:59Z, or without punctuation for a run's id (20261124T130559Z). */
void hx_utc_now(bool compact, char out[32]);

/* The folder of this program, for the workers beside it. Fresh memory. */
char *hx_own_folder(void);

/* Loads the catalogue: workers of folder, the mallocs that --allocator named, and the known ones that are installed here. */
bool hx_load_catalogue(const struct hx_options *options, struct hx_catalogue *out, struct hx_error *error);

/* The verbs that run nothing. They return the exit code. */
int hx_verb_list(const struct hx_options *options);
int hx_verb_doctor(const struct hx_options *options);

/* doctor --tune and doctor --restore: hx_tune_verb.c. The exit code of the command that ran meanwhile, 128 + signal, or 5. */
int hx_verb_tune(const struct hx_options *options);
int hx_verb_restore(const struct hx_options *options);

#endif
