/* hx_plan.h - which processes are started, in which order.
 *
 * Why: noise drifts, so what will be compared must be interleaved: every (cell, pass) gets its repetition r before any gets r + 1,
 * in an order drawn from the seed. The same seed, catalogue and settings give the same plan, byte for byte; plan_sha256 says so.
 * Pure: no file, no process, no clock. */
#ifndef HX_PLAN_H
#define HX_PLAN_H

#include "record/hx_catalogue.h"

enum { HX_THREADS_MAX = 64 };

/* What the user asked for. Borrowed strings. */
struct hx_settings {
    enum hx_profile profile;
    const char *scenario, *backend, *arm; /* GLOBs joined by commas; NULL = all */
    unsigned threads[HX_THREADS_MAX];     /* empty = 1 */
    size_t thread_count;
    bool litter; /* heaps are aged first: what is no malloc is absent */
    bool eight_at_two; /* full, unless the user lists threads: eight workload cells also run on two threads */
    bool pages[HX_PAGES_COUNT];
    unsigned reps[HX_PASS_COUNT]; /* processes a cell and pass; 0 = the pass is not made */
    unsigned event_groups;        /* the counters pass makes one process a group and repetition; 0 = pass not made */
    unsigned aa_percent;          /* of the cells run a second time as the same program (A/A), chosen by the seed; 0 = none */
    uint64_t seed;
    double scale; /* multiplies every cell's scale */
};

/* The profile's own repetitions (quick 6 time, 1 latency, 1 counters, 1 memory; full 7, 3, 1, 1), all pages, one thread; full: eight cells also
 * on two. */
void hx_settings_default(enum hx_profile profile, struct hx_settings *out);

/* One process to start; its index in the plan is its `order`. */
struct hx_step {
    unsigned cell; /* index in cells */
    enum hx_pass pass;
    unsigned rep; /* within the pass, from 0 */
    unsigned event_group; /* pass counters only */
};

/* A combination of the catalogue that cannot run here: its rows are null with the reason. */
struct hx_absent {
    struct hx_cell cell; /* index unused */
    char reason[HX_NAME_BYTES * 2];
};

struct hx_plan {
    struct hx_cell *cells;
    size_t cell_count;
    struct hx_step *steps;
    size_t step_count;
    struct hx_absent *absent;
    size_t absent_count;
};

/* Makes the plan. A filter that names nothing is an error whose line names the word and the valid choices. ops_per_block is 0 in
 * every cell: the driver learns it from the plan pass and fills it in. */
bool hx_plan_make(const struct hx_catalogue *catalogue, const struct hx_settings *settings, struct hx_plan *out,
                  struct hx_error *error);
void hx_plan_free(struct hx_plan *plan);

/* The plan as JSON text ({"cells":[…],"order":[…],"absent":[…]}), in fresh memory, and back. The text is canonical: equal plans
 * give equal bytes. */
char *hx_plan_json(const struct hx_plan *plan);
bool hx_plan_parse(const char *json, struct hx_plan *out, struct hx_error *error);

/* The cell as a process of this pass runs it: with its own blocks, their cycles and ops_per_block (0 while it is 0 in the plan). They are the
 * plan's, but pass counters reads a group at each change of phase, which takes longer than a small life, and has no best of many to
 * find: HX_COUNTER_BLOCKS of HX_COUNTER_CYCLES at most. */
enum { HX_COUNTER_BLOCKS = 2, HX_COUNTER_CYCLES = 3 };
struct hx_cell hx_pass_cell(const struct hx_cell *cell, enum hx_pass pass);

/* sha256 of hx_plan_json in 64 hex digits and a terminator. */
void hx_plan_sha256(const struct hx_plan *plan, char out[65]);

#endif
