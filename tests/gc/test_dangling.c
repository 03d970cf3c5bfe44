/* test_dangling.c - a dangling pointer anywhere a root may be keeps a quarantined chunk out of reuse; when it goes, the
 * chunk is ready after one collection.
 *
 * The main thread must never hold the pointer, or a stale copy in a register would decide: threads make the garbage and
 * place the pointer, and only a scrambled copy passes through main. */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gc/gc_support.h"
#include "include/ua_debug.h"

#define MIB ((size_t)1 << 20)
#define SCRAMBLE ((uintptr_t)0x5555555555555555)
#define CHUNKS_FREED 3

enum place { IN_GLOBAL, IN_HEAP, IN_ARENA, IN_MALLOC, IN_MAIN_TLS, IN_REGISTERED, ON_STACK, IN_REGISTER, IN_TLS };

static void *volatile global_slot;
static _Thread_local void *volatile tls_slot;

struct scene {
    struct ua_heap *heap;
    enum place place;
    uintptr_t scrambled;
    void **malloc_slot;
    void *volatile *main_tls;
    void *registered_slot;
    struct gs_node *object; /* registered root */
    sem_t placed;
    sem_t let_go;
    volatile int stop;
};

/* Frees an arena of four chunks: three go to quarantine. Leaves a pointer into one of them, scrambled. */
static __attribute__((noinline)) void fill_and_free(struct scene *scene)
{
    struct ua_arena *arena = ua_arena_new(scene->heap);

    for (int i = 0; i < 25; i++) {
        unsigned char *piece = ua_arena_alloc(arena, gs_byte_type(), MIB);

        memset(piece, 1, 64);
        if (i == 9)
            scene->scrambled = (uintptr_t)(piece + 100) ^ SCRAMBLE;
    }
    ua_arena_free(arena);
}

/* The stack of a thread that has ended stays mapped for the next: nothing may be left on it. */
static void *make_garbage(void *argument)
{
    assert_int_equal(ua_thread_attach(), 0);
    fill_and_free(argument);
    gs_clean_stack();
    ua_thread_detach();
    gs_clean_stack();
    return NULL;
}

static void hold_in_register(struct scene *scene)
{
    uintptr_t held = scene->scrambled ^ SCRAMBLE;

    /* Computed before anybody is told: clang would put it off to behind sem_post. */
    __asm__ volatile("" : "+r"(held));
    sem_post(&scene->placed);
    while (!scene->stop)
        __asm__ volatile("" : "+r"(held));
    held = 0;
    __asm__ volatile("" : "+r"(held));
}

static void hold_on_stack(struct scene *scene)
{
    void *volatile held = (void *)(scene->scrambled ^ SCRAMBLE);

    sem_post(&scene->placed);
    sem_wait(&scene->let_go);
    held = NULL;
    (void)held;
}

static void hold_in_tls(struct scene *scene)
{
    tls_slot = (void *)(scene->scrambled ^ SCRAMBLE);
    gs_clean_stack();
    sem_post(&scene->placed);
    sem_wait(&scene->let_go);
    tls_slot = NULL;
}

static void *hold(void *argument)
{
    struct scene *scene = argument;

    assert_int_equal(ua_thread_attach(), 0);
    if (scene->place == ON_STACK)
        hold_on_stack(scene);
    else if (scene->place == IN_REGISTER)
        hold_in_register(scene);
    else
        hold_in_tls(scene);
    gs_clean_stack();
    ua_thread_detach();
    return NULL;
}

/* Stores the pointer into memory that lives on. */
static __attribute__((noinline)) void place(struct scene *scene)
{
    void *pointer = (void *)(scene->scrambled ^ SCRAMBLE);

    switch (scene->place) {
    case IN_GLOBAL:
        global_slot = pointer;
        break;
    case IN_HEAP:
    case IN_ARENA:
        scene->object->left = pointer;
        break;
    case IN_MALLOC:
        *scene->malloc_slot = pointer;
        break;
    case IN_MAIN_TLS:
        *scene->main_tls = pointer;
        break;
    default:
        scene->registered_slot = pointer;
        break;
    }
}

static void *place_in_memory(void *argument)
{
    place(argument);
    gs_clean_stack();
    return NULL;
}

static void run_thread(void *(*fn)(void *), struct scene *scene)
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, fn, scene), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

/* Not inlined: a struct of figures in a caller's frame would show, unwritten, what earlier scenes left on the stack. */
static __attribute__((noinline)) size_t quarantined(struct scene *scene)
{
    return ts_stats(scene->heap).chunks_quarantine;
}

static void open_scene(struct scene *scene, const char *roots, enum place place)
{
    char settings[128];

    snprintf(settings, sizeof settings, "sanitizer=off gogc=off quarantine_limit=0 roots=%s", roots);
    memset(scene, 0, sizeof *scene);
    scene->heap = gs_heap("safe", settings);
    scene->place = place;
    scene->main_tls = &tls_slot;
    scene->malloc_slot = calloc(1, sizeof *scene->malloc_slot);
    if (place == IN_ARENA)
        scene->object = ua_arena_alloc(ua_arena_new(scene->heap), gs_node_type(), 1);
    else
        scene->object = ua_heap_alloc(scene->heap, gs_node_type(), 1);
    assert_int_equal(ua_root_add(scene->heap, &scene->object), 0);
    assert_int_equal(ua_root_add(scene->heap, &scene->registered_slot), 0);
    sem_init(&scene->placed, 0, 0);
    sem_init(&scene->let_go, 0, 0);
    run_thread(make_garbage, scene);
    assert_int_equal(quarantined(scene), CHUNKS_FREED);
}

/* On a thread of its own: the walk leaves addresses of chunks on its stack, and the next scene's heap has the same ones. */
static void *verify(void *argument)
{
    struct scene *scene = argument;

    ua_debug_verify(scene->heap);
    return NULL;
}

static void close_scene(struct scene *scene)
{
    run_thread(verify, scene);
    ua_root_remove(scene->heap, &scene->object);
    ua_root_remove(scene->heap, &scene->registered_slot);
    ua_heap_close(scene->heap);
    free(scene->malloc_slot);
}

static size_t quarantined_after_collection(struct scene *scene)
{
    ua_collect(scene->heap);
    return quarantined(scene);
}

static void check_memory(const char *roots, enum place place)
{
    struct scene scene;

    open_scene(&scene, roots, place);
    run_thread(place_in_memory, &scene);
    assert_int_equal(quarantined_after_collection(&scene), 1);
    assert_int_equal(quarantined_after_collection(&scene), 1);
    /* It is never read, and any number of new chunks does not use it. */
    for (int i = 0; i < 10; i++)
        assert_non_null(ua_arena_new(scene.heap));
    assert_int_equal(quarantined(&scene), 1);
    global_slot = NULL;
    tls_slot = NULL;
    scene.object->left = NULL;
    *scene.malloc_slot = NULL;
    scene.registered_slot = NULL;
    assert_int_equal(quarantined_after_collection(&scene), 0);
    close_scene(&scene);
}

static void check_thread(const char *roots, enum place place)
{
    struct scene scene;
    pthread_t thread;
    size_t held;

    open_scene(&scene, roots, place);
    assert_int_equal(pthread_create(&thread, NULL, hold, &scene), 0);
    sem_wait(&scene.placed);
    held = quarantined_after_collection(&scene);
    scene.stop = 1;
    sem_post(&scene.let_go);
    pthread_join(thread, NULL);
    assert_int_equal(held, 1);
    assert_int_equal(quarantined_after_collection(&scene), 0);
    close_scene(&scene);
}

static void test_registered_slot(void **state)
{
    (void)state;
    check_memory("registered", IN_REGISTERED);
}

static void test_heap_object(void **state)
{
    (void)state;
    check_memory("registered", IN_HEAP);
}

static void test_other_arena(void **state)
{
    (void)state;
    check_memory("registered", IN_ARENA);
}

static void test_global(void **state)
{
    (void)state;
    check_memory("conservative", IN_GLOBAL);
}

static void test_stack(void **state)
{
    (void)state;
    check_thread("conservative", ON_STACK);
}

static void test_register_of_a_busy_loop(void **state)
{
    (void)state;
    check_thread("conservative", IN_REGISTER);
}

static void test_thread_local_variable(void **state)
{
    (void)state;
    check_thread("conservative", IN_TLS);
}

/* The stacks of other threads hold their thread-local variables too; the first thread's lie elsewhere. */
static void test_thread_local_variable_of_the_main_thread(void **state)
{
    (void)state;
    check_memory("conservative", IN_MAIN_TLS);
}

static void test_malloc_memory_is_seen_by_process_roots(void **state)
{
    (void)state;
    /* A sanitizer's shadow is a writable mapping of terabytes: sweeping all of them is no use there. */
    if (getenv("GC_TESTS_SANITIZED") != NULL)
        skip();
    check_memory("process", IN_MALLOC);
}

/* Documented: conservative roots are blind there. */
static void test_malloc_memory_is_not_seen_by_conservative_roots(void **state)
{
    struct scene scene;

    (void)state;
    open_scene(&scene, "conservative", IN_MALLOC);
    run_thread(place_in_memory, &scene);
    assert_int_equal(quarantined_after_collection(&scene), 0);
    close_scene(&scene);
}

#define HUNG 100

UA_TYPE(node_pair, struct gs_node, UA_PTR(left), UA_PTR(right));

/* Objects that only a freed arena points to, and a pointer into that arena for the caller, scrambled. */
static void *hang_objects(void *argument)
{
    struct scene *scene = argument;
    struct ua_arena *arena;

    assert_int_equal(ua_thread_attach(), 0);
    arena = ua_arena_new(scene->heap);
    for (int i = 0; i < HUNG; i++) {
        struct gs_node *node = ua_arena_alloc(arena, &node_pair, 1);

        node->left = ua_heap_alloc(scene->heap, gs_node_type(), 1);
        assert_int_equal(ua_finalizer_set(scene->heap, node->left, gs_count_finalizer, (void *)(uintptr_t)&scene->stop), 0);
        scene->scrambled = (uintptr_t)node ^ SCRAMBLE;
    }
    for (int i = 0; i < 9; i++) /* so that the chunk is full, and goes */
        assert_non_null(ua_arena_alloc(arena, gs_byte_type(), MIB));
    ua_arena_free(arena);
    gs_clean_stack();
    ua_thread_detach();
    gs_clean_stack();
    return NULL;
}

/* A pointer into a quarantined chunk keeps the chunk and nothing that it points to: a mark never reads it, whether it may be
 * touched (fault=off) or not (where a read would be a fault). */
static void test_a_quarantined_chunk_is_kept_and_not_read(void **state)
{
    static const char *const faults[] = {"off", "protect", "release"};

    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct scene scene = {.place = IN_REGISTERED};
        char settings[128];

        snprintf(settings, sizeof settings, "roots=conservative sanitizer=off gogc=off quarantine_limit=0 fault=%s", faults[i]);
        scene.heap = gs_heap("safe", settings);
        assert_int_equal(ua_root_add(scene.heap, &scene.registered_slot), 0);
        run_thread(hang_objects, &scene);
        scene.registered_slot = (void *)(scene.scrambled ^ SCRAMBLE);
        assert_int_equal(ts_stats(scene.heap).chunks_quarantine, 1);
        ua_collect(scene.heap);
        assert_in_range(scene.stop, HUNG * 99 / 100, HUNG);
        assert_int_equal(ts_stats(scene.heap).chunks_quarantine, 1);
        scene.registered_slot = NULL;
        ua_root_remove(scene.heap, &scene.registered_slot);
        ua_heap_close(scene.heap);
    }
}

/* Freed during a mark: the chunk was a root of it, so it takes the next cycle. */
static void test_a_chunk_freed_during_a_mark_waits_for_the_next(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct ua_arena *arena = ua_arena_new(heap);

    (void)state;
    for (int i = 0; i < 25; i++)
        assert_non_null(ua_arena_alloc(arena, gs_byte_type(), MIB));
    ua_debug_mark_begin(heap);
    ua_arena_free(arena);
    assert_int_equal(ts_stats(heap).chunks_fault, CHUNKS_FREED);
    ua_debug_mark_end(heap);
    assert_int_equal(ts_stats(heap).chunks_fault, 0);
    assert_int_equal(ts_stats(heap).chunks_quarantine, CHUNKS_FREED);
    ua_collect(heap);
    assert_int_equal(ts_stats(heap).chunks_quarantine, 0);
    ua_heap_close(heap);
}

/* Neighbours that become ready together are opened by one call, and come back by address, beginning beside the chunk taken last. */
static void test_ready_chunks_are_opened_in_runs(void **state)
{
    struct ua_heap *heap = gs_heap("safe", "roots=registered sanitizer=off gogc=off quarantine_limit=0");
    struct ua_arena *arena = ua_arena_new(heap);
    struct ua_stats before;
    uintptr_t last = UINTPTR_MAX;

    (void)state;
    for (int i = 0; i < 49; i++)
        assert_non_null(ua_arena_alloc(arena, gs_byte_type(), MIB));
    ua_arena_free(arena);
    before = ts_stats(heap);
    assert_int_equal(before.chunks_quarantine, 6);
    ua_collect(heap);
    assert_true(ts_stats(heap).sys_unprotect_count == before.sys_unprotect_count + 1);
    arena = ua_arena_new(heap);
    for (int i = 0; i < 40; i++) {
        struct ua_where where;

        assert_int_equal(ua_debug_where(heap, ua_arena_alloc(arena, gs_byte_type(), MIB), &where), 0);
        if (last != UINTPTR_MAX)
            assert_true(where.chunk_base == last || where.chunk_base == last - 8 * MIB);
        last = where.chunk_base;
    }
    assert_true(ts_stats(heap).sys_unprotect_count == before.sys_unprotect_count + 1);
    ua_debug_verify(heap);
    ua_heap_close(heap);
}

/* What preset safe promises: a program that only makes and frees arenas stays within a bounded address space. */
static void test_arenas_freed_for_ever_use_a_bounded_address_space(void **state)
{
    struct ua_heap *heap = gs_heap("safe", "");
    uint64_t most = 0;

    (void)state;
    for (int i = 0; i < 200; i++) {
        struct ua_arena *arena = ua_arena_new(heap);
        struct ua_stats stats;

        for (int k = 0; k < 17; k++)
            assert_non_null(ua_arena_alloc(arena, gs_byte_type(), MIB));
        ua_arena_free(arena);
        stats = ts_stats(heap);
        if (stats.reserved_bytes + stats.heap_in_use_bytes + stats.kept_resident_bytes > most)
            most = stats.reserved_bytes + stats.heap_in_use_bytes + stats.kept_resident_bytes;
    }
    assert_true(most <= 256 * MIB);
    assert_true(ts_stats(heap).gc_cycles >= 20);
    ua_heap_close(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registered_slot),
        cmocka_unit_test(test_heap_object),
        cmocka_unit_test(test_other_arena),
        cmocka_unit_test(test_global),
        cmocka_unit_test(test_stack),
        cmocka_unit_test(test_register_of_a_busy_loop),
        cmocka_unit_test(test_thread_local_variable),
        cmocka_unit_test(test_thread_local_variable_of_the_main_thread),
        cmocka_unit_test(test_malloc_memory_is_seen_by_process_roots),
        cmocka_unit_test(test_malloc_memory_is_not_seen_by_conservative_roots),
        cmocka_unit_test(test_a_quarantined_chunk_is_kept_and_not_read),
        cmocka_unit_test(test_a_chunk_freed_during_a_mark_waits_for_the_next),
        cmocka_unit_test(test_ready_chunks_are_opened_in_runs),
        cmocka_unit_test(test_arenas_freed_for_ever_use_a_bounded_address_space),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
