/* Starting one worker. See hx_gate_process.h. */
#include "gate/hx_gate_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/hx_spawn.h"

enum {
    TIME_LIMIT_MS = 60 * 1000,       /* a gate process takes 0.1 s; far beyond that it hangs */
    CALLGRIND_LIMIT_MS = 600 * 1000, /* up to 100 times slower */
};

const char *const *hx_gate_inputs(const struct hx_gate *gate, const struct hx_scenario *scenario, size_t *count)
{
    *count = 0;
    if (!scenario->needs_input)
        return NULL;
    if (gate->options.input_count > 0) {
        *count = gate->options.input_count;
        return gate->options.input;
    }
    *count = scenario->default_input_count;
    return (const char *const *)scenario->default_input;
}

/* The last line of a worker's stderr, where it says what was wrong; valgrind's own lines start with "==". */
static void last_words(const char *errors, char *out, size_t capacity_bytes)
{
    out[0] = '\0';
    for (const char *line = errors; *line != '\0';) {
        size_t bytes = strcspn(line, "\n");

        if (bytes > 0 && strncmp(line, "==", 2) != 0)
            snprintf(out, capacity_bytes, "%.*s", (int)bytes, line);
        line += bytes + (line[bytes] == '\n');
    }
}

static enum hx_gate_ran check_end(const struct hx_spawned *spawned, const char *what, struct hx_error *error)
{
    char said[64], words[400];

    if (spawned->ending == HX_ENDED_STOPPED)
        return HX_GATE_STOPPED;
    if (spawned->ending == HX_ENDED_EXIT && spawned->code == 0)
        return HX_GATE_RAN;
    last_words(spawned->errors, words, sizeof words);
    hx_fail(error, "%s: %s%s%s", what, hx_spawned_say(spawned, said, sizeof said), words[0] == '\0' ? "" : ": ", words);
    return HX_GATE_FAILED;
}

static void keep_rows(struct hx_gate *gate, const struct hx_observation *observation, const struct hx_request *request,
                      enum hx_side side)
{
    pthread_mutex_lock(&gate->lock);
    hx_observation_rows(observation, request, hx_side_name(side), &gate->samples);
    pthread_mutex_unlock(&gate->lock);
}

void hx_gate_process_row(struct hx_gate *gate, const struct hx_gate_cell *cell, enum hx_side side, enum hx_pass pass,
                         const char *metric, const char *unit, double value)
{
    char text[HX_DECIMAL_BYTES];
    struct hx_sample row = {.pass = pass, .side = hx_side_name(side), .scenario = cell->cell.scenario,
                            .backend = cell->cell.backend, .arm = cell->cell.arm, .options = cell->cell.options,
                            .threads = cell->cell.threads, .pages = cell->cell.pages, .order = -1, .phase = "all",
                            .metric = metric, .unit = unit, .kind = HX_VALUE_NUMBER, .number = value, .text = text, .reason = "-"};

    hx_decimal(value, text);
    pthread_mutex_lock(&gate->lock);
    hx_sample_write(&gate->samples, &row);
    pthread_mutex_unlock(&gate->lock);
}

static uint64_t next_order(struct hx_gate *gate)
{
    uint64_t order;

    pthread_mutex_lock(&gate->lock);
    order = gate->order++;
    pthread_mutex_unlock(&gate->lock);
    return order;
}

/* Runs argv and reads the answer; `profile` is callgrind's output or -1. A counted process is told order 0, so that the length of
 * a number in its arguments does not become an instruction; its rows get the true one. */
static enum hx_gate_ran run_and_read(struct hx_gate *gate, const struct hx_gate_process *process, const struct hx_spawn *spawn,
                                     struct hx_request *request, int profile, struct hx_observation *observation,
                                     struct hx_callgrind_totals *totals, struct hx_error *error)
{
    struct hx_spawned spawned;
    enum hx_gate_ran ran;

    if (!hx_spawn(spawn, &spawned, error))
        return HX_GATE_FAILED;
    ran = check_end(&spawned, hx_side_name(process->side), error);
    if (ran == HX_GATE_RAN && !hx_observation_parse(spawned.observation, request, observation, error))
        ran = HX_GATE_FAILED;
    hx_spawned_free(&spawned);
    if (ran == HX_GATE_RAN && profile >= 0 && !hx_callgrind_read(profile, totals, error)) {
        hx_observation_free(observation);
        ran = HX_GATE_FAILED;
    }
    if (spawn->no_aslr)
        request->order = next_order(gate);
    if (ran == HX_GATE_RAN)
        keep_rows(gate, observation, request, process->side);
    return ran;
}

enum hx_gate_ran hx_gate_process_run(struct hx_gate *gate, const struct hx_gate_cell *cell, const struct hx_gate_process *process,
                                     struct hx_observation *observation, struct hx_callgrind_totals *totals,
                                     struct hx_error *error)
{
    const struct hx_backend *backend = cell->backend[process->side];
    struct hx_request request = {.pass = process->pass, .cell = cell->cell, .seed = gate->options.settings.seed,
                                 .rep = process->rep, .pus = &process->pu, .pu_count = 1};
    struct hx_callgrind_profile callgrind;
    int profile = -1;
    const char *argv[HX_CALLGRIND_ARGV_MAX + 4];
    size_t argc = 0;
    const char **environment = NULL;
    char *json;
    struct hx_spawn spawn = {.argv = argv, .stop_fd = gate->stop_fd, .timeout_ms = TIME_LIMIT_MS,
                             .no_aslr = process->counted || process->callgrind};
    enum hx_gate_ran ran;

    request.order = spawn.no_aslr ? 0 : next_order(gate);
    request.cell.blocks = process->blocks;
    request.cell.scale *= process->scale_factor == 0 ? 1 : process->scale_factor;
    request.cell.pages = process->pages;
    request.input = hx_gate_inputs(gate, hx_catalogue_scenario(&gate->catalogue[process->side], cell->cell.scenario),
                                   &request.input_count);
    if (process->callgrind) {
        profile = hx_callgrind_open(&callgrind, error);
        if (profile < 0)
            return HX_GATE_FAILED;
        spawn.timeout_ms = CALLGRIND_LIMIT_MS;
        argc = hx_callgrind_argv(&callgrind, gate->valgrind, argv);
    }
    json = hx_request_json(&request);
    argv[argc++] = backend->worker_path;
    argv[argc++] = "--observe";
    argv[argc++] = json;
    argv[argc] = NULL;
    if (!spawn.no_aslr)
        environment = hx_backend_environment(&request.cell, backend, process->pad_bytes);
    spawn.environment = spawn.no_aslr ? hx_callgrind_environment() : environment;
    ran = run_and_read(gate, process, &spawn, &request, profile, observation, totals, error);
    free(json);
    free(environment);
    if (profile >= 0)
        close(profile);
    return ran;
}
