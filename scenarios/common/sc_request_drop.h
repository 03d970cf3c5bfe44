/* sc_request_drop.h - reading a served request back, and giving up what it is made of.
 *
 * Why apart from sc_request_serve.h: that one builds, this one ends. Inline: part of the measured work. */
#ifndef SC_REQUEST_DROP_H
#define SC_REQUEST_DROP_H

#include "scenarios/common/sc_request_parse.h"

static uint64_t read_back(const struct request *request, const struct response *response) {
    uint64_t sum = hx_checksum_bytes(HX_CHECKSUM_INIT, response->bytes, response->used_bytes);
    sum = hx_checksum_word(sum, response->status);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (const struct header *header = request->buckets[i].first; header != NULL; header = header->next) {
            sum = hx_checksum_bytes(sum, header->value, header->value_bytes);
        }
    }
    for (const struct parameter *parameter = request->parameters; parameter != NULL; parameter = parameter->next) {
        sum = hx_checksum_bytes(sum, parameter->name, parameter->name_bytes);
        sum = hx_checksum_bytes(sum, parameter->value, parameter->value_bytes);
    }
    if (request->body != NULL) {
        sum = hx_checksum_bytes(sum, request->body, request->body_bytes);
    }
    for (const struct row *row = request->rows; row != NULL; row = row->next) {
        for (const struct cell *cell = row->cells; cell->text != NULL; cell++) {
            sum = hx_checksum_bytes(sum, cell->text, cell->bytes);
        }
    }
    return sum;
}

static void drop_rows(struct sc_scope *scope, struct row *row) {
    while (row != NULL) {
        struct row *next = row->next;
        for (struct cell *cell = row->cells; cell->text != NULL; cell++) {
            sc_free(scope, cell->text, cell->bytes + 1);
        }
        sc_free(scope, row->cells, (row->cell_count + 1) * sizeof *row->cells);
        sc_free(scope, row, sizeof *row);
        row = next;
    }
}

static void drop_request(struct sc_scope *scope, struct request *request) {
    for (size_t i = 0; i < BUCKETS; i++) {
        struct header *header = request->buckets[i].first;
        while (header != NULL) {
            struct header *next = header->next;
            sc_free(scope, header->name, header->name_bytes + 1);
            sc_free(scope, header->value, header->value_bytes + 1);
            sc_free(scope, header, sizeof *header);
            header = next;
        }
    }
    sc_free(scope, request->buckets, BUCKETS * sizeof *request->buckets);
    struct parameter *parameter = request->parameters;
    while (parameter != NULL) {
        struct parameter *next = parameter->next;
        sc_free(scope, parameter->name, parameter->name_bytes + 1);
        sc_free(scope, parameter->value, parameter->value_bytes + 1);
        sc_free(scope, parameter, sizeof *parameter);
        parameter = next;
    }
    if (request->body != NULL) {
        sc_free(scope, request->body, request->body_bytes + 1);
    }
    drop_rows(scope, request->rows);
    sc_free(scope, request, sizeof *request);
}

#endif
