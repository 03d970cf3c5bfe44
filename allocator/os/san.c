/* san.c - see san.h. The only file that knows the tools' own interfaces. */
#include "os/san.h"

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UA_ASAN 1
#endif
#if __has_feature(memory_sanitizer)
#define UA_MSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(UA_ASAN)
#define UA_ASAN 1
#endif

#if defined(UA_ASAN)
#include <sanitizer/asan_interface.h>
#elif defined(UA_MSAN)
#include <sanitizer/msan_interface.h>
#endif

#if __has_include(<valgrind/memcheck.h>) && !defined(UA_ASAN) && !defined(UA_MSAN)
#include <valgrind/memcheck.h>
#define UA_MEMCHECK 1
#endif

/* memcheck answers its requests with -1, every other Valgrind tool and a plain run with 0. */
__attribute__((unused)) static bool memcheck_runs(void)
{
#if defined(UA_MEMCHECK)
    static int answer; /* 0 unknown, 1 no, 2 yes; atomic, every thread finds the same */
    int known = __atomic_load_n(&answer, __ATOMIC_RELAXED);

    if (UA_UNLIKELY(known == 0)) {
        known = RUNNING_ON_VALGRIND && (int)VALGRIND_MAKE_MEM_DEFINED(&known, sizeof known) == -1 ? 2 : 1;
        __atomic_store_n(&answer, known, __ATOMIC_RELAXED);
    }
    return known == 2;
#else
    return false;
#endif
}

bool ua_san_watches(void)
{
#if defined(UA_ASAN) || defined(UA_MSAN)
    return true;
#else
    return memcheck_runs();
#endif
}

#if defined(UA_MEMCHECK)
static void end_pool(uintptr_t pool)
{
    if (VALGRIND_MEMPOOL_EXISTS(pool))
        VALGRIND_DESTROY_MEMPOOL(pool);
}

/* Its blocks are zeroed memory without red zones: the arena keeps those itself. */
static void begin_pool(uintptr_t pool)
{
    end_pool(pool);
    VALGRIND_CREATE_MEMPOOL(pool, 0, 1);
}

/* Blocks outside [at, at + bytes) go. */
static void trim_pool(uintptr_t pool, uintptr_t at, size_t bytes)
{
    if (bytes == 0)
        begin_pool(pool);
    else
        VALGRIND_MEMPOOL_TRIM(pool, at, bytes);
}
#endif

void ua_san_chunk_begun(uintptr_t chunk, size_t bytes)
{
#if defined(UA_MEMCHECK)
    if (memcheck_runs()) {
        begin_pool(chunk + UA_SAN_FRONT);
        begin_pool(chunk + UA_SAN_BACK);
    }
#endif
    ua_san_poison(chunk, bytes);
}

void ua_san_chunk_ended(uintptr_t chunk, size_t bytes)
{
#if defined(UA_MEMCHECK)
    if (memcheck_runs()) {
        end_pool(chunk + UA_SAN_FRONT);
        end_pool(chunk + UA_SAN_BACK);
    }
#endif
    ua_san_poison(chunk, bytes);
}

void ua_san_chunk_cut(uintptr_t chunk, size_t bytes, uintptr_t from, uintptr_t to)
{
#if defined(UA_MEMCHECK)
    if (memcheck_runs()) {
        trim_pool(chunk + UA_SAN_FRONT, chunk, from - chunk);
        trim_pool(chunk + UA_SAN_BACK, to, chunk + bytes - to);
    }
#else
    (void)chunk;
    (void)bytes;
#endif
    ua_san_poison(from, to - from);
}

void ua_san_object(uintptr_t chunk, enum ua_san_end end, uintptr_t at, size_t bytes)
{
#if defined(UA_MEMCHECK)
    if (memcheck_runs())
        VALGRIND_MEMPOOL_ALLOC(chunk + end, at, bytes);
#else
    (void)chunk;
    (void)end;
#endif
#if defined(UA_ASAN)
    __asan_unpoison_memory_region((void *)at, bytes);
#elif defined(UA_MSAN)
    __msan_unpoison((void *)at, bytes);
#else
    (void)at;
    (void)bytes;
#endif
}

void ua_san_known(void *at, size_t bytes)
{
#if defined(UA_MSAN)
    __msan_unpoison(at, bytes);
#elif defined(UA_MEMCHECK)
    VALGRIND_MAKE_MEM_DEFINED(at, bytes);
#else
    (void)at;
    (void)bytes;
#endif
}

void ua_san_poison(uintptr_t at, size_t bytes)
{
#if defined(UA_ASAN)
    __asan_poison_memory_region((void *)at, bytes);
#elif defined(UA_MSAN)
    __msan_allocated_memory((void *)at, bytes);
#elif defined(UA_MEMCHECK)
    if (memcheck_runs())
        VALGRIND_MAKE_MEM_NOACCESS(at, bytes);
#else
    (void)at;
    (void)bytes;
#endif
}

void ua_san_open(uintptr_t at, size_t bytes)
{
#if defined(UA_ASAN)
    __asan_unpoison_memory_region((void *)at, bytes);
#elif defined(UA_MEMCHECK)
    if (memcheck_runs())
        VALGRIND_MAKE_MEM_UNDEFINED(at, bytes);
#else
    (void)at;
    (void)bytes;
#endif
}

void ua_san_forget(uintptr_t at, size_t bytes)
{
#if defined(UA_ASAN)
    __asan_unpoison_memory_region((void *)at, bytes);
#elif defined(UA_MSAN)
    __msan_unpoison((void *)at, bytes);
#else
    (void)at;
    (void)bytes;
#endif
}
