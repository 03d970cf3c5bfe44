/* hx_ask.h - the one request a worker process answers, read strictly.
 *
 * Why: a request that is misread measures the wrong thing without a word, so every member is named, typed and in range, and an
 * unknown or missing one ends the process with one line (exit 5). Parsed by jansson on mapped memory before anything is measured:
 * not one call reaches the malloc under test. */
#ifndef HX_ASK_H
#define HX_ASK_H

#include "base/hx_base.h"

#define HX_PROTOCOL_VERSION 1

enum hx_pass { HX_PASS_TIME, HX_PASS_LATENCY, HX_PASS_COUNTERS, HX_PASS_MEMORY, HX_PASS_COUNTS, HX_PASS_PLAN, HX_PASS_COUNT };
extern const char *const hx_pass_names[HX_PASS_COUNT];

enum { HX_ASK_PUS_MAX = 64, HX_ASK_INPUTS_MAX = 256, HX_ASK_EVENTS_MAX = 32, HX_BLOCKS_MAX = 4096 };

/* Strings live as long as the process. */
struct hx_ask {
    enum hx_pass pass;
    const char *scenario;
    const char *backend;
    const char *arm;
    const char *pages; /* "4k" or "huge" */
    const char *options;
    bool huge_pages;
    unsigned threads; /* >= 1 */
    double scale;     /* 0.01 .. 100 */
    uint64_t cycles_per_block;
    unsigned blocks;
    uint64_t seed;
    uint64_t rep;
    uint64_t order;
    unsigned pu[HX_ASK_PUS_MAX];
    size_t pu_count; /* 0: wherever the scheduler likes */
    const char *input[HX_ASK_INPUTS_MAX];
    size_t input_count;
    const char *event[HX_ASK_EVENTS_MAX];
    size_t event_count;
    uint64_t event_group;
    const char *litter; /* "O,M,S" (hx_litter.h), or NULL; always NULL in pass plan, whose work it does not change */
};

/* Dies with one line on bad input. */
void hx_ask_parse(const char *json, struct hx_ask *out);

#endif
