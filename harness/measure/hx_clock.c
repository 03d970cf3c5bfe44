/* hx_clock.c - the real clock, the simulated one, and what a clock's readings say about itself. Rules: hx_clock.h. */
#include "measure/hx_clock.h"

#include <string.h>

static uint64_t real_now_ns(struct hx_clock *self) {
    (void)self;
    return hx_monotonic_ns();
}

static uint64_t real_thread_cpu_ns(struct hx_clock *self) {
    (void)self;
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * HX_NS_PER_S + (uint64_t)now.tv_nsec;
}

struct hx_clock *hx_clock_real(void) {
    static struct hx_clock real = {.now_ns = real_now_ns, .thread_cpu_ns = real_thread_cpu_ns}; /* never written */
    return &real;
}

static uint64_t simulated_now_ns(struct hx_clock *self) {
    struct hx_clock_simulated *simulated = (struct hx_clock_simulated *)self;
    simulated->true_ns += simulated->cost_ns;
    return simulated->true_ns - simulated->true_ns % simulated->step_ns;
}

static uint64_t simulated_cpu_ns(struct hx_clock *self) {
    return ((struct hx_clock_simulated *)self)->true_ns;
}

void hx_clock_simulated_init(struct hx_clock_simulated *simulated, uint64_t step_ns, uint64_t cost_ns) {
    HX_CHECK(step_ns >= 1);
    *simulated = (struct hx_clock_simulated){
        .clock = {.now_ns = simulated_now_ns, .thread_cpu_ns = simulated_cpu_ns},
        .true_ns = HX_NS_PER_S,
        .step_ns = step_ns,
        .cost_ns = cost_ns,
    };
}

void hx_clock_simulated_advance(struct hx_clock_simulated *simulated, uint64_t ns) {
    simulated->true_ns += ns;
}

/* Shell sort: qsort of glibc calls malloc for larger arrays. */
static void sort_u64(uint64_t *values, size_t count) {
    for (size_t gap = count / 2; gap > 0; gap /= 2) {
        for (size_t i = gap; i < count; i++) {
            uint64_t value = values[i];
            size_t j = i;
            for (; j >= gap && values[j - gap] > value; j -= gap) {
                values[j] = values[j - gap];
            }
            values[j] = value;
        }
    }
}

enum {
    BLUR_NS = 1,            /* two counter ticks of one place may differ by this after conversion to ns */
    PLACE_WIDTH_MAX_NS = 2, /* a run of neighbouring values wider than this is a fine clock, not one place */
    PLACES_MAX = 64,
};

uint64_t hx_clock_step_ns(uint64_t *differences_ns, size_t count) {
    if (count == 0) {
        return 1;
    }
    sort_u64(differences_ns, count);
    size_t rare = count / 1000;
    uint64_t place_ns[PLACES_MAX]; /* first value of each place, ascending */
    size_t place_count = 0;
    size_t from = 0;
    while (from < count && place_count < PLACES_MAX) {
        size_t to = from + 1;
        while (to < count && differences_ns[to] - differences_ns[to - 1] <= BLUR_NS) {
            to++;
        }
        uint64_t width_ns = differences_ns[to - 1] - differences_ns[from];
        if (to - from > rare) {
            if (width_ns > PLACE_WIDTH_MAX_NS) {
                return 1; /* every nanosecond value occurs */
            }
            place_ns[place_count++] = differences_ns[from + (to - from) / 2];
        }
        from = to;
    }
    uint64_t step_ns = UINT64_MAX;
    for (size_t i = 0; i < place_count; i++) {
        uint64_t gap_ns = i == 0 ? place_ns[0] : place_ns[i] - place_ns[i - 1];
        if (gap_ns > BLUR_NS && gap_ns < step_ns) {
            step_ns = gap_ns; /* place_ns[0] counts from 0: two equal readings */
        }
    }
    return step_ns == UINT64_MAX ? 1 : step_ns;
}

enum { READINGS = 4096, BATCHES = 5 /* odd: the median is the middle one */ };

void hx_clock_quality(struct hx_clock *clock, struct hx_clock_quality *out) {
    uint64_t *readings = hx_map_or_die((READINGS + 1) * sizeof *readings, "clock readings");
    memset(readings, 0, (READINGS + 1) * sizeof *readings);
    uint64_t batch_ns[BATCHES];
    for (size_t batch = 0; batch < BATCHES; batch++) {
        for (size_t i = 0; i <= READINGS; i++) {
            readings[i] = hx_now_ns(clock);
        }
        batch_ns[batch] = readings[READINGS] - readings[0];
    }
    sort_u64(batch_ns, BATCHES);
    out->cost_ns = (double)batch_ns[BATCHES / 2] / READINGS;
    for (size_t i = 0; i < READINGS; i++) {
        readings[i] = readings[i + 1] - readings[i];
    }
    out->step_ns = hx_clock_step_ns(readings, READINGS);
    out->least_ns = readings[0];
    hx_unmap(readings, (READINGS + 1) * sizeof *readings);
}
