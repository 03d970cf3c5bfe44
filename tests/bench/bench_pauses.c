/* bench_pauses.c - what a program feels of concurrent marking: the pauses, and the CPU that it keeps while a mark runs.
 *
 * Usage: bench_pauses [MIB [CYCLES [ROOTS [STORES [GOGC]]]]] (1024, 8, registered, 0, 100). A live heap of MIB in 1,024 chains of objects of
 * 1 KiB (one chain would be marked by one thread alone), two threads that allocate 64 to 4096 bytes at a time and after each store
 * STORES pointers into the live heap, collect=concurrent; CYCLES cycles that allocation started.
 *
 * The share is the process's own: a sampler reads the CPU clock of the process each half millisecond and sums what passes while a
 * mark runs; markers (background, assists, forced) are taken off by the collector's own count. So other work on the machine
 * takes CPU from both and does not shift it. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gc/gc.h"
#include "gc/gc_support.h"

#define EXIT_BAD_INPUT 5
#define MIB ((size_t)1 << 20)
#define OBJECT_BYTES ((size_t)1024)
#define THREADS 2u
#define CHAINS 1024u
#define EVENTS 256u
#define SAMPLE_NS 500000L

struct program {
    struct ua_heap *heap;
    struct gs_node *live;     /* CHAINS nodes, each the head of a chain */
    unsigned stores;
    uint32_t attached;        /* atomic; threads, for their numbers */
    uint32_t stop;            /* atomic */
    uint64_t marking_cpu_ns;  /* the sampler's; read after its end */
};

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void *sample(void *context)
{
    static const struct timespec step = {0, SAMPLE_NS};
    struct program *program = context;
    const uint32_t *state = &program->heap->gc->state;
    bool was_marking = false;
    uint64_t before = 0;

    while (__atomic_load_n(&program->stop, __ATOMIC_RELAXED) == 0) {
        bool marking = __atomic_load_n(state, __ATOMIC_RELAXED) == UA_GC_RUNNING;
        uint64_t now = clock_ns(CLOCK_PROCESS_CPUTIME_ID);

        program->marking_cpu_ns += was_marking ? now - before : 0;
        was_marking = marking;
        before = now;
        nanosleep(&step, NULL);
    }
    return NULL;
}

/* Between the heads of two chains. Each thread has slots of its own. */
static void store_some(struct program *program, unsigned thread, uint64_t *seed)
{
    for (unsigned i = 0; i < program->stores; i++) {
        struct gs_node *from, *to;
        size_t slot;

        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        from = program->live[(*seed >> 54) % CHAINS].left;
        to = program->live[(*seed >> 44) % CHAINS].left;
        slot = (*seed >> 34) % (OBJECT_BYTES / sizeof *from / THREADS) * THREADS + thread;
        ua_store(program->heap, (void **)&from[slot].right, to);
    }
}

static void *allocate(void *context)
{
    struct program *program = context;
    unsigned thread = __atomic_fetch_add(&program->attached, 1, __ATOMIC_RELAXED);
    uint64_t seed = (uint64_t)(uintptr_t)&seed | 1;

    if (ua_thread_attach() != 0)
        exit(1);
    while (__atomic_load_n(&program->stop, __ATOMIC_RELAXED) == 0) {
        unsigned char *bytes;

        seed = seed * 6364136223846793005u + 1442695040888963407u;
        bytes = ua_heap_alloc(program->heap, gs_byte_type(), 64u << (seed >> 60) % 7);
        if (bytes == NULL)
            exit(1);
        bytes[0] = 1;
        store_some(program, thread, &seed);
    }
    ua_thread_detach();
    return NULL;
}

static struct gs_node *build(struct program *program, size_t bytes)
{
    struct gs_node *live = NULL;

    if (ua_root_add(program->heap, &live) != 0)
        exit(1);
    live = ua_heap_alloc(program->heap, gs_node_type(), CHAINS);
    for (size_t i = 0; live != NULL && i < bytes / OBJECT_BYTES; i++) {
        struct gs_node *node = ua_heap_alloc(program->heap, gs_node_type(), OBJECT_BYTES / sizeof *node);

        if (node == NULL)
            exit(1);
        ua_store(program->heap, (void **)&node->left, live[i % CHAINS].left);
        ua_store(program->heap, (void **)&live[i % CHAINS].left, node);
    }
    ua_root_remove(program->heap, &live);
    return live;
}

static void print_times(const char *what, const struct ua_histogram *now, const struct ua_histogram *before)
{
    struct ua_histogram since = *now;

    since.count -= before->count;
    for (unsigned i = 0; i < UA_HISTOGRAM_BUCKETS; i++)
        since.buckets[i] -= before->buckets[i];
    printf("%-6s of %llu pauses: half at most %.3f ms, 90 %% %.3f, all %.3f\n", what, (unsigned long long)since.count,
           (double)ua_histogram_at_ns(&since, 500) / 1e6, (double)ua_histogram_at_ns(&since, 900) / 1e6,
           (double)ua_histogram_at_ns(&since, 1000) / 1e6);
}

static void print_share(struct program *program, uint64_t first_cycle)
{
    static struct ua_gc_event events[EVENTS];
    size_t count = ua_gc_events(program->heap, events, EVENTS);
    uint64_t background_ns = 0, assist_ns = 0, wait_ns = 0, mark_ns = 0, alloc_bytes = 0, cycles = 0;
    double all_ns, program_ns;

    for (size_t i = 0; i < count; i++) {
        const struct ua_gc_event *event = &events[i];

        if (event->cycle < first_cycle)
            continue;
        background_ns += event->background_ns;
        assist_ns += event->assist_ns + event->forced_ns;
        wait_ns += event->wait_ns;
        mark_ns += event->mark_ns;
        alloc_bytes += event->mark_alloc_bytes;
        cycles++;
        printf("cycle %llu: live %.0f, trigger %.0f, goal %.0f MiB; mark %.1f ms, background %.1f, %llu assists %.1f, waits %.1f, "
               "%.1f MiB allocated; open %.3f ms after %.3f, close %.3f after %.3f\n",
               (unsigned long long)event->cycle, (double)event->heap_live_start_bytes / 1048576.0,
               (double)event->trigger_bytes / 1048576.0, (double)event->heap_goal_bytes / 1048576.0, (double)event->mark_ns / 1e6,
               (double)event->background_ns / 1e6, (unsigned long long)event->assist_count, (double)event->assist_ns / 1e6,
               (double)event->wait_ns / 1e6, (double)event->mark_alloc_bytes / 1048576.0, (double)event->open_cpu_ns / 1e6, (double)event->open_stop_ns / 1e6,
               (double)event->close_cpu_ns / 1e6, (double)event->close_stop_ns / 1e6);
    }
    all_ns = (double)program->marking_cpu_ns;
    program_ns = all_ns - (double)(background_ns + assist_ns);
    printf("%llu cycles, %.1f ms each: of %.1f ms CPU a mark background %.1f %%, assists %.1f %%, the program %.1f %%; "
           "waits %.1f ms; the program allocates %.0f MB a second of its CPU\n",
           (unsigned long long)cycles, (double)mark_ns / 1e6 / (double)cycles, all_ns / 1e6 / (double)cycles,
           100.0 * (double)background_ns / all_ns, 100.0 * (double)assist_ns / all_ns,
           100.0 * program_ns / all_ns, (double)wait_ns / 1e6 / (double)cycles, (double)alloc_bytes * 1e3 / program_ns);
}

int main(int argc, char **argv)
{
    static struct ua_gc_pauses before, after;
    size_t live_mib = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 1024;
    uint64_t cycles = argc > 2 ? strtoul(argv[2], NULL, 10) : 8;
    struct program program = {.stop = 0};
    struct gs_node *live = NULL;
    pthread_t threads[THREADS + 1];
    char settings[128];
    uint64_t first;

    if (live_mib == 0 || live_mib > 65536 || cycles == 0 || cycles > EVENTS / 2) {
        fprintf(stderr, "bench_pauses: usage: bench_pauses [MIB [CYCLES [registered|conservative|process [STORES [GOGC]]]]], 1 to 65536 and 1 to 128\n");
        return EXIT_BAD_INPUT;
    }
    snprintf(settings, sizeof settings, "collect=concurrent gogc=%s sanitizer=off roots=%s", argc > 5 ? argv[5] : "100",
             argc > 3 ? argv[3] : "registered");
    program.heap = gs_heap("safe", settings);
    if (ua_root_add(program.heap, &live) != 0)
        return 1;
    live = build(&program, live_mib * MIB);
    program.live = live;
    program.stores = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 0;
    ua_collect(program.heap);
    ua_collect(program.heap);
    ua_gc_pauses(program.heap, &before);
    first = ua_gc_cycles(program.heap);
    for (unsigned i = 0; i < THREADS + 1; i++)
        if (pthread_create(&threads[i], NULL, i < THREADS ? allocate : sample, &program) != 0)
            return 1;
    ua_blocking_begin();
    while (ua_gc_cycles(program.heap) < first + cycles)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    __atomic_store_n(&program.stop, 1, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < THREADS + 1; i++)
        pthread_join(threads[i], NULL);
    ua_blocking_end();
    ua_gc_pauses(program.heap, &after);
    printf("%zu MiB alive, %s\n", live_mib, settings);
    print_times("stop", &after.stop, &before.stop);
    print_times("CPU", &after.cpu, &before.cpu);
    print_times("pause", &after.pause, &before.pause);
    printf("since the process began: CPU of %llu pauses at most %.3f ms, of those before the %llu cycles %.3f\n",
           (unsigned long long)after.cpu.count, (double)after.cpu.max_ns / 1e6, (unsigned long long)cycles, (double)before.cpu.max_ns / 1e6);
    print_share(&program, first + 1);
    ua_root_remove(program.heap, &live);
    ua_heap_close(program.heap);
    return 0;
}
