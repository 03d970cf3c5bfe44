/* hx_stats.c - medians, exact order-statistic intervals, small pieces. Definitions and sources: hx_stats.h. */
#define _GNU_SOURCE
#include "measure/hx_stats.h"

#include <math.h>
#include <string.h>

const char hx_stats_too_few[] = "too few repetitions";
const char hx_stats_no_values[] = "no values";
const char hx_stats_not_finite[] = "a value is not finite";

enum { BINOMIAL_EXACT_MAX = 1000 }; /* 2^-n still is a normal double */

/* Heap sort: in place, no worst case, no malloc (glibc's qsort may call it). */
static void sift_down(double *values, size_t root, size_t count) {
    double value = values[root];
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count && values[child + 1] > values[child]) {
            child++;
        }
        if (values[child] <= value) {
            break;
        }
        values[root] = values[child];
        root = child;
    }
    values[root] = value;
}

void hx_stats_sort(double *values, size_t count) {
    for (size_t i = count / 2; i-- > 0;) {
        sift_down(values, i, count);
    }
    for (size_t end = count; end > 1; end--) {
        double largest = values[0];
        values[0] = values[end - 1];
        values[end - 1] = largest;
        sift_down(values, 0, end - 1);
    }
}

/* NULL when all values are usable. */
static const char *unusable(const double *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) {
            return hx_stats_not_finite;
        }
    }
    return count == 0 ? hx_stats_no_values : NULL;
}

static double median_sorted(const double *sorted, size_t count) {
    return count % 2 == 1 ? sorted[count / 2] : sorted[count / 2 - 1] / 2 + sorted[count / 2] / 2;
}

struct hx_figure hx_stats_median(double *values, size_t count) {
    const char *why = unusable(values, count);
    if (why != NULL) {
        return hx_figure_none(why);
    }
    hx_stats_sort(values, count);
    return hx_figure_of(median_sorted(values, count));
}

/* C(n, k) / 2^n. Exact to rounding while 2^-n is a normal double, by logarithms (relative error about 1e-12) beyond. */
static double binomial_half(size_t n, size_t k) {
    if (n > BINOMIAL_EXACT_MAX) {
        int sign;
        double log_ways = lgamma_r((double)n + 1, &sign) - lgamma_r((double)k + 1, &sign) - lgamma_r((double)(n - k) + 1, &sign);
        return exp(log_ways - (double)n * log(2));
    }
    double term = ldexp(1, -(int)n);
    for (size_t i = 1; i <= k; i++) {
        term = term * (double)(n - i + 1) / (double)i;
    }
    return term;
}

double hx_stats_binomial_half_cdf(size_t n, long k) {
    if (k < 0) {
        return 0;
    }
    if ((size_t)k >= n) {
        return 1;
    }
    double term = binomial_half(n, (size_t)k);
    double sum = term;
    for (size_t i = (size_t)k; i > 0 && term > 0; i--) {
        term = term * (double)i / (double)(n - i + 1);
        sum += term;
    }
    return sum < 1 ? sum : 1;
}

struct hx_estimate hx_stats_median_interval(double *values, size_t count, double level) {
    HX_CHECK(level > 0 && level < 1);
    struct hx_estimate out = {.count = count};
    out.value = hx_stats_median(values, count);
    if (out.value.reason != NULL) {
        out.low = out.high = out.value;
        return out;
    }
    long rank = 0; /* largest k with P(Bin(n, 1/2) < k) <= (1 - level) / 2 */
    while (2 * (size_t)(rank + 1) <= count && hx_stats_binomial_half_cdf(count, rank) <= (1 - level) / 2) {
        rank++;
    }
    if (rank == 0) {
        out.low = out.high = hx_figure_none(hx_stats_too_few);
        return out;
    }
    out.low = hx_figure_of(values[rank - 1]);
    out.high = hx_figure_of(values[count - (size_t)rank]);
    out.coverage = 1 - 2 * hx_stats_binomial_half_cdf(count, rank - 1);
    return out;
}

struct hx_figure hx_stats_quantile_sorted(const double *sorted, size_t count, double q) {
    HX_CHECK(q >= 0 && q <= 1);
    const char *why = unusable(sorted, count);
    if (why != NULL) {
        return hx_figure_none(why);
    }
    double place = q * (double)(count - 1);
    size_t below = (size_t)place;
    if (below + 1 >= count) {
        return hx_figure_of(sorted[count - 1]);
    }
    return hx_figure_of(sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]));
}

struct hx_figure hx_stats_robust_sd(const double *values, size_t count, double *scratch) {
    const double per_mad = 1.482602218505602; /* 1 / quantile(normal, 3/4): equals the sd of a normal sample */
    const char *why = unusable(values, count);
    if (why != NULL) {
        return hx_figure_none(why);
    }
    memcpy(scratch, values, count * sizeof *scratch);
    double middle = hx_stats_median(scratch, count).value;
    for (size_t i = 0; i < count; i++) {
        scratch[i] = fabs(values[i] - middle);
    }
    return hx_figure_of(per_mad * hx_stats_median(scratch, count).value);
}

void hx_stats_holm(const double *p, size_t count, double *adjusted, uint32_t *order) {
    for (size_t i = 0; i < count; i++) { /* insertion sort: a suite has tens of cells */
        size_t j = i;
        for (; j > 0 && p[order[j - 1]] > p[i]; j--) {
            order[j] = order[j - 1];
        }
        order[j] = (uint32_t)i;
    }
    double running = 0;
    for (size_t i = 0; i < count; i++) {
        double scaled = (double)(count - i) * p[order[i]];
        running = scaled > running ? scaled : running;
        adjusted[order[i]] = running < 1 ? running : 1;
    }
}
