/* interleave_states.c - every step out of every state that can be reached; see interleave.h.
 *
 * States in the order of operations finished, so that one is met first with few of them done. A state is kept as its key, the
 * operations that each thread has done, and the step that led to it: it is reached again by repeating its path from the first
 * state. Each run takes one step beyond a path, and its end checks everything there.
 *
 * A state is dropped when the same was met before with no thread further: whatever follows here follows there too. Keys are
 * 64-bit hashes: among ten million states two share one by chance with probability 3e-6. */
#include <stdlib.h>
#include <string.h>

#include "allocator/interleave.h"
#include "base/base.h"

#define NOBODY UINT32_MAX
#define LEVELS (IL_THREADS * 16 + 1)

struct state {
    uint64_t key;
    uint32_t parent;
    uint32_t next; /* in the table, and in its level */
    uint32_t next_in_level;
    uint8_t choice;
    uint8_t done[IL_THREADS];
};

static struct state *states;
static size_t state_count, state_capacity;
static uint32_t *heads; /* hash table of chains */
static size_t head_count;
static uint32_t levels[LEVELS]; /* states not yet left, by operations finished; last in, first out */

static void put_in_table(uint32_t index)
{
    uint32_t *head = &heads[states[index].key & (head_count - 1)];

    states[index].next = *head;
    *head = index;
}

static void grow(void)
{
    state_capacity = state_capacity == 0 ? (size_t)1 << 16 : state_capacity * 2;
    UA_CHECK(state_capacity < NOBODY, "interleave: too many states");
    states = realloc(states, state_capacity * sizeof *states);
    free(heads);
    head_count = state_capacity;
    heads = malloc(head_count * sizeof *heads);
    UA_CHECK(states != NULL && heads != NULL, "interleave: no memory");
    memset(heads, 0xff, head_count * sizeof *heads);
    for (uint32_t i = 0; i < state_count; i++)
        put_in_table(i);
}

static bool covers(const uint8_t *fewer, const uint8_t *done)
{
    for (int i = 0; i < IL_THREADS; i++)
        if (fewer[i] > done[i])
            return false;
    return true;
}

/* Whether a state other than `self` covers this one. */
static bool is_covered(uint64_t key, const uint8_t *done, uint32_t self)
{
    for (uint32_t i = heads[key & (head_count - 1)]; i != NOBODY; i = states[i].next)
        if (i != self && states[i].key == key && covers(states[i].done, done))
            return true;
    return false;
}

/* The state that the run has come to: kept, or counted as known. */
static void arrive(uint32_t parent, unsigned choice, struct il_counts *counts)
{
    struct state state = {.parent = parent, .choice = (uint8_t)choice};
    unsigned level = 0;

    state.key = il_key(state.done);
    if (state_count > 0 && is_covered(state.key, state.done, NOBODY)) {
        counts->known++;
        return;
    }
    for (int i = 0; i < IL_THREADS; i++)
        level += state.done[i];
    UA_CHECK(level < LEVELS && choice <= UINT8_MAX, "interleave: too many operations");
    if (state_count == state_capacity)
        grow();
    state.next_in_level = levels[level];
    levels[level] = (uint32_t)state_count;
    states[state_count] = state;
    put_in_table((uint32_t)state_count++);
}

static void repeat(uint32_t index, struct il_counts *counts)
{
    uint8_t choices[IL_STEPS_MAX];
    size_t length = 0;
    int thread = -1;
    unsigned op = 0;

    for (; states[index].parent != NOBODY; index = states[index].parent) {
        UA_CHECK(length < IL_STEPS_MAX, "interleave: too many steps");
        choices[length++] = states[index].choice;
    }
    counts->steps += length;
    il_begin_run();
    while (length > 0) {
        il_choose(choices[--length], &thread, &op);
        il_step(thread, op);
    }
}

/* Every step out of one state. */
static void leave(uint32_t index, struct il_counts *counts)
{
    unsigned count = 1;

    counts->states++;
    for (unsigned choice = 0; choice < count; choice++) {
        int thread = -1;
        unsigned op = 0;

        repeat(index, counts);
        count = il_choose(UINT32_MAX, &thread, &op);
        if (count > 0) {
            il_choose(choice, &thread, &op);
            il_step(thread, op);
            counts->steps++;
            arrive(index, choice, counts);
        }
        il_end_run(counts);
    }
}

void il_enumerate(const struct il_model *model, struct il_counts *counts)
{
    *counts = (struct il_counts){0};
    memset(levels, 0xff, sizeof levels);
    il_start(model);
    il_begin_run();
    arrive(NOBODY, 0, counts);
    il_end_run(counts);
    for (size_t level = 0; level < LEVELS; level++)
        while (levels[level] != NOBODY) {
            uint32_t index = levels[level];

            levels[level] = states[index].next_in_level;
            /* What was met since may cover it. */
            if (!is_covered(states[index].key, states[index].done, index))
                leave(index, counts);
        }
    il_stop();
    free(states);
    free(heads);
    states = NULL;
    heads = NULL;
    state_count = state_capacity = head_count = 0;
}
