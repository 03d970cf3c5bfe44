/* The progress line. See hx_gate_progress.h. */
#include "gate/hx_gate_progress.h"

#include <stdio.h>
#include <unistd.h>

#include "measure/hx_clock.h"

static const uint64_t log_every_ns = 15 * HX_NS_PER_S;
static const uint64_t terminal_every_ns = HX_NS_PER_S / 5;

const char *hx_gate_duration(uint64_t seconds, char *buffer, size_t capacity_bytes)
{
    if (seconds < 60)
        snprintf(buffer, capacity_bytes, "%llu s", (unsigned long long)seconds);
    else
        snprintf(buffer, capacity_bytes, "%llu min %llu s", (unsigned long long)(seconds / 60),
                 (unsigned long long)(seconds % 60));
    return buffer;
}

static void print_line(struct hx_gate_progress *progress, uint64_t now_ns)
{
    char left[32];
    uint64_t spent_s = (now_ns - progress->started_ns) / HX_NS_PER_S;
    uint64_t left_s = progress->done == 0 ? 0 : spent_s * (progress->total - progress->done) / progress->done;

    progress->printed_ns = now_ns;
    fprintf(stderr, "%sgate: %s %zu/%zu, about %s left%s", progress->terminal ? "\r" : "", progress->what, progress->done,
            progress->total, hx_gate_duration(left_s, left, sizeof left), progress->terminal ? "   " : "\n");
    fflush(stderr);
}

void hx_gate_progress_start(struct hx_gate_progress *progress, const char *what, size_t total)
{
    pthread_mutex_init(&progress->lock, NULL);
    progress->what = what;
    progress->done = 0;
    progress->total = total;
    progress->started_ns = progress->printed_ns = hx_monotonic_ns();
    progress->terminal = isatty(STDERR_FILENO) != 0;
}

void hx_gate_progress_step(struct hx_gate_progress *progress)
{
    uint64_t now_ns = hx_monotonic_ns();

    pthread_mutex_lock(&progress->lock);
    progress->done++;
    if (now_ns - progress->printed_ns >= (progress->terminal ? terminal_every_ns : log_every_ns))
        print_line(progress, now_ns);
    pthread_mutex_unlock(&progress->lock);
}

void hx_gate_progress_end(struct hx_gate_progress *progress)
{
    char spent[32];
    uint64_t spent_s = (hx_monotonic_ns() - progress->started_ns) / HX_NS_PER_S;

    fprintf(stderr, "%sgate: %s %zu/%zu in %s\n", progress->terminal ? "\r" : "", progress->what, progress->done,
            progress->total, hx_gate_duration(spent_s, spent, sizeof spent));
    pthread_mutex_destroy(&progress->lock);
}
