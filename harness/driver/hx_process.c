/* hx_process.c - see hx_process.h. */
#include "driver/hx_process.h"

#include "record/hx_spawn.h"

#include <stdlib.h>
#include <string.h>

/* A process is planned for 0.4 s; this is for one that hangs, on a machine that is ten times too busy and --scale 10. */
enum { PROCESS_TIMEOUT_MS = 120000 };

void hx_drive_request(const struct hx_drive *drive, size_t step, struct hx_request *out, const char *events[1]) {
    const struct hx_step *one = &drive->plan.steps[step];
    const struct hx_cell *cell = &drive->plan.cells[one->cell];
    const struct hx_scenario *scenario = hx_catalogue_scenario(&drive->catalogue, cell->scenario);
    *out = (struct hx_request){.pass = one->pass,
                               .cell = hx_pass_cell(cell, one->pass),
                               .seed = drive->seed,
                               .rep = one->rep,
                               .order = step,
                               .pus = drive->pus,
                               .pu_count = cell->threads,
                               .event_group = one->event_group,
                               .litter = drive->litter};
    if (scenario != NULL && scenario->needs_input) {
        out->input = (const char *const *)drive->input;
        out->input_count = drive->input_count;
    }
    if (one->pass == HX_PASS_COUNTERS && one->event_group < drive->group_count) {
        events[0] = drive->groups[one->event_group];
        out->events = events;
        out->event_count = 1;
    }
}

/* Starts the worker of request's backend and waits for it. */
static bool start(struct hx_drive *drive, const struct hx_backend *backend, const struct hx_request *request, struct hx_spawned *out,
                  struct hx_error *error) {
    char *json = hx_request_json(request);
    const char *const argv[] = {backend->worker_path, "--observe", json, NULL};
    const char **environment = hx_backend_environment(&request->cell, backend, 0);
    struct hx_spawn what = {.argv = argv, .environment = environment, .timeout_ms = PROCESS_TIMEOUT_MS, .stop_fd = drive->stop_fd};
    bool good = hx_spawn(&what, out, error);
    free(environment);
    free(json);
    return good;
}

/* The last line that a failed process left on stderr, without its ending; "" when none. */
static char *last_words(const char *text) {
    size_t end = strlen(text);
    while (end > 0 && (unsigned char)text[end - 1] <= ' ') {
        end--;
    }
    size_t begin = end;
    while (begin > 0 && text[begin - 1] != '\n') {
        begin--;
    }
    return hx_print("%.*s", (int)(end - begin), text + begin);
}

static void fail_naming(const struct hx_request *request, const struct hx_spawned *said, const char *problem, struct hx_error *error) {
    char title[HX_CELL_TITLE_BYTES], how[64];
    hx_cell_title(&request->cell, title);
    char *words = last_words(said->errors);
    bool clean = said->ending == HX_ENDED_EXIT && said->code == 0;
    hx_fail(error, "%s, %s pass %u: %s%s%s", title, hx_pass_name(request->pass), request->rep,
            clean ? problem : hx_spawned_say(said, how, sizeof how), words[0] != '\0' ? ": " : "", words);
    free(words);
}

/* One journal line; observation is the raw text of fd 3 (already checked) or NULL. */
static char *journal_line(const struct hx_drive *drive, const struct hx_request *request, const struct hx_spawned *said,
                          const struct hx_observation *observation, const char *problem) {
    json_t *head = json_object();
    char now[32];
    hx_utc_now(false, now);
    hx_tree_put(head, "order", hx_tree_count(request->order));
    hx_tree_put(head, "cell", json_integer(request->cell.index));
    hx_tree_put(head, "pass", hx_tree_word(hx_pass_name(request->pass)));
    hx_tree_put(head, "rep", json_integer(request->rep));
    hx_tree_put(head, "pu", json_integer(drive->pus[0]));
    hx_tree_put(head, "exit", said->ending == HX_ENDED_EXIT ? json_integer(said->code) : json_null());
    hx_tree_put(head, "signal", said->ending == HX_ENDED_SIGNAL ? json_integer(said->code) : json_null());
    hx_tree_put(head, "timed_out", json_boolean(said->ending == HX_ENDED_TIMEOUT));
    hx_tree_put(head, "migrated", observation == NULL ? json_null() : json_boolean(observation->migrated));
    hx_tree_put(head, "wall_ns", hx_tree_count(said->wall_ns));
    hx_tree_put(head, "ended", hx_tree_word(now));
    hx_tree_put(head, "problem", problem == NULL ? json_null() : hx_tree_word(problem));
    hx_tree_put(head, "stderr", hx_tree_word(said->errors));
    char *text = hx_tree_dump(head);
    text[strlen(text) - 1] = '\0'; /* its closing brace */
    size_t length = strcspn(said->observation, "\n");
    char *line = observation != NULL ? hx_print("%s,\"observation\":%.*s}", text, (int)length, said->observation)
                                     : hx_print("%s,\"observation\":null}", text);
    free(text);
    return line;
}

enum hx_process_end hx_process_step(struct hx_drive *drive, size_t index, uint64_t *wall_ns, struct hx_error *error) {
    struct hx_request request;
    const char *events[1];
    hx_drive_request(drive, index, &request, events);
    const struct hx_backend *backend = hx_catalogue_backend(&drive->catalogue, request.cell.backend);
    HX_CHECK(backend != NULL); /* the plan was made of, or checked against, this catalogue */
    struct hx_spawned said;
    if (!start(drive, backend, &request, &said, error)) {
        return HX_PROCESS_BROKEN;
    }
    *wall_ns = said.wall_ns;
    if (said.ending == HX_ENDED_STOPPED) {
        hx_spawned_free(&said);
        return HX_PROCESS_STOPPED;
    }
    struct hx_observation observation = {0};
    struct hx_error problem = {{0}};
    bool good = said.ending == HX_ENDED_EXIT && said.code == 0 && hx_observation_parse(said.observation, &request, &observation, &problem);
    if (!good) {
        fail_naming(&request, &said, problem.line, error);
    } else if (observation.ops_per_block != request.cell.ops_per_block) {
        hx_fail(&problem, "its blocks hold %llu operations, the plan says %llu", (unsigned long long)observation.ops_per_block,
                (unsigned long long)request.cell.ops_per_block);
        fail_naming(&request, &said, problem.line, error);
        good = false;
    }
    char *line = journal_line(drive, &request, &said, good ? &observation : NULL, good ? NULL : error->line);
    enum hx_process_end end = good ? HX_PROCESS_GOOD : HX_PROCESS_FAILED;
    uint64_t offset = drive->dir.journal_bytes;
    if (!hx_rundir_append(&drive->dir, line, strlen(line), error)) {
        end = HX_PROCESS_BROKEN;
    } else {
        hx_drive_note(drive, index, hx_tree_parse(line, "the journal line", NULL), offset, strlen(line));
    }
    if (end == HX_PROCESS_GOOD && !hx_checks_note(&drive->checks, &request.cell, &observation, error)) {
        end = HX_PROCESS_FAILED; /* it stays in the journal: the run fails, and the evidence is kept */
    }
    free(line);
    hx_observation_free(&observation);
    hx_spawned_free(&said);
    return end;
}

bool hx_process_learn(struct hx_drive *drive, struct hx_cell *cell, struct hx_error *error) {
    const struct hx_scenario *scenario = hx_catalogue_scenario(&drive->catalogue, cell->scenario);
    const struct hx_backend *backend = hx_catalogue_backend(&drive->catalogue, "bump");
    struct hx_request request = {.pass = HX_PASS_PLAN, .cell = *cell, .seed = drive->seed, .pus = drive->pus, .pu_count = cell->threads};
    bool floor_runs = false;
    for (size_t i = 0; backend != NULL && i < backend->scenario_count && !floor_runs; i++) {
        floor_runs = strcmp(backend->scenarios[i], cell->scenario) == 0 && backend->arms[0].reason[0] == '\0';
    }
    if (floor_runs) {
        HX_CHECK(hx_copy(request.cell.backend, sizeof request.cell.backend, "bump"));
        HX_CHECK(hx_copy(request.cell.arm, sizeof request.cell.arm, backend->arms[0].name));
        HX_CHECK(hx_copy(request.cell.options, sizeof request.cell.options, "-"));
    } else {
        backend = hx_catalogue_backend(&drive->catalogue, cell->backend);
    }
    if (scenario->needs_input) {
        request.input = (const char *const *)drive->input;
        request.input_count = drive->input_count;
    }
    struct hx_spawned said;
    if (!start(drive, backend, &request, &said, error)) {
        return false;
    }
    struct hx_observation observation = {0};
    struct hx_error problem = {{0}};
    bool good = said.ending == HX_ENDED_EXIT && said.code == 0 && hx_observation_parse(said.observation, &request, &observation, &problem);
    if (good) {
        cell->ops_per_block = observation.ops_per_block;
        good = hx_checks_note(&drive->checks, &request.cell, &observation, error);
    } else {
        fail_naming(&request, &said, problem.line, error);
    }
    hx_observation_free(&observation);
    hx_spawned_free(&said);
    return good;
}
