/* worker_run.h - runs a worker as the driver does, for tests: one request, fd 3, stderr, exit code. */
#ifndef WORKER_RUN_H
#define WORKER_RUN_H

#include <jansson.h>

/* A request with sound defaults; tests change single members before asking. */
struct ask {
    const char *worker; /* path of the program */
    const char *pass, *scenario, *backend, *arm, *pages, *options;
    double scale;
    unsigned threads;
    const char *pus;    /* JSON list; NULL: none */
    const char *litter; /* NULL: none */
    unsigned cycles_per_block, blocks;
    const char *seed; /* as JSON */
    const char *input;  /* JSON list; NULL: the scenario's default, present or not */
    const char *events; /* JSON list */
    const char *preload; /* LD_PRELOAD, or NULL */
};

struct answer {
    int exit_code; /* 128 + signal when a signal ended it */
    char *error;   /* stderr */
    char *line;    /* what came on fd 3 */
    json_t *observation; /* NULL when fd 3 gave no JSON */
};

/* worker-NAME of this build (folder in the environment variable AB_BIN), or a planted one (AB_PLANTED). */
const char *worker_path(const char *name);
const char *planted_path(const char *name);

struct ask ask_of(const char *worker, const char *pass, const char *scenario, const char *backend, const char *arm);
char *ask_json(const struct ask *ask); /* caller frees */

/* argv[1], argv[2] of the worker; argument NULL: only the verb. */
void worker_run(const char *worker, const char *verb, const char *argument, const char *preload, struct answer *out);
void worker_ask(const struct ask *ask, struct answer *out);
void answer_free(struct answer *answer);

/* Stops the test with the worker's stderr unless it exited with 0 and gave an observation. */
void answer_sound(const struct answer *answer);
const char *answer_word(const struct answer *answer, const char *key);
/* The value of a metric; stops the test when it is absent or null. */
double answer_metric(const struct answer *answer, const char *phase, const char *metric);

/* Writes a file beneath the test's own temporary folder; the path stays valid. */
const char *temporary_file(const char *name, const void *bytes, size_t count);

#endif
