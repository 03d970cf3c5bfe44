/* hx_plan_steps.c - see hx_plan_steps.h. */
#include "record/hx_plan_steps.h"

#include "record/hx_words.h"

#include <string.h>

/* kept and "+ quarantine" differ in what a quarantine needs to work: its limit and collections. That is preset safe without traps. The
 * last step is preset go but for one thing: go sets no limit to its quarantine, so its collections run between blocks, untimed. Here
 * they stay in the time, as in the steps before. */
const struct hx_price_step hx_price_steps[HX_PRICE_STEPS] = {
    {"kept", "arena-kept", "reuse", "-"},
    {"+ quarantine", "arena-safe", "reuse", "fault=off"},
    {"+ protect (safe)", "arena-safe", "reuse", "-"},
    {"+ release", "arena-safe", "reuse", "fault=release"},
    {"+ whole-chunk prezero", "arena-safe", "reuse", "fault=release,prezero=chunk"},
};

struct extra {
    const char *scenarios; /* GLOBs */
    const char *but_not;   /* GLOBs, or NULL */
    const char *backends, *arm, *options;
};

/* Left out: scenarios that differ from one that is there in what safety does not see: whether the compiler knows the type, what is in an
 * object, how long a slice is, who needs zeros or writes them; and two that price nothing: an open loop has no time, gc_pacing is about when a
 * collector runs. arena_lifecycle_many with whole chunks cleared would touch 8 GiB. */
#define PRICE_NOTHING "request_open,gc_pacing"
#define SAFETY_ALIKE PRICE_NOTHING ",*_out,alloc_paths_n*,alloc_paths_p40,alloc_paths_str,alloc_slices_[!p]*,zeroing_*"

static const struct extra extras[] = {
    {"*", SAFETY_ALIKE, "arena-safe", "reuse", "fault=off"},
    {"*", SAFETY_ALIKE, "arena-safe", "reuse", "fault=release"},
    {"*", SAFETY_ALIKE ",arena_lifecycle_many", "arena-safe", "reuse", "fault=release,prezero=chunk"},
    {"zeroing_written*", NULL, "arena-safe,arena-kept", "reuse", "prezero=none"},
    {"refill*", NULL, "arena-go", "reuse", "prezero=populate"},
    {"*", PRICE_NOTHING ",alloc_slices_*,arena_lifecycle_*,refill_*,zeroing_*,alloc_paths_n*,alloc_paths_p40,alloc_paths_str", "malloc,mimalloc", "each", "tuning=keep"},
};

const char *hx_plan_step(const char *scenario, const char *backend, const char *arm, size_t index) {
    for (size_t i = 0; i < HX_COUNT_OF(extras); i++) {
        const struct extra *extra = &extras[i];
        bool fits = hx_glob(extra->scenarios, scenario) && (extra->but_not == NULL || !hx_glob(extra->but_not, scenario)) &&
                    hx_glob(extra->backends, backend) && strcmp(extra->arm, arm) == 0;
        if (fits && index-- == 0) {
            return extra->options;
        }
    }
    return NULL;
}

bool hx_plan_arm_wants_huge(const char *scenario, const char *arm) {
    return strcmp(scenario, "gc_pacing") == 0 && hx_glob("keep,fresh", arm);
}
