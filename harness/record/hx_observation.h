/* hx_observation.h - what one process found, as it said it on fd 3.
 *
 * Why: a worker is a separate program that may be of another revision or broken, so its line is checked against the request before
 * one figure of it is believed. The numbers keep the text in which the worker wrote them. */
#ifndef HX_OBSERVATION_H
#define HX_OBSERVATION_H

#include "record/hx_request.h"
#include "record/hx_samples.h"

/* One figure. kind NULL: reason is set, text is "null". */
struct hx_metric {
    const char *phase, *metric, *unit;
    enum hx_value_kind kind;
    double number;
    const char *text; /* plain decimal or word */
    const char *reason;
};

struct hx_observation {
    uint64_t ops_per_block, ops_total;
    uint64_t refills_per_block;
    char checksum[20];            /* 16 hex digits, or empty when the pass makes none */
    char allocation_checksum[20]; /* the same */
    bool migrated;
    long pu; /* the first thread's, -1 when not said */
    struct hx_metric *metrics;
    size_t metric_count;
    const double *block_ns; /* NULL when the pass makes none */
    size_t block_count;
    void *root; /* owned storage, which all pointers above point into */
};

/* Parses one line and checks it against the request that was given (protocol, pass, cell words, rep, order, seed, and that every
 * metric is either a finite value or null with a reason). On failure one line, *out empty. */
bool hx_observation_parse(const char *line, const struct hx_request *asked, struct hx_observation *out, struct hx_error *error);

/* The same from a parsed tree (json_t *), whose reference it takes, also when it fails. */
bool hx_observation_take(void *json, const struct hx_request *asked, struct hx_observation *out, struct hx_error *error);
void hx_observation_free(struct hx_observation *observation);

/* The whole tree (json_t *, borrowed): for series, hist and gbench, which few readers need. */
void *hx_observation_json(const struct hx_observation *observation);

/* The figure of a phase and metric, or NULL. */
const struct hx_metric *hx_observation_metric(const struct hx_observation *observation, const char *phase, const char *metric);
/* The same as a number, or none with the reason (constant): not reported, or null. */
struct hx_figure hx_observation_figure(const struct hx_observation *observation, const char *phase, const char *metric);

/* Appends its rows to a samples table. side: "-", "base" or "head". */
void hx_observation_rows(const struct hx_observation *observation, const struct hx_request *asked, const char *side,
                         struct hx_buffer *out);

#endif
