/* hx_stats_rank.c - the exact signed-rank distribution and what rests on it: p-values, Hodges-Lehmann, paired ratios.
 *
 * Why exact: with 8, 16 or 32 pairs a normal approximation is wrong exactly in the tail that decides, and no Debian library has
 * the distribution. Under equality each sign is a fair coin, so with ranks r_1..r_n the law of T+ is that of sum r_i * coin_i:
 * probabilities double each step, p_i[t] = (p_{i-1}[t] + p_{i-1}[t - r_i]) / 2. Only halvings and sums of positive numbers, so
 * the relative error is below n * 2^-52. Definitions and sources: hx_stats.h. */
#include <math.h>
#include <string.h>

#include "measure/hx_stats.h"

enum { SUM_MAX = HX_STATS_WALSH_MAX, DOUBLED_SUM_MAX = 2 * SUM_MAX };

/* law[0..*sum]: P(T+ = t) for these integer ranks. */
static void law_of(const unsigned *ranks, size_t count, double *law, size_t *sum) {
    size_t top = 0;
    law[0] = 1;
    for (size_t i = 0; i < count; i++) {
        size_t rank = ranks[i];
        memset(law + top + 1, 0, rank * sizeof *law);
        top += rank;
        for (size_t t = top; t >= rank; t--) {
            law[t] = (law[t] + law[t - rank]) / 2;
        }
        for (size_t t = 0; t < rank; t++) {
            law[t] /= 2;
        }
    }
    *sum = top;
}

static void law_without_ties(size_t n, double *law, size_t *sum) {
    unsigned ranks[HX_STATS_PAIRS_MAX];
    HX_CHECK(n >= 1 && n <= HX_STATS_PAIRS_MAX);
    for (size_t i = 0; i < n; i++) {
        ranks[i] = (unsigned)i + 1;
    }
    law_of(ranks, n, law, sum);
}

double hx_stats_signed_rank_cdf(size_t n, long t) {
    double law[SUM_MAX + 1];
    size_t sum;
    law_without_ties(n, law, &sum);
    if (t < 0) {
        return 0;
    }
    if ((size_t)t >= sum) {
        return 1;
    }
    double below = 0;
    if ((size_t)t * 2 < sum) {
        for (size_t i = 0; i <= (size_t)t; i++) {
            below += law[i];
        }
        return below;
    }
    for (size_t i = 0; i < sum - (size_t)t; i++) { /* symmetric: the upper tail is the lower one mirrored */
        below += law[i];
    }
    return 1 - below;
}

long hx_stats_signed_rank_critical(size_t n, double a) {
    double law[SUM_MAX + 1];
    size_t sum;
    law_without_ties(n, law, &sum);
    double below = 0;
    long c = 0;
    while ((size_t)c <= sum && below + law[c] <= a) {
        below += law[c]; /* P(T+ < c + 1) */
        c++;
    }
    return c;
}

struct signed_value {
    double size; /* |d - shift|, > 0 */
    bool positive;
};

/* The nonzero differences by ascending size. Returns how many. */
static size_t sizes_sorted(const double *d, size_t count, double shift, struct signed_value *out) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = d[i] - shift;
        if (!(fabs(difference) > 0)) {
            continue;
        }
        struct signed_value value = {.size = fabs(difference), .positive = difference > 0};
        size_t j = kept++;
        for (; j > 0 && out[j - 1].size > value.size; j--) {
            out[j] = out[j - 1];
        }
        out[j] = value;
    }
    return kept;
}

/* P(T >= observed) where T sums the doubled mid-ranks of positive (or, mirrored, negative) differences. */
static struct hx_figure p_tail(const double *d, size_t count, double shift, bool greater) {
    struct signed_value values[HX_STATS_PAIRS_MAX];
    unsigned ranks[HX_STATS_PAIRS_MAX]; /* doubled, so that a mid-rank is whole */
    double law[DOUBLED_SUM_MAX + 1];
    size_t observed = 0;
    HX_CHECK(count <= HX_STATS_PAIRS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(d[i])) {
            return hx_figure_none(hx_stats_not_finite);
        }
    }
    if (count == 0 || !isfinite(shift)) {
        return hx_figure_none(count == 0 ? hx_stats_no_values : hx_stats_not_finite);
    }
    size_t kept = sizes_sorted(d, count, shift, values);
    for (size_t from = 0; from < kept;) {
        size_t to = from + 1;
        while (to < kept && !(values[to].size > values[from].size)) {
            to++;
        }
        for (size_t i = from; i < to; i++) {
            ranks[i] = (unsigned)(from + 1 + to); /* first rank + last rank */
            observed += values[i].positive == greater ? ranks[i] : 0;
        }
        from = to;
    }
    size_t sum;
    law_of(ranks, kept, law, &sum);
    double tail = 0;
    for (size_t t = sum + 1; t-- > observed;) { /* from the far end: smallest terms first */
        tail += law[t];
    }
    return hx_figure_of(tail < 1 ? tail : 1);
}

struct hx_figure hx_stats_signed_rank_p_greater(const double *d, size_t count, double shift) {
    return p_tail(d, count, shift, true);
}

struct hx_figure hx_stats_signed_rank_p_less(const double *d, size_t count, double shift) {
    return p_tail(d, count, shift, false);
}

size_t hx_stats_walsh(const double *d, size_t count, double *walsh) {
    size_t made = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i; j < count; j++) {
            walsh[made++] = d[i] / 2 + d[j] / 2;
        }
    }
    hx_stats_sort(walsh, made);
    return made;
}

struct hx_estimate hx_stats_hodges_lehmann(const double *d, size_t count, double a, double *walsh) {
    struct hx_estimate out = {.count = count};
    HX_CHECK(count <= HX_STATS_PAIRS_MAX);
    HX_CHECK(a > 0 && a < 0.5);
    const char *why = count == 0 ? hx_stats_no_values : NULL;
    for (size_t i = 0; i < count && why == NULL; i++) {
        why = isfinite(d[i]) ? NULL : hx_stats_not_finite;
    }
    if (why != NULL) {
        out.value = out.low = out.high = hx_figure_none(why);
        return out;
    }
    size_t made = hx_stats_walsh(d, count, walsh);
    out.value = hx_figure_of(made % 2 == 1 ? walsh[made / 2] : walsh[made / 2 - 1] / 2 + walsh[made / 2] / 2);
    long c = hx_stats_signed_rank_critical(count, a);
    if (c == 0) {
        out.low = out.high = hx_figure_none(hx_stats_too_few);
        return out;
    }
    out.low = hx_figure_of(walsh[c - 1]);
    out.high = hx_figure_of(walsh[made - (size_t)c]);
    out.coverage = 1 - 2 * hx_stats_signed_rank_cdf(count, c - 1);
    return out;
}

struct hx_estimate hx_stats_paired_ratio(const double *base, const double *head, size_t count, double level, double *scratch) {
    HX_CHECK(level > 0 && level < 1);
    for (size_t i = 0; i < count; i++) {
        if (!(base[i] > 0 && head[i] > 0)) {
            struct hx_figure none = hx_figure_none("a time is not above zero");
            return (struct hx_estimate){.value = none, .low = none, .high = none, .count = count};
        }
        scratch[i] = log(head[i] / base[i]);
    }
    struct hx_estimate out = hx_stats_hodges_lehmann(scratch, count, (1 - level) / 2, scratch + count);
    struct hx_figure *parts[] = {&out.value, &out.low, &out.high};
    for (size_t i = 0; i < HX_COUNT_OF(parts); i++) {
        if (parts[i]->reason == NULL) {
            parts[i]->value = exp(parts[i]->value);
        }
    }
    return out;
}
