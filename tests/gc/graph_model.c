/* graph_model.c - see graph_model.h.
 *
 * An object is: edge_count pointers, then its id, then payload words that follow from the id. Sizes run from one word to
 * beyond the small classes, so that spans, large objects and their oblets all take part. */
#include "gc/graph_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define WORD sizeof(uint64_t)

static const size_t edge_counts[8] = {0, 1, 2, 3, 8, 33, 600, 20000};
static const size_t payload_counts[8] = {1, 1, 2, 9, 1, 40, 5, 3};
/* Out of 100: large ones seldom. */
static const unsigned kind_weights[8] = {25, 20, 20, 14, 10, 8, 2, 1};

static uint64_t roll(struct graph *graph)
{
    graph->seed ^= graph->seed << 13;
    graph->seed ^= graph->seed >> 7;
    graph->seed ^= graph->seed << 17;
    return graph->seed * 0x2545f4914f6cdd1du;
}

static uint64_t payload_word(uint64_t id, size_t index)
{
    return (id + 1) * 0x9e3779b97f4a7c15u + index;
}

void graph_open(struct graph *graph, struct ua_heap *heap, uint64_t seed)
{
    *graph = (struct graph){.heap = heap, .seed = seed * 2 + 1};
    graph->objects = calloc(GRAPH_OBJECTS_MAX, sizeof *graph->objects);
    assert_non_null(graph->objects);
    for (int kind = 0; kind < 8; kind++) {
        size_t words = edge_counts[kind] + payload_counts[kind] + 1;
        uint64_t *mask = calloc(words / 64 + 1, sizeof *mask);

        for (size_t i = 0; i < edge_counts[kind]; i++)
            mask[i / 64] |= (uint64_t)1 << (i % 64);
        graph->types[kind] = ua_type_make(heap, words * WORD, WORD, mask, edge_counts[kind], "graph");
        assert_non_null(graph->types[kind]);
        free(mask);
    }
    assert_int_equal(ua_root_range_add(heap, graph->roots, sizeof graph->roots), 0);
    graph->arena = ua_arena_new(heap);
    assert_non_null(graph->arena);
}

void graph_close(struct graph *graph)
{
    ua_root_range_remove(graph->heap, graph->roots);
    ua_arena_free(graph->arena);
    for (size_t i = 0; i < graph->object_count; i++)
        free(graph->objects[i].edges);
    free(graph->objects);
}

static void count_finalizer(void *object, void *argument)
{
    struct graph *graph = argument;

    (void)object;
    __atomic_fetch_add(&graph->finalized, 1, __ATOMIC_RELAXED);
}

static void set_root(struct graph *graph, size_t slot, uint32_t index_plus_one)
{
    graph->root_objects[slot] = index_plus_one;
    ua_store(graph->heap, &graph->roots[slot], index_plus_one != 0 ? graph->objects[index_plus_one - 1].at : NULL);
}

static int random_kind(struct graph *graph)
{
    unsigned ticket = (unsigned)(roll(graph) % 100);
    int kind = 0;

    while (ticket >= kind_weights[kind])
        ticket -= kind_weights[kind++];
    return kind;
}

/* A free place in the shadow; GRAPH_OBJECTS_MAX when there is none. */
static size_t free_place(struct graph *graph)
{
    for (size_t tries = 0; tries < 8; tries++) {
        size_t place = roll(graph) % GRAPH_OBJECTS_MAX;

        if (place >= graph->object_count && graph->object_count < GRAPH_OBJECTS_MAX)
            return graph->object_count++;
        if (place < graph->object_count && !graph->objects[place].in_use)
            return place;
    }
    return GRAPH_OBJECTS_MAX;
}

static void add_object(struct graph *graph)
{
    size_t place = free_place(graph);
    int kind = random_kind(graph);
    struct graph_object *object;
    uint64_t *words;

    if (place == GRAPH_OBJECTS_MAX)
        return;
    object = &graph->objects[place];
    *object = (struct graph_object){.edge_count = edge_counts[kind], .payload_words = payload_counts[kind],
                                    .id = graph->next_id++, .in_use = true};
    object->in_arena = roll(graph) % 8 == 0 && kind < 7;
    object->edges = calloc(object->edge_count + 1, sizeof *object->edges);
    object->at = object->in_arena ? ua_arena_alloc(graph->arena, graph->types[kind], 1)
                                  : ua_heap_alloc(graph->heap, graph->types[kind], 1);
    assert_non_null(object->at);
    words = object->at;
    for (size_t i = 0; i < object->edge_count; i++)
        assert_true(words[i] == 0);
    words[object->edge_count] = object->id;
    for (size_t i = 0; i < object->payload_words; i++)
        words[object->edge_count + 1 + i] = payload_word(object->id, i);
    set_root(graph, roll(graph) % GRAPH_ROOTS, (uint32_t)place + 1);
    if (kind == 0 && !object->in_arena && roll(graph) % 2 == 0) {
        object->has_finalizer = true;
        assert_int_equal(ua_finalizer_set(graph->heap, object->at, count_finalizer, graph), 0);
    }
}

/* An object that the program can still name: reached from a random root by a short random walk; 0 = none. */
static uint32_t find_reachable(struct graph *graph)
{
    uint32_t at = graph->root_objects[roll(graph) % GRAPH_ROOTS];

    for (uint64_t hops = roll(graph) % 6; at != 0 && hops > 0; hops--) {
        const struct graph_object *object = &graph->objects[at - 1];
        uint32_t next = object->edge_count > 0 ? object->edges[roll(graph) % object->edge_count] : 0;

        if (next == 0)
            break;
        at = next;
    }
    return at;
}

static void change_edge(struct graph *graph)
{
    uint32_t from = find_reachable(graph);
    uint32_t to = roll(graph) % 5 == 0 ? 0 : find_reachable(graph);
    struct graph_object *object;
    size_t edge;

    if (from == 0 || graph->objects[from - 1].edge_count == 0)
        return;
    object = &graph->objects[from - 1];
    edge = roll(graph) % object->edge_count;
    if (roll(graph) % 16 == 0)
        edge = object->edge_count - 1;
    object->edges[edge] = to;
    ua_store(graph->heap, (void **)object->at + edge, to != 0 ? graph->objects[to - 1].at : NULL);
}

void graph_step(struct graph *graph)
{
    uint64_t choice = roll(graph) % 16;

    if (choice < 6)
        add_object(graph);
    else if (choice < 14)
        change_edge(graph);
    else if (choice < 15)
        set_root(graph, roll(graph) % GRAPH_ROOTS, find_reachable(graph));
    else
        set_root(graph, roll(graph) % GRAPH_ROOTS, 0);
}

static void reach(struct graph *graph, uint32_t *stack, size_t *depth, uint32_t index_plus_one)
{
    if (index_plus_one == 0 || graph->objects[index_plus_one - 1].reached)
        return;
    graph->objects[index_plus_one - 1].reached = true;
    stack[(*depth)++] = index_plus_one - 1;
}

static void check_object(const struct graph *graph, const struct graph_object *object)
{
    const uint64_t *words = object->at;

    for (size_t i = 0; i < object->edge_count; i++) {
        const void *want = object->edges[i] != 0 ? graph->objects[object->edges[i] - 1].at : NULL;

        assert_true(words[i] == (uintptr_t)want);
    }
    assert_true(words[object->edge_count] == object->id);
    for (size_t i = 0; i < object->payload_words; i++)
        assert_true(words[object->edge_count + 1 + i] == payload_word(object->id, i));
}

void graph_check_contents(struct graph *graph)
{
    uint32_t *stack = calloc(GRAPH_OBJECTS_MAX, sizeof *stack);
    size_t depth = 0;

    for (size_t i = 0; i < graph->object_count; i++)
        graph->objects[i].reached = false;
    for (size_t i = 0; i < GRAPH_ROOTS; i++)
        reach(graph, stack, &depth, graph->root_objects[i]);
    /* The arena lives, and everything in it. */
    for (size_t i = 0; i < graph->object_count; i++)
        if (graph->objects[i].in_use && graph->objects[i].in_arena)
            reach(graph, stack, &depth, (uint32_t)i + 1);
    while (depth > 0) {
        const struct graph_object *object = &graph->objects[stack[--depth]];

        check_object(graph, object);
        for (size_t i = 0; i < object->edge_count; i++)
            reach(graph, stack, &depth, object->edges[i]);
    }
    free(stack);
}

void graph_forget_unreachable(struct graph *graph, void (*gone)(void *context, void *at, bool has_finalizer),
                              void *context)
{
    for (size_t i = 0; i < graph->object_count; i++) {
        struct graph_object *object = &graph->objects[i];

        if (!object->in_use || object->reached)
            continue;
        gone(context, object->at, object->has_finalizer);
        graph->finalizers_due += object->has_finalizer;
        free(object->edges);
        *object = (struct graph_object){.in_use = false};
    }
}
