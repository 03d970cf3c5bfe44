/* Slack of each count and the repeat-once rule. See hx_count_rule.h. */
#include "gate/hx_count_rule.h"

#include <math.h>
#include <string.h>

#include "base/hx_base.h"

/* A quarter of an instruction an allocation: below it lies how the compiler laid out a cold branch. */
const struct hx_count_rule hx_count_instructions = {
    .metric = "instructions_per_op", .unit = "count", .absolute = 0.25, .up_is_worse = true};

const struct hx_count_rule hx_count_syscalls = {.metric = "syscalls", .unit = "count", .up_is_worse = true};

/* Where the stack and the libraries lie moves a fault or two; half a fault a chunk is the least that a change of the allocator adds. */
const struct hx_count_rule hx_count_faults = {
    .metric = "faults_minor", .unit = "count", .relative = 0.001, .per_chunk = 0.5, .up_is_worse = true};

const struct hx_count_rule hx_count_rss = {
    .metric = "rss_anon_bytes", .unit = "bytes", .absolute = 64.0 * 1024, .relative = 0.02, .up_is_worse = true};

/* Flows and returns: more of them is not worse by itself. Everything else in the ledger is memory held or asked for. */
static const char *const shown_only[] = {
    "free", "released", "total", "live", "mark", "scan", "requested", "objects", "reused", "cycles",
};

struct hx_count_rule hx_count_ledger(const char *metric, const char *unit)
{
    struct hx_count_rule rule = {.metric = metric, .unit = unit, .up_is_worse = true};

    for (size_t i = 0; i < HX_COUNT_OF(shown_only); i++) {
        if (strstr(metric, shown_only[i]) != NULL)
            rule.up_is_worse = false;
    }
    return rule;
}

const char *hx_count_state_name(enum hx_count_state state)
{
    switch (state) {
    case HX_COUNT_EQUAL: return "equal";
    case HX_COUNT_WITHIN: return "within_slack";
    case HX_COUNT_MORE: return "more";
    case HX_COUNT_LESS: return "less";
    case HX_COUNT_NONDETERMINISTIC: return "nondeterministic";
    case HX_COUNT_NOT_MEASURED: break;
    }
    return "not_measured";
}

double hx_count_slack(const struct hx_count_rule *rule, double base, double chunks)
{
    return fmax(rule->absolute, fmax(rule->relative * fabs(base), rule->per_chunk * chunks));
}

enum hx_count_state hx_count_compare(const struct hx_count_rule *rule, struct hx_count_values values, double chunks)
{
    double difference = values.head - values.base;

    if (!isfinite(values.base) || !isfinite(values.head))
        return HX_COUNT_NOT_MEASURED;
    if (difference == 0)
        return HX_COUNT_EQUAL;
    if (fabs(difference) <= hx_count_slack(rule, values.base, chunks))
        return HX_COUNT_WITHIN;
    return difference > 0 ? HX_COUNT_MORE : HX_COUNT_LESS;
}

bool hx_count_needs_repeat(enum hx_count_state state)
{
    return state == HX_COUNT_MORE || state == HX_COUNT_LESS;
}

enum hx_count_state hx_count_settle(const struct hx_count_rule *rule, struct hx_count_values first, struct hx_count_values second,
                                    double chunks)
{
    enum hx_count_state one = hx_count_compare(rule, first, chunks);
    enum hx_count_state two = hx_count_compare(rule, second, chunks);
    struct hx_count_values base_twice = {.base = first.base, .head = second.base};
    struct hx_count_values head_twice = {.base = first.head, .head = second.head};

    if (one == HX_COUNT_NOT_MEASURED || two == HX_COUNT_NOT_MEASURED)
        return HX_COUNT_NOT_MEASURED;
    if (one != two || hx_count_needs_repeat(hx_count_compare(rule, base_twice, chunks)) ||
        hx_count_needs_repeat(hx_count_compare(rule, head_twice, chunks)))
        return HX_COUNT_NONDETERMINISTIC;
    return two;
}

int hx_count_exit(const struct hx_count_rule *rule, enum hx_count_state state)
{
    switch (state) {
    case HX_COUNT_MORE: return rule->up_is_worse ? HX_EXIT_REGRESSION : HX_EXIT_OK;
    case HX_COUNT_NONDETERMINISTIC: return HX_EXIT_INCONCLUSIVE;
    case HX_COUNT_NOT_MEASURED: return HX_EXIT_NOT_COMPARABLE;
    case HX_COUNT_EQUAL:
    case HX_COUNT_WITHIN:
    case HX_COUNT_LESS: break;
    }
    return HX_EXIT_OK;
}
