/* hx_region.h - what all regions have in common: objects are taken from a scope, none is freed alone, zeros are made by hand.
 *
 * Why: mi_heap, obstack, APR pools and talloc differ in how a scope opens, gives bytes and ends; the rest is here and in
 * hx_region_calls.inc once. A header defines struct hx_env, struct hx_scope and hx_region_take(scope, bytes), which returns NULL when
 * there is no memory, and ends with the .inc.
 *
 * Their chunks come from a malloc. Each is told to keep its pages, as arm keep of malloc is (environment: HX_BACKEND_MEMORY): else
 * glibc gives the top of its heap back at the end of every large scope, the next one faults it in anew, and the figure would be
 * of page faults. That is the region of a process that has run for a while, and what a warm arena is compared with. */
#ifndef HX_REGION_H
#define HX_REGION_H

#include <malloc.h>
#include <string.h>

#include "backends/hx_backend.h"
#include "backends/hx_chunkless.h"
#include "backends/hx_plain_type.h"

#define HX_FREES_EACH 0
#define HX_ZEROES 0
#define HX_REFILLS 0

/* glibc's words for "give nothing back", for a worker that was started without the driver's environment. */
HX_INLINE void hx_region_keep_pages(void) {
    mallopt(M_TRIM_THRESHOLD, INT32_MAX);
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TOP_PAD, 1 << 20);
}

HX_INLINE const char *hx_region_options(const struct hx_open_args *args) {
    return strcmp(args->options, "-") == 0 ? NULL : "it has no options";
}

#endif
