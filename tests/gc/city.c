/* city.c - see city.h. */
#include "gc/city.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "include/ua_debug.h"

UA_TYPE(cell_type, struct cell, UA_PTRS(out, 4));

const struct ua_type *city_cell_type(void)
{
    return &cell_type;
}

static uint64_t city_roll(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* A random graph: a chain through all cells, so that all are reachable from the first, and three random edges each. */
void city_build(struct city *city, size_t bytes)
{
    uint64_t seed = 88172645463325252u;

    city->cell_count = bytes / sizeof(struct cell);
    city->cells = malloc(city->cell_count * sizeof *city->cells);
    assert_non_null(city->cells);
    assert_int_equal(ua_root_add(city->heap, &city->first), 0);
    for (size_t i = 0; i < city->cell_count; i++) {
        struct cell *cell = ua_heap_alloc(city->heap, &cell_type, 1);

        assert_non_null(cell);
        cell->id = i;
        ua_store(city->heap, (void **)&cell->out[0], city->first);
        for (int edge = 1; edge < 4 && i > 0; edge++)
            ua_store(city->heap, (void **)&cell->out[edge], city->cells[city_roll(&seed) % i]);
        city->cells[i] = cell;
        city->first = cell;
    }
}

void city_check(const struct city *city)
{
    const struct cell *cell = city->first;

    for (size_t i = city->cell_count; i-- > 0; cell = cell->out[0])
        assert_true(cell != NULL && cell->id == i);
    assert_null(cell);
}

/* Swaps random edges of its own share of the cells, and makes garbage: 32 bytes a store, so that both bounds of "really
 * concurrent" (100,000 stores, 8 MiB) are far off, whatever else the machine does and however fast marking is. */
static void *mutate(void *argument)
{
    struct city_mutator *mutator = argument;
    struct city *city = mutator->city;
    size_t share = city->cell_count / MUTATORS_MAX;
    size_t low = share * (size_t)mutator->number;
    uint64_t seed = 1234567 + (uint64_t)mutator->number;
    uint64_t rounds = 0;
    struct cell *root = NULL;

    assert_int_equal(ua_thread_attach(), 0);
    assert_int_equal(ua_root_add(city->heap, &root), 0);
    __atomic_fetch_add(&city->ready, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&city->stop, __ATOMIC_RELAXED) == 0) {
        struct cell *a = city->cells[low + city_roll(&seed) % share];
        struct cell *b = city->cells[low + city_roll(&seed) % share];
        struct cell *taken = a->out[1 + rounds % 3];

        ua_store(city->heap, (void **)&a->out[1 + rounds % 3], b->out[1 + rounds % 3]);
        ua_store(city->heap, (void **)&b->out[1 + rounds % 3], taken);
        if (rounds++ % 4 == 0) {
            root = ua_heap_alloc(city->heap, &cell_type, 4);
            root->out[1] = taken;
        }
        if (rounds % 64 == 0)
            ua_safepoint();
    }
    ua_root_remove(city->heap, &root);
    ua_thread_detach();
    return NULL;
}

struct ua_gc_event city_newest_event(struct ua_heap *heap)
{
    struct ua_gc_event event;

    assert_int_equal(ua_gc_events(heap, &event, 1), 1);
    return event;
}

void city_start_mutators(struct city *city, struct city_mutator *mutators, pthread_t *threads, int count)
{
    for (int i = 0; i < count; i++) {
        mutators[i] = (struct city_mutator){city, i};
        assert_int_equal(pthread_create(&threads[i], NULL, mutate, &mutators[i]), 0);
    }
    while (__atomic_load_n(&city->ready, __ATOMIC_SEQ_CST) < (uint32_t)count)
        sched_yield();
}

void city_stop_mutators(struct city *city, pthread_t *threads, int count)
{
    __atomic_store_n(&city->stop, 1, __ATOMIC_RELAXED);
    ua_blocking_begin();
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    ua_blocking_end();
}

/* Makes garbage, and looks how far the live heap is beyond the goal. */
static void *churn(void *argument)
{
    struct city *city = ((struct city_mutator *)argument)->city;
    struct cell *volatile kept = NULL;
    struct cell *root = NULL;

    assert_int_equal(ua_thread_attach(), 0);
    assert_int_equal(ua_root_add(city->heap, &root), 0);
    for (uint64_t rounds = 0; __atomic_load_n(&city->stop, __ATOMIC_RELAXED) == 0; rounds++) {
        struct ua_stats stats;
        uint64_t permille;

        root = ua_heap_alloc(city->heap, &cell_type, 1);
        kept = root;
        if (rounds % 4096 != 0)
            continue;
        stats = ts_stats(city->heap);
        permille = stats.heap_live_bytes * 1000 / stats.gc_goal_bytes;
        if (permille > __atomic_load_n(&city->high_water_permille, __ATOMIC_RELAXED))
            __atomic_store_n(&city->high_water_permille, permille, __ATOMIC_RELAXED);
    }
    (void)kept;
    ua_root_remove(city->heap, &root);
    ua_thread_detach();
    return NULL;
}

/* A steady loop of allocation over a live heap of `live` bytes until so many cycles ran. */
void city_run_steadily(struct city *city, size_t live, int thread_count, uint64_t cycles)
{
    struct city_mutator mutators[MUTATORS_MAX];
    pthread_t threads[MUTATORS_MAX];

    city_build(city, live);
    ua_collect(city->heap);
    city->stop = 0;
    cycles += ts_stats(city->heap).gc_cycles;
    for (int i = 0; i < thread_count; i++) {
        mutators[i] = (struct city_mutator){city, i};
        assert_int_equal(pthread_create(&threads[i], NULL, churn, &mutators[i]), 0);
    }
    ua_blocking_begin();
    while (ts_stats(city->heap).gc_cycles < cycles)
        sched_yield();
    ua_blocking_end();
    city_stop_mutators(city, threads, thread_count);
    city_check(city);
}

void city_close(struct city *city)
{
    ua_root_remove(city->heap, &city->first);
    free(city->cells);
    ua_debug_verify(city->heap);
    ua_heap_close(city->heap);
}
