/* gbench_shim.h - Google Benchmark from C: one benchmark, run once, with a fixed number of iterations.
 *
 * Why: a crossing into the library for each iteration costs as much as a bump allocation (measured: 1.3 ns), so the whole run is
 * one KeepRunningBatch call and the library stays outside the loop. Then it does not matter either that Debian's library
 * was built as DEBUG. Not thread-safe; once a process. */
#ifndef HX_GBENCH_SHIM_H
#define HX_GBENCH_SHIM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The one row that the library reports. */
struct hx_gbench_row {
    int64_t iterations;
    double real_time_ns; /* per iteration, from the seconds that `run` returned */
    double cpu_time_ns;  /* per iteration, thread CPU time of the whole call of `run` */
};

/* Calls run(self) exactly once, as `iterations` iterations; run returns the seconds that count (manual time).
 * 0 and *row filled, or -1 when the library refused to run it. */
int hx_gbench_run(const char *name, int64_t iterations, double (*run)(void *self), void *self, struct hx_gbench_row *row);

#ifdef __cplusplus
}
#endif
#endif
