/* hx_count_rule.h - which counts are gated, and how far two of them may lie apart.
 *
 * Why: counts cannot alarm by noise, so they are compared directly: a difference beyond the metric's slack is measured once more,
 * and only if both sides repeat themselves is it a finding about the code. If a side does not repeat itself, that is a finding of
 * its own: nondeterministic, exit 2, never a pass. Pure: numbers in, state out. Reasons for each slack: docs/GATE.md. */
#ifndef HX_COUNT_RULE_H
#define HX_COUNT_RULE_H

#include <stdbool.h>
#include <stddef.h>

/* slack = max(absolute, relative x base, per_chunk x chunks). up_is_worse false: any difference is shown, none is a regression. */
struct hx_count_rule {
    const char *metric; /* name in gate.json */
    const char *unit;
    double absolute;
    double relative;
    double per_chunk;
    bool up_is_worse;
};

/* The rules that the gate names itself. */
extern const struct hx_count_rule hx_count_instructions; /* per op, by difference of blocks */
extern const struct hx_count_rule hx_count_syscalls;     /* in the extra blocks */
extern const struct hx_count_rule hx_count_faults;       /* in the extra blocks */
extern const struct hx_count_rule hx_count_rss;          /* RssAnon, by phase */

/* The rule of an allocator figure (`ua_…`, from its own ledger): exact. Whether up is worse depends on the name: bytes that are
 * held or asked from the system, and how often it is asked, are; what was given back or merely flowed through is only shown. */
struct hx_count_rule hx_count_ledger(const char *metric, const char *unit);

enum hx_count_state {
    HX_COUNT_NOT_MEASURED, /* with a reason beside it */
    HX_COUNT_EQUAL,
    HX_COUNT_WITHIN,       /* differs by no more than the slack */
    HX_COUNT_MORE,         /* head is above base beyond the slack: a regression where up is worse */
    HX_COUNT_LESS,
    HX_COUNT_NONDETERMINISTIC,
};
const char *hx_count_state_name(enum hx_count_state state);

/* One measurement of both sides. */
struct hx_count_values {
    double base;
    double head;
};

/* How far apart the values may lie. chunks: how many chunks the counted work went through (0 when unknown). */
double hx_count_slack(const struct hx_count_rule *rule, double base, double chunks);

/* EQUAL, WITHIN, MORE or LESS; a value that is not finite gives NOT_MEASURED. */
enum hx_count_state hx_count_compare(const struct hx_count_rule *rule, struct hx_count_values values, double chunks);

/* True for MORE and LESS: measure both sides once more before saying so. */
bool hx_count_needs_repeat(enum hx_count_state state);

/* The final state from two measurements: NONDETERMINISTIC when a side moved beyond the slack between them or the two comparisons
 * disagree, else what both say. */
enum hx_count_state hx_count_settle(const struct hx_count_rule *rule, struct hx_count_values first, struct hx_count_values second,
                                    double chunks);

/* The exit code a state asks for: MORE 1 where up is worse, NONDETERMINISTIC 2, NOT_MEASURED 3, else 0. */
int hx_count_exit(const struct hx_count_rule *rule, enum hx_count_state state);

#endif
