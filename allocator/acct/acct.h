/* acct.h - the ledger: the one place with byte counters.
 *
 * Why: the pacer decides from these figures and a memory limit trusts them, so a byte must never be counted twice or lost.
 * (a) Accounts: each byte of address space the heap owns lies in exactly one. A move is one call, the sum is constant, an
 *     overdraft is fatal. NONE is the rest of the world.
 * (b) Flow counters: Go's statistics of what was allocated and freed; only acct.c writes them.
 * All cells are atomic; a reader sees each cell exactly, the set with a moment's blur. */
#ifndef UA_ACCT_H
#define UA_ACCT_H

#include "base/base.h"
#include "base/config.h"

enum ua_account {
    UA_ACCT_NONE,     /* not the heap's */
    UA_ACCT_RESERVED, /* address space only */
    UA_ACCT_RELEASED, /* Go's heapReleased: prepared, may have no pages */
    UA_ACCT_IN_USE,   /* spans in use: Go's heapInUse */
    UA_ACCT_FREE,     /* mapped pages without a span: Go's heapFree */
    UA_ACCT_KEPT,     /* chunks out of use whose pages were kept (fault = protect or off) */
    UA_ACCT_META,     /* metadata */
    UA_ACCT_COUNT
};

struct ua_acct {
    uint64_t account[UA_ACCT_COUNT];
    uint64_t heap_live, heap_marked, heap_scan, scan_alloc;
    uint64_t total_alloc, total_free;
    uint64_t large_alloc, large_alloc_count, large_free, large_free_count;
};

void ua_acct_init(struct ua_acct *acct);
/* Moves bytes between accounts; fatal "ledger overdraft" when `from` holds less. */
void ua_acct_move(struct ua_acct *acct, enum ua_account from, enum ua_account to, size_t bytes);
uint64_t ua_acct_read(const struct ua_acct *acct, enum ua_account account);
uint64_t ua_acct_mapped_ready(const struct ua_acct *acct);
/* Fatal unless the accounts' sum is what it was at the start. */
void ua_acct_check_sum(const struct ua_acct *acct);

/* One large object or chunk came to life / died; `bytes` as accounted (whole pages). */
void ua_acct_large_alloc(struct ua_acct *acct, size_t bytes);
void ua_acct_large_free(struct ua_acct *acct, size_t bytes);
/* The same for one that a sweep frees: the mark left it out of heap_live already. */
void ua_acct_large_swept(struct ua_acct *acct, size_t bytes);
/* Small objects of the collected heap (gc/): bytes given out by refilling, and bytes found dead by a sweep. */
void ua_acct_small_alloc(struct ua_acct *acct, size_t bytes);
void ua_acct_small_free(struct ua_acct *acct, size_t bytes);
/* Scannable bytes of objects allocated into chunks; grows when logs are written out. */
void ua_acct_scan_alloc(struct ua_acct *acct, size_t bytes);
/* Mark termination: what the mark found is what is live now. */
void ua_acct_marked(struct ua_acct *acct, uint64_t marked_bytes, uint64_t scan_bytes);

static inline uint64_t ua_acct_load(const uint64_t *cell)
{
    return __atomic_load_n(cell, __ATOMIC_RELAXED);
}

#endif
