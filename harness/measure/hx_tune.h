/* hx_tune.h - settings of the machine that a measurement wants, set for a while and put back exactly.
 *
 * Why: a figure is steadier at a fixed clock, and nobody forgives a tool that leaves a server at another governor. So what was there
 * is written to a state file before the first setting is touched, every setting is read back, and the state file goes away only
 * when everything reads as before:
 *
 *      untouched --state written--> recorded --each knob set and read back--> tuned --each put back and read back--> untouched
 *                                       ^--------- killed here: the state file stays, --restore finishes ---------^
 *
 * One holder at a time: a lock on /run/arenabench.tune.lock that dies with its process. Everything is below `root` ("/" or a fake
 * tree of a test). One thread. Not here: which command runs meanwhile, what is printed (driver/hx_tune_verb.c). */
#ifndef HX_TUNE_H
#define HX_TUNE_H

#include "base/hx_base.h"

enum { HX_TUNE_KEY_BYTES = 24, HX_TUNE_PATH_BYTES = 128, HX_TUNE_VALUE_BYTES = 64, HX_TUNE_KNOBS_MAX = 2100 };

/* A knob is one file; a key such as "governor" may have one for each processor. */
struct hx_tune_knob {
    char key[HX_TUNE_KEY_BYTES];
    char path[HX_TUNE_PATH_BYTES]; /* as below "/" */
    char was[HX_TUNE_VALUE_BYTES];
    char want[HX_TUNE_VALUE_BYTES];
    bool changed;           /* want was written: restore has to put `was` back */
    int error;              /* errno of the last attempt that failed; 0 = none */
    bool reads_otherwise;   /* the write was accepted and something else was read back */
};

/* A key without any file here. */
struct hx_tune_absent {
    char key[HX_TUNE_KEY_BYTES];
    const char *reason; /* constant string */
};

enum { HX_TUNE_KEYS_MAX = 16 };

/* Large: keep it off small stacks. */
struct hx_tune {
    const char *root;
    size_t knob_count;
    struct hx_tune_knob knob[HX_TUNE_KNOBS_MAX];
    size_t absent_count;
    struct hx_tune_absent absent[HX_TUNE_KEYS_MAX];
    long holder;             /* pid in a state file that was read */
    bool another_boot;       /* that state file is from before the last boot: its settings are gone, nothing is to be put back */
    int lock_fd;             /* -1: not held */
};

/* Finds the knobs below root and what they say now. Changes nothing. */
void hx_tune_find(struct hx_tune *tune, const char *root);

/* Takes the lock. 0; EWOULDBLOCK when somebody holds it (*holder = its pid, 0 when it does not say); another errno when the lock file
 * cannot be made. tune->root must be set. */
int hx_tune_lock(struct hx_tune *tune, long *holder);
void hx_tune_unlock(struct hx_tune *tune);

/* Writes the state file: every knob that does not already say what is wanted. 0 or an errno, nothing changed. */
int hx_tune_record(const struct hx_tune *tune);

/* Sets and reads back every knob that needs it; what fails keeps its error and the others go on. Returns how many failed. */
size_t hx_tune_apply(struct hx_tune *tune);

/* Puts every changed knob back, reads it back, and removes the state file when all are as before; otherwise the state file keeps the
 * rest. Returns how many could not be put back. */
size_t hx_tune_restore(struct hx_tune *tune);

/* Reads a state file into knobs that are all `changed`. 0; ENOENT when there is none; EINVAL when it is not one of ours (a cut one is
 * 0 without knobs: it was never complete, so nothing had been set). */
int hx_tune_load(struct hx_tune *tune, const char *root);

/* The state file's name below "/", for messages. */
extern const char hx_tune_state_path[];

#endif
