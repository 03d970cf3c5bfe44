/* prezero.h - who clears memory, and when.
 *
 * Why policies: Go clears a whole 8 MiB chunk when it takes it (also fresh memory: on Linux with huge pages on demand, the
 * eager touch decided whether it got huge pages). That costs a pass over memory that is cold again when it is used. A window
 * ahead of each bump end clears lines that are about to be used, a small arena touches a page, and memory that the kernel
 * has just zeroed is not cleared twice. The price of each way is a column of the benchmark.
 * All functions: owner of the chunk only; no lock. */
#ifndef UA_HEAP_PREZERO_H
#define UA_HEAP_PREZERO_H

#include "heap/span.h"
#include "os/vm.h"

struct ua_prezero {
    enum ua_prezero_policy policy;
    enum ua_huge_pages huge_pages;
    struct ua_vm *vm;
    size_t max_alloc_bytes; /* no window is longer, so that the inlined path never passes a too large object */
    bool watched;           /* a sanitizer watches: cleared memory is hidden again until handed out */
    bool short_windows;     /* ua_prezero_short_* may be asked */
};

/* The whole chunk was just mapped: nothing in it is dirty. */
void ua_prezero_fresh(struct ua_span *chunk);
/* The chunk is used anew with its old pages; [base, front) and [back, limit) were written in its last life. */
void ua_prezero_recycled(struct ua_span *chunk, uintptr_t front, uintptr_t back);
/* The chunk's range goes back from [front, back) to [to_front, to_back): what was handed out between is dirty. */
void ua_prezero_rewound(struct ua_span *chunk, uintptr_t to_front, uintptr_t to_back, uintptr_t front, uintptr_t back);
/* The chunk starts anew at its whole range with its old pages (preset kept). What a small arena wrote is cleared at once, while
 * its lines are in the cache, and what was zero ahead of it stays so; true then. Else false and nothing was done. */
bool ua_prezero_rewound_small(const struct ua_prezero *prezero, struct ua_span *chunk, uintptr_t front, uintptr_t back);
/* The chunk was taken: chunk and populate policies do their work here. */
void ua_prezero_taken(const struct ua_prezero *prezero, struct ua_span *chunk);
/* Clears the whole chunk (what is dirty of it), wherever it is: for the helper of policy background. `fresh`: just mapped. */
void ua_prezero_whole(const struct ua_prezero *prezero, struct ua_span *chunk, bool fresh);
/* How far the front limit may go: at least need_end, at most back. All below the result is zero on return. */
uintptr_t ua_prezero_front(const struct ua_prezero *prezero, struct ua_span *chunk, uintptr_t front, uintptr_t back,
                           uintptr_t need_end);
/* The mirror image: at most need_begin, at least front. */
uintptr_t ua_prezero_back(const struct ua_prezero *prezero, struct ua_span *chunk, uintptr_t front, uintptr_t back,
                          uintptr_t need_begin);
/* Whether objects of this size (with what alignment skips before them) get short windows where memory is dirty. */
static inline bool ua_prezero_is_short(size_t need_bytes)
{
    return need_bytes - 1 < UA_WINDOW_SHORT_OBJECT_BYTES;
}

/* The usual case of both for such an object, with little to decide: the next short window, in dirty memory, far from the chunk's end and the other
 * window. 0: not that case, and nothing was done. */
uintptr_t ua_prezero_short_front(struct ua_span *chunk, uintptr_t front, uintptr_t need_end);
uintptr_t ua_prezero_short_back(struct ua_span *chunk, uintptr_t back, uintptr_t need_begin);

#endif
