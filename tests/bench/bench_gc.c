/* bench_gc.c - how fast the collector marks and allocates, each beside a plain way of doing the same, in one run.
 *
 * Usage: bench_gc [MIB [REPETITIONS]] (256 and 9). Registered roots, collect=stw; times of a mark are the collector's own (event
 * trace). Repetitions of a measure and its reference alternate; a line shows the median of both with least and greatest, and the
 * median of the paired ratios.
 *
 *   linear marking   a set of arena chunks, bytes of chunk a second, against reading the same memory with four sums
 *   allocation       64 bytes with 8 pointers and without, collections included, against libgc where it is built in */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

#ifdef AB_HAVE_BDWGC
#include <gc/gc_inline.h>
#endif

#define CHUNK_BYTES ((size_t)8 << 20)
#define CHUNKS_MAX 4096u

static size_t set_bytes = 256 * MIB;
static unsigned repetitions = 9;
static volatile uint64_t sink;

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

struct one {
    struct one *slot[1];
    uint64_t word;
};
UA_TYPE(one_type, struct one, UA_PTRS(slot, 1));

struct lonely {
    struct lonely *slot[1];
    uint64_t words[15];
};
UA_TYPE(lonely_type, struct lonely, UA_PTRS(slot, 1));

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
        bench_die("too many chunks");
    set->base[set->count++] = base;
}

/* Objects of one type; each slot points to an object of this or of an earlier chunk. */
static void fill_set(struct chunk_set *set, const struct ua_type *type, size_t slots)
{
    uint64_t random = 88172645463325252u;
    size_t objects = set_bytes / type->size_bytes;
    void **kept = bench_must(calloc(objects, sizeof *kept));

    set->heap = bench_heap(UA_GOGC_OFF);
    set->arena = bench_must(ua_arena_new(set->heap));
    set->count = 0;
    for (size_t i = 0; i < objects; i++) {
        void **object = bench_must(ua_arena_alloc(set->arena, type, 1));

        kept[i] = object;
        note_chunk(set, object);
        for (size_t s = 0; s < slots; s++)
            object[s] = kept[bench_random(&random) % (i + 1)];
    }
    free(kept);
}

/* Bytes a ns. */
static double read_set(const struct chunk_set *set)
{
    double start = bench_now_ns();
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
    return (double)(set->count * CHUNK_BYTES) / (bench_now_ns() - start);
}

static void linear(const char *name, const struct ua_type *type, size_t slots, const char *goal)
{
    static struct chunk_set set;
    struct series mark = {.count = repetitions}, read = {.count = repetitions};

    fill_set(&set, type, slots);
    bench_mark_ns(set.heap); /* writes the type logs out */
    read_set(&set);
    for (unsigned i = 0; i < repetitions; i++) {
        read.value[i] = read_set(&set);
        mark.value[i] = (double)(set.count * CHUNK_BYTES) / bench_mark_ns(set.heap);
    }
    bench_show(name, "GB/s", &mark, &read, goal);
    ua_arena_free(set.arena);
    ua_heap_close(set.heap);
}

/* ---- allocation ------------------------------------------------------------------------------------------------------- */

struct plain_64 {
    uint64_t words[8];
};
UA_SCALAR_TYPE(plain_64_type, struct plain_64);

/* ns an object, collections included: everything is garbage at once. */
static double allocate(struct ua_heap *heap, const struct ua_type *type, size_t count)
{
    double start = bench_now_ns();

    for (size_t i = 0; i < count; i++) {
        uint64_t *object = ua_heap_alloc(heap, type, 1);

        object[0] = i & 1;
    }
    return (bench_now_ns() - start) / (double)count;
}

#ifdef AB_HAVE_BDWGC
static double allocate_bdwgc(bool pointers, size_t count)
{
    double start = bench_now_ns();

    for (size_t i = 0; i < count; i++) {
        uint64_t *object = pointers ? GC_MALLOC(64) : GC_MALLOC_ATOMIC(64);

        object[0] = i & 1;
    }
    return (bench_now_ns() - start) / (double)count;
}
#endif

static void allocation(const char *name, const struct ua_type *type, bool pointers, const char *goal)
{
    struct ua_heap *heap = bench_heap(100);
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
    bench_show(name, "ns/object", &ours, &theirs, goal);
    ua_heap_close(heap);
}

int main(int argc, char **argv)
{
    const char *only = argc > 3 ? argv[3] : "lt";

    bench_arguments(argc, argv, &set_bytes, &repetitions);
    if (strspn(only, "lt") != strlen(only))
        bench_die("the third word chooses parts: l linear marking, t allocation time");
#ifdef AB_HAVE_BDWGC
    GC_INIT();
#endif
    if (strchr(only, 'l') != NULL) {
        linear("linear mark, 1 pointer in 16 bytes", &one_type, 1, ">= 0.6");
        linear("linear mark, 1 pointer in 128 bytes", &lonely_type, 1, ">= 0.6");
        linear("linear mark, 2 pointers in 64 bytes", &sparse_type, 2, ">= 0.6");
        linear("linear mark, 3 pointers in 40 bytes", &three_type, 3, ">= 0.6");
        linear("linear mark, all pointers", &eight_type, 8, ">= 0.4");
    }
    if (strchr(only, 't') != NULL) {
        allocation("ua_heap_alloc 64 bytes, 8 pointers", &eight_type, true, "<= 31 ns, <= 1.5 of libgc");
        allocation("ua_heap_alloc 64 bytes, pointer-free", &plain_64_type, false, "<= 22 ns, <= 1.5 of libgc");
    }
    return 0;
}
