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
/* A range handed out: may be read and written, and is zero. */
void ua_san_object(uintptr_t at, size_t bytes);
/* A range taken back or not handed out yet. */
void ua_san_poison(uintptr_t at, size_t bytes);
/* A range that belongs to no arena any more (its mapping may be reused by anything). */
void ua_san_forget(uintptr_t at, size_t bytes);
/* A range that the allocator itself is about to write (zeroing). */
void ua_san_open(uintptr_t at, size_t bytes);

#endif
