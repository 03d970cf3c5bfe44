/* sc_scenario.h - what a scenario is to the worker: a description, a set-up, and one cycle of work.
 *
 * A scenario is one C file and one word in scenarios/scenarios.cmake; a file may hold several that differ in one constant. The file defines SC_ZEROED before including anything of
 * ours, its objects' types, `setup` (reads input, makes the plan of requests; memory from sc_keep, never from malloc) and a
 * cycle, and closes with SC_SCENARIO(name, info). A cycle is whole lives and the same work every time it runs; it returns a
 * checksum read back from the objects just before they were released. Everything that varies comes from the plan, which
 * scale and seed fix, so every backend builds the same. */
#ifndef SC_SCENARIO_H
#define SC_SCENARIO_H

#include "base/hx_base.h"
#include "base/hx_rng.h"

/* Work per process for one profile and page mode, the same for every backend. */
struct sc_dial {
    double scale;
    unsigned cycles_per_block;
    unsigned blocks;
};
enum { SC_PROFILE_QUICK, SC_PROFILE_FULL, SC_PROFILE_GATE, SC_PROFILE_COUNT };
enum { SC_PAGES_4K, SC_PAGES_HUGE, SC_PAGES_COUNT };

struct sc_input {
    const char *path;
    const char *data; /* the whole file, read only */
    size_t size_bytes;
};

/* What setup gets. */
struct sc_setup {
    double scale; /* 0.01 .. 100 */
    uint64_t seed;
    const struct sc_input *input;
    size_t input_count;
    double rate_per_s; /* open loop: arrivals a second and thread; 0 for other scenarios */
};

/* Zeroed memory that lives as long as the process; a line and exit 5 when there is none. */
void *sc_keep(size_t bytes);

struct sc_info {
    const char *name;
    const char *why; /* one sentence */
    bool needs_input;
    bool zeroed;
    unsigned scopes_open; /* at a time, sc_hold_open included; 0 means 1 */
    unsigned threads_max; /* 0: as many as the worker takes. Each thread runs the body on a plan of its own, see below */
    double rate_per_s; /* open loop: requests come this often on each thread, the same for every backend, and only pass latency has
                          figures; it stands in the cell's options as rate=N. 0: one follows the other */
    const char *const *default_input; /* ends with NULL; NULL when no input is needed */
    const char *backends; /* GLOBs of those that profile full takes; NULL: all. Others run when they are named */
    const char *arms;     /* GLOBs of the arms that the scenario is made for; NULL: all. Others are absent */
    struct sc_dial dials[SC_PROFILE_COUNT][SC_PAGES_COUNT];
    /* Makes the plan; bad input ends the process with one clear line, exit 5 (hx_die). */
    const void *(*setup)(const struct sc_setup *setup);
};

struct hx_env;
struct hx_probe;

/* One thread's run of a scenario.
 *
 * Several threads run the same body at once, each with its own run and its own plan (setup is called once a thread, one after the
 * other, with a seed drawn for it). So a plan may hold scratch memory, input is shared and read only, and a scenario file has no
 * writable static. What a thread builds, and its checksum, does not depend on the others. */
struct sc_run {
    struct hx_env *env;
    struct hx_probe *probe; /* not read in form HX_PROBE_NONE */
};

/* One compiled form of a scenario. */
struct sc_code {
    const struct sc_info *info;
    const char *form; /* a word of the backend's list in CMake */
    unsigned probe;   /* HX_PROBE_* */
    /* Runs `count` (>= 1) cycles. Returns the checksum of one; when a later cycle differs from the first, another value. */
    uint64_t (*cycles)(struct sc_run *run, const void *plan, uint64_t count);
};

/* The table that CMake generates for each worker. */
extern const struct sc_code *const sc_table[];
extern const size_t sc_table_count;

/* One name per compiled form: sc_code_NAME_FORM_PROBE. */
#define SC_JOIN_(name, form, probe) sc_code_##name##_##form##_##probe
#define SC_JOIN(name, form, probe) SC_JOIN_(name, form, probe)
#define SC_STRING_(word) #word
#define SC_STRING(word) SC_STRING_(word)

/* Closes a scenario file: `cycle_function(run, plan)` is inlined into the loop over cycles. */
#define SC_SCENARIO(name, info_object, cycle_function)                                                     \
    static uint64_t sc_cycles_##name(struct sc_run *run, const void *plan, uint64_t count) {               \
        uint64_t first = cycle_function(run, plan);                                                        \
        uint64_t differs = 0;                                                                              \
        for (uint64_t i = 1; i < count; i++) {                                                             \
            differs |= first ^ cycle_function(run, plan);                                                  \
        }                                                                                                  \
        return differs == 0 ? first : ~first;                                                              \
    }                                                                                                      \
    extern const struct sc_code SC_JOIN(name, HX_FORM, HX_PROBE);                                          \
    const struct sc_code SC_JOIN(name, HX_FORM, HX_PROBE) = {&(info_object), SC_STRING(HX_FORM), HX_PROBE, \
                                                             sc_cycles_##name}

#endif
