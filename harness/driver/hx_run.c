/* hx_run.c - the loop: one process after the other in the plan's order. See hx_drive.h.
 *
 * While a worker runs the driver sleeps in poll (hx_spawn); everything it does, it does between processes. */
#include "driver/hx_drive.h"

#include "driver/hx_process.h"
#include "driver/hx_progress.h"
#include "record/hx_interrupt.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool hx_drive_complete(const struct hx_drive *drive) {
    for (size_t i = 0; i < drive->plan.step_count; i++) {
        if (!drive->finished[i].good) {
            return false;
        }
    }
    return true;
}

void hx_drive_note(struct hx_drive *drive, size_t index, json_t *line, uint64_t offset, size_t size_bytes) {
    struct hx_finished *finished = &drive->finished[index];
    json_decref(finished->head);
    *finished = (struct hx_finished){.good = json_is_object(json_object_get(line, "observation")),
                                     .head = line,
                                     .offset = offset,
                                     .size_bytes = size_bytes};
    (void)json_object_del(line, "observation");
}

/* The steps that need not run, as an array for the progress line. */
static bool *done_steps(const struct hx_drive *drive) {
    bool *done = hx_alloc(drive->plan.step_count * sizeof *done);
    for (size_t i = 0; i < drive->plan.step_count; i++) {
        done[i] = drive->finished[i].good;
    }
    return done;
}

/* "interrupted by SIGINT; 37 of 324 processes are kept; …" */
static void tell_interrupted(const struct hx_drive *drive, int signal_number) {
    size_t kept = 0;
    for (size_t i = 0; i < drive->plan.step_count; i++) {
        kept += drive->finished[i].good;
    }
    const char *name = sigabbrev_np(signal_number);
    hx_warn("interrupted by SIG%s: %zu of %zu processes are kept; go on with --resume %s", name != NULL ? name : "?", kept,
            drive->plan.step_count, drive->dir.path);
}

int hx_drive_run(struct hx_drive *drive) {
    bool *done = done_steps(drive);
    struct hx_progress progress;
    hx_progress_begin(&progress, &drive->plan, done, isatty(STDERR_FILENO) != 0);
    int code = HX_EXIT_OK;
    for (size_t i = 0; i < drive->plan.step_count && code == HX_EXIT_OK; i++) {
        int signal_number = hx_interrupt_signal(drive->stop_fd);
        if (signal_number != 0) {
            code = 128 + signal_number;
            break;
        }
        if (done[i]) {
            continue;
        }
        hx_progress_show(&progress, i);
        struct hx_error error = {{0}};
        uint64_t wall_ns = 0;
        switch (hx_process_step(drive, i, &wall_ns, &error)) {
        case HX_PROCESS_GOOD:
            hx_progress_note(&progress, i, wall_ns);
            break;
        case HX_PROCESS_FAILED:
            hx_progress_note(&progress, i, wall_ns);
            hx_progress_clear(&progress);
            hx_warn("%s", error.line);
            drive->failed = true;
            break;
        case HX_PROCESS_STOPPED:
            signal_number = hx_interrupt_signal(drive->stop_fd);
            code = 128 + (signal_number != 0 ? signal_number : SIGTERM);
            break;
        case HX_PROCESS_BROKEN:
            hx_progress_clear(&progress);
            hx_warn("%s; the run stops, what is finished is kept: go on with --resume %s", error.line, drive->dir.path);
            code = HX_EXIT_ERROR;
            break;
        }
    }
    hx_progress_clear(&progress);
    free(done);
    if (code > 128) {
        tell_interrupted(drive, code - 128);
    }
    return code == HX_EXIT_OK && drive->failed ? HX_EXIT_ERROR : code;
}
