/* hx_catalogue.h - what this build can run: the answers of all workers to `--list`, merged.
 *
 * Why: a backend or a scenario is one file and one word in CMake; driver, gate and report learn of it from the workers and need
 * no change. A preloaded malloc is not a worker of its own: it appears as a backend that runs in worker-malloc.
 * Order: backends of worker-malloc first, then preloaded ones, then the others by name, `bump` (the floor) last. */
#ifndef HX_CATALOGUE_H
#define HX_CATALOGUE_H

#include "record/hx_allocator.h"
#include "record/hx_cell.h"
#include "record/hx_error.h"

enum hx_profile {
    HX_PROFILE_QUICK,
    HX_PROFILE_FULL,
    HX_PROFILE_GATE,
    HX_PROFILE_COUNT,
};
const char *hx_profile_name(enum hx_profile profile);
bool hx_profile_from_name(const char *name, enum hx_profile *out);

/* What a process of a scenario does, by profile and page mode. `present` is false where the worker gave none. */
struct hx_dial {
    bool present;
    double scale;
    uint64_t cycles_per_block;
    uint64_t blocks;
};

struct hx_scenario {
    char name[HX_NAME_BYTES];
    char *why; /* one sentence */
    bool needs_input;
    bool zeroed;
    char *backends; /* GLOBs of those that profile full takes; NULL: all */
    char *arms;     /* GLOBs of the arms it is made for; NULL: all */
    double rate_per_s;    /* an open loop: arrivals a second and thread, and no pass but latency; 0: a closed one */
    unsigned threads_max; /* 1 when the worker does not say */
    char **default_input; /* paths that may or may not exist here */
    size_t default_input_count;
    struct hx_dial dials[HX_PROFILE_COUNT][HX_PAGES_COUNT];
};

/* An arm that the backend can run (reason empty), or of the catalogue and cannot (reason says why). */
struct hx_arm {
    char name[HX_NAME_BYTES];
    char reason[HX_NAME_BYTES * 2];
};

struct hx_backend {
    char name[HX_NAME_BYTES];
    const char *worker_path;  /* the program that runs it; owned by the entry in workers */
    char *preload_path;       /* library for LD_PRELOAD, or NULL; owned by the backend */
    enum hx_allocator_kind allocator; /* whose options the environment speaks; HX_ALLOCATOR_NONE when not a malloc */
    enum hx_allocator_kind memory;    /* whose pages it uses: its own (as allocator), or of a malloc that it takes chunks from */
    bool asked;    /* named by the user (--allocator): part of every profile */
    char *missing; /* why none of it can run here, or NULL */
    char *threads_absent; /* why it has no cell of several threads, or NULL */
    char *huge_absent; /* why it cannot ask for huge pages, or NULL */
    struct hx_arm *arms;
    size_t arm_count;
    char **scenarios; /* names of those its worker lists */
    size_t scenario_count;
};

struct hx_worker {
    char *path;
    char name[HX_NAME_BYTES];
    char version[HX_NAME_BYTES];
};

struct hx_catalogue {
    struct hx_worker *workers;
    size_t worker_count;
    struct hx_backend *backends;
    size_t backend_count;
    struct hx_scenario *scenarios;
    size_t scenario_count;
};

/* Asks every executable `worker-*` in folder. On failure (no worker, one that does not answer, malformed or foreign answer) one
 * line and an empty catalogue. */
bool hx_catalogue_load(const char *folder, struct hx_catalogue *out, struct hx_error *error);

/* Adds a malloc that is preloaded into worker-malloc. Fails when there is no worker-malloc or the name is taken. */
bool hx_catalogue_add_malloc(struct hx_catalogue *catalogue, const struct hx_allocator *allocator, bool asked,
                             struct hx_error *error);

/* Adds a malloc whose library is not here: its cells become null rows with the reason. */
bool hx_catalogue_add_missing(struct hx_catalogue *catalogue, const char *name, const char *reason, struct hx_error *error);

void hx_catalogue_free(struct hx_catalogue *catalogue);

/* By exact name; NULL when there is none. */
const struct hx_scenario *hx_catalogue_scenario(const struct hx_catalogue *catalogue, const char *name);
const struct hx_backend *hx_catalogue_backend(const struct hx_catalogue *catalogue, const char *name);

#endif
