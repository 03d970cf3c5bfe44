/* hx_team.c - see hx_team.h.
 *
 * Two words of memory carry everything: `turn` counts up when a step is handed out, `running` counts down as lanes end it. Whoever
 * changes one wakes the sleepers, who look again. They sleep on a condition variable and not on the words themselves, though the kernel
 * could do that: the collector stops threads by signal, and ThreadSanitizer delivers one to a sleeper only in calls that it knows. */
#include "worker/hx_team.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* Looks before sleeping: about 20 us at a few ns each, some times a wake-up. */
enum { LOOKS = 4000 };
enum { NO_LANE = 0xffffffff };

struct hx_team {
    pthread_mutex_t lock; /* between the last look of one who is going to sleep and the waking; guards nothing else */
    pthread_cond_t moved;
    unsigned looks; /* 0 with more lanes than PUs: a spinning lane would take the PU of one that works */

    /* A step. Written by the main thread before `turn` moves, read after. */
    hx_team_step *step;
    void *argument;
    unsigned only; /* the one lane that runs it, or NO_LANE: all */
    _Atomic uint32_t turn;
    _Atomic uint32_t running; /* other lanes that have not ended the step */

    /* Gathering inside a step. `gather_ns` is written by the last lane before `round` moves. */
    _Atomic uint32_t missing;
    _Atomic uint32_t round;
    uint64_t gather_ns;
};

static void wake(struct hx_team *team) {
    HX_CHECK(pthread_mutex_lock(&team->lock) == 0);
    HX_CHECK(pthread_cond_broadcast(&team->moved) == 0);
    HX_CHECK(pthread_mutex_unlock(&team->lock) == 0);
}

/* Until *word is no longer `old`; returns what it is. */
static uint32_t await_change(struct hx_team *team, _Atomic uint32_t *word, uint32_t old) {
    for (unsigned i = 0; i < team->looks; i++) {
        uint32_t now = atomic_load_explicit(word, memory_order_acquire);
        if (now != old) {
            return now;
        }
    }
    uint32_t now;
    HX_CHECK(pthread_mutex_lock(&team->lock) == 0);
    while ((now = atomic_load_explicit(word, memory_order_acquire)) == old) {
        HX_CHECK(pthread_cond_wait(&team->moved, &team->lock) == 0);
    }
    HX_CHECK(pthread_mutex_unlock(&team->lock) == 0);
    return now;
}

static void await_zero(struct hx_team *team, _Atomic uint32_t *word) {
    uint32_t now = atomic_load_explicit(word, memory_order_acquire);
    while (now != 0) {
        now = await_change(team, word, now);
    }
}

void hx_team_bind(struct hx_lane *lane) {
    const struct hx_ask *ask = lane->job->ask;
    if (ask->pu_count == 0) {
        return;
    }
    unsigned pu = ask->pu[lane->index];
    int error = hx_pin_thread(pu);
    if (error != 0) {
        hx_die("cannot bind to PU %u: %s", pu, strerror(error));
    }
    hx_pin_proof_take(&lane->pin, pu);
}

static void *run_lane(void *self) {
    struct hx_lane *lane = self;
    struct hx_team *team = lane->job->team;
    uint32_t turn = 0;
    for (;;) {
        turn = await_change(team, &team->turn, turn);
        if (team->only == NO_LANE || team->only == lane->index) {
            team->step(lane, team->argument);
        }
        if (atomic_fetch_sub_explicit(&team->running, 1, memory_order_acq_rel) == 1) {
            wake(team);
        }
    }
    return NULL;
}

static void bind_lane(struct hx_lane *lane, void *argument) {
    (void)argument;
    if (lane->index != 0) {
        hx_team_bind(lane);
    }
}

void hx_team_start(struct hx_job *job) {
    const struct hx_ask *ask = job->ask;
    if (ask->threads == 1) {
        return;
    }
    struct hx_team *team = hx_map_or_die(sizeof *team, "memory for the threads");
    HX_CHECK(pthread_mutex_init(&team->lock, NULL) == 0 && pthread_cond_init(&team->moved, NULL) == 0);
    team->looks = hx_job_lanes_per_pu(ask) > 1 ? 0 : LOOKS;
    job->team = team;
    for (unsigned i = 1; i < ask->threads; i++) {
        pthread_t thread;
        int error = pthread_create(&thread, NULL, run_lane, &job->lane[i]);
        if (error != 0) {
            hx_die("cannot start thread %u of %u: %s", i + 1, ask->threads, strerror(error));
        }
        pthread_detach(thread); /* it ends with the process */
    }
    hx_team_in_turn(job, bind_lane, NULL); /* a new thread inherits its maker's PU; now each has its own */
}

static void hand_out(struct hx_job *job, hx_team_step *step, void *argument, unsigned only) {
    struct hx_team *team = job->team;
    team->step = step;
    team->argument = argument;
    team->only = only;
    atomic_store_explicit(&team->running, job->ask->threads - 1, memory_order_relaxed);
    atomic_store_explicit(&team->missing, job->ask->threads, memory_order_relaxed);
    atomic_fetch_add_explicit(&team->turn, 1, memory_order_release);
    wake(team);
    if (only == NO_LANE || only == 0) {
        step(&job->lane[0], argument);
    }
    await_zero(team, &team->running);
}

void hx_team_all(struct hx_job *job, hx_team_step *step, void *argument) {
    if (job->team == NULL) {
        step(&job->lane[0], argument);
        return;
    }
    hand_out(job, step, argument, NO_LANE);
}

void hx_team_in_turn(struct hx_job *job, hx_team_step *step, void *argument) {
    if (job->team == NULL) {
        step(&job->lane[0], argument);
        return;
    }
    for (unsigned i = 0; i < job->ask->threads; i++) {
        hand_out(job, step, argument, i);
    }
}

uint64_t hx_team_gather(struct hx_job *job) {
    struct hx_team *team = job->team;
    if (team == NULL) {
        return hx_monotonic_ns();
    }
    uint32_t round = atomic_load_explicit(&team->round, memory_order_acquire);
    if (atomic_fetch_sub_explicit(&team->missing, 1, memory_order_acq_rel) == 1) {
        atomic_store_explicit(&team->missing, job->ask->threads, memory_order_relaxed);
        team->gather_ns = hx_monotonic_ns();
        atomic_fetch_add_explicit(&team->round, 1, memory_order_release);
        wake(team);
        return team->gather_ns;
    }
    await_change(team, &team->round, round);
    return team->gather_ns;
}
