/* hx_selftest_table.c - rows of truths: judged, printed, summed up. See hx_selftest.h. */
#include "selftest/hx_selftest.h"

#include <math.h>
#include <stdio.h>

struct hx_truth *hx_truth_add(struct hx_selftest *self, const char *what, const char *metric, const char *planted, const char *unit,
                              struct hx_figure found, double low, double high) {
    HX_CHECK(self->truth_count < HX_TRUTHS_MAX);
    struct hx_truth *truth = &self->truth[self->truth_count++];
    *truth = (struct hx_truth){.found = found, .wanted_low = low, .wanted_high = high, .unit = unit};
    truth->low = truth->high = hx_figure_none("no interval");
    HX_CHECK(hx_copy(truth->what, sizeof truth->what, what) && hx_copy(truth->metric, sizeof truth->metric, metric) &&
             hx_copy(truth->planted, sizeof truth->planted, planted));
    bool inside = found.reason == NULL && isfinite(found.value) && found.value >= low && found.value <= high;
    truth->verdict = found.reason != NULL ? HX_TRUTH_NOT_MEASURED : inside ? HX_TRUTH_FOUND : HX_TRUTH_MISSED;
    return truth;
}

static void print_found(const struct hx_truth *truth, char *out, size_t capacity_bytes) {
    if (truth->found.reason != NULL) {
        (void)snprintf(out, capacity_bytes, "null (%s)", truth->found.reason);
    } else if (truth->low.reason == NULL && truth->high.reason == NULL) {
        (void)snprintf(out, capacity_bytes, "%.6g %s [%.6g, %.6g]", truth->found.value, truth->unit, truth->low.value, truth->high.value);
    } else {
        (void)snprintf(out, capacity_bytes, "%.6g %s", truth->found.value, truth->unit);
    }
}

int hx_truths_print(const struct hx_selftest *self) {
    static const char *const words[] = {"found", "MISSED", "none"};
    size_t count[3] = {0};
    (void)printf("%-6s  %-30s  %-42s  %-20s  %-24s  %s\n", "", "planted", "shows in", "price", "must be within", "found");
    for (size_t i = 0; i < self->truth_count; i++) {
        const struct hx_truth *truth = &self->truth[i];
        char within[64], found[192];
        (void)snprintf(within, sizeof within, "%.6g .. %.6g", truth->wanted_low, truth->wanted_high);
        print_found(truth, found, sizeof found);
        (void)printf("%-6s  %-30s  %-42s  %-20s  %-24s  %s\n", words[truth->verdict], truth->what, truth->metric, truth->planted, within,
                     found);
        count[truth->verdict]++;
    }
    (void)printf("%zu found, %zu missed, %zu not measured\n", count[HX_TRUTH_FOUND], count[HX_TRUTH_MISSED],
                 count[HX_TRUTH_NOT_MEASURED]);
    if (fflush(stdout) != 0) {
        return HX_EXIT_ERROR;
    }
    return count[HX_TRUTH_MISSED] != 0 ? HX_EXIT_REGRESSION : count[HX_TRUTH_NOT_MEASURED] != 0 ? HX_EXIT_INCONCLUSIVE : HX_EXIT_OK;
}
