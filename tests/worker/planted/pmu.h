/* pmu.h - a PMU that counts what a scenario says it did: the truth of each phase is known to the last instruction.
 *
 * Linked into a worker it stands in for harness/measure/hx_counters_perf.c. How much of a phase it runs comes from the environment:
 * PLANTED_SHARES=ALLOC,USE,RELEASE,IDLE (each 0 to 1; all 1 without it), times PLANTED_SECOND (1 without it) in every thread
 * but the first that opens a counter. Threads: each has counters of its own. */
#ifndef PLANTED_PMU_H
#define PLANTED_PMU_H

#include <stdint.h>

enum planted_phase { PLANTED_ALLOC, PLANTED_USE, PLANTED_RELEASE, PLANTED_IDLE, PLANTED_PHASES };

/* 1 us in which this thread did so many instructions, at two cycles each in user mode and five in the kernel. */
void planted_work(enum planted_phase phase, uint64_t user, uint64_t kernel);

#endif
