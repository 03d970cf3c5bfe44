/* hx_request.c - see hx_request.h. Keys stand in the order of the protocol text. */
#include "record/hx_request.h"

#include "record/hx_tree.h"

#include <stdlib.h>
#include <string.h>

static json_t *string_array(const char *const *words, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        HX_CHECK(json_array_append_new(array, hx_tree_word(words[i])) == 0);
    }
    return array;
}

char *hx_request_json(const struct hx_request *request) {
    const struct hx_cell *cell = &request->cell;
    json_t *object = json_object();
    hx_tree_put(object, "protocol", json_integer(HX_PROTOCOL_VERSION));
    hx_tree_put(object, "pass", hx_tree_word(hx_pass_name(request->pass)));
    hx_tree_put_cell_words(object, cell);
    hx_tree_put_dials(object, cell);
    hx_tree_put(object, "seed", hx_tree_count(request->seed));
    hx_tree_put(object, "rep", json_integer(request->rep));
    hx_tree_put(object, "order", hx_tree_count(request->order));
    json_t *pus = json_array();
    for (size_t i = 0; i < request->pu_count; i++) {
        HX_CHECK(json_array_append_new(pus, json_integer(request->pus[i])) == 0);
    }
    hx_tree_put(object, "pus", pus);
    hx_tree_put(object, "input", string_array(request->input, request->input_count));
    hx_tree_put(object, "events", string_array(request->events, request->event_count));
    hx_tree_put(object, "event_group", json_integer(request->event_group));
    hx_tree_put(object, "litter", request->litter == NULL ? json_null() : hx_tree_word(request->litter));
    return hx_tree_dump(object);
}

/* The storage of a parsed request: the JSON tree and the pointer arrays into it. */
struct parsed {
    json_t *root;
    unsigned *pus;
    const char **input;
    const char **events;
};

static bool read_strings(const json_t *root, const char *key, const char ***words, size_t *count, struct hx_error *error) {
    const json_t *array = json_object_get(root, key);
    if (!json_is_array(array)) {
        return hx_fail(error, "request: \"%s\" is not an array", key);
    }
    *count = json_array_size(array);
    *words = hx_alloc((*count + 1) * sizeof **words);
    for (size_t i = 0; i < *count; i++) {
        (*words)[i] = json_string_value(json_array_get(array, i));
        if ((*words)[i] == NULL) {
            return hx_fail(error, "request: \"%s\" holds something that is no string", key);
        }
    }
    return true;
}

static bool read_pus(const json_t *root, struct parsed *parsed, struct hx_request *out, struct hx_error *error) {
    const json_t *array = json_object_get(root, "pus");
    if (!json_is_array(array)) {
        return hx_fail(error, "request: \"pus\" is not an array");
    }
    out->pu_count = json_array_size(array);
    parsed->pus = hx_alloc((out->pu_count + 1) * sizeof *parsed->pus);
    for (size_t i = 0; i < out->pu_count; i++) {
        const json_t *pu = json_array_get(array, i);
        if (!json_is_integer(pu) || json_integer_value(pu) < 0) {
            return hx_fail(error, "request: \"pus\" holds something that is no PU number");
        }
        parsed->pus[i] = (unsigned)json_integer_value(pu);
    }
    out->pus = parsed->pus;
    return true;
}

static bool read_numbers(const json_t *root, struct hx_request *out, struct hx_error *error) {
    uint64_t rep = 0, group = 0;
    if (!hx_tree_get_count(root, "seed", &out->seed, error) || !hx_tree_get_count(root, "rep", &rep, error) ||
        !hx_tree_get_count(root, "order", &out->order, error) || !hx_tree_get_count(root, "event_group", &group, error)) {
        return false;
    }
    out->rep = (unsigned)rep;
    out->event_group = (unsigned)group;
    const json_t *litter = json_object_get(root, "litter");
    out->litter = json_string_value(litter);
    return true;
}

bool hx_request_parse(const char *json, struct hx_request *out, struct hx_error *error) {
    *out = (struct hx_request){0};
    json_t *root = hx_tree_parse(json, "request", error);
    if (root == NULL) {
        return false;
    }
    struct parsed *parsed = hx_alloc(sizeof *parsed);
    parsed->root = root;
    out->storage = parsed;
    const char *pass = json_string_value(json_object_get(root, "pass"));
    bool good = hx_tree_check_protocol(root, "request", error);
    if (good && (pass == NULL || !hx_pass_from_name(pass, &out->pass))) {
        good = hx_fail(error, "request: unknown pass %s (time, latency, counters, memory, counts, plan)", pass == NULL ? "-" : pass);
    }
    good = good && hx_tree_get_cell_words(root, &out->cell, error) && hx_tree_get_dials(root, &out->cell, error) &&
           read_numbers(root, out, error) && read_pus(root, parsed, out, error) &&
           read_strings(root, "input", &parsed->input, &out->input_count, error) &&
           read_strings(root, "events", &parsed->events, &out->event_count, error);
    out->input = parsed->input;
    out->events = parsed->events;
    if (!good) {
        hx_request_free(out);
    }
    return good;
}

void hx_request_free(struct hx_request *request) {
    struct parsed *parsed = request->storage;
    if (parsed != NULL) {
        json_decref(parsed->root);
        free(parsed->pus);
        free(parsed->input);
        free(parsed->events);
        free(parsed);
    }
    *request = (struct hx_request){0};
}
