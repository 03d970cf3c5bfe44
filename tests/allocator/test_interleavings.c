/* test_interleavings.c - three threads on the life of chunks, in every order: new, free, mark start, mark end, sweep.
 *
 * Operations are cut where they make system calls (through the os/ table) without a lock: a chunk between noscan and fault, a
 * sweep between opening its run and making it ready. Nothing may be asserted, no chunk may be lost: after each run the heap
 * verifies, and once all arenas are freed and collected every chunk is on the ready list.
 *
 * Arguments: operations a thread (up to 3 enumerated, but for what follows a state that was met before; more: orders drawn at
 * random), and how many runs to draw for each preset. Without: 2 enumerated, then 8,000 runs of 6, which is CI's share. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ua_debug.h>

#include "allocator/interleave.h"
#include "arena/arena.h"
#include "debug/verify.h"
#include "arena/cache.h"
#include "gc/gc.h"

enum op { OP_NEW, OP_FREE, OP_MARK_START, OP_MARK_END, OP_SWEEP, OP_KINDS };

#define GC_OPS (1u << OP_MARK_START | 1u << OP_MARK_END | 1u << OP_SWEEP)
#define ARENAS_EACH 2
#define CHUNK_BYTES ((size_t)8 << 20)
#define CHUNKS_MAX 64

struct node {
    struct node *next;
};

UA_TYPE(node_type, struct node, UA_PTR(next));
UA_SCALAR_TYPE(quarter_type, struct { char bytes[(size_t)2 << 20]; });

struct life {
    struct ua_heap *heap;
    struct ua_arena *arenas[IL_THREADS][ARENAS_EACH];
    struct ua_arena *root; /* a registered slot: what thread 0 made last is pointed to */
    uint64_t hash;
};

/* Up to this many every order is tried (4 would take hours); beyond, as many orders as are asked for, drawn at random. */
#define OPS_ENUMERATED 3

static size_t ops_each = 2;
static size_t random_runs = 8000;
static bool both = true;

/* Mapped at once and never changed: only the order of calls matters here. */
static int reserve(void *context, uintptr_t hint, size_t bytes, uintptr_t *at)
{
    int error = ua_vm_linux.reserve(context, hint, bytes, at);

    return error != 0 ? error : ua_vm_linux.map(context, *at, bytes);
}

static int pause_here(void *context, uintptr_t at, size_t bytes)
{
    (void)context;
    (void)at;
    (void)bytes;
    il_yield();
    return 0;
}

static int nothing(void *context, uintptr_t at, size_t bytes)
{
    (void)context;
    (void)at;
    (void)bytes;
    return 0;
}

/* One full chunk and an active one; no memory of them is touched. */
static struct ua_arena *new_arena(struct life *life)
{
    struct ua_arena *arena = ua_arena_new(life->heap);

    for (int i = 0; i < 4; i++)
        UA_CHECK(ua_arena_alloc(arena, &node_type, 1) != NULL && ua_arena_alloc(arena, &quarter_type, 1) != NULL,
                 "interleavings: no memory");
    return arena;
}

static bool enabled(void *context, int thread, unsigned op)
{
    struct life *life = context;
    bool marking = life->heap->gc->mark_open;

    switch (op) {
    case OP_NEW:
        return life->arenas[thread][ARENAS_EACH - 1] == NULL;
    case OP_FREE:
        return life->arenas[thread][0] != NULL;
    case OP_MARK_START:
        return !marking && !il_inside(thread, GC_OPS);
    case OP_MARK_END:
        return marking && !il_inside(thread, GC_OPS);
    default:
        return !il_inside(thread, GC_OPS);
    }
}

static void perform(void *context, int thread, unsigned op)
{
    struct life *life = context;
    struct ua_arena **mine = life->arenas[thread];
    struct ua_arena *arena;

    switch (op) {
    case OP_NEW:
        arena = new_arena(life);
        mine[mine[0] != NULL] = arena;
        if (thread == 0)
            life->root = (struct ua_arena *)(arena->active->base + 64);
        break;
    case OP_FREE:
        arena = mine[0];
        mine[0] = mine[1];
        mine[1] = NULL;
        ua_arena_free(arena);
        break;
    case OP_MARK_START:
        ua_debug_mark_begin(life->heap);
        break;
    case OP_MARK_END:
        ua_debug_mark_end(life->heap);
        break;
    default:
        ua_collect(life->heap);
    }
}

static void mix(uint64_t *hash, uint64_t value)
{
    *hash = (*hash ^ value) * 0xff51afd7ed558ccdu;
    *hash ^= *hash >> 31;
}

/* Chunks by the order in which the lists and arenas name them, not by address: equal shapes are equal states. */
static void mix_chunk(struct life *life, const struct ua_span *chunk)
{
    mix(&life->hash, chunk->chunk_state | (uint64_t)chunk->backing << 4 | (uint64_t)ua_span_noscan(chunk) << 8 |
                         (uint64_t)ua_span_is_marked(chunk) << 9 | (uint64_t)(ua_span_kind(chunk) == UA_SPAN_CHUNK) << 10 |
                         (uint64_t)(life->root != NULL && (uintptr_t)life->root - chunk->base < chunk->bytes) << 11);
    mix(&life->hash, ua_chunk_back(chunk) - chunk->base);
}

/* The ready list: only its first chunks are near; of the others it says whether there are any. */
static void mix_ready(struct life *life, const struct ua_list *list)
{
    size_t near = 2 * IL_THREADS;

    mix(&life->hash, 2000);
    for (struct ua_node *node = list->first; node != NULL && near > 0; node = node->next, near--)
        mix(&life->hash, UA_CONTAINER(node, struct ua_span, node)->backing == UA_BACKING_OPEN);
}

static void mix_list(struct life *life, const struct ua_list *list)
{
    mix(&life->hash, 1000 + list->count);
    for (struct ua_node *node = list->first; node != NULL; node = node->next)
        mix_chunk(life, UA_CONTAINER(node, struct ua_span, node));
}

static void mix_in_hand(struct ua_span *chunk, void *context)
{
    struct life *life = context;
    bool in_hand = chunk->chunk_state == UA_CHUNK_ACTIVE || chunk->chunk_state == UA_CHUNK_FULL;

    if (in_hand && (chunk->arena == NULL || chunk->arena->state == UA_ARENA_FREED))
        mix_chunk(life, chunk);
}

static uint64_t fingerprint(void *context)
{
    struct life *life = context;
    struct ua_chunk_pool *pool = &life->heap->chunks;

    life->hash = pool->phase | (uint64_t)life->heap->gc->mark_open << 8;
    for (int i = 0; i < IL_THREADS; i++)
        for (int j = 0; j < ARENAS_EACH; j++) {
            const struct ua_arena *arena = life->arenas[i][j];

            mix(&life->hash, arena != NULL);
            if (arena == NULL)
                continue;
            mix_chunk(life, arena->active);
            for (const struct ua_span *chunk = arena->full; chunk != NULL; chunk = chunk->next)
                mix_chunk(life, chunk);
        }
    mix_list(life, &pool->reuse);
    mix_ready(life, &pool->ready);
    mix_list(life, &pool->quarantined);
    mix_list(life, &pool->fault);
    ua_chunk_each(pool, mix_in_hand, life);
    return life->hash;
}

static void begin(void *context)
{
    (void)context;
}

/* The ready list by address, all of it without pages: so every run begins alike. */
static void put_in_order(struct ua_chunk_pool *pool)
{
    static struct ua_span *chunks[CHUNKS_MAX];
    struct ua_node *node;
    size_t count = 0;

    ua_chunk_trim(pool, SIZE_MAX);
    while ((node = ua_list_take_front(&pool->ready)) != NULL) {
        struct ua_span *chunk = UA_CONTAINER(node, struct ua_span, node);
        size_t at = count++;

        UA_CHECK(count <= CHUNKS_MAX, "interleavings: more chunks than expected");
        for (; at > 0 && chunks[at - 1]->base > chunk->base; at--)
            chunks[at] = chunks[at - 1];
        chunks[at] = chunk;
    }
    for (size_t i = 0; i < count; i++)
        ua_list_insert_back(&pool->ready, &chunks[i]->node);
}

/* Chunks that threads keep for their next arena. */
static size_t parked_count(struct ua_heap *heap)
{
    struct ua_cache_figures figures;

    ua_cache_read(heap, &figures);
    return figures.parked_count;
}

/* Everything goes; the reuse list too, as it does under a sanitizer. Then every chunk has to be ready. */
static void end(void *context)
{
    struct life *life = context;
    struct ua_chunk_pool *pool = &life->heap->chunks;
    size_t total = ua_verify_heap(life->heap);

    for (int i = 0; i < IL_THREADS; i++)
        for (int j = 0; j < ARENAS_EACH; j++) {
            ua_arena_free(life->arenas[i][j]);
            life->arenas[i][j] = NULL;
        }
    life->root = NULL;
    if (life->heap->gc->mark_open)
        ua_debug_mark_end(life->heap);
    pool->sanitize = true;
    while (pool->reuse.count + parked_count(life->heap) > 0)
        ua_arena_free(ua_arena_new(life->heap));
    pool->sanitize = false;
    ua_collect(life->heap);
    UA_CHECK(pool->ready.count == total, "interleavings: a chunk was lost");
    ua_verify_heap(life->heap);
    put_in_order(pool);
}

/* As many chunks as the operations can ask for, all used once: no run reserves more. */
static void warm_up(struct life *life)
{
    struct ua_arena *arenas[CHUNKS_MAX / 2];
    size_t count = ua_align_up(ops_each * IL_THREADS * 2, 8) / 2;

    for (size_t i = 0; i < count; i++)
        arenas[i] = new_arena(life);
    for (size_t i = 0; i < count; i++)
        ua_arena_free(arenas[i]);
    end(life);
}

static void explore(const char *preset)
{
    struct ua_vm_ops ops = ua_vm_linux;
    struct life life = {0};
    struct ua_options options;
    struct il_counts counts;
    struct il_model model = {.ops_each = ops_each, .op_kinds = OP_KINDS, .begin = begin, .end = end, .enabled = enabled,
                             .perform = perform, .fingerprint = fingerprint, .context = &life,
                             .random_runs = ops_each > OPS_ENUMERATED ? random_runs : 0};

    ops.reserve = reserve;
    ops.map = ops.release = ops.protect = ops.unprotect = pause_here;
    ops.huge_page = ops.collapse = nothing;
    assert_int_equal(ua_options_preset(&options, preset), 0);
    options.prezero = UA_PREZERO_NONE;
    options.roots = UA_ROOTS_REGISTERED;
    options.gogc = UA_GOGC_OFF;
    options.quarantine_limit_bytes = 0;
    options.chunk_bytes = CHUNK_BYTES;
    options.sanitizer = UA_SANITIZER_OFF;
    life.heap = ua_heap_create(&options, &ops, NULL);
    assert_non_null(life.heap);
    assert_true(ua_gc_init(life.heap, ua_arena_release));
    assert_int_equal(ua_root_add(life.heap, &life.root), 0);
    warm_up(&life);
    il_explore(&model, &counts);
    printf("%s: %" PRIu64 " runs, %" PRIu64 " steps, %" PRIu64 " states, %" PRIu64 " recognised\n", preset, counts.runs,
           counts.steps, counts.states, counts.recognised);
    assert_true(counts.runs > 100);
    ua_root_remove(life.heap, &life.root);
    ua_heap_destroy(life.heap);
}

static void test_every_order(void **state)
{
    (void)state;
    explore("safe");
    explore("go");
    explore("kept");
    if (!both)
        return;
    ops_each = 6;
    explore("safe");
    explore("go");
    explore("kept");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_order),
    };

    both = argc == 1;
    if (argc > 1)
        ops_each = strtoul(argv[1], NULL, 10);
    if (argc > 2)
        random_runs = strtoul(argv[2], NULL, 10);
    if (ops_each < 1 || ops_each > 8) {
        fprintf(stderr, "operations a thread must be a number from 1 to 8\n");
        return 5;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
