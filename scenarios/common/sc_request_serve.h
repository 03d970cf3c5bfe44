/* sc_request_serve.h - one request from beginning to end: parse, look things up, build a table and the response, read back, drop.
 *
 * Why apart: request_server and request_open run this same code. Inline: part of the measured work. */
#ifndef SC_REQUEST_SERVE_H
#define SC_REQUEST_SERVE_H

#include "scenarios/common/sc_request_drop.h"

enum { RESPONSE_BYTES_FIRST = 512, CELL_BYTES_MOST = 40 };

/* ---- handling ---------------------------------------------------------------------------------------------------------- */

static const struct header *find_header(const struct request *request, const char *name, size_t bytes) {
    const struct header *header = bucket_of(request->buckets, name, bytes)->first;
    while (header != NULL && (header->name_bytes != bytes || memcmp(header->name, name, bytes) != 0)) {
        header = header->next;
    }
    return header;
}

/* "key:number" in decimal, at most CELL_BYTES_MOST bytes. */
static size_t format_cell(char *out, uint64_t key, uint64_t number) {
    char digits[20];
    size_t used = 0;
    const uint64_t parts[2] = {key, number};
    for (size_t part = 0; part < 2; part++) {
        uint64_t value = parts[part];
        size_t count = 0;
        do {
            digits[count++] = (char)('0' + value % 10);
            value /= 10;
        } while (value != 0);
        while (count > 0) {
            out[used++] = digits[--count];
        }
        if (part == 0) {
            out[used++] = ':';
        }
    }
    return used;
}

static void add_row(struct sc_scope *scope, struct request *request, const struct sc_request *want, uint32_t number) {
    struct row *row = sc_new(scope, &row_type);
    row->cell_count = want->cells;
    hx_store(&row->cells, sc_slice(scope, &cell_type, want->cells + 1)); /* the last stays zero and ends the row */
    for (uint32_t i = 0; i < want->cells; i++) {
        char text[CELL_BYTES_MOST];
        uint64_t mixed = hx_checksum_word(want->key + number, i);
        size_t bytes = format_cell(text, mixed >> (8 * (mixed & 7)), number); /* 1 to 20 digits */
        hx_store(&row->cells[i].text, copy_text(scope, text, bytes));
        row->cells[i].bytes = bytes;
    }
    hx_store(&row->next, request->rows);
    hx_store(&request->rows, row);
}

static void handle(struct sc_scope *scope, struct request *request, const struct sc_request_plan *plan, const struct sc_request *want) {
    for (uint32_t i = 0; i < want->parameter_count; i++) {
        const struct sc_request_text *name = &want->parameters[i].name;
        request->found += find_header(request, plan->text + name->at, name->bytes) != NULL;
    }
    for (uint32_t i = 0; i < want->rows; i++) {
        add_row(scope, request, want, i);
    }
}

/* ---- the response ------------------------------------------------------------------------------------------------------- */

static void append(struct sc_scope *scope, struct response *response, const char *bytes, size_t count) {
    if (response->used_bytes + count > response->capacity_bytes) {
        size_t capacity_bytes = response->capacity_bytes == 0 ? RESPONSE_BYTES_FIRST : response->capacity_bytes * 2;
        while (capacity_bytes < response->used_bytes + count) {
            capacity_bytes *= 2;
        }
        char *grown = sc_bytes(scope, capacity_bytes);
        if (response->bytes != NULL) {
            memcpy(grown, response->bytes, response->used_bytes);
            if (HX_FREES_EACH) {
                sc_free(scope, response->bytes, response->capacity_bytes);
            }
        }
        hx_store(&response->bytes, grown);
        response->capacity_bytes = capacity_bytes;
    }
    memcpy(response->bytes + response->used_bytes, bytes, count);
    response->used_bytes += count;
}

static struct response *respond(struct sc_scope *scope, const struct request *request) {
    struct response *response = sc_new(scope, &response_type);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (const struct header *header = request->buckets[i].first; header != NULL; header = header->next) {
            append(scope, response, header->name, header->name_bytes);
            append(scope, response, ": ", 2);
            append(scope, response, header->value, header->value_bytes);
            append(scope, response, "\r\n", 2);
        }
    }
    append(scope, response, "\r\n", 2);
    for (const struct row *row = request->rows; row != NULL; row = row->next) {
        for (const struct cell *cell = row->cells; cell->text != NULL; cell++) {
            append(scope, response, cell->text, cell->bytes);
            append(scope, response, "\t", 1);
        }
        append(scope, response, "\n", 1);
    }
    response->status = (request->body != NULL ? 201 : 200) + 1000 * request->found;
    return response;
}

/* ---- all of it ------------------------------------------------------------------------------------------------------------ */

/* One life; returns the running checksum with this request's contents folded in. */
HX_INLINE uint64_t sc_request_serve(struct sc_run *run, const struct sc_request_plan *plan, const struct sc_request *want, uint64_t sum) {
    struct sc_scope scope;
    sc_scope_open(run, &scope);
    struct request *request = parse(&scope, plan, want);
    handle(&scope, request, plan, want);
    struct response *response = respond(&scope, request);
    sc_use(&scope);
    sum = hx_checksum_word(sum, read_back(request, response));
    sc_release(&scope);
    if (HX_FREES_EACH) {
        sc_free(&scope, response->bytes, response->capacity_bytes);
        sc_free(&scope, response, sizeof *response);
        drop_request(&scope, request);
    }
    sc_scope_close(&scope);
    return sum;
}

#endif
