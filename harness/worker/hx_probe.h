/* hx_probe.h - what a probed scenario tells the worker: requests, live bytes, latencies, phases.
 *
 * Why: each scenario source is compiled three times with a constant HX_PROBE, so that a figure is taken only where its probe
 * cannot bend it:
 *
 *   NONE    time, counts           not one instruction of the harness inside a block
 *   SCOPES  requests, counters     a few calls a life: begin of use, begin of release, end
 *   CALLS   plan, memory, latency  every allocation and free: oracle of live bytes, hash of the sequence, clock
 *
 * Timing each call would lengthen the request around it by two clock readings an object; so whole requests are timed in
 * form SCOPES, single calls in form CALLS. Threads: one probe belongs to one thread. No malloc. */
#ifndef HX_PROBE_H
#define HX_PROBE_H

#include "base/hx_rng.h"
#include "measure/hx_hist.h"
#include "worker/hx_arrivals.h"

#define HX_PROBE_NONE 0
#define HX_PROBE_SCOPES 1
#define HX_PROBE_CALLS 2

enum hx_call {
    HX_CALL_ALLOC,   /* one allocation */
    HX_CALL_REFILL,  /* those of them that took a chunk */
    HX_CALL_FREE,    /* one free */
    HX_CALL_RELEASE, /* all of a life: frees and the end of its scope */
    HX_CALL_REQUEST, /* one whole life */
    HX_CALL_COUNT,
};

enum hx_phase { HX_PHASE_SETUP, HX_PHASE_ALLOC, HX_PHASE_USE, HX_PHASE_RELEASE, HX_PHASE_IDLE, HX_PHASE_COUNT };

/* A fair sample of the sizes asked for (reservoir), for hx_litter. */
enum { HX_SIZES_MAX = 4096 };
struct hx_sizes {
    uint64_t seen;
    uint32_t bytes[HX_SIZES_MAX];
};

static inline void hx_sizes_note(struct hx_sizes *sizes, uint64_t bytes) {
    uint64_t at = sizes->seen;
    if (at >= HX_SIZES_MAX) {
        at = hx_checksum_word(HX_CHECKSUM_INIT, at) % (at + 1);
    }
    if (at < HX_SIZES_MAX) {
        sizes->bytes[at] = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
    }
    sizes->seen++;
}

struct hx_probe {
    /* The oracle, form CALLS. It counts what the program asked for and still needs, knowing nothing of the allocator. */
    uint64_t ops;             /* allocation requests so far */
    uint64_t requested_bytes; /* sum of them */
    uint64_t padded_bytes;    /* sum as a malloc with an 8-byte header and 16-byte steps would lay them out */
    uint64_t live_bytes;      /* of scopes that are open, minus what was freed one by one */
    uint64_t live_peak_bytes;
    uint64_t frees;
    uint64_t allocation_sum; /* hash over size, count and kind of each request, in order */
    uint64_t requests;       /* scopes ended, forms SCOPES and CALLS */
    struct hx_sizes *sizes;  /* NULL: nobody wants them */

    /* Latency: NULL entries are not timed. */
    struct hx_hist *hist[HX_CALL_COUNT];
    uint64_t call_start_ns;
    uint64_t request_start_ns;
    uint64_t release_start_ns;
    struct hx_arrivals arrivals; /* open loop: its clock is set in pass latency alone */
    uint64_t intended_ns;        /* of the request that begins next; 0: it begins when it begins */

    /* Memory: on_sample runs when ops reaches sample_due_ops. UINT64_MAX: never. */
    uint64_t sample_due_ops;
    void (*on_sample)(struct hx_probe *probe);

    /* Counters: told of every change of phase; NULL: nobody listens. */
    void (*on_phase)(struct hx_probe *probe, enum hx_phase phase);
    void *listener;
};

static inline void hx_probe_init(struct hx_probe *probe) {
    *probe = (struct hx_probe){.allocation_sum = HX_CHECKSUM_INIT, .sample_due_ops = UINT64_MAX};
}

/* Only the probe's own thread changes `ops` and `live_bytes`; in pass memory lane 0 reads those of the others. */
static inline void hx_probe_publish(uint64_t *field, uint64_t value) {
    __atomic_store_n(field, value, __ATOMIC_RELAXED);
}

static inline uint64_t hx_probe_peek(const uint64_t *field) {
    return __atomic_load_n(field, __ATOMIC_RELAXED);
}

static inline void hx_probe_live_drop(struct hx_probe *probe, uint64_t bytes) {
    hx_probe_publish(&probe->live_bytes, probe->live_bytes - bytes);
}

static inline void hx_probe_call_begin(struct hx_probe *probe, enum hx_call call) {
    if (probe->hist[call] != NULL) {
        probe->call_start_ns = hx_monotonic_ns();
    }
}

static inline void hx_probe_call_end(struct hx_probe *probe, enum hx_call call, bool refilled) {
    if (probe->hist[call] == NULL) {
        return;
    }
    uint64_t took_ns = hx_monotonic_ns() - probe->call_start_ns;
    hx_hist_record(probe->hist[call], took_ns);
    if (refilled && probe->hist[HX_CALL_REFILL] != NULL) {
        hx_hist_record(probe->hist[HX_CALL_REFILL], took_ns);
    }
}

/* After the timed part. kind: 0 typed, 1 slice, 2 bytes. */
static inline void hx_probe_count(struct hx_probe *probe, size_t size_bytes, size_t count, unsigned kind) {
    uint64_t bytes = (uint64_t)size_bytes * count;
    hx_probe_publish(&probe->ops, probe->ops + 1);
    probe->requested_bytes += bytes;
    uint64_t padded_bytes = (bytes + 8 + 15) & ~UINT64_C(15);
    probe->padded_bytes += padded_bytes < 32 ? 32 : padded_bytes;
    hx_probe_publish(&probe->live_bytes, probe->live_bytes + bytes);
    if (probe->live_bytes > probe->live_peak_bytes) {
        probe->live_peak_bytes = probe->live_bytes;
    }
    probe->allocation_sum = hx_checksum_word(probe->allocation_sum, (uint64_t)size_bytes << 34 ^ (uint64_t)count << 2 ^ kind);
    if (probe->sizes != NULL) {
        hx_sizes_note(probe->sizes, bytes);
    }
    if (probe->ops >= probe->sample_due_ops) {
        probe->on_sample(probe);
    }
}

static inline void hx_probe_phase(struct hx_probe *probe, enum hx_phase phase) {
    if (probe->on_phase != NULL) {
        probe->on_phase(probe, phase);
    }
}

/* Open loop: a schedule begins, and a request of it is waited for. */
static inline void hx_probe_arrivals_begin(struct hx_probe *probe) {
    hx_arrivals_begin(&probe->arrivals);
}

static inline void hx_probe_arrival(struct hx_probe *probe, uint64_t due_ns) {
    if (probe->arrivals.clock != NULL) {
        probe->intended_ns = hx_arrivals_wait(&probe->arrivals, due_ns);
    }
}

static inline void hx_probe_request_begin(struct hx_probe *probe) {
    hx_probe_phase(probe, HX_PHASE_ALLOC);
    if (probe->hist[HX_CALL_REQUEST] != NULL) {
        probe->request_start_ns = probe->intended_ns != 0 ? probe->intended_ns : hx_monotonic_ns();
    }
}

static inline void hx_probe_use_begin(struct hx_probe *probe) {
    hx_probe_phase(probe, HX_PHASE_USE);
}

static inline void hx_probe_release_begin(struct hx_probe *probe) {
    hx_probe_phase(probe, HX_PHASE_RELEASE);
    if (probe->hist[HX_CALL_RELEASE] != NULL) {
        probe->release_start_ns = hx_monotonic_ns();
    }
}

static inline void hx_probe_request_end(struct hx_probe *probe) {
    if (probe->hist[HX_CALL_REQUEST] != NULL) {
        uint64_t now_ns = hx_monotonic_ns();
        hx_hist_record(probe->hist[HX_CALL_REQUEST], now_ns - probe->request_start_ns);
        hx_hist_record(probe->hist[HX_CALL_RELEASE], now_ns - probe->release_start_ns);
    }
    probe->requests++;
    hx_probe_phase(probe, HX_PHASE_IDLE);
}

#endif
