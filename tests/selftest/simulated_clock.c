/* simulated_clock.c - linked into simulated planted workers: CLOCK_MONOTONIC is a number that moves only when told to.
 *
 * Why: with it every answer is known beforehand, on a machine of any load. A reading costs 25 ns and shows steps of 10, as on the
 * machine that docs/METHOD.md was written on. Everything else (CPU time, other clocks) is the kernel's. One thread. */
#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { READING_NS = 25, STEP_NS = 10 };
static const uint64_t ns_per_s = 1000000000;

static uint64_t now_ns = 1000000000;

void hx_simulated_advance(uint64_t ns);
void hx_simulated_advance(uint64_t ns) {
    now_ns += ns;
}

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *out) {
    if (clock != CLOCK_MONOTONIC) {
        return (int)syscall(SYS_clock_gettime, clock, out);
    }
    now_ns += READING_NS;
    uint64_t shown_ns = now_ns / STEP_NS * STEP_NS;
    out->tv_sec = (time_t)(shown_ns / ns_per_s);
    out->tv_nsec = (long)(shown_ns % ns_per_s);
    return 0;
}
