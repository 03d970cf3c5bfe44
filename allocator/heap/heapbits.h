/* heapbits.h - the type log of a chunk, and the heap bitmap made from it.
 *
 * Why two forms: writing Go's bitmap for each object costs more than allocating it. So an allocation appends the type's
 * 16-bit id to the chunk's log, and the log is written out into bitmap words (one bit per 8-byte word, set where a pointer
 * lies) only when somebody wants to read them: a mark, the verifier, a test. Many chunks die before anybody asks.
 *
 *   entry of one value:        id                 (id != 0)
 *   entry of a slice, n >= 4:  0, id, n low, n high
 *
 * Addresses are not logged: objects follow each other from the chunk's base, each aligned up to its type.
 * A log entry is immutable once the chunk's front has passed its object, so anybody holding the write-out right may read the
 * log up to a front that it has loaded (acquire), while the owner goes on allocating.
 *
 * What is written out is not read in the log again, so a full chunk's log can be handed on to another chunk (chunk_logs.c); the
 * chunk's log then begins anew at `log_from`.
 *
 * Go's noMorePtrs marks are not stored: they follow from the frontier (ua_heapbits_no_more). Bits at and above bits_end are
 * zero by definition, whatever memory holds, so a reused chunk's bitmap needs no clearing. */
#ifndef UA_HEAP_HEAPBITS_H
#define UA_HEAP_HEAPBITS_H

#include "acct/acct.h"
#include "heap/space.h"
#include "heap/type.h"

/* Slices below this are logged as single values: four entries never take more than the quarter of 4 x 8 bytes. */
#define UA_LOG_SLICE_MIN ((size_t)4)
#define UA_LOG_SLICE_ENTRIES 4

/* Appends one entry for `count` values; returns where the next goes. */
static inline uint16_t *ua_log_append(uint16_t *log, uint16_t id, size_t count)
{
    if (count < UA_LOG_SLICE_MIN) {
        while (count-- > 0)
            __atomic_store_n(log++, id, __ATOMIC_RELAXED);
        return log;
    }
    __atomic_store_n(&log[0], (uint16_t)0, __ATOMIC_RELAXED);
    __atomic_store_n(&log[1], id, __ATOMIC_RELAXED);
    __atomic_store_n(&log[2], (uint16_t)count, __ATOMIC_RELAXED);
    __atomic_store_n(&log[3], (uint16_t)(count >> 16), __ATOMIC_RELAXED);
    return log + UA_LOG_SLICE_ENTRIES;
}

/* What a write-out needs of the heap. */
struct ua_heapbits {
    const struct ua_types *types;
    struct ua_acct *acct;
    struct ua_meta *meta;
    const struct ua_space *space; /* books the bitmap's pages */
    bool verify;                  /* every write-out is read again against the types (verify=bitmap and full) */
};

/* The write-out right, for what else must not go on beside a write-out: a few instructions, in which the caller keeps stops away
 * (ua_lock_defer_begin). Whoever waits yields. */
void ua_heapbits_acquire(struct ua_span *chunk);
void ua_heapbits_release(struct ua_span *chunk);
/* Empties log and bitmap of a chunk that starts anew at its base. */
void ua_heapbits_reset(struct ua_span *chunk);
/* Writes objects below `front` out; `front` is the chunk's front as loaded by the caller, or the end of any object.
 * Takes the write-out right itself. Adds the scannable bytes to the ledger. */
void ua_heapbits_write_out(const struct ua_heapbits *heapbits, struct ua_span *chunk, uintptr_t front);
/* Reads the bits of objects in [from, end), whose log begins at `log`, again; fatal at the first that differs from its type.
 * Returns where the log goes on. Caller: has the write-out right, or nobody else uses the heap. */
const uint16_t *ua_heapbits_check(const struct ua_heapbits *heapbits, const struct ua_span *chunk, uintptr_t from,
                                  const uint16_t *log, uintptr_t end);
/* The same up to the chunk's scan_end, read under the right, so that a rewind cannot come in between; returns it. */
uintptr_t ua_heapbits_write_out_noted(const struct ua_heapbits *heapbits, struct ua_span *chunk);
/* Drops what was logged at and above `front` (rewinding): bits_end moves down, the log is cut to `log_end`.
 * The caller keeps stops away (ua_lock_defer_begin): the right in the hands of a stopped thread would hold up a mark. */
void ua_heapbits_cut(struct ua_span *chunk, uintptr_t front, uint16_t *log_end);
/* Bitmap word `index` of the chunk, zero above bits_end. */
uint64_t ua_heapbits_word(const struct ua_span *chunk, size_t index);
/* Go's noMorePtrs mark of word `index` for a chunk with this front. */
bool ua_heapbits_no_more(const struct ua_span *chunk, uintptr_t front, size_t index);

/* Writes `count` values of a layout into bitmap words from bit `at` of `words` on; exposed for tests. Bits below `at` in
 * the first word are kept, bits after the last value in the last word are cleared. */
void ua_heapbits_fill(uint64_t *words, size_t at, const struct ua_layout *layout, size_t count);

#endif
