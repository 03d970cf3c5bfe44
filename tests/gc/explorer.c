/* explorer.c - every choice out of every state; see explorer.h. What was met is in explorer_graph.c. */
#include "gc/explorer.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "gc/explorer_graph.h"
#include "gc/explorer_thread.h"

#define STACK_USED_MAX ((size_t)12 << 10)
#define CHOICES_MAX 64u

struct choice {
    int8_t thread;
    uint8_t action;
    uint8_t op;
};

/* A state on the way to the one at hand. */
struct frame {
    char *copy;
    uint32_t state;
    size_t next;
    size_t count;
    struct choice choices[CHOICES_MAX];
};

static struct frame *frames;
static size_t depth;
static size_t frames_made;
static size_t copy_bytes;
static struct eg_step at_hand; /* the step that is being taken */

static size_t checked_stack_used(int thread)
{
    UA_CHECK(et_stack_used(thread) <= STACK_USED_MAX, "explorer: a stack is deeper than foreseen");
    return et_stack_used(thread);
}

static void copy_out(char *to)
{
    memcpy(to, et_threads, sizeof et_threads);
    to += sizeof et_threads;
    for (size_t i = 0; i < et_model->kept_count; to += et_model->kept[i++].bytes)
        memcpy(to, et_model->kept[i].at, et_model->kept[i].bytes);
    for (int i = 0; i < et_model->threads; to += et_stack_used(i++))
        memcpy(to, (void *)et_threads[i].sp, checked_stack_used(i));
}

static void copy_in(const char *from)
{
    memcpy(et_threads, from, sizeof et_threads);
    from += sizeof et_threads;
    for (size_t i = 0; i < et_model->kept_count; from += et_model->kept[i++].bytes)
        memcpy(et_model->kept[i].at, from, et_model->kept[i].bytes);
    for (int i = 0; i < et_model->threads; from += et_stack_used(i++))
        memcpy((void *)et_threads[i].sp, from, et_stack_used(i));
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0xff51afd7ed558ccdu;
    return hash ^ hash >> 32;
}

/* Four lanes: a multiplication waits for the one before it. */
uint64_t ex_digest(uint64_t before, const void *at, size_t bytes)
{
    uint64_t lanes[4] = {before, 1, 2, 3};
    uint64_t words[4];
    const char *from = at;

    for (; bytes >= sizeof words; from += sizeof words, bytes -= sizeof words) {
        memcpy(words, from, sizeof words);
        for (int i = 0; i < 4; i++)
            lanes[i] = mix(lanes[i], words[i]);
    }
    memset(words, 0, sizeof words);
    memcpy(words, from, bytes);
    for (int i = 0; i < 4; i++)
        lanes[0] = mix(mix(lanes[0], words[i]), i == 0 ? 0 : lanes[i]);
    return lanes[0];
}

static uint64_t key(void)
{
    uint64_t hash = et_model->digest();

    for (int i = 0; i < et_model->threads; i++) {
        const struct et_thread *self = &et_threads[i];
        uint64_t own[] = {self->held, (uintptr_t)self->on, self->wait, self->done, (uint64_t)self->timed | (uint64_t)self->idle << 1 |
            (uint64_t)self->pending << 2 | (uint64_t)self->masked << 3 | (uint64_t)self->gone << 4 | (uint64_t)self->is_child << 5};

        if (self->gone) {
            hash = ex_digest(hash, &own[4], sizeof own[4]);
            continue;
        }
        hash = ex_digest(hash, own, sizeof own);
        hash = ex_digest(hash, self->place[0].__jmpbuf, sizeof self->place[0].__jmpbuf);
        hash = ex_digest(hash, (void *)self->sp, et_stack_used(i));
    }
    return hash | (hash == 0);
}

static void add(struct frame *frame, int thread, enum et_action action, unsigned op)
{
    UA_CHECK(frame->count < CHOICES_MAX, "explorer: too many choices");
    frame->choices[frame->count++] = (struct choice){(int8_t)thread, (uint8_t)action, (uint8_t)op};
}

static bool can_go_on(const struct et_thread *self)
{
    return self->wait == ET_WAIT_NONE || self->wait == ET_WAIT_FORK || (self->wait == ET_WAIT_MUTEX && *(int *)self->on == 0);
}

/* Fills the frame's choices in; whether anybody is left. */
static bool list_choices(struct frame *frame, struct ex_counts *counts)
{
    bool left = false;

    frame->count = 0;
    for (int i = 0; i < et_model->threads; i++) {
        const struct et_thread *self = &et_threads[i];

        left = left || !self->gone;
        if (self->gone)
            continue;
        if (self->pending && !self->masked && !(et_model->keeps_back && !self->idle))
            add(frame, i, ET_SIGNAL, self->op);
        if (self->idle && self->done == et_model->ops[i]) {
            if (et_model->may_end(i))
                add(frame, i, ET_GO, 0);
        } else if (self->idle) {
            for (unsigned op = 0; op < et_model->op_kinds; op++)
                if (et_model->enabled(i, op))
                    add(frame, i, ET_GO, op);
        } else if (can_go_on(self)) {
            add(frame, i, ET_GO, self->op);
            if (self->wait == ET_WAIT_FORK)
                add(frame, i, ET_CHILD, self->op);
        }
    }
    if (frame->count > 0 || !left)
        return left;
    for (int i = 0; i < et_model->threads; i++)
        if (et_model->keeps_back && !et_threads[i].gone && et_threads[i].timed)
            add(frame, i, ET_TIMEOUT, et_threads[i].op);
    counts->rescued += frame->count > 0;
    return left;
}

static void print_step(const struct eg_step *step)
{
    static const char *const words[] = {"goes on", "gets the signal", "goes on as the child", "has slept long enough"};

    fprintf(stderr, "  thread %d, operation %u, at %s:%d, %s\n", step->thread, step->op, step->where, step->line, words[step->action]);
}

/* The way on which the state was met first. */
static void print_path(uint32_t state)
{
    const struct eg_step *step = eg_first_step(state);

    if (step->from == EG_NONE)
        return;
    print_path(step->from);
    print_step(step);
}

/* A check of the allocator's own failed in the step at hand: its message has been printed. */
static void on_abort(int number)
{
    (void)number;
    print_path(at_hand.from);
    print_step(&at_hand);
}

static void push(uint32_t state, struct ex_counts *counts)
{
    struct frame *frame;

    if (depth == frames_made) {
        frames_made += 64;
        frames = realloc(frames, frames_made * sizeof *frames);
        UA_CHECK(frames != NULL, "explorer: no memory");
        for (size_t i = depth; i < frames_made; i++)
            UA_CHECK((frames[i].copy = malloc(copy_bytes)) != NULL, "explorer: no memory");
    }
    frame = &frames[depth++];
    frame->state = state;
    frame->next = 0;
    copy_out(frame->copy);
    counts->states++;
    counts->longest = depth > counts->longest ? depth : counts->longest;
    if (!list_choices(frame, counts)) {
        counts->ends++;
        eg_set_end(state);
    } else if (frame->count == 0) {
        ex_fail("everybody sleeps, for ever");
    }
}

static void take(uint32_t state, struct choice choice, struct ex_counts *counts)
{
    struct et_thread *self = &et_threads[choice.thread];
    uint32_t met;
    bool is_new;

    at_hand = (struct eg_step){state, self->line, self->where, choice.thread, choice.action, choice.op};
    self->action = (enum et_action)choice.action;
    if (self->idle && choice.action == ET_GO)
        self->op = choice.op;
    et_resume(choice.thread);
    counts->steps++;
    met = eg_meet(key(), &at_hand, &is_new);
    if (is_new)
        push(met, counts);
}

/* Depth first, until all is known or something does not hold. */
static void explore(struct ex_counts *counts)
{
    static const struct eg_step first = {.from = EG_NONE};
    bool is_new;

    push(eg_meet(key(), &first, &is_new), counts);
    while (depth > 0 && et_failure == NULL) {
        struct frame *frame = &frames[depth - 1];

        if (frame->next == frame->count) {
            depth--;
            continue;
        }
        if (frame->next > 0)
            copy_in(frame->copy);
        if (counts->states >= et_model->states_max)
            ex_fail("more states than foreseen");
        take(frame->state, frame->choices[frame->next++], counts);
    }
}

static char *set_up(const struct ex_model *what)
{
    char *before;

    et_init(what);
    depth = 0;
    frames_made = 0;
    copy_bytes = sizeof et_threads + (size_t)what->threads * STACK_USED_MAX;
    for (size_t i = 0; i < what->kept_count; i++)
        copy_bytes += what->kept[i].bytes;
    before = malloc(copy_bytes);
    UA_CHECK(before != NULL, "explorer: no memory");
    copy_out(before);
    eg_init();
    signal(SIGABRT, on_abort);
    return before;
}

/* The model's memory is as it was. */
static void tear_down(char *before)
{
    copy_in(before);
    signal(SIGABRT, SIG_DFL);
    eg_deinit();
    et_deinit();
    for (size_t i = 0; i < frames_made; i++)
        free(frames[i].copy);
    free(frames);
    free(before);
    frames = NULL;
}

const char *ex_explore(const struct ex_model *what, struct ex_counts *counts)
{
    char *before = set_up(what);

    *counts = (struct ex_counts){0};
    for (int i = 0; i < et_model->threads; i++)
        et_resume(i);
    explore(counts);
    if (et_failure == NULL) {
        uint32_t trap = eg_trap();

        if (trap != EG_NONE) {
            ex_fail("from here the end cannot be reached");
            print_path(trap);
        }
    } else {
        print_path(at_hand.from);
        print_step(&at_hand);
    }
    tear_down(before);
    return et_failure;
}
