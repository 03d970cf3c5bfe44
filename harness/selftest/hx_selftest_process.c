/* hx_selftest_process.c - one process of a planted worker, started and read as the driver does it. See hx_selftest.h. */
#include "selftest/hx_selftest.h"

#include "gate/hx_callgrind.h"
#include "record/hx_spawn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIME_LIMIT_MS = 60 * 1000, CALLGRIND_LIMIT_MS = 300 * 1000 };

static void request_of(struct hx_selftest *self, const struct hx_selftest_ask *ask, struct hx_request *out) {
    *out = (struct hx_request){.pass = ask->pass, .seed = 1, .order = self->order++, .pus = &self->pu, .pu_count = 1};
    out->cell = (struct hx_cell){.threads = 1, .pages = ask->pages, .scale = ask->scale, .cycles_per_block = 1, .blocks = ask->blocks};
    HX_CHECK(hx_copy(out->cell.scenario, sizeof out->cell.scenario, ask->scenario) &&
             hx_copy(out->cell.backend, sizeof out->cell.backend, ask->backend) &&
             hx_copy(out->cell.arm, sizeof out->cell.arm, ask->arm) && hx_copy(out->cell.options, sizeof out->cell.options, "-"));
    if (strcmp(ask->scenario, "json_dom") == 0) {
        out->input = &self->input;
        out->input_count = 1;
    }
    if (ask->events != NULL) {
        out->events = &ask->events;
        out->event_count = 1;
    }
}

/* Waits for the process and reads its observation. */
static enum hx_selftest_ran take(const struct hx_spawn *spawn, const struct hx_request *request, struct hx_observation *out,
                                 struct hx_error *error) {
    struct hx_spawned spawned;
    enum hx_selftest_ran ran = HX_SELFTEST_FAILED;
    char said[64];
    if (!hx_spawn(spawn, &spawned, error)) {
        return HX_SELFTEST_FAILED;
    }
    if (spawned.ending == HX_ENDED_STOPPED) {
        ran = HX_SELFTEST_STOPPED;
    } else if (spawned.ending != HX_ENDED_EXIT || spawned.code != 0) {
        hx_fail(error, "%s %s %s: %s: %.300s", request->cell.scenario, request->cell.backend, request->cell.arm,
                hx_spawned_say(&spawned, said, sizeof said), spawned.errors);
    } else if (hx_observation_parse(spawned.observation, request, out, error)) {
        ran = HX_SELFTEST_RAN;
    }
    hx_spawned_free(&spawned);
    return ran;
}

enum hx_selftest_ran hx_selftest_observe(struct hx_selftest *self, const struct hx_selftest_ask *ask, struct hx_observation *out,
                                         struct hx_error *error) {
    struct hx_request request;
    char steps[32];
    request_of(self, ask, &request);
    char *json = hx_request_json(&request), *program = hx_print("%s/%s", self->folder, ask->worker);
    const char *const argv[] = {program, "--observe", json, NULL};
    (void)snprintf(steps, sizeof steps, "%llu", (unsigned long long)ask->steps);
    HX_CHECK((ask->steps != 0 ? setenv("HX_PLANT_STEPS", steps, 1) : unsetenv("HX_PLANT_STEPS")) == 0);
    const char **environment = hx_environment(&request.cell, HX_ALLOCATOR_GLIBC, NULL, 0);
    struct hx_spawn spawn = {.argv = argv, .environment = environment, .timeout_ms = TIME_LIMIT_MS, .stop_fd = self->stop_fd};
    enum hx_selftest_ran ran = take(&spawn, &request, out, error);
    free(environment);
    free(program);
    free(json);
    return ran;
}

enum hx_selftest_ran hx_selftest_figure(struct hx_selftest *self, const struct hx_selftest_ask *ask, const char *phase,
                                        const char *metric, struct hx_figure *out, struct hx_error *error) {
    struct hx_observation observation;
    enum hx_selftest_ran ran = hx_selftest_observe(self, ask, &observation, error);
    if (ran == HX_SELFTEST_RAN) {
        *out = hx_observation_figure(&observation, phase, metric);
        hx_observation_free(&observation);
    }
    return ran;
}

enum hx_selftest_ran hx_selftest_syscalls(struct hx_selftest *self, const struct hx_selftest_ask *ask, const char *valgrind,
                                          uint64_t *syscalls, double *ops, struct hx_error *error) {
    struct hx_request request;
    struct hx_observation observation;
    struct hx_callgrind_totals totals = {0};
    struct hx_callgrind_profile callgrind;
    const char *argv[HX_CALLGRIND_ARGV_MAX + 4];
    int profile = hx_callgrind_open(&callgrind, error);
    if (profile < 0) {
        return HX_SELFTEST_FAILED;
    }
    request_of(self, ask, &request);
    char *json = hx_request_json(&request), *program = hx_print("%s/%s", self->folder, ask->worker);
    size_t argc = hx_callgrind_argv(&callgrind, valgrind, argv);
    argv[argc++] = program;
    argv[argc++] = "--observe";
    argv[argc++] = json;
    argv[argc] = NULL;
    struct hx_spawn spawn = {.argv = argv, .environment = hx_callgrind_environment(), .timeout_ms = CALLGRIND_LIMIT_MS,
                             .stop_fd = self->stop_fd, .no_aslr = true};
    enum hx_selftest_ran ran = take(&spawn, &request, &observation, error);
    if (ran == HX_SELFTEST_RAN) {
        *ops = hx_observation_figure(&observation, "all", "ops").value;
        hx_observation_free(&observation);
        ran = hx_callgrind_read(profile, &totals, error) ? HX_SELFTEST_RAN : HX_SELFTEST_FAILED;
        *syscalls = totals.syscalls;
    }
    (void)close(profile);
    free(program);
    free(json);
    return ran;
}
