/* hx_request.h - the one argument of `worker-B --observe`: which cell, which pass, where, on what input.
 *
 * Why: driver and gate write it, every worker reads it; one structure keeps them from drifting. The shape is docs/PROTOCOL.md 2. */
#ifndef HX_REQUEST_H
#define HX_REQUEST_H

#include "record/hx_cell.h"
#include "record/hx_error.h"

/* All pointers are borrowed while writing. After hx_request_parse they point into `storage`. */
struct hx_request {
    enum hx_pass pass;
    struct hx_cell cell;
    uint64_t seed;
    unsigned rep;
    uint64_t order;
    const unsigned *pus; /* OS indices, one a thread */
    size_t pu_count;
    const char *const *input; /* paths; none when the scenario needs none */
    size_t input_count;
    const char *const *events; /* pass counters: the events of the one group this process opens */
    size_t event_count;
    unsigned event_group;
    const char *litter; /* "O,M,S" or NULL */
    void *storage;      /* owned after hx_request_parse; see hx_request_free */
};

/* The JSON text, one line, in fresh memory. */
char *hx_request_json(const struct hx_request *request);

/* Reads what hx_request_json wrote. False with one line when it is malformed or speaks another protocol version. */
bool hx_request_parse(const char *json, struct hx_request *out, struct hx_error *error);
void hx_request_free(struct hx_request *request);

#endif
