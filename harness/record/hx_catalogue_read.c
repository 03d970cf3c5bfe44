/* hx_catalogue_read.c - see hx_catalogue_read.h. */
#include "record/hx_catalogue_read.h"

#include "record/hx_tree.h"

#include <stdlib.h>
#include <string.h>

static bool read_name(const json_t *object, const char *key, char out[HX_NAME_BYTES], struct hx_error *error) {
    const char *text = NULL;
    if (!hx_tree_get_string(object, key, &text, error)) {
        return false;
    }
    return (text[0] != '\0' && hx_copy(out, HX_NAME_BYTES, text)) || hx_fail(error, "\"%s\" is empty or too long", key);
}

static bool read_dial(const json_t *dial, struct hx_dial *out, struct hx_error *error) {
    out->present = true;
    if (!hx_tree_get_number(dial, "scale", &out->scale, error) ||
        !hx_tree_get_count(dial, "cycles_per_block", &out->cycles_per_block, error) ||
        !hx_tree_get_count(dial, "blocks", &out->blocks, error)) {
        return false;
    }
    return (out->scale > 0 && out->cycles_per_block > 0 && out->blocks > 0) || hx_fail(error, "a dial is zero or negative");
}

static bool read_dials(const json_t *object, struct hx_scenario *out, struct hx_error *error) {
    const json_t *dials = json_object_get(object, "dials");
    for (unsigned profile = 0; profile < HX_PROFILE_COUNT; profile++) {
        const json_t *by_pages = json_object_get(dials, hx_profile_name((enum hx_profile)profile));
        for (unsigned pages = 0; pages < HX_PAGES_COUNT; pages++) {
            const json_t *dial = json_object_get(by_pages, hx_pages_name((enum hx_pages)pages));
            if (dial != NULL && !read_dial(dial, &out->dials[profile][pages], error)) {
                return false;
            }
        }
    }
    return true;
}

static bool read_scenario(const json_t *object, struct hx_scenario *out, struct hx_error *error) {
    const char *why = NULL;
    if (!read_name(object, "name", out->name, error) || !hx_tree_get_string(object, "why", &why, error) ||
        !read_dials(object, out, error)) {
        return false;
    }
    out->why = hx_dup(why);
    out->needs_input = json_is_true(json_object_get(object, "needs_input"));
    out->zeroed = json_is_true(json_object_get(object, "zeroed"));
    const char *backends = json_string_value(json_object_get(object, "backends"));
    const char *arms = json_string_value(json_object_get(object, "arms"));
    out->backends = backends != NULL ? hx_dup(backends) : NULL;
    out->arms = arms != NULL ? hx_dup(arms) : NULL;
    const json_t *rate = json_object_get(object, "rate_per_s");
    if (rate != NULL && (!json_is_number(rate) || !(json_number_value(rate) >= 1 && json_number_value(rate) <= 1e7))) {
        return hx_fail(error, "\"rate_per_s\" of %s is no rate from 1 to 10000000", out->name);
    }
    out->rate_per_s = json_number_value(rate);
    const json_t *threads_max = json_object_get(object, "threads_max");
    out->threads_max = json_is_integer(threads_max) ? (unsigned)json_integer_value(threads_max) : 1;
    const json_t *input = json_object_get(object, "default_input");
    size_t count = json_array_size(input);
    out->default_input = hx_alloc((count + 1) * sizeof *out->default_input);
    for (size_t i = 0; i < count; i++) {
        const char *path = json_string_value(json_array_get(input, i));
        if (path == NULL) {
            return hx_fail(error, "\"default_input\" of %s holds something that is no path", out->name);
        }
        out->default_input[out->default_input_count++] = hx_dup(path);
    }
    return true;
}

static bool same_dials(const struct hx_scenario *a, const struct hx_scenario *b) {
    for (unsigned profile = 0; profile < HX_PROFILE_COUNT; profile++) {
        for (unsigned pages = 0; pages < HX_PAGES_COUNT; pages++) {
            const struct hx_dial *x = &a->dials[profile][pages], *y = &b->dials[profile][pages];
            if (x->present != y->present || x->scale != y->scale || x->cycles_per_block != y->cycles_per_block || x->blocks != y->blocks) {
                return false;
            }
        }
    }
    return true;
}

static void free_scenario(struct hx_scenario *scenario) {
    free(scenario->why);
    free(scenario->backends);
    free(scenario->arms);
    for (size_t i = 0; i < scenario->default_input_count; i++) {
        free(scenario->default_input[i]);
    }
    free(scenario->default_input);
}

/* Adds the scenario, or checks it against the one that is there. */
static bool merge_scenario(struct hx_scenario *read, struct hx_catalogue *catalogue, struct hx_error *error) {
    const struct hx_scenario *known = hx_catalogue_scenario(catalogue, read->name);
    if (known != NULL) {
        bool same = same_dials(known, read);
        free_scenario(read);
        return same || hx_fail(error, "scenario %s has other dials than another worker gave it: the workers are of two builds", known->name);
    }
    catalogue->scenarios = hx_grow(catalogue->scenarios, catalogue->scenario_count + 1, sizeof *catalogue->scenarios);
    catalogue->scenarios[catalogue->scenario_count++] = *read;
    return true;
}

static bool read_arms(const json_t *object, struct hx_backend *out, struct hx_error *error) {
    const json_t *arms = json_object_get(object, "arms"), *absent = json_object_get(object, "absent");
    out->arms = hx_alloc((json_array_size(arms) + json_array_size(absent) + 1) * sizeof *out->arms);
    for (size_t i = 0; i < json_array_size(arms); i++) {
        const char *name = json_string_value(json_array_get(arms, i));
        if (name == NULL || !hx_copy(out->arms[out->arm_count].name, HX_NAME_BYTES, name)) {
            return hx_fail(error, "\"arms\" of %s holds something that is no name", out->name);
        }
        out->arm_count++;
    }
    for (size_t i = 0; i < json_array_size(absent); i++) {
        struct hx_arm *arm = &out->arms[out->arm_count];
        const char *reason = NULL;
        const json_t *entry = json_array_get(absent, i);
        if (!read_name(entry, "arm", arm->name, error) || !hx_tree_get_string(entry, "reason", &reason, error)) {
            return false;
        }
        if (reason[0] == '\0' || !hx_copy(arm->reason, sizeof arm->reason, reason)) {
            return hx_fail(error, "the reason for absent arm %s of %s is empty or too long", arm->name, out->name);
        }
        out->arm_count++;
    }
    return out->arm_count != 0 || hx_fail(error, "backend %s has no arm", out->name);
}

static bool read_backend(const json_t *object, const char *path, const json_t *scenarios, struct hx_catalogue *catalogue,
                         struct hx_error *error) {
    catalogue->backends = hx_grow(catalogue->backends, catalogue->backend_count + 1, sizeof *catalogue->backends);
    struct hx_backend *out = &catalogue->backends[catalogue->backend_count];
    *out = (struct hx_backend){.worker_path = path};
    if (!read_name(object, "name", out->name, error)) {
        return false;
    }
    if (hx_catalogue_backend(catalogue, out->name) != NULL) {
        return hx_fail(error, "two workers have a backend %s", out->name);
    }
    catalogue->backend_count++; /* from here on hx_catalogue_free releases it */
    out->allocator = strcmp(out->name, "malloc") == 0 ? HX_ALLOCATOR_GLIBC : HX_ALLOCATOR_NONE;
    const char *memory = json_string_value(json_object_get(object, "memory"));
    out->memory = memory == NULL ? out->allocator : strcmp(memory, "glibc") == 0 ? HX_ALLOCATOR_GLIBC : hx_allocator_kind_of(memory);
    out->scenarios = hx_alloc((json_array_size(scenarios) + 1) * sizeof *out->scenarios);
    for (size_t i = 0; i < json_array_size(scenarios); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(scenarios, i), "name"));
        if (name != NULL) {
            out->scenarios[out->scenario_count++] = hx_dup(name);
        }
    }
    const char *threads_absent = json_string_value(json_object_get(object, "threads_absent"));
    out->threads_absent = threads_absent != NULL ? hx_dup(threads_absent) : NULL;
    const char *huge_absent = json_string_value(json_object_get(object, "huge_absent"));
    out->huge_absent = huge_absent != NULL ? hx_dup(huge_absent) : NULL;
    return read_arms(object, out, error);
}

/* A worker that stands for one whose library was missing has no scenario, and no arm that runs. */
static bool all_absent(const json_t *backends) {
    for (size_t i = 0; i < json_array_size(backends); i++) {
        if (json_array_size(json_object_get(json_array_get(backends, i), "arms")) != 0) {
            return false;
        }
    }
    return true;
}

static bool read_worker(const json_t *root, const char *path, struct hx_catalogue *catalogue, struct hx_error *error) {
    struct hx_worker worker = {0};
    if (!hx_tree_check_protocol(root, "its answer", error) || !read_name(root, "worker", worker.name, error) ||
        !read_name(root, "version", worker.version, error)) {
        return false;
    }
    worker.path = hx_dup(path);
    catalogue->workers = hx_grow(catalogue->workers, catalogue->worker_count + 1, sizeof worker);
    catalogue->workers[catalogue->worker_count++] = worker;
    const json_t *scenarios = json_object_get(root, "scenarios"), *backends = json_object_get(root, "backends");
    for (size_t i = 0; i < json_array_size(scenarios); i++) {
        struct hx_scenario scenario = {0};
        if (!read_scenario(json_array_get(scenarios, i), &scenario, error)) {
            free_scenario(&scenario);
            return false;
        }
        if (!merge_scenario(&scenario, catalogue, error)) {
            return false;
        }
    }
    for (size_t i = 0; i < json_array_size(backends); i++) {
        if (!read_backend(json_array_get(backends, i), worker.path, scenarios, catalogue, error)) {
            return false;
        }
    }
    if (json_array_size(backends) == 0 || (json_array_size(scenarios) == 0 && !all_absent(backends))) {
        return hx_fail(error, "it lists no scenario or no backend");
    }
    return true;
}

bool hx_catalogue_read(const char *answer, const char *path, struct hx_catalogue *catalogue, struct hx_error *error) {
    struct hx_error why = {{0}};
    json_t *root = hx_tree_parse(answer, "its answer", &why);
    bool good = root != NULL && read_worker(root, path, catalogue, &why);
    json_decref(root);
    return good || hx_fail(error, "%s --list: %s", path, why.line);
}
