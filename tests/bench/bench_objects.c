/* bench_objects.c - how fast a cycle marks graphs of small objects, beside two depth-first marks over the same heap, in one run.
 *
 * Usage: bench_objects [MIB [REPETITIONS]] (256 and 9): that much of 64-byte objects with 2 pointers, registered roots, collect=stw.
 * Each repetition times the three one after the other; a line shows medians with least and greatest and the paired ratio.
 *
 *   plain   pops an object, finds its span, reads its pointers by the span's mask, finds each one's span, index and mark bit in the
 *           collector's own tables, marks, pushes: what a collector without a queue, a prefetch or a short cut does
 *   bare    the same walk over one array of bits for the whole heap, which it knows to be one range of 64-byte objects with two
 *           pointers: what no collector can do, since it knows nothing else
 *   ours    a cycle of the collector, its own time of the mark
 *
 * The goals name a plain depth-first mark; ours is held against both. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "bench/bench.h"
#include "gc/gc.h"

static size_t set_bytes = 256 * MIB;
static unsigned repetitions = 9;

struct node {
    struct node *left;
    struct node *right;
    uint64_t words[6];
};
UA_TYPE(node_type, struct node, UA_PTR(left), UA_PTR(right));

enum shape { ORDERED_TREE, RANDOM_TREE, LIST_AND_SKIP };

struct graph {
    struct ua_heap *heap;
    struct node **node;
    size_t count;
    struct node *root; /* registered */
    uintptr_t low;
    uint64_t *marks; /* bare */
    size_t mark_words;
    uintptr_t *stack;
};

/* A tree over places [low, high) in depth-first order; node[place] is where an object lies. */
static struct node *link_tree(struct graph *graph, size_t low, size_t high)
{
    struct node *node;
    size_t middle;

    if (low == high)
        return NULL;
    node = graph->node[low++];
    middle = low + (high - low) / 2;
    node->left = link_tree(graph, low, middle);
    node->right = link_tree(graph, middle, high);
    return node;
}

static void shuffle(struct graph *graph)
{
    uint64_t random = 88172645463325252u;

    for (size_t i = graph->count; i > 1; i--) {
        size_t j = bench_random(&random) % i;
        struct node *swap = graph->node[i - 1];

        graph->node[i - 1] = graph->node[j];
        graph->node[j] = swap;
    }
}

static void link_list(struct graph *graph)
{
    graph->root = graph->node[0];
    for (size_t i = 0; i + 1 < graph->count; i++) {
        graph->node[i]->left = graph->node[i + 1];
        graph->node[i]->right = graph->node[ua_min(i + 8, graph->count - 1)];
    }
}

static void make_graph(struct graph *graph, enum shape shape)
{
    uintptr_t high = 0;

    *graph = (struct graph){.heap = bench_heap(UA_GOGC_OFF), .count = set_bytes / sizeof(struct node), .low = UINTPTR_MAX};
    graph->node = bench_must(calloc(graph->count, sizeof(void *)));
    graph->stack = bench_must(calloc(graph->count, sizeof *graph->stack));
    if (ua_root_add(graph->heap, &graph->root) != 0)
        bench_die(ua_last_error());
    for (size_t i = 0; i < graph->count; i++) {
        graph->node[i] = bench_must(ua_heap_alloc(graph->heap, &node_type, 1));
        graph->low = ua_min(graph->low, (uintptr_t)graph->node[i]);
        high = ua_max(high, (uintptr_t)graph->node[i]);
    }
    if (shape == RANDOM_TREE)
        shuffle(graph);
    if (shape == LIST_AND_SKIP)
        link_list(graph);
    else
        graph->root = link_tree(graph, 0, graph->count);
    graph->mark_words = (high - graph->low) / sizeof(struct node) / 64 + 1;
    graph->marks = bench_must(calloc(graph->mark_words, sizeof *graph->marks));
}

static inline bool mark_bare(struct graph *graph, uintptr_t object)
{
    size_t index = (object - graph->low) / sizeof(struct node);
    uint64_t bit = (uint64_t)1 << (index % 64);

    if ((graph->marks[index / 64] & bit) != 0)
        return false;
    graph->marks[index / 64] |= bit;
    return true;
}

/* ns an object. */
static double bare(struct graph *graph)
{
    double start = bench_now_ns();
    size_t depth = 0, found = 0;

    memset(graph->marks, 0, graph->mark_words * sizeof *graph->marks);
    mark_bare(graph, (uintptr_t)graph->root);
    graph->stack[depth++] = (uintptr_t)graph->root;
    while (depth > 0) {
        const struct node *node = (const void *)graph->stack[--depth];
        uintptr_t right = (uintptr_t)node->right, left = (uintptr_t)node->left;

        found++;
        if (right != 0 && mark_bare(graph, right))
            graph->stack[depth++] = right;
        if (left != 0 && mark_bare(graph, left))
            graph->stack[depth++] = left;
    }
    if (found != graph->count)
        bench_die("the bare mark is wrong");
    return (bench_now_ns() - start) / (double)graph->count;
}

/* Where the object begins; 0 when there is none or it was marked already. */
static inline uintptr_t mark_plain(const struct graph *graph, uintptr_t address)
{
    struct ua_span *span = ua_space_span(&graph->heap->space, address);
    struct ua_small_span *record;
    struct ua_small_bits *bits;
    uint32_t index;
    uint64_t bit;

    if (span == NULL || ua_span_kind(span) != UA_SPAN_SMALL)
        return 0;
    record = ua_small_record(span);
    index = ua_small_index(record, address);
    bits = &record->bits[index / 64];
    bit = (uint64_t)1 << (index % 64);
    if ((bits->mark & bit) != 0 || !ua_small_is_allocated(record, index))
        return 0;
    bits->mark |= bit;
    return span->base + (size_t)index * record->object_bytes;
}

static double plain(struct graph *graph)
{
    double start = bench_now_ns(), spent_ns;
    size_t depth = 0, found = 0;

    graph->stack[depth++] = mark_plain(graph, (uintptr_t)graph->root);
    while (depth > 0) {
        uintptr_t object = graph->stack[--depth];
        uint64_t mask = ua_small_record(ua_space_span(&graph->heap->space, object))->mask;

        found++;
        while (mask != 0) {
            unsigned word = 63 - (unsigned)__builtin_clzll(mask);
            uintptr_t value = ((const uintptr_t *)object)[word];
            uintptr_t start_of = value == 0 ? 0 : mark_plain(graph, value);

            mask ^= (uint64_t)1 << word;
            if (start_of != 0)
                graph->stack[depth++] = start_of;
        }
    }
    spent_ns = bench_now_ns() - start;
    if (found != graph->count)
        bench_die("the plain mark is wrong");
    ua_small_clear_marks(&graph->heap->gc->small);
    return spent_ns / (double)graph->count;
}

static void measure(const char *name, enum shape shape, const char *goal)
{
    static struct graph graph;
    struct series ours = {.count = repetitions}, by_plain = {.count = repetitions}, by_bare = {.count = repetitions};
    char line[128];

    make_graph(&graph, shape);
    bench_mark_ns(graph.heap);
    plain(&graph);
    bare(&graph);
    for (unsigned i = 0; i < repetitions; i++) {
        by_plain.value[i] = plain(&graph);
        by_bare.value[i] = bare(&graph);
        ours.value[i] = bench_mark_ns(graph.heap) / (double)graph.count;
    }
    snprintf(line, sizeof line, "%s, ours to plain", name);
    bench_show(line, "ns/object", &ours, &by_plain, goal);
    snprintf(line, sizeof line, "%s, ours to bare", name);
    bench_show(line, "ns/object", &ours, &by_bare, goal);
    ua_root_remove(graph.heap, &graph.root);
    ua_heap_close(graph.heap);
    free(graph.node);
    free(graph.stack);
    free(graph.marks);
}

int main(int argc, char **argv)
{
    bench_arguments(argc, argv, &set_bytes, &repetitions);
    measure("tree in random order", RANDOM_TREE, "<= 0.25");
    measure("tree in heap order", ORDERED_TREE, "<= 1.1");
    measure("list with skips", LIST_AND_SKIP, "<= 1.1");
    return 0;
}
