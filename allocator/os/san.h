/* san.h - telling ASan, MSan and Valgrind's memcheck which bytes may be touched.
 *
 * Why: an arena hands out parts of one mapping, so a tool sees no boundary unless it is told. While a tool watches, the
 * inlined path is switched off (empty limits), so that every object passes through ua_san_object.
 * Without a tool every function here is one predictable test at most. */
#ifndef UA_OS_SAN_H
#define UA_OS_SAN_H

#include "base/base.h"

/* For a function that reads what belongs to others: no tool looks at its accesses. gcc has no MSan. */
#ifdef __clang__
#define UA_NO_SANITIZE __attribute__((no_sanitize("address", "thread", "memory")))
#else
#define UA_NO_SANITIZE __attribute__((no_sanitize("address", "thread")))
#endif

/* Whether a tool that wants to know each object is present: ASan or MSan built in, or memcheck (not callgrind). */
bool ua_san_watches(void);
enum ua_san_end { UA_SAN_FRONT, UA_SAN_BACK };

/* A chunk as its objects' home. memcheck has a memory pool for each of its ends, so that a report names the object and who made it.
 * begun: nothing is handed out of it (what was is forgotten); ended: nothing will be; cut: what lay in [from, to) is taken back.
 * Each hides what holds no object. */
void ua_san_chunk_begun(uintptr_t chunk, size_t bytes);
void ua_san_chunk_ended(uintptr_t chunk, size_t bytes);
void ua_san_chunk_cut(uintptr_t chunk, size_t bytes, uintptr_t from, uintptr_t to);
/* A range handed out from that end: may be read and written, and is zero. */
void ua_san_object(uintptr_t chunk, enum ua_san_end end, uintptr_t at, size_t bytes);
/* What was read from memory that its owner may never have written, on purpose: no complaint about its use. */
void ua_san_known(void *at, size_t bytes);
/* A range taken back or not handed out yet. */
void ua_san_poison(uintptr_t at, size_t bytes);
/* A range that belongs to no arena any more (its mapping may be reused by anything). */
void ua_san_forget(uintptr_t at, size_t bytes);
/* A range that the allocator itself is about to write (zeroing). */
void ua_san_open(uintptr_t at, size_t bytes);

#endif
