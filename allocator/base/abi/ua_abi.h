/* ua_abi.h - the data layouts that a program compiled against ua.h and the library itself share.
 *
 * Why here: ua_new is inlined into the program, so it has to know three layouts (type descriptor, descriptor cache, the hot
 * part of an arena). The library's lower layers need the same ones and must not include the public API above them. So the
 * layouts live at the bottom, include nothing of ours, and ua.h includes this file. Install both.
 *
 * Not owned here: any function. Changing a layout changes the ABI version below. */
#ifndef UA_ABI_H
#define UA_ABI_H

#include <stddef.h>
#include <stdint.h>

#define UA_ABI_VERSION 2

/* A function that libua.so gives to programs. */
#define UA_API __attribute__((visibility("default")))

/* ---- policies: each is a run-time option and a column of the benchmark ---------------------------------------------- */

enum ua_prezero_policy { UA_PREZERO_CHUNK, UA_PREZERO_POPULATE, UA_PREZERO_WINDOW, UA_PREZERO_BACKGROUND, UA_PREZERO_NONE };
enum ua_huge_pages { UA_HUGE_MADVISE, UA_HUGE_NEVER, UA_HUGE_COLLAPSE };
enum ua_fault { UA_FAULT_PROTECT, UA_FAULT_RELEASE, UA_FAULT_OFF };
enum ua_quarantine { UA_QUARANTINE_ON, UA_QUARANTINE_OFF };
enum ua_roots { UA_ROOTS_CONSERVATIVE, UA_ROOTS_PROCESS, UA_ROOTS_REGISTERED };
enum ua_collect_mode { UA_COLLECT_STW, UA_COLLECT_CONCURRENT };
enum ua_verify { UA_VERIFY_OFF, UA_VERIFY_BITMAP, UA_VERIFY_FULL };
/* Under ASan and Valgrind a freed active chunk is not reused, so that a use after free is caught; OFF gives Go's plain rule. */
enum ua_sanitizer { UA_SANITIZER_AUTO, UA_SANITIZER_OFF };

#define UA_QUARANTINE_LIMIT_AUTO UINT64_MAX /* max(UA_QUARANTINE_AUTO_MIN_BYTES, marked heap * gogc / 100) */
#define UA_QUARANTINE_AUTO_MIN_BYTES ((uint64_t)24 << 20)
#define UA_GOGC_OFF (-1)
#define UA_MEMORY_LIMIT_NONE INT64_MAX

/* Fill with ua_options_preset, then change single fields; every field has a meaning, none is "0 = default". */
struct ua_options {
    enum ua_prezero_policy prezero;
    enum ua_huge_pages huge_pages;
    enum ua_fault fault;
    enum ua_quarantine quarantine;
    uint64_t quarantine_limit_bytes; /* 0 = Go's way: none; UA_QUARANTINE_LIMIT_AUTO */
    enum ua_roots roots;
    enum ua_collect_mode collect;
    int32_t gogc;               /* percent, 0..10000000; UA_GOGC_OFF */
    int64_t memory_limit_bytes; /* >= 0; UA_MEMORY_LIMIT_NONE */
    int assist;                 /* 1: mutators pay marking for what they allocate */
    uint32_t workers;           /* background mark workers; 0 = a quarter of the CPUs, as Go */
    uint64_t decay_ms;          /* kept memory goes back to the system after this; 0 = never */
    enum ua_verify verify;
    size_t chunk_bytes; /* 64 KiB .. 64 MiB, power of two */
    enum ua_sanitizer sanitizer;
    uint64_t profile_rate_bytes; /* mean of bytes between two samples of the profile (ua_profile.h); 1 = all, 0 = off */
};

/* ---- types ---------------------------------------------------------------------------------------------------------- */

struct ua_type;
struct ua_arena;

/* One run of pointer slots of a struct: `count` pointers from `offset_bytes` on, or an array of `nested` that fills
 * `count` bytes there. A table ends with count 0. */
struct ua_field {
    size_t offset_bytes;
    size_t count;
    const struct ua_type *nested; /* NULL: plain pointers */
};

/* The mutable side of a type: what an allocation reads, in one line. Until the type is registered the steps are so large that
 * no free range holds them, so the first allocation falls into the slow path by the range check alone. */
struct ua_type_cache {
    uint64_t step_bytes;       /* atomic: the size once registered; written last (release) under the type registry's lock */
    uint64_t id;               /* atomic: 1..65535 once registered */
    uint64_t word_step_bytes;  /* atomic: the same for types that need no more than 8-byte alignment; else out of range */
    const void *owner;         /* constant: NULL, or the types of the one heap that a run-time type belongs to */
    const void *layout;        /* atomic: struct ua_layout of the library; NULL until registered */
};

#define UA_STEP_UNREGISTERED ((uint64_t)1 << 46)

/* Compared with, not tested for zero: a compiler then reads it from memory in the comparison itself. */
#define UA_HAS_POINTERS 1

struct ua_type {
    size_t size_bytes;
    size_t align_bytes;
    int has_pointers;                        /* UA_HAS_POINTERS; 0: pointer-free, taken from the back of a chunk */
    const struct ua_field *(*fields)(void);  /* NULL: none, or a run-time type */
    struct ua_type_cache *cache;             /* NULL: pointer-free compile-time type */
    const char *name;                        /* for messages */
};

/* ---- the hot part of an arena: first member of struct ua_arena ------------------------------------------------------ */

/* Owned by the thread that uses the arena. [front, back) is Go's free range; the limits are how far the inlined path may
 * go without asking (memory there is zeroed and the object cannot exceed a quarter chunk). Invariant:
 * front <= front_limit <= back_limit <= back. A store to `front` or `back` commits an allocation: log first, range last. */
struct ua_arena_fast {
    uintptr_t front;
    uintptr_t front_limit;
    uint16_t *log; /* where the next type id goes; never overflows: one id needs at least 8 bytes of the front */
    uintptr_t back;
    uintptr_t back_limit;
};

/* The part of a heap that an inlined store looks at: first member of struct ua_heap. */
struct ua_heap_fast {
    uint32_t marking; /* atomic, changes with the world stopped: overwritten pointers have to be told to the collector */
};

/* A place in an arena to go back to (ua_arena_mark); its fields are the library's. */
struct ua_scope {
    struct ua_arena *arena;
    void *chunk;
    uintptr_t front;
    uintptr_t back;
    uint16_t *log;
    size_t chunk_count;
    size_t used_bytes;
};

/* What an arena without memory holds: every range check fails. */
#define UA_EMPTY_FRONT ((uintptr_t)1 << 46)
#define UA_EMPTY_FRONT_LIMIT ((uintptr_t)0)
#define UA_EMPTY_BACK ((uintptr_t)1 << 62)
#define UA_EMPTY_BACK_LIMIT UINTPTR_MAX

#endif
