/* ua_profile.h - who holds arena memory, and what happens to it: a sampled profile and a trace of events. Part of ua.h.
 *
 * Why of chunks and not of objects: an arena's cost is its chunks, and looking at each object would cost more than the object.
 *
 * Profile. Option profile_rate: the mean of bytes between two samples (1: every chunk; off, the default: none). With Go's
 * usual 512KiB nearly every 8 MiB chunk is sampled. Sampled are chunks that come into use and objects of their own (more than a
 * quarter chunk, or than 32 KiB in the collected heap); objects inside arenas and spans are not. A sample is booked to the
 * stack of calls that asked; it is in use until the chunk is set to fault or the object is freed. A chunk that a freed arena
 * leaves to the next one is still in use, by the stack that took it.
 * Stacks are found by the unwind tables that compilers emit by default; without them they are short.
 *
 * Threads: any. Errors: as in ua.h. */
#ifndef UA_PROFILE_H
#define UA_PROFILE_H

#include <stddef.h>
#include <stdint.h>

#include "ua_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ua_heap;

/* Writes the heap's profile so far in the text format that pprof reads ("heap profile: ... @ heap_v2/...", MAPPED_LIBRARIES), to
 * a descriptor, or to a file that is renamed to `path` when it is whole. 0, or -1 with the errno of the failed call, or EINVAL
 * when the heap was made with profile_rate off. Allocates nothing. */
UA_API int ua_profile_write(struct ua_heap *heap, const char *path);
UA_API int ua_profile_write_fd(struct ua_heap *heap, int fd);

/* From now on one line to `fd` for each event of the heap's arenas:
 *     ua: EVENT [arena=0x...] [at=0x... bytes=N] thread=TID ns=MONOTONIC
 * new, free, reset: an arena. chunk, reuse: the arena goes on in this chunk, new in use or another arena's rest. full: it has no
 * room. leave: a freed arena left it to others. wait: freed during a mark. fault: out of use. ready: left quarantine.
 * large, large-free: an object of its own. Lines of one chunk are in order. `fd` is the caller's and stays open meanwhile;
 * a second call changes it. 0, or -1 with EBADF or ENOMEM. */
UA_API int ua_trace_start(struct ua_heap *heap, int fd);
/* No line is begun after the return. Returns how many lines could not be written since the heap was made; no trace: 0. */
UA_API uint64_t ua_trace_stop(struct ua_heap *heap);

#ifdef __cplusplus
}
#endif

#endif
