/* count_paths.c - `count_paths PATH N` walks one allocation path N times; instructions.sh counts two lengths of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ua.h>

enum { USED_OBJECTS = 100000 }; /* more than are counted */

struct with_pointer {
    void *p;
    long v;
};
struct without {
    long v[2];
};
UA_TYPE(with_pointer_type, struct with_pointer, UA_PTR(p));
UA_SCALAR_TYPE(without_type, struct without);

static __attribute__((noinline)) void inlined_pointer(struct ua_arena *arena, long n)
{
    for (long i = 0; i < n; i++)
        ((struct with_pointer *)ua_new(arena, &with_pointer_type))->v = i;
}

static __attribute__((noinline)) void inlined_scalar(struct ua_arena *arena, long n)
{
    for (long i = 0; i < n; i++)
        ((struct without *)ua_new(arena, &without_type))->v[0] = i;
}

static __attribute__((noinline)) void out_of_line(struct ua_arena *arena, const struct ua_type *type, long n)
{
    for (long i = 0; i < n; i++)
        *(long *)ua_new(arena, type) = i;
}

static __attribute__((noinline)) void small_arena(struct ua_heap *heap, long n)
{
    for (long i = 0; i < n; i++) {
        struct ua_arena *arena = ua_arena_new(heap);

        ((struct with_pointer *)ua_new(arena, &with_pointer_type))->v = i;
        ua_arena_free(arena);
    }
}

/* An arena whose memory was used before, so that each window has to be cleared. */
static struct ua_arena *used_arena(struct ua_heap *heap, const struct ua_type *type)
{
    struct ua_arena *arena = ua_arena_new(heap);

    for (long i = 0; i < USED_OBJECTS; i++)
        *(long *)ua_new(arena, type) = i;
    return ua_arena_reset(arena) == 0 ? arena : NULL;
}

int main(int argc, char **argv)
{
    const uint64_t mask = 1;
    struct ua_options options;
    struct ua_heap *heap;
    struct ua_arena *arena;
    long n;

    if (argc != 3 || ua_options_preset(&options, strncmp(argv[1], "used_", 5) == 0 ? "kept" : "safe") != 0)
        return 5;
    heap = ua_heap_new(&options);
    arena = ua_arena_new(heap);
    n = atol(argv[2]);
    if (strcmp(argv[1], "inlined_pointer") == 0)
        inlined_pointer(arena, n);
    else if (strcmp(argv[1], "inlined_scalar") == 0)
        inlined_scalar(arena, n);
    else if (strcmp(argv[1], "used_pointer") == 0)
        inlined_pointer(used_arena(heap, &with_pointer_type), n);
    else if (strcmp(argv[1], "used_scalar") == 0)
        inlined_scalar(used_arena(heap, &without_type), n);
    else if (strcmp(argv[1], "run_time_pointer") == 0)
        out_of_line(arena, ua_type_make(heap, 16, 8, &mask, 1, "run-time"), n);
    else if (strcmp(argv[1], "run_time_scalar") == 0)
        out_of_line(arena, ua_type_make(heap, 16, 8, NULL, 0, "run-time"), n);
    else if (strcmp(argv[1], "small_arena") == 0)
        small_arena(heap, n);
    else
        return 5;
    ua_heap_close(heap);
    return 0;
}
