/* bench_gc.c - how fast the collector marks and allocates, each beside a plain way of doing the same, in one run.
 *
 * Usage: bench_gc [MIB [REPETITIONS]] (256 and 9). Registered roots, collect=stw; times of a mark are the collector's own (event
 * trace). Repetitions of a measure and its reference alternate; a line shows the median of both with least and greatest, and the
 * median of the paired ratios.
 *
 *   linear marking   a set of arena chunks, bytes of chunk a second, against reading the same memory with four sums
 *   object marking   a tree of 64-byte objects with 2 pointers in the collected heap, ns an object, against a depth-first mark over
 *                    the same objects with a stack and a bitmap
 *   allocation       64 bytes with 8 pointers and without, collections included, against libgc where it is built in */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gc/gc_support.h"

#ifdef AB_HAVE_BDWGC
#include <gc/gc_inline.h>
#endif

#define EXIT_BAD_INPUT 5
#define MIB ((size_t)1 << 20)
#define CHUNK_BYTES ((size_t)8 << 20)
#define REPETITIONS_MAX 99u
#define CHUNKS_MAX 4096u

static size_t set_bytes = 256 * MIB;
static unsigned repetitions = 9;
static volatile uint64_t sink;

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void die(const char *why)
{
    fprintf(stderr, "bench_gc: %s\n", why);
    exit(EXIT_BAD_INPUT);
}

static void *must(void *pointer)
{
    if (pointer == NULL)
        die("out of memory");
    return pointer;
}

/* ---- figures ---------------------------------------------------------------------------------------------------------- */

struct series {
    double value[REPETITIONS_MAX];
    unsigned count;
};

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static struct series sorted(const struct series *series)
{
    struct series copy = *series;

    qsort(copy.value, copy.count, sizeof copy.value[0], compare);
    return copy;
}

/* Ratio of measure to reference. */
static void show(const char *name, const char *unit, const struct series *measure, const struct series *reference, const char *goal)
{
    struct series m = sorted(measure), r = sorted(reference), ratio = {.count = measure->count};

    printf("%-44s %8.2f [%.2f .. %.2f] %s", name, m.value[m.count / 2], m.value[0], m.value[m.count - 1], unit);
    if (r.count != 0) {
        for (unsigned i = 0; i < ratio.count; i++)
            ratio.value[i] = measure->value[i] / reference->value[i];
        ratio = sorted(&ratio);
        printf("; reference %.2f [%.2f .. %.2f]; ratio %.3f [%.3f .. %.3f]", r.value[r.count / 2], r.value[0],
               r.value[r.count - 1], ratio.value[ratio.count / 2], ratio.value[0], ratio.value[ratio.count - 1]);
    }
    printf("; goal %s; n=%u\n", goal, m.count);
    fflush(stdout);
}

static struct ua_heap *new_heap(int32_t gogc)
{
    struct ua_options options;

    if (ua_options_preset(&options, "safe") != 0)
        die(ua_last_error());
    options.roots = UA_ROOTS_REGISTERED;
    options.sanitizer = UA_SANITIZER_OFF;
    options.gogc = gogc;
    options.quarantine_limit_bytes = 0;
    return must(ua_heap_new(&options));
}

/* One collection; the time that marking took. */
static double mark_once(struct ua_heap *heap)
{
    struct ua_gc_event event;

    ua_collect(heap);
    if (ua_gc_events(heap, &event, 1) != 1)
        die("no event");
    return (double)event.mark_ns;
}

/* ---- linear marking --------------------------------------------------------------------------------------------------- */

struct eight {
    struct eight *slot[8];
};
UA_TYPE(eight_type, struct eight, UA_PTRS(slot, 8));

struct sparse {
    struct sparse *slot[2];
    uint64_t words[6];
};
UA_TYPE(sparse_type, struct sparse, UA_PTRS(slot, 2));

struct three {
    struct three *slot[3];
    uint64_t words[2];
};
UA_TYPE(three_type, struct three, UA_PTRS(slot, 3));

struct chunk_set {
    struct ua_heap *heap;
    struct ua_arena *arena;
    uintptr_t base[CHUNKS_MAX];
    size_t count;
};

static void note_chunk(struct chunk_set *set, const void *object)
{
    uintptr_t base = (uintptr_t)object & ~(CHUNK_BYTES - 1);

    if (set->count != 0 && set->base[set->count - 1] == base)
        return;
    if (set->count == CHUNKS_MAX)
        die("too many chunks");
    set->base[set->count++] = base;
}

/* Objects of one type; each slot points to an object of this or of an earlier chunk. */
static void fill_set(struct chunk_set *set, const struct ua_type *type, size_t slots)
{
    uint64_t random = 88172645463325252u;
    size_t objects = set_bytes / type->size_bytes;
    void **kept = must(calloc(objects, sizeof *kept));

    set->heap = new_heap(UA_GOGC_OFF);
    set->arena = must(ua_arena_new(set->heap));
    set->count = 0;
    for (size_t i = 0; i < objects; i++) {
        void **object = must(ua_arena_alloc(set->arena, type, 1));

        kept[i] = object;
        note_chunk(set, object);
        for (size_t s = 0; s < slots; s++)
            object[s] = kept[next_random(&random) % (i + 1)];
    }
    free(kept);
}

/* Bytes a ns. */
static double read_set(const struct chunk_set *set)
{
    double start = now_ns();
    uint64_t sum[4] = {0, 0, 0, 0};

    for (size_t c = 0; c < set->count; c++) {
        const uint64_t *at = (const uint64_t *)set->base[c];

        for (size_t i = 0; i < CHUNK_BYTES / sizeof *at; i += 8) {
            sum[0] += at[i] + at[i + 4];
            sum[1] += at[i + 1] + at[i + 5];
            sum[2] += at[i + 2] + at[i + 6];
            sum[3] += at[i + 3] + at[i + 7];
        }
    }
    sink = sum[0] + sum[1] + sum[2] + sum[3];
    return (double)(set->count * CHUNK_BYTES) / (now_ns() - start);
}

static void linear(const char *name, const struct ua_type *type, size_t slots, const char *goal)
{
    static struct chunk_set set;
    struct series mark = {.count = repetitions}, read = {.count = repetitions};

    fill_set(&set, type, slots);
    mark_once(set.heap); /* writes the type logs out */
    read_set(&set);
    for (unsigned i = 0; i < repetitions; i++) {
        read.value[i] = read_set(&set);
        mark.value[i] = (double)(set.count * CHUNK_BYTES) / mark_once(set.heap);
    }
    show(name, "GB/s", &mark, &read, goal);
    ua_arena_free(set.arena);
    ua_heap_close(set.heap);
}

/* ---- object marking --------------------------------------------------------------------------------------------------- */

struct tree_node {
    struct tree_node *left;
    struct tree_node *right;
    uint64_t words[6];
};
UA_TYPE(tree_type, struct tree_node, UA_PTR(left), UA_PTR(right));

struct graph {
    struct ua_heap *heap;
    struct tree_node **node;
    size_t count;
    struct tree_node *root; /* registered */
    uintptr_t low;
    uint64_t *marks;
    size_t mark_words;
    struct tree_node **stack;
};

/* A tree over places [low, high) in depth-first order; node[place] is where an object lies. */
static struct tree_node *link_tree(struct graph *graph, size_t low, size_t high)
{
    struct tree_node *node;
    size_t middle;

    if (low == high)
        return NULL;
    node = graph->node[low++];
    middle = low + (high - low) / 2;
    node->left = link_tree(graph, low, middle);
    node->right = link_tree(graph, middle, high);
    return node;
}

static void make_graph(struct graph *graph, bool shuffled)
{
    uint64_t random = 88172645463325252u;
    uintptr_t high = 0;

    *graph = (struct graph){.heap = new_heap(UA_GOGC_OFF), .count = set_bytes / sizeof(struct tree_node), .low = UINTPTR_MAX};
    graph->node = must(calloc(graph->count, sizeof(void *)));
    graph->stack = must(calloc(graph->count, sizeof(void *)));
    if (ua_root_add(graph->heap, &graph->root) != 0)
        die(ua_last_error());
    for (size_t i = 0; i < graph->count; i++) {
        graph->node[i] = must(ua_heap_alloc(graph->heap, &tree_type, 1));
        graph->low = (uintptr_t)graph->node[i] < graph->low ? (uintptr_t)graph->node[i] : graph->low;
        high = (uintptr_t)graph->node[i] > high ? (uintptr_t)graph->node[i] : high;
    }
    for (size_t i = graph->count; shuffled && i > 1; i--) {
        size_t j = next_random(&random) % i;
        struct tree_node *swap = graph->node[i - 1];

        graph->node[i - 1] = graph->node[j];
        graph->node[j] = swap;
    }
    graph->root = link_tree(graph, 0, graph->count);
    graph->mark_words = (high - graph->low) / sizeof(struct tree_node) / 64 + 1;
    graph->marks = must(calloc(graph->mark_words, sizeof *graph->marks));
}

static inline bool set_mark(struct graph *graph, const struct tree_node *node)
{
    size_t index = ((uintptr_t)node - graph->low) / sizeof *node;
    uint64_t bit = (uint64_t)1 << (index % 64);

    if ((graph->marks[index / 64] & bit) != 0)
        return false;
    graph->marks[index / 64] |= bit;
    return true;
}

/* Total ns. */
static double plain_mark(struct graph *graph)
{
    double start = now_ns();
    size_t depth = 0, found = 0;

    memset(graph->marks, 0, graph->mark_words * sizeof *graph->marks);
    set_mark(graph, graph->root);
    graph->stack[depth++] = graph->root;
    while (depth > 0) {
        struct tree_node *node = graph->stack[--depth];

        found++;
        if (node->right != NULL && set_mark(graph, node->right))
            graph->stack[depth++] = node->right;
        if (node->left != NULL && set_mark(graph, node->left))
            graph->stack[depth++] = node->left;
    }
    if (found != graph->count)
        die("the plain mark is wrong");
    return now_ns() - start;
}

static void objects(const char *name, bool shuffled, bool speedup, const char *goal)
{
    static struct graph graph;
    struct series mark = {.count = repetitions}, plain = {.count = repetitions};

    make_graph(&graph, shuffled);
    mark_once(graph.heap);
    plain_mark(&graph);
    for (unsigned i = 0; i < repetitions; i++) {
        plain.value[i] = plain_mark(&graph) / (double)graph.count;
        mark.value[i] = mark_once(graph.heap) / (double)graph.count;
    }
    if (speedup)
        show(name, "ns/object", &plain, &mark, goal); /* how many times faster the collector is */
    else
        show(name, "ns/object", &mark, &plain, goal);
    ua_root_remove(graph.heap, &graph.root);
    ua_heap_close(graph.heap);
    free(graph.node);
    free(graph.stack);
    free(graph.marks);
}

/* ---- allocation ------------------------------------------------------------------------------------------------------- */

struct plain_64 {
    uint64_t words[8];
};
UA_SCALAR_TYPE(plain_64_type, struct plain_64);

/* ns an object, collections included: everything is garbage at once. */
static double allocate(struct ua_heap *heap, const struct ua_type *type, size_t count)
{
    double start = now_ns();

    for (size_t i = 0; i < count; i++) {
        uint64_t *object = ua_heap_alloc(heap, type, 1);

        object[0] = i & 1;
    }
    return (now_ns() - start) / (double)count;
}

#ifdef AB_HAVE_BDWGC
static double allocate_bdwgc(bool pointers, size_t count)
{
    double start = now_ns();

    for (size_t i = 0; i < count; i++) {
        uint64_t *object = pointers ? GC_MALLOC(64) : GC_MALLOC_ATOMIC(64);

        object[0] = i & 1;
    }
    return (now_ns() - start) / (double)count;
}
#endif

static void allocation(const char *name, const struct ua_type *type, bool pointers, const char *goal)
{
    struct ua_heap *heap = new_heap(100);
    struct series ours = {.count = repetitions}, theirs = {.count = 0};
    size_t count = set_bytes / 64;

    (void)pointers;
    allocate(heap, type, count);
    for (unsigned i = 0; i < repetitions; i++) {
        ours.value[i] = allocate(heap, type, count);
#ifdef AB_HAVE_BDWGC
        theirs.value[i] = allocate_bdwgc(pointers, count);
        theirs.count = i + 1;
#endif
    }
    show(name, "ns/object", &ours, &theirs, goal);
    ua_heap_close(heap);
}

int main(int argc, char **argv)
{
    char *end = NULL;
    const char *only = argc > 3 ? argv[3] : "lot";

    if (argc > 1)
        set_bytes = strtoull(argv[1], &end, 10) * MIB;
    if (argc > 1 && (*end != '\0' || set_bytes < 8 * MIB || set_bytes > 16384 * MIB))
        die("MIB must be a number from 8 to 16384");
    if (argc > 2)
        repetitions = (unsigned)strtoul(argv[2], &end, 10);
    if (argc > 2 && (*end != '\0' || repetitions < 1 || repetitions > REPETITIONS_MAX))
        die("REPETITIONS must be a number from 1 to 99");
    if (strspn(only, "lot") != strlen(only))
        die("the third word chooses parts: l linear marking, o object marking, t allocation time");
#ifdef AB_HAVE_BDWGC
    GC_INIT();
#endif
    if (strchr(only, 'l') != NULL) {
        linear("linear mark, 2 pointers in 64 bytes", &sparse_type, 2, ">= 0.6");
        linear("linear mark, 3 pointers in 40 bytes", &three_type, 3, ">= 0.6");
        linear("linear mark, all pointers", &eight_type, 8, ">= 0.4");
    }
    if (strchr(only, 'o') != NULL) {
        objects("plain mark over ours, random order", true, true, ">= 4");
        objects("object mark, heap order", false, false, "<= 1.1");
    }
    if (strchr(only, 't') != NULL) {
        allocation("ua_heap_alloc 64 bytes, 8 pointers", &eight_type, true, "<= 31 ns, <= 1.5 of libgc");
        allocation("ua_heap_alloc 64 bytes, pointer-free", &plain_64_type, false, "<= 22 ns, <= 1.5 of libgc");
    }
    return 0;
}
