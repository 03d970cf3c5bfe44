/* hx_options.h - the command line of arenabench, checked word by word.
 *
 * Why: a mistyped option must never start a run of something else. Every error is one line that names the word and the valid
 * choices; nothing is written before all of it is understood. Here only the form is checked; whether a scenario or a backend exists
 * is known once the workers were asked (hx_plan_make). */
#ifndef HX_OPTIONS_H
#define HX_OPTIONS_H

#include "record/hx_allocator.h"
#include "record/hx_catalogue.h"
#include "record/hx_plan.h"

enum hx_verb { HX_VERB_QUICK, HX_VERB_FULL, HX_VERB_LIST, HX_VERB_DOCTOR, HX_VERB_HELP };

enum { HX_INPUTS_MAX = 256, HX_ASKED_MALLOCS_MAX = 32 };

/* Pointers point into argv. */
struct hx_options {
    enum hx_verb verb;
    struct hx_settings settings; /* event_groups is not known here */
    const char *cpus;            /* taskset list, or NULL */
    const char *events;          /* comma-joined libpfm4 events, or NULL = the standard groups */
    const char *litter;          /* "O,M,S", or NULL */
    const char *out;             /* run directory, or NULL = results/runs/<id> */
    const char *resume;          /* directory of an unfinished run, or NULL */
    const char *workers;         /* folder of the worker-* programs, or NULL = this program's own */
    const char *input[HX_INPUTS_MAX];
    size_t input_count;
    struct hx_allocator asked[HX_ASKED_MALLOCS_MAX]; /* --allocator, checked */
    size_t asked_count;
    bool json;
    bool tune, restore;   /* doctor alone; not both */
    const char *root;     /* doctor: the tree in place of "/", never NULL */
    char *const *command; /* doctor --tune: what to run meanwhile, NULL-terminated, or NULL = hold until a signal */
};

/* True when understood; else one line in error (exit 5). The structure is large: keep it off small stacks. */
bool hx_options_parse(int argc, char **argv, struct hx_options *out, struct hx_error *error);

/* The help text, many lines. */
extern const char hx_options_help[];

#endif
