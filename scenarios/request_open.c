/* request_open - the requests of request_server, each at its own time: an open loop.
 *
 * Why: in a closed loop nobody waits while a request stalls, so the stall is one slow call among thousands; a server's clients do not
 * stop coming. Here each request has an intended start, drawn by the seed (exponential gaps), the same on every backend, and its
 * latency counts from there: what a collection or a page-fault storm costs is paid by the queue behind it too. See hx_arrivals.h.
 *
 * Only latencies make sense: time per op would measure the schedule. The rate is fixed, not a share of what each backend could do:
 * at the same demand, the better one has more air. */
#define SC_ZEROED 1
#include "scenarios/common/sc_arrivals.h"
#include "scenarios/common/sc_request_serve.h"

#define REQUESTS_AT_SCALE_1 560.0
/* One each 50 us. A request takes 5 to 15 us on the machines this was written on, so a thread is busy for 10 to 30 % of the time. */
#define RATE_PER_S 20000.0

struct open_plan {
    const struct sc_request_plan *requests;
    uint64_t *due_ns; /* one a request, after the cycle's beginning */
};

static const void *setup(const struct sc_setup *setup) {
    struct open_plan *plan = sc_keep(sizeof *plan);
    plan->requests = sc_request_draw(setup, REQUESTS_AT_SCALE_1);
    plan->due_ns = sc_keep(plan->requests->request_count * sizeof *plan->due_ns);
    struct hx_rng rng;
    hx_rng_init(&rng, ~setup->seed); /* a stream of its own: the requests are those of request_server */
    sc_arrivals_draw(&rng, setup->rate_per_s, plan->due_ns, plan->requests->request_count);
    return plan;
}

HX_INLINE uint64_t cycle(struct sc_run *run, const struct open_plan *plan) {
    uint64_t sum = HX_CHECKSUM_INIT;
    sc_arrivals(run);
    for (uint32_t i = 0; i < plan->requests->request_count; i++) {
        sc_arrival(run, plan->due_ns[i]);
        sum = sc_request_serve(run, plan->requests, &plan->requests->requests[i], sum);
    }
    return sum;
}

static const struct sc_info info = {
    .name = "request_open",
    .why = "The requests of request_server at intended times, 20,000 a second: latency from then, so the queue behind a stall is seen.",
    .zeroed = SC_ZEROED,
    .rate_per_s = RATE_PER_S,
    .arms = "each,reuse,collect,bulk", /* no time is measured, so keep and fresh have no credit to split */
    .dials = {[SC_PROFILE_QUICK] = {{1.0, 1, 12}, {1.0, 1, 12}}, [SC_PROFILE_FULL] = {{1.0, 1, 12}, {1.0, 1, 12}}},
    .setup = setup,
};

SC_SCENARIO(request_open, info, cycle);
