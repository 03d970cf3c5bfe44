/* main.c - arenabench, the driver: a verb to its function. Exit codes: docs/PROTOCOL.md 1. */
#include "driver/hx_drive.h"

#include "record/hx_interrupt.h"

#include <stdio.h>
#include <stdlib.h>

/* quick, full and --resume: prepare or take up, run, finish. */
static int measure(const struct hx_options *options, int argc, char **argv) {
    struct hx_error error = {{0}};
    struct hx_drive drive;
    int stop_fd = hx_interrupt_open(&error);
    if (stop_fd < 0) {
        hx_warn("%s", error.line);
        return HX_EXIT_ERROR;
    }
    bool good = options->resume != NULL ? hx_drive_resume(options, stop_fd, &drive, &error)
                                        : hx_drive_prepare(options, argc, argv, stop_fd, &drive, &error);
    if (!good) {
        int signal_number = hx_interrupt_signal(stop_fd);
        if (signal_number != 0) {
            hx_warn("interrupted before the first process; nothing was written");
            return 128 + signal_number;
        }
        hx_warn("%s", error.line);
        return HX_EXIT_ERROR;
    }
    int code = hx_finish(&drive, hx_drive_run(&drive));
    hx_drive_free(&drive);
    return code;
}

int main(int argc, char **argv) {
    hx_program_set("arenabench");
    struct hx_options *options = hx_alloc(sizeof *options);
    struct hx_error error = {{0}};
    if (!hx_options_parse(argc, argv, options, &error)) {
        hx_warn("%s", error.line);
        free(options);
        return HX_EXIT_ERROR;
    }
    int code = HX_EXIT_OK;
    switch (options->verb) {
    case HX_VERB_LIST:
        code = hx_verb_list(options);
        break;
    case HX_VERB_DOCTOR:
        code = options->tune ? hx_verb_tune(options) : options->restore ? hx_verb_restore(options) : hx_verb_doctor(options);
        break;
    case HX_VERB_HELP:
        code = fputs(hx_options_help, stdout) < 0 ? HX_EXIT_ERROR : HX_EXIT_OK;
        break;
    case HX_VERB_QUICK:
    case HX_VERB_FULL:
        code = measure(options, argc, argv);
        break;
    }
    free(options);
    return code;
}
