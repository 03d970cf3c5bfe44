/* explorer_graph.c - a hash table of keys, and the steps twice: by where they lead first, and all of them for the way back. */
#include "gc/explorer_graph.h"

#include <stdlib.h>
#include <string.h>

#include "base/base.h"

struct slot {
    uint64_t key; /* 0: free */
    uint32_t state;
};

struct edge {
    uint32_t from;
    uint32_t to;
};

static struct slot *slots;
static size_t slot_count; /* a power of two, more than half of it free */
static struct eg_step *first_steps;
static uint32_t state_count;
static size_t states_room;
static struct edge *edges;
static size_t edge_count;
static size_t edges_room;
static bool *is_end;

static void *resized(void *memory, size_t count, size_t bytes)
{
    void *larger = realloc(memory, count * bytes);

    UA_CHECK(larger != NULL, "explorer: no memory");
    return larger;
}

static struct slot *find(uint64_t key)
{
    size_t at = key & (slot_count - 1);

    while (slots[at].key != 0 && slots[at].key != key)
        at = (at + 1) & (slot_count - 1);
    return &slots[at];
}

static void grow_table(void)
{
    struct slot *before = slots;
    size_t count = slot_count;

    slot_count *= 2;
    slots = calloc(slot_count, sizeof *slots);
    UA_CHECK(slots != NULL, "explorer: no memory");
    for (size_t i = 0; i < count; i++)
        if (before[i].key != 0)
            *find(before[i].key) = before[i];
    free(before);
}

void eg_init(void)
{
    slot_count = (size_t)1 << 16;
    slots = calloc(slot_count, sizeof *slots);
    UA_CHECK(slots != NULL, "explorer: no memory");
    state_count = 0;
    edge_count = 0;
}

void eg_deinit(void)
{
    free(slots);
    free(first_steps);
    free(edges);
    free(is_end);
    slots = NULL;
    first_steps = NULL;
    edges = NULL;
    is_end = NULL;
    states_room = 0;
    edges_room = 0;
}

uint32_t eg_meet(uint64_t key, const struct eg_step *step, bool *is_new)
{
    struct slot *slot = find(key);

    *is_new = slot->key == 0;
    if (*is_new) {
        if (state_count == states_room) {
            states_room = states_room == 0 ? 1024 : states_room * 2;
            first_steps = resized(first_steps, states_room, sizeof *first_steps);
            is_end = resized(is_end, states_room, sizeof *is_end);
        }
        *slot = (struct slot){key, state_count};
        first_steps[state_count] = *step;
        is_end[state_count++] = false;
        if ((size_t)state_count * 2 > slot_count) {
            grow_table();
            slot = find(key);
        }
    }
    if (step->from != EG_NONE) {
        if (edge_count == edges_room) {
            edges_room = edges_room == 0 ? 1024 : edges_room * 2;
            edges = resized(edges, edges_room, sizeof *edges);
        }
        edges[edge_count++] = (struct edge){step->from, slot->state};
    }
    return slot->state;
}

void eg_set_end(uint32_t state)
{
    is_end[state] = true;
}

const struct eg_step *eg_first_step(uint32_t state)
{
    return &first_steps[state];
}

/* Steps by where they lead: those into state s are from[first[s] .. first[s + 1]). */
static uint32_t *turn_round(size_t *first)
{
    uint32_t *from = resized(NULL, edge_count + 1, sizeof *from);

    memset(first, 0, (state_count + 2) * sizeof *first);
    for (size_t i = 0; i < edge_count; i++)
        first[edges[i].to + 2]++;
    for (size_t i = 2; i < (size_t)state_count + 2; i++)
        first[i] += first[i - 1];
    for (size_t i = 0; i < edge_count; i++)
        from[first[edges[i].to + 1]++] = edges[i].from;
    return from;
}

uint32_t eg_trap(void)
{
    size_t *first = resized(NULL, (size_t)state_count + 2, sizeof *first);
    uint32_t *from = turn_round(first);
    uint32_t *queue = resized(NULL, state_count, sizeof *queue);
    size_t read = 0;
    size_t written = 0;
    uint32_t trap = EG_NONE;

    for (uint32_t i = 0; i < state_count; i++)
        if (is_end[i])
            queue[written++] = i;
    while (read < written) {
        uint32_t state = queue[read++];

        for (size_t i = first[state]; i < first[state + 1]; i++)
            if (!is_end[from[i]]) {
                is_end[from[i]] = true; /* leads to one */
                queue[written++] = from[i];
            }
    }
    for (uint32_t i = 0; i < state_count && trap == EG_NONE; i++)
        if (!is_end[i])
            trap = i;
    free(first);
    free(from);
    free(queue);
    return trap;
}
