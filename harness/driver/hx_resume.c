/* hx_resume.c - takes up an unfinished run: plan.json says what was wanted, the journal what is done. See hx_drive.h.
 *
 * The plan, seed and settings are those of the interrupted run. The workers must be the same builds: observations of two builds in one
 * table would compare a program with another one. */
#include "driver/hx_drive.h"

#include <stdlib.h>
#include <string.h>

static bool read_words(const json_t *array, char ***out, size_t *count, struct hx_error *error) {
    size_t size = json_array_size(array);
    *out = hx_alloc((size + 1) * sizeof **out);
    for (size_t i = 0; i < size; i++) {
        const char *word = json_string_value(json_array_get(array, i));
        if (word == NULL) {
            return hx_fail(error, "plan.json: a list holds something that is no word");
        }
        (*out)[(*count)++] = hx_dup(word);
    }
    return true;
}

static bool read_settings(const json_t *root, struct hx_drive *drive, struct hx_options *rebuilt, struct hx_error *error) {
    const json_t *settings = json_object_get(root, "settings");
    if (!hx_tree_get_count(root, "seed", &drive->seed, error) ||
        !read_words(json_object_get(settings, "input"), &drive->input, &drive->input_count, error) ||
        !read_words(json_object_get(json_object_get(root, "counters"), "groups"), &drive->groups, &drive->group_count, error)) {
        return false;
    }
    const char *litter = json_string_value(json_object_get(settings, "litter"));
    drive->litter = litter != NULL ? hx_dup(litter) : NULL;
    if (rebuilt->workers == NULL) {
        rebuilt->workers = json_string_value(json_object_get(settings, "workers"));
    }
    const json_t *mallocs = json_object_get(settings, "allocators");
    for (size_t i = 0; i < json_array_size(mallocs) && i < HX_ASKED_MALLOCS_MAX; i++) {
        const char *name = NULL, *path = NULL;
        if (!hx_tree_get_string(json_array_get(mallocs, i), "name", &name, error) ||
            !hx_tree_get_string(json_array_get(mallocs, i), "path", &path, error)) {
            return false;
        }
        char *argument = hx_print("%s=%s", name, path);
        bool good = hx_allocator_parse(argument, &rebuilt->asked[rebuilt->asked_count++], error);
        free(argument);
        if (!good) {
            return false;
        }
    }
    const json_t *pus = json_object_get(root, "pus");
    drive->pu_count = json_array_size(pus);
    drive->pus = hx_alloc((drive->pu_count + 1) * sizeof *drive->pus);
    for (size_t i = 0; i < drive->pu_count; i++) {
        drive->pus[i] = (unsigned)json_integer_value(json_array_get(pus, i));
    }
    return drive->pu_count != 0 || hx_fail(error, "plan.json: no processors");
}

/* Splits plan.json into head and plan; the sha256 proves that the plan is the one that was begun. */
static bool read_plan(const char *text, struct hx_drive *drive, struct hx_error *error) {
    json_t *root = hx_tree_parse(text, "plan.json", error);
    if (root == NULL) {
        return false;
    }
    const char *sha256 = json_string_value(json_object_get(root, "plan_sha256"));
    json_t *plan = json_object_get(root, "plan");
    bool good = sha256 != NULL && plan != NULL;
    if (good) {
        char *plan_text = hx_tree_dump(json_incref(plan));
        good = hx_plan_parse(plan_text, &drive->plan, error);
        free(plan_text);
        if (good) {
            hx_plan_sha256(&drive->plan, drive->plan_sha256);
            good = strcmp(drive->plan_sha256, sha256) == 0 || hx_fail(error, "plan.json: the plan was changed since the run began (sha256)");
        }
    } else {
        hx_fail(error, "plan.json: no plan in it");
    }
    (void)json_object_del(root, "plan");
    (void)json_object_del(root, "plan_sha256");
    drive->head = root;
    return good;
}

static bool same_builds(const struct hx_drive *drive, struct hx_error *error) {
    json_t *now = hx_identity_workers(&drive->catalogue);
    bool same = json_equal(now, json_object_get(drive->head, "workers")) != 0;
    json_decref(now);
    if (!same) {
        return hx_fail(error, "the workers were rebuilt since this run began: its figures and new ones would be of two programs; start a new run");
    }
    for (size_t i = 0; i < drive->plan.cell_count; i++) {
        const struct hx_backend *backend = hx_catalogue_backend(&drive->catalogue, drive->plan.cells[i].backend);
        if (backend == NULL || backend->missing != NULL) {
            return hx_fail(error, "backend %s of the plan is no longer here%s%s", drive->plan.cells[i].backend,
                           backend != NULL ? ": " : "", backend != NULL ? backend->missing : "");
        }
    }
    return true;
}

/* One journal line: a good observation marks its step as done, a failure leaves it to be tried again. */
static bool take_line(const char *line, uint64_t offset, struct hx_drive *drive, struct hx_error *error) {
    json_t *entry = hx_tree_parse(line, "a journal line", error);
    uint64_t order = 0;
    if (entry == NULL || !hx_tree_get_count(entry, "order", &order, error) || order >= drive->plan.step_count) {
        json_decref(entry);
        return hx_fail(error, "observations.jsonl: a line that belongs to no process of the plan");
    }
    json_t *said = json_incref(json_object_get(entry, "observation"));
    hx_drive_note(drive, order, entry, offset, strlen(line));
    if (!json_is_object(said)) {
        json_decref(said);
        return true;
    }
    struct hx_request request;
    const char *events[1];
    hx_drive_request(drive, order, &request, events);
    struct hx_observation observation;
    if (!hx_observation_take(said, &request, &observation, error)) {
        return false;
    }
    struct hx_error differs = {{0}};
    if (!hx_checks_note(&drive->checks, &request.cell, &observation, &differs)) {
        hx_warn("%s", differs.line);
        drive->failed = true;
    }
    hx_observation_free(&observation);
    return true;
}

static bool read_journal(char *lines, struct hx_drive *drive, struct hx_error *error) {
    drive->finished = hx_alloc(drive->plan.step_count * sizeof *drive->finished);
    char *rest = NULL;
    for (char *line = strtok_r(lines, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (!take_line(line, (uint64_t)(line - lines), drive, error)) {
            return false;
        }
    }
    return true;
}

bool hx_drive_resume(const struct hx_options *options, int stop_fd, struct hx_drive *out, struct hx_error *error) {
    *out = (struct hx_drive){.stop_fd = stop_fd, .dir = {.journal_fd = -1}};
    struct hx_buffer text = {0}, lines = {0};
    struct hx_options *rebuilt = hx_alloc(sizeof *rebuilt);
    rebuilt->workers = options->workers;
    bool good = hx_rundir_open(options->resume, &out->dir, &text, &lines, error);
    if (good) {
        hx_buffer_add(&lines, "", 0);
        good = read_plan(text.data, out, error) && read_settings(out->head, out, rebuilt, error) &&
               hx_load_catalogue(rebuilt, &out->catalogue, error) && same_builds(out, error) && read_journal(lines.data, out, error);
    }
    free(rebuilt);
    hx_buffer_free(&text);
    hx_buffer_free(&lines);
    if (!good) {
        hx_drive_free(out);
    }
    return good;
}
