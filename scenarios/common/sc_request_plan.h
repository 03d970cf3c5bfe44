/* sc_request_plan.h - the requests that a server is going to be asked, drawn at set-up by the seed.
 *
 * Why apart: request_server and request_open serve the same requests; they differ in when one comes. Sizes follow what web servers
 * see: most strings short, a long tail (user agents, tokens, a body of a few KiB now and then). */
#ifndef SC_REQUEST_PLAN_H
#define SC_REQUEST_PLAN_H

#include "scenarios/common/sc_scenario.h"

struct sc_request_text {
    uint32_t at; /* in the plan's text */
    uint32_t bytes;
};

struct sc_request_pair {
    struct sc_request_text name;
    struct sc_request_text value;
};

struct sc_request {
    const struct sc_request_pair *headers;
    const struct sc_request_pair *parameters;
    uint32_t header_count;
    uint32_t parameter_count;
    uint32_t body_bytes; /* 0: none */
    uint32_t rows;       /* of the table in the response */
    uint32_t cells;      /* of each row */
    uint64_t key;        /* what the rows are computed from */
};

struct sc_request_plan {
    const char *text;
    const struct sc_request *requests;
    uint32_t request_count;
};

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
};

/* Lengths of values: 60 % up to 24 bytes, 30 % up to 96, 9 % up to 400, 1 % up to 2 KiB. */
static uint32_t draw_value_bytes(struct hx_rng *rng) {
    uint64_t dice = hx_rng_below(rng, 100);
    uint64_t spread = dice < 60 ? 24 : dice < 90 ? 96 : dice < 99 ? 400 : 2048;
    return 1 + (uint32_t)hx_rng_below(rng, spread);
}

static struct sc_request_text draw_text(struct hx_rng *rng, uint32_t bytes) {
    return (struct sc_request_text){(uint32_t)hx_rng_below(rng, TEXT_BYTES - bytes), bytes};
}

static void draw_pairs(struct hx_rng *rng, const struct sc_request_text *names, struct sc_request_pair *pairs, uint32_t count) {
    uint32_t first = (uint32_t)hx_rng_below(rng, NAME_COUNT);
    for (uint32_t i = 0; i < count; i++) {
        pairs[i].name = names[(first + i) % NAME_COUNT]; /* names of one request differ */
        pairs[i].value = draw_text(rng, draw_value_bytes(rng));
    }
}

/* requests_at_scale_1 of them, by the set-up's scale and seed. */
static const struct sc_request_plan *sc_request_draw(const struct sc_setup *setup, double requests_at_scale_1) {
    struct hx_rng rng;
    hx_rng_init(&rng, setup->seed);
    struct sc_request_plan *plan = sc_keep(sizeof *plan);
    double wanted = requests_at_scale_1 * setup->scale + 0.5;
    plan->request_count = wanted < 1 ? 1 : (uint32_t)wanted;
    char *text = sc_keep(TEXT_BYTES);
    for (size_t i = 0; i < TEXT_BYTES; i++) {
        text[i] = (char)(' ' + hx_rng_below(&rng, 94));
    }
    plan->text = text;
    struct sc_request_text names[NAME_COUNT];
    for (size_t i = 0; i < NAME_COUNT; i++) {
        names[i] = draw_text(&rng, 4 + (uint32_t)hx_rng_below(&rng, 20));
    }
    struct sc_request *requests = sc_keep(plan->request_count * sizeof *requests);
    size_t pair_limit = plan->request_count * (size_t)(HEADERS_MIN + HEADERS_SPREAD + PARAMETERS_SPREAD);
    struct sc_request_pair *pairs = sc_keep(pair_limit * sizeof *pairs);
    for (uint32_t i = 0; i < plan->request_count; i++) {
        struct sc_request *request = &requests[i];
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

#endif
