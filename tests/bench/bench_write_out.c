/* bench_write_out.c - what writing a type log out costs an object, by how types follow each other in the log.
 *
 * Usage: bench_write_out [MIB [REPETITIONS]] (8 and 15). One chunk is filled with as much as MIB hold of it; its log is then written
 * out into the same bitmap words again and again. A line shows ns an object.
 *
 * Types as the speed goals name them: 16 bytes with one pointer, 40 with two, 64 with seven. */
#include "arena/arena.h"
#include "bench/bench.h"

#define ROUNDS 8u /* write-outs per figure: about a millisecond */
#define CHUNK_BYTES ((size_t)8 << 20)

struct one {
    struct one *before;
    uint64_t word;
};
UA_TYPE(one_type, struct one, UA_PTR(before));

struct two {
    struct two *before;
    uint64_t word;
    struct two *same;
    uint64_t rest[2];
};
UA_TYPE(two_type, struct two, UA_PTR(before), UA_PTR(same));

struct seven {
    struct seven *before;
    uint64_t word;
    struct seven *same[6];
};
UA_TYPE(seven_type, struct seven, UA_PTR(before), UA_PTRS(same, 6));

struct nine {
    struct nine *before[2];
    uint64_t words[7];
};
UA_TYPE(nine_type, struct nine, UA_PTRS(before, 2));

static const struct ua_type *const types[] = {&one_type, &two_type, &seven_type, &nine_type};
#define TYPES_COUNT (sizeof types / sizeof types[0])

/* Which type the i-th object has: 0 to `kinds` - 1, changing after `run` objects, in turn or at random. */
struct mix {
    const char *name;
    size_t first;
    size_t kinds;
    size_t run;
    bool random;
};

static size_t chunk_use_bytes = CHUNK_BYTES;
static unsigned repetitions = 15;

/* Returns how many objects the arena's only chunk took. */
static size_t fill(struct ua_arena *arena, const struct mix *mix)
{
    const struct ua_span *chunk = arena->active;
    uintptr_t end = chunk->base + ua_min(chunk_use_bytes, chunk->bytes) - 4096;
    uint64_t random = 88172645463325252u;
    size_t kind = 0;
    size_t count = 0;
    uintptr_t at = 0;

    for (; at < end; count++) {
        if (count % mix->run == 0)
            kind = mix->random ? bench_random(&random) % mix->kinds : (kind + 1) % mix->kinds;
        at = (uintptr_t)bench_must(ua_arena_alloc_one(arena, types[mix->first + kind]));
    }
    if (arena->active != chunk)
        bench_die("more than a chunk was filled");
    return count;
}

/* ns for one write-out of all. */
static double write_out(struct ua_heap *heap, struct ua_span *chunk, uintptr_t front)
{
    double start = bench_now_ns();

    for (unsigned i = 0; i < ROUNDS; i++) {
        chunk->bits_end = chunk->base;
        chunk->log_read = chunk->log;
        ua_heapbits_write_out(&heap->heapbits, chunk, front);
    }
    return (bench_now_ns() - start) / ROUNDS;
}

static void measure(const struct mix *mix)
{
    struct ua_heap *heap = bench_heap(UA_GOGC_OFF);
    struct ua_arena *arena = bench_must(ua_arena_new(heap));
    struct ua_span *chunk = arena->active;
    struct series ours = {.count = repetitions}, none = {.count = 0};
    size_t count = fill(arena, mix);
    uintptr_t front = ua_chunk_front(chunk);

    write_out(heap, chunk, front);
    for (unsigned i = 0; i < repetitions; i++)
        ours.value[i] = write_out(heap, chunk, front) / (double)count;
    bench_show(mix->name, "ns/object", &ours, &none, "none");
    ua_arena_free(arena);
    ua_heap_close(heap);
}

int main(int argc, char **argv)
{
    static const struct mix mixes[] = {
        {"16 bytes, 1 pointer", 0, 1, 1, false},
        {"40 bytes, 2 pointers", 1, 1, 1, false},
        {"64 bytes, 7 pointers", 2, 1, 1, false},
        {"72 bytes, 2 pointers", 3, 1, 1, false},
        {"two types in turn", 0, 2, 1, false},
        {"four types in turn", 0, TYPES_COUNT, 1, false},
        {"four types in turn, runs of 4", 0, TYPES_COUNT, 4, false},
        {"four types in turn, runs of 12", 0, TYPES_COUNT, 12, false},
        {"four types in turn, runs of 40", 0, TYPES_COUNT, 40, false},
        {"two types at random", 0, 2, 1, true},
        {"four types at random", 0, TYPES_COUNT, 1, true},
    };

    bench_arguments(argc, argv, &chunk_use_bytes, &repetitions);
    for (size_t i = 0; i < sizeof mixes / sizeof mixes[0]; i++)
        measure(&mixes[i]);
    return 0;
}
