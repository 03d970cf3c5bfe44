/* hx_stats.h - the statistics, in one pure file that gate and report share.
 *
 * Why: which estimator, which interval and which p-value must be the same wherever a figure is shown, exact for the small samples
 * we have, and checkable against published tables. No clock, no files, no malloc: numbers in, numbers out.
 * Scratch comes from the caller. Threads: any. Sources: Hollander, Wolfe, Chicken, Nonparametric Statistical Methods, ch. 3;
 * Hodges and Lehmann 1963; Holm 1979. */
#ifndef HX_STATS_H
#define HX_STATS_H

#include "base/hx_base.h"

enum {
    HX_STATS_PAIRS_MAX = 128, /* signed-rank distribution is exact up to here: 2^128 sign patterns, counted in doubles */
    HX_STATS_WALSH_MAX = HX_STATS_PAIRS_MAX * (HX_STATS_PAIRS_MAX + 1) / 2,
    HX_STATS_LEAST_REPS = 6,  /* fewest observations whose min..max is a 95 % interval of the median (96.9 %) */
};

extern const char hx_stats_too_few[];  /* "too few repetitions" */
extern const char hx_stats_no_values[];  /* "no values" */
extern const char hx_stats_not_finite[]; /* "a value is not finite" */

/* An estimate and its interval; any of the three may be none. coverage is the interval's exact level, 0 without one. */
struct hx_estimate {
    struct hx_figure value;
    struct hx_figure low;
    struct hx_figure high;
    double coverage;
    size_t count;
};

/* Sorts in place, ascending. Values must be finite. */
void hx_stats_sort(double *values, size_t count);

/* Median of `count` values; sorts them. */
struct hx_figure hx_stats_median(double *values, size_t count);

/* Median and the shortest exact order-statistic interval with at least `level` coverage (0.95): ranks k and n+1-k, coverage
 * 1 - 2 P(Bin(n, 1/2) < k). Below 6 values at 95 %: the median alone, low and high none "too few repetitions". Sorts. */
struct hx_estimate hx_stats_median_interval(double *values, size_t count, double level);

/* Quantile q (0..1) of sorted values by linear interpolation between order statistics (R's type 7). */
struct hx_figure hx_stats_quantile_sorted(const double *sorted, size_t count, double q);

/* 1.4826 x median absolute deviation: a spread that a few outliers do not move. `scratch` holds count doubles. */
struct hx_figure hx_stats_robust_sd(const double *values, size_t count, double *scratch);

/* P(T+ <= t) of the signed-rank statistic of n pairs without ties (1 <= n <= HX_STATS_PAIRS_MAX), exact. */
double hx_stats_signed_rank_cdf(size_t n, long t);

/* Largest c with P(T+ < c) <= a, or 0 when even P(T+ < 1) is greater (no interval of that level exists). */
long hx_stats_signed_rank_critical(size_t n, double a);

/* Exact one-sided p of "d > shift": P(T+ >= t) for d - shift, signs flipped over the sample's own ranks, so ties of |d| are
 * exact too (mid-ranks); zeros are dropped (Wilcoxon's rule), all zeros give 1. count <= HX_STATS_PAIRS_MAX. */
struct hx_figure hx_stats_signed_rank_p_greater(const double *d, size_t count, double shift);

/* The same for "d < shift". */
struct hx_figure hx_stats_signed_rank_p_less(const double *d, size_t count, double shift);

/* All count*(count+1)/2 Walsh averages into `walsh`, sorted. Returns how many. */
size_t hx_stats_walsh(const double *d, size_t count, double *walsh);

/* Hodges-Lehmann estimate with one-sided bounds at level 1 - a each: L = W_(c), U = W_(M+1-c). Bounds are none ("too few
 * repetitions") when count is too small for a. `walsh` holds count*(count+1)/2 doubles. coverage is 1 - 2 P(T+ < c). */
struct hx_estimate hx_stats_hodges_lehmann(const double *d, size_t count, double a, double *walsh);

/* Paired ratio head / base from raw times: Hodges-Lehmann of d = ln(head/base), shown as ratios (exp). Times must be > 0.
 * `scratch` holds count + count*(count+1)/2 doubles. level is two-sided (0.95). */
struct hx_estimate hx_stats_paired_ratio(const double *base, const double *head, size_t count, double level, double *scratch);

/* Holm: adjusted[i] = p-value to compare with alpha itself, monotone, at most 1. order is scratch for count indices. */
void hx_stats_holm(const double *p, size_t count, double *adjusted, uint32_t *order);

/* P(Bin(n, 1/2) <= k): exact to rounding up to n = 1000, relative error about 1e-12 beyond. */
double hx_stats_binomial_half_cdf(size_t n, long k);

#endif
