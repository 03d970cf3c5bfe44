/* hx_backend.h - what every backend header gives, and what it is told when it is opened.
 *
 * Why: the same scenario sources are compiled against one backend header a program (macro HX_BACKEND_HEADER), as a real program
 * would be compiled against its allocator: an arena is inlined, a malloc is a direct call, no table of pointers taxes either.
 * A backend header includes this file and gives:
 *
 *   constants   HX_BACKEND_WORKER   "worker-malloc", the program's name
 *               HX_FREES_EACH       1: the scenario walks what it built and calls hx_free on each object
 *               HX_ZEROES           1: memory comes zeroed by itself; else a scenario with SC_ZEROED 1 gets it zeroed on request
 *               HX_REFILLS          1: memory is taken in chunks whose number is counted (hx_refills)
 *   types       struct hx_env (one opened backend), struct hx_scope (one lifetime), hx_type (a type descriptor)
 *   types of    HX_TYPE(name, T, HX_PTR(f), HX_PTRS(f, n), HX_NESTED(f, type)...)  defines a descriptor for struct T
 *   objects     HX_SCALAR_TYPE(name, T)                                            the same for a pointer-free T
 *   functions   hx_open hx_close hx_scope_open hx_scope_close hx_new hx_slice hx_bytes, under HX_FREES_EACH hx_free
 *               hx_position (untimed, between blocks: every block starts from the same position), hx_refills (chunks taken
 *               so far), hx_chunk (changes when an allocation took a chunk), hx_ledger
 *   perhaps     HX_SHARES HX_LITTERS HX_COLLECTS HX_TRACE HX_ROOT hx_store HX_NEW_RUNTIME and more: hx_backend_defaults.h says what each
 *               means, and what a backend gets that does not define it
 *   a table     hx_backend_arms: the names and arms of the catalogue, and why one is absent
 *
 * SC_ZEROED is the scenario's constant, defined before this: 1 means that it relies on zeros in typed objects (hx_new, hx_slice), so
 * malloc becomes calloc and an unzeroed region clears them. Bytes are always written in full and nobody clears them on request.
 *
 * hx_new, hx_slice and hx_bytes never return NULL: a program that is out of memory ends with one line, exit 5. Scopes of one
 * environment nest; only the innermost open scope may allocate. One environment belongs to one thread, the one that opened it:
 * a cell of N threads opens N, one after the other, each in its own thread, and closes them in the reverse order. */
#ifndef HX_BACKEND_H
#define HX_BACKEND_H

#include "base/hx_base.h"

/* A file that is no scenario relies on no zeros; sc_scope.h sees to it that a scenario says which it is. */
#ifndef SC_ZEROED
#define SC_ZEROED 0
#endif

/* What the worker wants from hx_open. Strings live as long as the process. */
struct hx_env;
struct hx_open_args {
    const char *backend; /* name in samples.tsv */
    const char *arm;
    const char *options; /* "-" or key=value,... sorted */
    bool huge_pages;
    unsigned lanes;       /* environments that the process opens, a thread each */
    unsigned scopes_open; /* most scopes that the scenario has open at a time */
    uint64_t planned_bytes; /* of all blocks together as a malloc lays them out (8-byte header, 16-byte steps): arms that never
                               free must hold them. 0 while nobody knows (rehearsal) */
    const struct hx_env *first; /* NULL for the first environment of the process; else that one, open */
};

/* One arm of one backend of the catalogue; absent != NULL: it cannot run now, and why. */
struct hx_backend_arm {
    const char *backend;
    const char *arm;
    const char *form;   /* which compiled form of the scenarios runs it: a word of the backend's list in CMake */
    const char *absent;
};

/* One figure of the allocator's own books. `constant` strings. */
struct hx_ledger_row {
    const char *name;
    const char *unit; /* "bytes" or "count" */
    uint64_t value;
};
enum { HX_LEDGER_ROWS_MAX = 48 };

/* A collector's change of phase. `constant` strings; times of the monotonic clock. */
struct hx_gc_phase {
    uint64_t cycle;
    const char *phase; /* "mark" begins, "termination": all is marked, "off": swept */
    const char *cause;
    uint64_t time_ns;
    uint64_t heap_live_bytes;
    uint64_t goal_bytes;
    uint64_t trigger_bytes;
    uint64_t mark_work_bytes; /* of the mark that ended here */
    uint64_t assist_ns;
    uint64_t pause_ns;
    uint64_t sweep_ns; /* of the sweep that ended here, whoever swept */
};
enum { HX_GC_PHASES_MAX = 768 };

/* Cold, so that the check costs the caller one predicted branch. */
_Noreturn __attribute__((cold, noinline, unused)) static void hx_out_of_memory(size_t bytes) {
    hx_die("out of memory: %zu bytes refused by the backend", bytes);
}

/* Every function of a backend header carries this: the scenario pays for the allocator, not for a call to a wrapper. */
#define HX_INLINE static inline __attribute__((always_inline, unused))

#endif
