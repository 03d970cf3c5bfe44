/* sc_request_parse.h - what a server builds from a request: a table of headers, parameters, a body.
 *
 * Why apart: the objects and their making; what is done with them is in sc_request_serve.h. Inline: part of the measured work. */
#ifndef SC_REQUEST_PARSE_H
#define SC_REQUEST_PARSE_H

#include "scenarios/common/sc_request_plan.h"
#include "scenarios/common/sc_scope.h"

enum { BUCKETS = 32 };

struct header {
    struct header *next; /* in its bucket */
    char *name;
    char *value;
    uint32_t name_bytes;
    uint32_t value_bytes;
};

struct bucket {
    struct header *first;
};

struct parameter {
    struct parameter *next;
    char *name;
    char *value;
    uint32_t name_bytes;
    uint32_t value_bytes;
};

struct cell {
    char *text;
    uint64_t bytes;
};

struct row {
    struct row *next;
    struct cell *cells; /* end with one whose text is NULL */
    uint64_t cell_count;
};

struct request {
    struct bucket *buckets;
    struct parameter *parameters;
    char *body; /* NULL when there is none */
    struct row *rows;
    uint64_t body_bytes;
    uint64_t found; /* headers that the handler looked up */
};

struct response {
    char *bytes;
    size_t used_bytes;
    size_t capacity_bytes;
    uint64_t status; /* 0 until it is set; read back with the rest */
};

HX_TYPE(header_type, struct header, HX_PTR(next), HX_PTR(name), HX_PTR(value));
HX_TYPE(bucket_type, struct bucket, HX_PTR(first));
HX_TYPE(parameter_type, struct parameter, HX_PTR(next), HX_PTR(name), HX_PTR(value));
HX_TYPE(cell_type, struct cell, HX_PTR(text));
HX_TYPE(row_type, struct row, HX_PTR(next), HX_PTR(cells));
HX_TYPE(request_type, struct request, HX_PTR(buckets), HX_PTR(parameters), HX_PTR(body), HX_PTR(rows));
HX_TYPE(response_type, struct response, HX_PTR(bytes));

/* ---- parsing ----------------------------------------------------------------------------------------------------------- */

static char *copy_text(struct sc_scope *scope, const char *from, size_t bytes) {
    char *copy = sc_bytes(scope, bytes + 1);
    memcpy(copy, from, bytes);
    copy[bytes] = '\0';
    return copy;
}

static struct bucket *bucket_of(struct bucket *buckets, const char *name, size_t bytes) {
    return &buckets[hx_checksum_bytes(HX_CHECKSUM_INIT, name, bytes) % BUCKETS];
}

static void add_header(struct sc_scope *scope, struct request *request, const struct sc_request_plan *plan, const struct sc_request_pair *pair) {
    struct header *header = sc_new(scope, &header_type);
    hx_store(&header->name, copy_text(scope, plan->text + pair->name.at, pair->name.bytes));
    hx_store(&header->value, copy_text(scope, plan->text + pair->value.at, pair->value.bytes));
    header->name_bytes = pair->name.bytes;
    header->value_bytes = pair->value.bytes;
    struct bucket *bucket = bucket_of(request->buckets, header->name, header->name_bytes);
    hx_store(&header->next, bucket->first);
    hx_store(&bucket->first, header);
}

static void add_parameter(struct sc_scope *scope, struct request *request, const struct sc_request_plan *plan,
                          const struct sc_request_pair *pair) {
    struct parameter *parameter = sc_new(scope, &parameter_type);
    hx_store(&parameter->name, copy_text(scope, plan->text + pair->name.at, pair->name.bytes));
    hx_store(&parameter->value, copy_text(scope, plan->text + pair->value.at, pair->value.bytes));
    parameter->name_bytes = pair->name.bytes;
    parameter->value_bytes = pair->value.bytes;
    hx_store(&parameter->next, request->parameters);
    hx_store(&request->parameters, parameter);
}

static struct request *parse(struct sc_scope *scope, const struct sc_request_plan *plan, const struct sc_request *want) {
    struct request *request = sc_new(scope, &request_type);
    hx_store(&request->buckets, sc_slice(scope, &bucket_type, BUCKETS));
    for (uint32_t i = 0; i < want->header_count; i++) {
        add_header(scope, request, plan, &want->headers[i]);
    }
    for (uint32_t i = 0; i < want->parameter_count; i++) {
        add_parameter(scope, request, plan, &want->parameters[i]);
    }
    if (want->body_bytes != 0) {
        hx_store(&request->body, copy_text(scope, plan->text + want->key % (TEXT_BYTES - BODY_BYTES_MOST), want->body_bytes));
        request->body_bytes = want->body_bytes;
    }
    return request;
}

#endif
