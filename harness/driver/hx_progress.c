/* hx_progress.c - see hx_progress.h. */
#include "driver/hx_progress.h"

#include "record/hx_words.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* How often a log gets a line; a terminal is rewritten at most ten times a second. */
static const uint64_t log_interval_ns = 5 * HX_NS_PER_S;
static const uint64_t terminal_interval_ns = HX_NS_PER_S / 10;

static uint64_t now_ns(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * HX_NS_PER_S + (uint64_t)t.tv_nsec;
}

void hx_progress_begin(struct hx_progress *progress, const struct hx_plan *plan, const bool *finished, bool terminal) {
    *progress = (struct hx_progress){.plan = plan, .terminal = terminal, .started_ns = now_ns()};
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct hx_step *step = &plan->steps[i];
        if (step->rep + 1 > progress->reps[step->pass]) {
            progress->reps[step->pass] = step->rep + 1;
        }
        if (finished != NULL && finished[i]) {
            progress->done++;
        } else {
            progress->left[step->pass]++;
        }
    }
}

uint64_t hx_progress_left_ns(const struct hx_progress *progress) {
    uint64_t all_ns = 0;
    size_t all_ran = 0;
    for (unsigned pass = 0; pass < HX_PASS_COUNT; pass++) {
        all_ns += progress->spent_ns[pass];
        all_ran += progress->ran[pass];
    }
    if (all_ran == 0) {
        return 0;
    }
    uint64_t left_ns = 0;
    for (unsigned pass = 0; pass < HX_PASS_COUNT; pass++) {
        uint64_t mean_ns = progress->ran[pass] != 0 ? progress->spent_ns[pass] / progress->ran[pass] : all_ns / all_ran;
        left_ns += mean_ns * progress->left[pass];
    }
    return left_ns;
}

static void clock_text(uint64_t ns, char out[24]) {
    uint64_t seconds = (ns + HX_NS_PER_S / 2) / HX_NS_PER_S;
    if (seconds >= 3600) {
        (void)snprintf(out, 24, "%llu:%02u:%02u", (unsigned long long)(seconds / 3600), (unsigned)(seconds / 60 % 60),
                       (unsigned)(seconds % 60));
    } else {
        (void)snprintf(out, 24, "%u:%02u", (unsigned)(seconds / 60), (unsigned)(seconds % 60));
    }
}

void hx_progress_text(const struct hx_progress *progress, size_t index, uint64_t elapsed_ns, char *out, size_t capacity_bytes) {
    const struct hx_step *step = &progress->plan->steps[index];
    const struct hx_cell *cell = &progress->plan->cells[step->cell];
    char elapsed[24], left[40] = "";
    clock_text(elapsed_ns, elapsed);
    uint64_t left_ns = hx_progress_left_ns(progress);
    if (left_ns != 0) {
        char clock[24];
        clock_text(left_ns, clock);
        (void)snprintf(left, sizeof left, " · %s left", clock);
    }
    int digits = snprintf(NULL, 0, "%zu", progress->plan->step_count);
    (void)snprintf(out, capacity_bytes, "[%*zu/%zu] %s %s %s %s %s %u/%u · %s%s", digits, progress->done + 1, progress->plan->step_count,
                   cell->scenario, cell->backend, cell->arm, hx_pages_name(cell->pages), hx_pass_name(step->pass), step->rep + 1,
                   progress->reps[step->pass], elapsed, left);
}

/* A line longer than the terminal would wrap, and could not be rewritten. Cut between characters, never inside one. */
static void fit_terminal(char *text) {
    enum { COLUMNS_LEAST = 20 };
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < COLUMNS_LEAST) {
        return;
    }
    unsigned columns = 0;
    for (char *p = text; *p != '\0'; p++) {
        bool begins = ((unsigned char)*p & 0xc0) != 0x80;
        if (begins && ++columns >= size.ws_col) {
            *p = '\0';
            return;
        }
    }
}

void hx_progress_show(struct hx_progress *progress, size_t index) {
    uint64_t now = now_ns();
    uint64_t interval_ns = progress->terminal ? terminal_interval_ns : log_interval_ns;
    if (progress->shown_ns != 0 && now - progress->shown_ns < interval_ns) {
        return;
    }
    char text[512];
    hx_progress_text(progress, index, now - progress->started_ns, text, sizeof text);
    if (progress->terminal) {
        fit_terminal(text);
    }
    progress->shown_ns = now;
    progress->line_open = progress->terminal;
    (void)fprintf(stderr, "%s%s%s", progress->terminal ? "\r\033[K" : "", text, progress->terminal ? "" : "\n");
    (void)fflush(stderr);
}

void hx_progress_note(struct hx_progress *progress, size_t index, uint64_t wall_ns) {
    enum hx_pass pass = progress->plan->steps[index].pass;
    progress->left[pass]--;
    progress->ran[pass]++;
    progress->spent_ns[pass] += wall_ns;
    progress->done++;
}

void hx_progress_clear(struct hx_progress *progress) {
    if (progress->line_open) {
        (void)fprintf(stderr, "\r\033[K");
        (void)fflush(stderr);
        progress->line_open = false;
    }
}
