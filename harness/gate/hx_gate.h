/* hx_gate.h - what one gate knows: two builds, the cells both can run, and what was found about each.
 *
 * Why: counts, times, report and verdict all speak of the same cells; the state lives here and each part fills its own fields.
 * Owner: the main thread. While counts run two at a time, worker threads touch only their own job and, under `lock`, the fields
 * that name it. Everything is freed by hx_gate_free. */
#ifndef HX_GATE_H
#define HX_GATE_H

#include <pthread.h>

#include "gate/hx_count_rule.h"
#include "gate/hx_decide.h"
#include "record/hx_catalogue.h"
#include "record/hx_plan.h"
#include "record/hx_words.h"

enum hx_side { HX_SIDE_BASE, HX_SIDE_HEAD, HX_SIDES };
const char *hx_side_name(enum hx_side side); /* "base" "head", the side column of samples.tsv */

enum {
    HX_GATE_COUNTS_MAX = 96, /* gated counts of one cell */
    HX_GATE_METRICS_MAX = 2, /* time and time_typical */
    HX_GATE_PUS = 2,         /* counts run on both, times on the first */
    HX_GATE_CANARY_PAIRS = 10,
    HX_GATE_CANARY_LOOPS = 2,
};

struct hx_gate_options {
    const char *bin[HX_SIDES];
    const char *label[HX_SIDES];
    const char *out;             /* NULL: results/runs/<time>-gate */
    const char *lock;            /* NULL: none is taken */
    const struct hx_tier *tier;
    struct hx_settings settings; /* filters, seed, scale; profile gate */
    const char *cpus;            /* taskset list or NULL */
    const char **input;          /* --input paths; none = the scenario's own */
    size_t input_count;
    const char **allocator;      /* --allocator NAME=LIB, preloaded on both sides */
    size_t allocator_count;
    bool json;                   /* gate.json on stdout, lines on stderr */
    uint64_t budget_s;           /* for the times; 0 = none */
    bool counts, times;          /* --only */
    bool fitness;                /* the canary decides whether times are judged */
    bool inconclusive_fails;
};

/* Reads the arguments. False with one line naming the word and the valid choices. Help is not an error: *help is set. */
bool hx_gate_options_parse(int argc, char **argv, struct hx_gate_options *out, bool *help, struct hx_error *error);
const char *hx_gate_usage(void);

/* One count of one cell. */
struct hx_gate_count {
    char metric[HX_NAME_BYTES];
    char phase[HX_NAME_BYTES];
    char unit[HX_NAME_BYTES];
    struct hx_count_rule rule; /* its metric and unit point at the two fields above */
    double chunks;             /* chunks the counted work went through */
    struct hx_count_values first;
    struct hx_count_values second; /* valid when repeated */
    bool repeated;
    enum hx_count_state state;
    char reason[HX_NAME_BYTES * 4]; /* NOT_MEASURED: why */
};

struct hx_gate_cell {
    struct hx_cell cell;
    const struct hx_backend *backend[HX_SIDES];
    bool counted;     /* counts are made for it */
    bool same_binary; /* both workers are byte for byte equal: a built-in control */
    char failure[HX_NAME_BYTES * 8]; /* first failure of a process: the cell is an error; "" = none */

    struct hx_gate_count counts[HX_GATE_COUNTS_MAX];
    size_t count_count;

    uint64_t ops_per_block;
    uint64_t refills_per_block;
    struct hx_decide_unit unit[HX_GATE_METRICS_MAX];
    size_t unit_count;                       /* 0 when times are off */
    size_t blocks[HX_DECIDE_PAIRS_MAX];      /* blocks in both processes of pair i */
    bool head_first[HX_DECIDE_PAIRS_MAX];    /* the coin */
    size_t migrated_pairs;                   /* kept although a process was moved */
};

/* A cell that only one side can run. */
struct hx_gate_lonely {
    struct hx_cell cell;
    enum hx_side missing_on;
    char reason[HX_NAME_BYTES * 4];
};

struct hx_canary {
    bool measured;
    double best_ns[HX_GATE_CANARY_LOOPS];  /* median over the processes of each loop's best block, per step */
    double pair_sd[HX_GATE_CANARY_LOOPS];  /* robust sd of the paired log difference */
};

struct hx_gate {
    struct hx_gate_options options;
    struct hx_catalogue catalogue[HX_SIDES];
    struct hx_gate_cell *cells;
    size_t cell_count;
    struct hx_gate_lonely *lonely;
    size_t lonely_count;
    const char *metric[HX_GATE_METRICS_MAX]; /* gated time metrics of the tier */
    size_t metric_count;
    const char *self_path;                   /* this program, started again as the canary */
    unsigned pu[HX_GATE_PUS];
    size_t pu_count;
    int stop_fd;
    char *valgrind;         /* NULL: counts by callgrind are not measured */
    char no_valgrind[HX_NAME_BYTES * 2]; /* why */
    uint64_t deadline_ns;                /* monotonic, of the times; 0 = none */
    uint64_t started_unix_s, ended_unix_s;
    struct hx_canary before, after;
    char unfit[HX_NAME_BYTES * 4]; /* "" = the machine was fit */
    bool stopped;                  /* a signal ended it */
    bool budget_spent;

    pthread_mutex_t lock;     /* guards order and samples */
    uint64_t order;           /* number of the next process */
    struct hx_buffer samples; /* samples.tsv so far */
};

/* Loads both catalogues and pairs their cells. False with one line. */
bool hx_gate_cells_make(struct hx_gate *gate, struct hx_error *error);
void hx_gate_free(struct hx_gate *gate);

/* Marks a cell as failed; the first failure stays. printf format. */
void hx_gate_cell_fail(struct hx_gate_cell *cell, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The two tiers. Each returns when it is done, stopped or out of budget; failures are in the cells. */
void hx_gate_counts_run(struct hx_gate *gate);
void hx_gate_times_run(struct hx_gate *gate);

#endif
