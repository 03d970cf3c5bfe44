/* hx_allocator.h - other people's mallocs: where their libraries lie, and whether a named library is one.
 *
 * Why: mimalloc, jemalloc and tcmalloc are measured by LD_PRELOAD, because linking one would replace malloc in the harness itself.
 * The dynamic linker ignores a wrong LD_PRELOAD with a warning and the run would silently measure glibc: so a library is checked
 * before it becomes a backend, without loading it into this process. */
#ifndef HX_ALLOCATOR_H
#define HX_ALLOCATOR_H

#include "record/hx_cell.h"
#include "record/hx_error.h"

/* Whose environment variables and page options a malloc understands. */
enum hx_allocator_kind {
    HX_ALLOCATOR_NONE, /* not a malloc that runs in worker-malloc */
    HX_ALLOCATOR_GLIBC,
    HX_ALLOCATOR_MIMALLOC,
    HX_ALLOCATOR_JEMALLOC,
    HX_ALLOCATOR_TCMALLOC,
    HX_ALLOCATOR_OTHER, /* named by the user: no options known */
};

struct hx_allocator {
    char name[HX_NAME_BYTES];
    enum hx_allocator_kind kind;
    char path[4096]; /* resolved */
};

/* The kind that a backend name means ("malloc", "mimalloc", …); OTHER for an unknown word. */
enum hx_allocator_kind hx_allocator_kind_of(const char *backend);

/* Looks for a known malloc's library where the dynamic linker would (LD_LIBRARY_PATH, its cache's folders). False with one line
 * that names the package to install when it is not here. */
bool hx_allocator_find(const char *name, struct hx_allocator *out, struct hx_error *error);

/* Parses and checks NAME=LIB of --allocator: a word that is no backend's, a file that is a shared library of this machine and
 * exports malloc and free. */
bool hx_allocator_parse(const char *argument, struct hx_allocator *out, struct hx_error *error);

/* True when the kernel gives huge pages to everyone who does not refuse: then each allocator has them without asking. */
bool hx_allocator_thp_always(void);
/* NULL when the malloc can honour the cell's page mode, else the reason (constant) for the null rows. */
const char *hx_allocator_pages_reason(enum hx_allocator_kind kind, enum hx_pages pages);

#endif
