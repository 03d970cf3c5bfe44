/* test_interleavings.c - three threads on the life of chunks, in every order: new, free, mark start, mark end, sweep.
 *
 * Operations are cut where they make system calls (through the os/ table) without a lock: a chunk between noscan and fault, a
 * sweep between opening its run and making it ready. Nothing may be asserted, no chunk may be lost: after each run the heap
 * verifies, and once all arenas are freed and collected every chunk is on the ready list. Every run starts from the same
 * first state: all chunks ready, without pages, in order.
 *
 * Two operations a thread: every sequence is run, and every sequence up to equal states, and both must meet the same states
 * and no other. Six: up to equal states (il_enumerate). What a state is, and why nothing is missing from it:
 *
 *   shared     phase, open mark, barrier flag; reuse list and fault list in order; ready list in order up to its uniform
 *              tail; the quarantined as a set (only a walk over all of them reads that list); the parked chunk
 *   a thread   its arenas, oldest first, and the one that it is making: active chunk, full chunks in order, bytes used; the
 *              operation and the system call that it is inside, and the chunks that it has in hand there: the one of the call
 *              and those linked behind it, which is all that the call's loop goes on with
 *   a chunk    state, backing, kind, noscan, mark, log or none, unprotected, whether the root points into it; its free range
 *              while it is in use. Not its address, and not which chunk it is: chunks are taken from lists, not by address
 *
 * Addresses come in at three places. Neighbours share a call under fault=protect: here every second chunk is held by a
 * fence, so none are neighbours (the runs of every sequence are made once more with neighbours). A sweep sorts what it makes
 * ready: chunks that are alike but for their history. fault=protect sorts a batch: then the order in which chunks of one
 * batch go is part of no state before the batch is in hand. `ranks` puts it in: each chunk in use also has its rank by
 * address. The states met with ranks and without, seen without, are compared for two operations; they are the same.
 *
 * Arguments: [ranks] operations a thread, presets. Without: CI's share. */
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
#include "allocator/key_set.h"
#include "arena/arena.h"
#include "arena/cache.h"
#include "debug/verify.h"
#include "gc/gc.h"

enum op { OP_NEW, OP_FREE, OP_MARK_START, OP_MARK_END, OP_SWEEP, OP_KINDS };

#define GC_OPS (1u << OP_MARK_START | 1u << OP_MARK_END | 1u << OP_SWEEP)
#define ARENAS_EACH 2
#define CHUNK_BYTES ((size_t)8 << 20)
#define CHUNKS_MAX 128
#define OPS_MAX 8
#define DRAWN_RUNS 8000

UA_SCALAR_TYPE(quarter_type, struct { char bytes[(size_t)2 << 20]; });

enum call { CALL_NONE, CALL_MAP, CALL_RELEASE, CALL_PROTECT, CALL_UNPROTECT };

/* Where a thread pauses. */
struct pause {
    enum call call;
    uintptr_t at;
};

struct life {
    struct ua_heap *heap;
    struct ua_arena *arenas[IL_THREADS][ARENAS_EACH];
    struct ua_arena *making[IL_THREADS];
    struct ua_arena *root; /* a registered slot: what was made last is pointed to */
    struct pause pauses[IL_THREADS];
    struct ua_arena *fences[CHUNKS_MAX];
    size_t fence_count;
    bool ranks;    /* addresses are in the state */
    struct set *met; /* keys, seen without ranks; NULL: not wanted */
};

static struct life *of_run; /* for the table of system calls */

/* Mapped at once and never changed: only the order of calls matters here. */
static int reserve(void *context, uintptr_t hint, size_t bytes, uintptr_t *at)
{
    int error = ua_vm_linux.reserve(context, hint, bytes, at);

    return error != 0 ? error : ua_vm_linux.map(context, *at, bytes);
}

static int pause_in(enum call call, uintptr_t at)
{
    int thread = il_running();

    if (thread < 0 || call == CALL_NONE)
        return 0;
    of_run->pauses[thread] = (struct pause){call, at};
    il_yield();
    of_run->pauses[thread] = (struct pause){CALL_NONE, 0};
    return 0;
}

#define PAUSE_IN(NAME, CALL)                                       \
    static int NAME(void *context, uintptr_t at, size_t bytes)     \
    {                                                              \
        (void)context;                                             \
        (void)bytes;                                               \
        return pause_in(CALL, at);                                 \
    }

PAUSE_IN(map, CALL_MAP)
PAUSE_IN(release, CALL_RELEASE)
PAUSE_IN(protect, CALL_PROTECT)
PAUSE_IN(unprotect, CALL_UNPROTECT)
PAUSE_IN(nothing, CALL_NONE)

/* Allocates quarters of a chunk until the active chunk is used up. What is on the reuse list is used up too, so an arena takes
 * all of it, each of them full at its first allocation, and one chunk of the ready list. No memory is touched. */
static struct ua_arena *new_arena(struct life *life, struct ua_arena **making)
{
    struct ua_arena *arena = *making = ua_arena_new(life->heap);

    do
        UA_CHECK(ua_arena_alloc(arena, &quarter_type, 1) != NULL, "interleavings: no memory");
    while (arena->fast.back - arena->fast.front >= CHUNK_BYTES / 4);
    *making = NULL;
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
        arena = new_arena(life, &life->making[thread]);
        mine[mine[0] != NULL] = arena;
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

/* How many chunks lie below. */
static uint64_t rank_of(const struct life *life, const struct ua_span *chunk)
{
    const struct ua_heap_arena *arena = life->heap->space.all[UA_SPACE_CHUNKS];
    uint64_t rank = 0;

    for (; arena != NULL; arena = arena->next)
        for (size_t i = 0; i < UA_HEAP_ARENA_BYTES >> arena->shift; i++)
            rank += arena->spans[i]->base < chunk->base;
    return rank;
}

static uint64_t chunk_key(const struct life *life, const struct ua_span *chunk)
{
    /* Of one that is being taken, the range is still that of its last life. */
    bool in_use = chunk->chunk_state == UA_CHUNK_REUSE ||
                  (chunk->arena != NULL && (chunk->chunk_state == UA_CHUNK_ACTIVE || chunk->chunk_state == UA_CHUNK_FULL));
    uint64_t key = chunk->chunk_state | (uint64_t)chunk->backing << 4 | (uint64_t)ua_span_noscan(chunk) << 8 |
                   (uint64_t)(life->heap->gc->mark_open && ua_span_is_marked(chunk)) << 9 | (uint64_t)(ua_span_kind(chunk) == UA_SPAN_CHUNK) << 10 |
                   (uint64_t)(life->root != NULL && (uintptr_t)life->root - chunk->base < chunk->bytes) << 11 |
                   (uint64_t)(chunk->log != NULL) << 12 | (uint64_t)chunk->unprotected << 13;

    if (in_use) {
        il_mix(&key, ua_chunk_front(chunk) - chunk->base);
        il_mix(&key, ua_chunk_back(chunk) - chunk->base);
    }
    if (life->ranks)
        il_mix(&key, rank_of(life, chunk));
    return key;
}

static void mix_chain(const struct life *life, const struct ua_span *chunk, uint64_t *hash)
{
    for (; chunk != NULL; chunk = chunk->next)
        il_mix(hash, chunk_key(life, chunk));
    il_mix(hash, 1);
}

static void mix_list(const struct life *life, const struct ua_list *list, uint64_t *hash)
{
    for (const struct ua_node *node = list->first; node != NULL; node = node->next)
        il_mix(hash, chunk_key(life, UA_CONTAINER((struct ua_node *)(uintptr_t)node, struct ua_span, node)));
    il_mix(hash, 2);
}

/* All but the tail of chunks without pages, which is as long as what is elsewhere leaves it. */
static void mix_ready(const struct life *life, const struct ua_list *list, uint64_t *hash)
{
    uint64_t gap = 0;

    for (const struct ua_node *node = list->first; node != NULL; node = node->next) {
        const struct ua_span *chunk = UA_CONTAINER((struct ua_node *)(uintptr_t)node, struct ua_span, node);

        gap++;
        if (chunk->backing == UA_BACKING_RESERVED && !life->ranks)
            continue;
        il_mix(hash, gap);
        il_mix(hash, chunk_key(life, chunk));
        gap = 0;
    }
    il_mix(hash, 3);
}

static void mix_set(const struct life *life, const struct ua_list *list, uint64_t *hash)
{
    uint64_t sum = 0;

    for (const struct ua_node *node = list->first; node != NULL; node = node->next) {
        uint64_t one = 4;

        il_mix(&one, chunk_key(life, UA_CONTAINER((struct ua_node *)(uintptr_t)node, struct ua_span, node)));
        sum += one;
    }
    il_mix(hash, sum);
}

static void mix_arena(const struct life *life, const struct ua_arena *arena, uint64_t *hash)
{
    il_mix(hash, arena != NULL);
    if (arena == NULL)
        return;
    il_mix(hash, chunk_key(life, arena->active));
    mix_chain(life, arena->full, hash);
}

static void read_state(void *context, struct il_state *state)
{
    const struct life *life = context;
    const struct ua_chunk_pool *pool = &life->heap->chunks;

    state->shared = pool->phase | (uint64_t)life->heap->gc->mark_open << 8 | (uint64_t)(life->heap->fast.marking != 0) << 9;
    mix_list(life, &pool->reuse, &state->shared);
    mix_list(life, &pool->fault, &state->shared);
    mix_ready(life, &pool->ready, &state->shared);
    mix_set(life, &pool->quarantined, &state->shared);
    for (const struct ua_cache *cache = life->heap->caches; cache != NULL; cache = cache->next)
        if (cache->parked != NULL)
            il_mix(&state->shared, chunk_key(life, cache->parked));
    for (int i = 0; i < IL_THREADS; i++) {
        const struct pause *pause = &life->pauses[i];
        uint64_t *own = &state->threads[i];

        *own = pause->call;
        if (pause->call != CALL_NONE)
            mix_chain(life, ua_space_span(&life->heap->space, pause->at), own);
        mix_arena(life, life->making[i], own);
        for (int j = 0; j < ARENAS_EACH; j++)
            mix_arena(life, life->arenas[i][j], own);
    }
}

/* Every state that is met, seen without ranks. */
static void met(void *context, uint64_t key)
{
    struct life *life = context;

    if (life->met == NULL)
        return;
    if (life->ranks) {
        uint8_t done[IL_THREADS];

        life->ranks = false;
        il_key(done); /* comes back here */
        life->ranks = true;
        return;
    }
    add(life->met, key);
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
    size_t total = ua_verify_heap(life->heap) - life->fence_count;

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

/* As many chunks as the operations can ask for, all used once: no run reserves more. With `apart`, every second one is held
 * for good, so that no two others are neighbours. */
static void warm_up(struct life *life, size_t ops_each, bool apart)
{
    struct ua_chunk_pool *pool = &life->heap->chunks;
    struct ua_arena *arenas[CHUNKS_MAX];
    size_t count = ua_align_up((ops_each + 1) * IL_THREADS * 2 * (apart ? 2 : 1), UA_HEAP_ARENA_BYTES / CHUNK_BYTES);

    UA_CHECK(count <= CHUNKS_MAX, "interleavings: too many operations");
    for (size_t i = 0; i < count; i++)
        arenas[i] = ua_arena_new(life->heap);
    for (size_t i = 0; i < count; i++)
        if (apart && (arenas[i]->active->base / CHUNK_BYTES) % 2 == 1)
            life->fences[life->fence_count++] = arenas[i];
        else
            ua_arena_free(arenas[i]);
    end(life);
    UA_CHECK(pool->ready.count + life->fence_count == count, "interleavings: more chunks than expected");
}

struct plan {
    const char *preset;
    size_t ops_each;
    bool apart, ranks;
    struct set *met;
    void (*how)(const struct il_model *model, struct il_counts *counts);
};

static void draw(const struct il_model *model, struct il_counts *counts)
{
    il_draw(model, DRAWN_RUNS, counts);
}

static void run_plan(const struct plan *plan)
{
    struct ua_vm_ops ops = ua_vm_linux;
    struct life life = {0};
    struct ua_options options;
    struct il_counts counts;
    struct il_model model = {.ops_each = plan->ops_each, .op_kinds = OP_KINDS, .begin = begin, .end = end,
                             .enabled = enabled, .perform = perform, .read = read_state,
                             .met = plan->met != NULL ? met : NULL, .context = &life};

    of_run = &life;
    ops.reserve = reserve;
    ops.map = map;
    ops.release = release;
    ops.protect = protect;
    ops.unprotect = unprotect;
    ops.huge_page = ops.collapse = ops.discard = nothing;
    assert_int_equal(ua_options_preset(&options, plan->preset), 0);
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
    warm_up(&life, plan->ops_each, plan->apart);
    life.ranks = plan->ranks;
    life.met = plan->met;
    plan->how(&model, &counts);
    printf("%s, %zu operations%s%s: %" PRIu64 " runs, %" PRIu64 " steps, %" PRIu64 " states, %" PRIu64 " known\n",
           plan->preset, plan->ops_each, plan->apart ? "" : ", neighbours", plan->ranks ? ", ranks" : "", counts.runs,
           counts.steps, counts.states, counts.known);
    fflush(stdout);
    assert_true(counts.runs > 50);
    for (size_t i = 0; i < life.fence_count; i++)
        ua_arena_free(life.fences[i]);
    ua_root_remove(life.heap, &life.root);
    ua_heap_destroy(life.heap);
}

static const char *const presets[] = {"safe", "go", "kept", NULL};

/* Up to equal states nothing is missed: every sequence meets the same states. */
static void test_states_stand_for_sequences(void **state)
{
    (void)state;
    for (size_t i = 0; presets[i] != NULL; i++) {
        struct set all = {0}, equal = {0}, ranked = {0};

        run_plan(&(struct plan){presets[i], 2, true, false, &all, il_explore});
        run_plan(&(struct plan){presets[i], 2, true, false, &equal, il_enumerate});
        run_plan(&(struct plan){presets[i], 2, true, true, &ranked, il_enumerate});
        printf("%s: %zu states met\n", presets[i], all.count);
        assert_true(same(&all, &equal));
        assert_true(same(&all, &ranked));
        free(all.keys);
        free(equal.keys);
        free(ranked.keys);
    }
}

static void test_neighbours(void **state)
{
    (void)state;
    run_plan(&(struct plan){"safe", 2, false, false, NULL, il_explore});
    run_plan(&(struct plan){"safe", 6, false, false, NULL, draw});
}

static void test_three_operations(void **state)
{
    (void)state;
    for (size_t i = 0; presets[i] != NULL; i++)
        run_plan(&(struct plan){presets[i], 3, true, false, NULL, il_enumerate});
}

static int run_alone(int argc, char **argv)
{
    bool ranks = strcmp(argv[1], "ranks") == 0;
    int at = ranks ? 2 : 1;
    size_t ops_each = argc > at ? strtoul(argv[at], NULL, 10) : 0;

    if (ops_each < 1 || ops_each > OPS_MAX || argc == at + 1) {
        fprintf(stderr, "test_interleavings: [ranks] OPERATIONS PRESET...; operations a thread are 1 to %d\n", OPS_MAX);
        return 5;
    }
    for (int i = at + 1; i < argc; i++)
        run_plan(&(struct plan){argv[i], ops_each, true, ranks, NULL, il_enumerate});
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states_stand_for_sequences),
        cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_three_operations),
    };

    return argc > 1 ? run_alone(argc, argv) : cmocka_run_group_tests(tests, NULL, NULL);
}
