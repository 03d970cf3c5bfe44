/* planted.h - the bump backend with a place to go wrong: what the three planted backends share.
 *
 * Why: a checksum that no broken allocator can fail proves nothing. A planted header includes this, defines
 * planted_after(scope, object, bytes, typed), which is called after each allocation, and ends with planted_calls.inc. */
#ifndef PLANTED_H
#define PLANTED_H

#define hx_new sound_new
#define hx_slice sound_slice
#define hx_bytes sound_bytes
#include "backends/hx_backend_bump.h"
#undef hx_new
#undef hx_slice
#undef hx_bytes

/* One count a compiled file: single-threaded, and only which allocation is hit depends on it. */
static unsigned long planted_count __attribute__((unused));

#endif
