/* request_server - parse a request, look things up, build a response, drop everything: the life a server leads.
 *
 * Why: the pattern that arenas are praised for: a few hundred objects of very mixed sizes whose lives all end with the request. A
 * life is one request: header lines into a hash map, cookies and query parameters into lists, a table of rows with formatted
 * cells, the response serialised into a buffer that doubles, as servers do. Requests are drawn at set-up by the seed
 * (sc_request_plan.h). One follows the other at once, so this loop is closed: a request that waits for a slow one is not there yet.
 * request_open asks what such a wait costs.
 *
 * Needs zeroed memory, as code that uses a pool's calloc does: hash buckets, list heads and optional fields are never written. */
#define SC_ZEROED 1
#include "scenarios/common/sc_request_serve.h"

/* At scale 1 one cycle asks for nearly one chunk of 8 MiB. */
#define REQUESTS_AT_SCALE_1 560.0

static const void *setup(const struct sc_setup *setup) {
    return sc_request_draw(setup, REQUESTS_AT_SCALE_1);
}

HX_INLINE uint64_t cycle(struct sc_run *run, const struct sc_request_plan *plan) {
    uint64_t sum = HX_CHECKSUM_INIT;
    for (uint32_t i = 0; i < plan->request_count; i++) {
        sum = sc_request_serve(run, plan, &plan->requests[i], sum);
    }
    return sum;
}

static const struct sc_info info = {
    .name = "request_server",
    .why = "One scope a request: headers, parameters, a table and the response, hundreds of objects of mixed sizes, dropped together.",
    .zeroed = SC_ZEROED,
    .dials = {[SC_PROFILE_QUICK] = {{1.0, 1, 5}, {1.0, 1, 12}},
              [SC_PROFILE_FULL] = {{1.0, 1, 5}, {1.0, 1, 12}},
              [SC_PROFILE_GATE] = {[SC_PAGES_HUGE] = {0.5, 1, 16}}},
    .setup = setup,
};

SC_SCENARIO(request_server, info, cycle);
