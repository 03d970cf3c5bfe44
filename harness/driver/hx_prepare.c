/* hx_prepare.c - from options to a plan and a fresh directory. Nothing is written until the last step. See hx_drive.h. */
#include "driver/hx_drive.h"

#include "driver/hx_lacks.h"
#include "driver/hx_process.h"
#include "measure/hx_topology.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool hx_load_catalogue(const struct hx_options *options, struct hx_catalogue *out, struct hx_error *error) {
    char *own = options->workers == NULL ? hx_own_folder() : NULL;
    bool good = hx_catalogue_load(own != NULL ? own : options->workers, out, error);
    free(own);
    for (size_t i = 0; i < options->asked_count && good; i++) {
        good = hx_catalogue_add_malloc(out, &options->asked[i], true, error);
    }
    static const char *const known[] = {"mimalloc", "jemalloc", "tcmalloc"};
    for (size_t i = 0; i < HX_COUNT_OF(known) && good && hx_catalogue_backend(out, "malloc") != NULL; i++) {
        struct hx_allocator found;
        struct hx_error why = {{0}};
        if (hx_catalogue_backend(out, known[i]) != NULL) {
            continue; /* --allocator named one of its own */
        }
        if (!hx_allocator_find(known[i], &found, &why) || !hx_catalogue_add_malloc(out, &found, false, &why)) {
            good = hx_catalogue_add_missing(out, known[i], why.line, error);
        }
    }
    if (!good) {
        hx_catalogue_free(out);
    }
    return good;
}

/* The scenarios' input: --input, or those of the default files that exist. The same list for every scenario that reads some. */
static bool choose_input(struct hx_drive *drive, const struct hx_options *options, struct hx_error *error) {
    const struct hx_scenario *needy = NULL;
    for (size_t i = 0; i < drive->plan.cell_count && needy == NULL; i++) {
        const struct hx_scenario *scenario = hx_catalogue_scenario(&drive->catalogue, drive->plan.cells[i].scenario);
        needy = scenario->needs_input ? scenario : NULL;
    }
    if (needy == NULL) {
        return options->input_count == 0 || hx_fail(error, "--input %s: none of the chosen scenarios reads input", options->input[0]);
    }
    size_t capacity = options->input_count + needy->default_input_count;
    drive->input = hx_alloc((capacity + 1) * sizeof *drive->input);
    for (size_t i = 0; i < options->input_count; i++) {
        /* Absolute, so that a resumed run finds it from anywhere. */
        char *path = realpath(options->input[i], NULL);
        drive->input[drive->input_count++] = path != NULL ? path : hx_dup(options->input[i]);
    }
    for (size_t i = 0; i < needy->default_input_count && options->input_count == 0; i++) {
        if (access(needy->default_input[i], R_OK) == 0) {
            drive->input[drive->input_count++] = hx_dup(needy->default_input[i]);
        }
    }
    return drive->input_count != 0 || hx_fail(error, "scenario %s reads input, and none of its own files is here (%s%s): name one by --input",
                                              needy->name, needy->default_input_count != 0 ? needy->default_input[0] : "it has none",
                                              needy->default_input_count > 1 ? ", …" : "");
}

static bool choose_pus(struct hx_drive *drive, const struct hx_options *options, struct hx_error *error) {
    unsigned want = 1;
    for (size_t i = 0; i < drive->plan.cell_count; i++) {
        want = drive->plan.cells[i].threads > want ? drive->plan.cells[i].threads : want;
    }
    const char *why = NULL;
    struct hx_topology *topology = hx_topology_load(&why);
    if (topology == NULL) {
        return hx_fail(error, "the machine's topology cannot be read: %s", why);
    }
    struct hx_pu_choice *choice = hx_alloc(sizeof *choice);
    struct hx_pu_request request = {.cpus = options->cpus, .numa_node = -1, .want = want};
    char message[256] = "";
    bool good = hx_topology_choose(topology, &request, choice, message, sizeof message) == 0 || hx_fail(error, "--cpus: %s", message);
    if (good) {
        if (choice->count < want) {
            hx_warn("--threads %u: only %u processors may be used here; threads share them, and such processes are marked oversubscribed",
                    want, choice->count);
        }
        drive->pu_count = choice->count > want ? choice->count : want;
        drive->pus = hx_alloc(drive->pu_count * sizeof *drive->pus);
        for (size_t i = 0; i < drive->pu_count; i++) {
            drive->pus[i] = choice->pu[i % choice->count];
        }
    }
    free(choice);
    hx_topology_free(topology);
    return good;
}

/* Which event groups open here, and the events that do not: {"groups":[text], "missing":[{name, reason}]}. */
static json_t *plan_counters(struct hx_drive *drive, const char *events) {
    struct hx_counter_plan *plan = hx_alloc(sizeof *plan);
    hx_counters_plan(hx_counter_ops_pfm(), events, plan);
    json_t *groups = json_array(), *missing = json_array(), *object = json_object();
    drive->groups = hx_alloc((plan->group_count + 1) * sizeof *drive->groups);
    for (size_t i = 0; i < plan->group_count; i++) {
        char text[HX_COUNTER_TEXT_BYTES];
        HX_CHECK(hx_counter_group_print(&plan->group[i], text, sizeof text));
        drive->groups[drive->group_count++] = hx_dup(text);
        HX_CHECK(json_array_append_new(groups, hx_tree_word(text)) == 0);
    }
    for (size_t i = 0; i < plan->missing_count; i++) {
        json_t *one = json_object();
        hx_tree_put(one, "name", hx_tree_word(plan->missing[i].name));
        hx_tree_put(one, "reason", hx_tree_word(plan->missing[i].reason));
        HX_CHECK(json_array_append_new(missing, one) == 0);
    }
    hx_tree_put(object, "groups", groups);
    hx_tree_put(object, "missing", missing);
    free(plan);
    return object;
}

/* Fills ops_per_block of every cell: one plan process for each scenario, scale and number of threads. The floor `bump` answers where
 * it runs the scenario, else the cell's own backend. */
static bool learn_ops(struct hx_drive *drive, struct hx_error *error) {
    for (size_t i = 0; i < drive->plan.cell_count; i++) {
        struct hx_cell *cell = &drive->plan.cells[i];
        for (size_t j = 0; j < i && cell->ops_per_block == 0; j++) {
            const struct hx_cell *known = &drive->plan.cells[j];
            if (strcmp(known->scenario, cell->scenario) == 0 && known->pages == cell->pages && known->threads == cell->threads) {
                cell->ops_per_block = known->ops_per_block;
            }
        }
        if (cell->ops_per_block == 0 && !hx_process_learn(drive, cell, error)) {
            return false;
        }
    }
    return true;
}

static json_t *words(const char *const *list, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        HX_CHECK(json_array_append_new(array, hx_tree_word(list[i])) == 0);
    }
    return array;
}

static void put_or_null(json_t *object, const char *key, const char *word) {
    hx_tree_put(object, key, word != NULL ? hx_tree_word(word) : json_null());
}

/* What the user asked for, as far as a resumed run and a reader need it. */
static json_t *settings_object(const struct hx_drive *drive, const struct hx_options *options) {
    const struct hx_settings *settings = &options->settings;
    json_t *object = json_object(), *threads = json_array(), *pages = json_array(), *reps = json_object();
    put_or_null(object, "scenario", settings->scenario);
    put_or_null(object, "backend", settings->backend);
    put_or_null(object, "arm", settings->arm);
    for (size_t i = 0; i < settings->thread_count; i++) {
        HX_CHECK(json_array_append_new(threads, json_integer(settings->threads[i])) == 0);
    }
    for (unsigned i = 0; i < HX_PAGES_COUNT; i++) {
        if (settings->pages[i]) {
            HX_CHECK(json_array_append_new(pages, hx_tree_word(hx_pages_name((enum hx_pages)i))) == 0);
        }
    }
    for (unsigned i = 0; i < HX_PASS_COUNT; i++) {
        if (settings->reps[i] != 0) {
            hx_tree_put(reps, hx_pass_name((enum hx_pass)i), json_integer(settings->reps[i]));
        }
    }
    hx_tree_put(object, "threads", threads);
    hx_tree_put(object, "pages", pages);
    hx_tree_put(object, "reps", reps);
    hx_tree_put(object, "scale", json_real(settings->scale));
    put_or_null(object, "cpus", options->cpus);
    put_or_null(object, "events", options->events);
    hx_tree_put(object, "input", words((const char *const *)drive->input, drive->input_count));
    put_or_null(object, "litter", options->litter);
    put_or_null(object, "workers", options->workers);
    json_t *mallocs = json_array();
    for (size_t i = 0; i < options->asked_count; i++) {
        json_t *one = json_object();
        hx_tree_put(one, "name", hx_tree_word(options->asked[i].name));
        hx_tree_put(one, "path", hx_tree_word(options->asked[i].path));
        HX_CHECK(json_array_append_new(mallocs, one) == 0);
    }
    hx_tree_put(object, "allocators", mallocs);
    return object;
}

/* Planned scenarios that rely on zeros: a reader must know which backends cleared memory and which did not. */
static json_t *zeroed_scenarios(const struct hx_drive *drive) {
    json_t *names = json_array();
    for (size_t i = 0; i < drive->catalogue.scenario_count; i++) {
        const struct hx_scenario *scenario = &drive->catalogue.scenarios[i];
        bool planned = false;
        for (size_t c = 0; c < drive->plan.cell_count && !planned; c++) {
            planned = strcmp(drive->plan.cells[c].scenario, scenario->name) == 0;
        }
        if (planned && scenario->zeroed) {
            HX_CHECK(json_array_append_new(names, hx_tree_word(scenario->name)) == 0);
        }
    }
    return names;
}

static json_t *make_head(struct hx_drive *drive, const struct hx_options *options, int argc, char **argv, const char *id, json_t *counters) {
    json_t *head = json_object(), *pus = json_array();
    char now[32];
    hx_utc_now(false, now);
    hx_tree_put(head, "schema", json_integer(1));
    hx_tree_put(head, "id", hx_tree_word(id));
    hx_tree_put(head, "verb", hx_tree_word(options->verb == HX_VERB_FULL ? "full" : "quick"));
    hx_tree_put(head, "profile", hx_tree_word(hx_profile_name(options->settings.profile)));
    hx_tree_put(head, "seed", hx_tree_count(drive->seed));
    hx_tree_put(head, "argv", words((const char *const *)argv, (size_t)argc));
    hx_tree_put(head, "started", hx_tree_word(now));
    hx_tree_put(head, "settings", settings_object(drive, options));
    for (size_t i = 0; i < drive->pu_count; i++) {
        HX_CHECK(json_array_append_new(pus, json_integer(drive->pus[i])) == 0);
    }
    hx_tree_put(head, "pus", pus);
    hx_tree_put(head, "zeroed", zeroed_scenarios(drive));
    hx_tree_put(head, "counters", counters);
    hx_tree_put(head, "versions", hx_identity_versions(&drive->catalogue));
    hx_tree_put(head, "workers", hx_identity_workers(&drive->catalogue));
    hx_tree_put(head, "attestation", hx_identity_attestation());
    return head;
}

/* plan.json: the head, and the plan in the very bytes that plan_sha256 is taken of. */
static char *plan_text(const struct hx_drive *drive) {
    char *head = hx_tree_dump(json_incref(drive->head)), *plan = hx_plan_json(&drive->plan);
    head[strlen(head) - 1] = '\0'; /* its closing brace */
    char *text = hx_print("%s,\"plan_sha256\":\"%s\",\"plan\":%s}\n", head, drive->plan_sha256, plan);
    free(head);
    free(plan);
    return text;
}

static bool create_directory(struct hx_drive *drive, const struct hx_options *options, const char *id, struct hx_error *error) {
    char *path = options->out != NULL ? hx_dup(options->out) : hx_print("results/runs/%s", id);
    char *text = plan_text(drive);
    bool good = hx_rundir_create(path, text, &drive->dir, error);
    if (good && options->out == NULL) {
        hx_rundir_point_latest(&drive->dir);
    }
    free(text);
    free(path);
    return good;
}

bool hx_drive_prepare(const struct hx_options *options, int argc, char **argv, int stop_fd, struct hx_drive *out, struct hx_error *error) {
    *out = (struct hx_drive){.seed = options->settings.seed, .stop_fd = stop_fd, .dir = {.journal_fd = -1}};
    out->litter = options->litter != NULL ? hx_dup(options->litter) : NULL;
    struct hx_settings settings = options->settings;
    bool good = hx_load_catalogue(options, &out->catalogue, error);
    json_t *counters = NULL;
    if (good) {
        counters = plan_counters(out, options->events);
        settings.event_groups = (unsigned)out->group_count;
        good = hx_plan_make(&out->catalogue, &settings, &out->plan, error) && choose_input(out, options, error) &&
               choose_pus(out, options, error) && learn_ops(out, error);
    }
    if (good) {
        char time_text[32];
        hx_utc_now(true, time_text);
        char *id = hx_print("%s-%s", time_text, hx_profile_name(settings.profile));
        hx_plan_sha256(&out->plan, out->plan_sha256);
        out->finished = hx_alloc(out->plan.step_count * sizeof *out->finished);
        out->head = make_head(out, options, argc, argv, id, counters);
        counters = NULL;
        good = create_directory(out, options, id, error);
        if (good) { /* a run that is refused says why, and no more */
            hx_lacks_tell(out->head);
        }
        free(id);
    }
    json_decref(counters);
    if (!good) {
        hx_drive_free(out);
    }
    return good;
}

void hx_drive_free(struct hx_drive *drive) {
    for (size_t i = 0; drive->finished != NULL && i < drive->plan.step_count; i++) {
        json_decref(drive->finished[i].head);
    }
    free(drive->finished);
    hx_catalogue_free(&drive->catalogue);
    hx_plan_free(&drive->plan);
    hx_checks_free(&drive->checks);
    for (size_t i = 0; i < drive->input_count; i++) {
        free(drive->input[i]);
    }
    for (size_t i = 0; i < drive->group_count; i++) {
        free(drive->groups[i]);
    }
    free(drive->input);
    free(drive->groups);
    free(drive->litter);
    free(drive->pus);
    json_decref(drive->head);
    hx_rundir_close(&drive->dir);
    *drive = (struct hx_drive){.dir = {.journal_fd = -1}};
}
