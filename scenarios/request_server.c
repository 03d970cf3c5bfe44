/* request_server - parse a request, look things up, build a response, drop everything: the life a server leads.
 *
 * Why: the pattern that arenas are praised for: a few hundred objects of very mixed sizes whose lives all end with the request. A
 * life is one request: header lines into a hash map, cookies and query parameters into lists, a table of rows with formatted
 * cells, the response serialised into a buffer that doubles, as servers do. Requests are drawn at set-up by the seed; sizes follow
 * what web servers see: most strings short, a long tail (user agents, tokens, a body of a few KiB now and then).
 *
 * Needs zeroed memory, as code that uses a pool's calloc does: hash buckets, list heads and optional fields are never written. */
#define SC_ZEROED 1
#include "scenarios/common/sc_scenario.h"
#include "scenarios/common/sc_scope.h"

/* ---- the requests ------------------------------------------------------------------------------------------------------ */

struct plan_text {
    uint32_t at; /* in the plan's text */
    uint32_t bytes;
};

struct plan_pair {
    struct plan_text name;
    struct plan_text value;
};

struct plan_request {
    const struct plan_pair *headers;
    const struct plan_pair *parameters;
    uint32_t header_count;
    uint32_t parameter_count;
    uint32_t body_bytes; /* 0: none */
    uint32_t rows;       /* of the table in the response */
    uint32_t cells;      /* of each row */
    uint64_t key;        /* what the rows are computed from */
};

struct plan {
    const char *text;
    const struct plan_request *requests;
    uint32_t request_count;
};

/* At scale 1 one cycle asks for nearly one chunk of 8 MiB. */
#define REQUESTS_AT_SCALE_1 560.0

enum {
    TEXT_BYTES = 64 * 1024, /* one text that all names, values and bodies are cut from */
    NAME_COUNT = 40,        /* different header names, as in the world */
    HEADERS_MIN = 8,
    HEADERS_SPREAD = 13,
    PARAMETERS_SPREAD = 9,
    ROWS_MIN = 8,
    ROWS_SPREAD = 25,
    CELLS_MIN = 3,
    CELLS_SPREAD = 4,
    BODY_BYTES_MOST = 8192,
    BUCKETS = 32,
    RESPONSE_BYTES_FIRST = 512,
    CELL_BYTES_MOST = 40,
};

/* Lengths of values: 60 % up to 24 bytes, 30 % up to 96, 9 % up to 400, 1 % up to 2 KiB. */
static uint32_t draw_value_bytes(struct hx_rng *rng) {
    uint64_t dice = hx_rng_below(rng, 100);
    uint64_t spread = dice < 60 ? 24 : dice < 90 ? 96 : dice < 99 ? 400 : 2048;
    return 1 + (uint32_t)hx_rng_below(rng, spread);
}

static struct plan_text draw_text(struct hx_rng *rng, uint32_t bytes) {
    return (struct plan_text){(uint32_t)hx_rng_below(rng, TEXT_BYTES - bytes), bytes};
}

static void draw_pairs(struct hx_rng *rng, const struct plan_text *names, struct plan_pair *pairs, uint32_t count) {
    uint32_t first = (uint32_t)hx_rng_below(rng, NAME_COUNT);
    for (uint32_t i = 0; i < count; i++) {
        pairs[i].name = names[(first + i) % NAME_COUNT]; /* names of one request differ */
        pairs[i].value = draw_text(rng, draw_value_bytes(rng));
    }
}

static const void *setup(const struct sc_setup *setup) {
    struct hx_rng rng;
    hx_rng_init(&rng, setup->seed);
    struct plan *plan = sc_keep(sizeof *plan);
    double wanted = REQUESTS_AT_SCALE_1 * setup->scale + 0.5;
    plan->request_count = wanted < 1 ? 1 : (uint32_t)wanted;
    char *text = sc_keep(TEXT_BYTES);
    for (size_t i = 0; i < TEXT_BYTES; i++) {
        text[i] = (char)(' ' + hx_rng_below(&rng, 94));
    }
    plan->text = text;
    struct plan_text names[NAME_COUNT];
    for (size_t i = 0; i < NAME_COUNT; i++) {
        names[i] = draw_text(&rng, 4 + (uint32_t)hx_rng_below(&rng, 20));
    }
    struct plan_request *requests = sc_keep(plan->request_count * sizeof *requests);
    size_t pair_limit = plan->request_count * (size_t)(HEADERS_MIN + HEADERS_SPREAD + PARAMETERS_SPREAD);
    struct plan_pair *pairs = sc_keep(pair_limit * sizeof *pairs);
    for (uint32_t i = 0; i < plan->request_count; i++) {
        struct plan_request *request = &requests[i];
        request->header_count = HEADERS_MIN + (uint32_t)hx_rng_below(&rng, HEADERS_SPREAD);
        request->headers = pairs;
        draw_pairs(&rng, names, pairs, request->header_count);
        pairs += request->header_count;
        request->parameter_count = (uint32_t)hx_rng_below(&rng, PARAMETERS_SPREAD);
        request->parameters = pairs;
        draw_pairs(&rng, names, pairs, request->parameter_count);
        pairs += request->parameter_count;
        request->body_bytes = hx_rng_below(&rng, 4) == 0 ? 64 + (uint32_t)hx_rng_below(&rng, BODY_BYTES_MOST - 64) : 0;
        request->rows = ROWS_MIN + (uint32_t)hx_rng_below(&rng, ROWS_SPREAD);
        request->cells = CELLS_MIN + (uint32_t)hx_rng_below(&rng, CELLS_SPREAD);
        request->key = hx_rng_next(&rng);
    }
    plan->requests = requests;
    return plan;
}

/* ---- the server's objects ---------------------------------------------------------------------------------------------- */

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

static void add_header(struct sc_scope *scope, struct request *request, const struct plan *plan, const struct plan_pair *pair) {
    struct header *header = sc_new(scope, &header_type);
    hx_store(&header->name, copy_text(scope, plan->text + pair->name.at, pair->name.bytes));
    hx_store(&header->value, copy_text(scope, plan->text + pair->value.at, pair->value.bytes));
    header->name_bytes = pair->name.bytes;
    header->value_bytes = pair->value.bytes;
    struct bucket *bucket = bucket_of(request->buckets, header->name, header->name_bytes);
    hx_store(&header->next, bucket->first);
    hx_store(&bucket->first, header);
}

static void add_parameter(struct sc_scope *scope, struct request *request, const struct plan *plan,
                          const struct plan_pair *pair) {
    struct parameter *parameter = sc_new(scope, &parameter_type);
    hx_store(&parameter->name, copy_text(scope, plan->text + pair->name.at, pair->name.bytes));
    hx_store(&parameter->value, copy_text(scope, plan->text + pair->value.at, pair->value.bytes));
    parameter->name_bytes = pair->name.bytes;
    parameter->value_bytes = pair->value.bytes;
    hx_store(&parameter->next, request->parameters);
    hx_store(&request->parameters, parameter);
}

static struct request *parse(struct sc_scope *scope, const struct plan *plan, const struct plan_request *want) {
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

static void add_row(struct sc_scope *scope, struct request *request, const struct plan_request *want, uint32_t number) {
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

static void handle(struct sc_scope *scope, struct request *request, const struct plan *plan, const struct plan_request *want) {
    for (uint32_t i = 0; i < want->parameter_count; i++) {
        const struct plan_text *name = &want->parameters[i].name;
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

/* ---- reading back and dropping ------------------------------------------------------------------------------------------ */

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

HX_INLINE uint64_t cycle(struct sc_run *run, const struct plan *plan) {
    uint64_t sum = HX_CHECKSUM_INIT;
    for (uint32_t i = 0; i < plan->request_count; i++) {
        const struct plan_request *want = &plan->requests[i];
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
    }
    return sum;
}

static const struct sc_info info = {
    .name = "request_server",
    .why = "One scope a request: headers, parameters, a table and the response, hundreds of objects of mixed sizes, dropped together.",
    .zeroed = SC_ZEROED,
    .dials = {[SC_PROFILE_QUICK] = {{1.0, 1, 8}, {1.0, 1, 12}},
              [SC_PROFILE_FULL] = {{1.0, 1, 5}, {1.0, 1, 12}},
              [SC_PROFILE_GATE] = {[SC_PAGES_HUGE] = {0.5, 1, 16}}},
    .setup = setup,
};

SC_SCENARIO(request_server, info, cycle);
