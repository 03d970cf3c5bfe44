/* hx_gate_progress.h - a line on stderr that says how far a gate is and how long it will still take.
 *
 * On a terminal the line is rewritten; elsewhere (CI logs) one is printed at most every 15 seconds. Printed between processes,
 * never during a timed one. Threads: hx_gate_progress_step may be called from any thread. */
#ifndef HX_GATE_PROGRESS_H
#define HX_GATE_PROGRESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hx_gate_progress {
    pthread_mutex_t lock; /* guards the rest */
    const char *what;
    size_t done, total;
    uint64_t started_ns, printed_ns;
    bool terminal;
};

void hx_gate_progress_start(struct hx_gate_progress *progress, const char *what, size_t total);
/* One more is done. */
void hx_gate_progress_step(struct hx_gate_progress *progress);
void hx_gate_progress_end(struct hx_gate_progress *progress);

/* "1 min 20 s"; for other lines too. buffer of at least 32 bytes. */
const char *hx_gate_duration(uint64_t seconds, char *buffer, size_t capacity_bytes);

#endif
