/* hx_plan_json.c - the plan as text and back. Member order is fixed, so equal plans give equal bytes and one sha256. */
#include "record/hx_plan.h"

#include "record/hx_sha256.h"
#include "record/hx_tree.h"

#include <stdlib.h>
#include <string.h>

static json_t *cell_object(const struct hx_cell *cell) {
    json_t *object = json_object();
    hx_tree_put(object, "index", json_integer(cell->index));
    hx_tree_put_cell_words(object, cell);
    hx_tree_put_dials(object, cell);
    hx_tree_put(object, "ops_per_block", hx_tree_count(cell->ops_per_block));
    if (cell->again) {
        hx_tree_put(object, "side", hx_tree_word("head"));
    }
    return object;
}

static void append(json_t *array, json_t *value) {
    HX_CHECK(json_array_append_new(array, value) == 0);
}

char *hx_plan_json(const struct hx_plan *plan) {
    json_t *cells = json_array(), *order = json_array(), *absent = json_array();
    for (size_t i = 0; i < plan->cell_count; i++) {
        append(cells, cell_object(&plan->cells[i]));
    }
    for (size_t i = 0; i < plan->step_count; i++) {
        json_t *step = json_object();
        hx_tree_put(step, "cell", json_integer(plan->steps[i].cell));
        hx_tree_put(step, "pass", hx_tree_word(hx_pass_name(plan->steps[i].pass)));
        hx_tree_put(step, "rep", json_integer(plan->steps[i].rep));
        hx_tree_put(step, "event_group", json_integer(plan->steps[i].event_group));
        append(order, step);
    }
    for (size_t i = 0; i < plan->absent_count; i++) {
        json_t *object = json_object();
        hx_tree_put_cell_words(object, &plan->absent[i].cell);
        hx_tree_put(object, "reason", hx_tree_word(plan->absent[i].reason));
        append(absent, object);
    }
    json_t *root = json_object();
    hx_tree_put(root, "cells", cells);
    hx_tree_put(root, "order", order);
    hx_tree_put(root, "absent", absent);
    return hx_tree_dump(root);
}

static bool parse_cells(const json_t *root, struct hx_plan *out, struct hx_error *error) {
    const json_t *cells = json_object_get(root, "cells");
    size_t count = json_array_size(cells);
    out->cells = hx_alloc((count + 1) * sizeof *out->cells);
    for (size_t i = 0; i < count; i++) {
        const json_t *object = json_array_get(cells, i);
        struct hx_cell *cell = &out->cells[i];
        uint64_t index = 0;
        if (!hx_tree_get_count(object, "index", &index, error) || !hx_tree_get_cell_words(object, cell, error) ||
            !hx_tree_get_dials(object, cell, error) || !hx_tree_get_count(object, "ops_per_block", &cell->ops_per_block, error)) {
            return false;
        }
        if (cell->cycles_per_block == 0 || cell->blocks == 0) {
            return hx_fail(error, "cell %zu has blocks of no cycles, or no blocks", i);
        }
        if (index != i) {
            return hx_fail(error, "cell %zu has index %llu", i, (unsigned long long)index);
        }
        cell->index = (unsigned)i;
        cell->again = json_object_get(object, "side") != NULL;
        out->cell_count++;
    }
    return count != 0 || hx_fail(error, "no cells");
}

static bool parse_steps(const json_t *root, struct hx_plan *out, struct hx_error *error) {
    const json_t *order = json_object_get(root, "order");
    size_t count = json_array_size(order);
    out->steps = hx_alloc((count + 1) * sizeof *out->steps);
    for (size_t i = 0; i < count; i++) {
        const json_t *object = json_array_get(order, i);
        struct hx_step *step = &out->steps[i];
        uint64_t cell = 0, rep = 0, group = 0;
        const char *pass = NULL;
        if (!hx_tree_get_count(object, "cell", &cell, error) || !hx_tree_get_string(object, "pass", &pass, error) ||
            !hx_tree_get_count(object, "rep", &rep, error) || !hx_tree_get_count(object, "event_group", &group, error)) {
            return false;
        }
        if (cell >= out->cell_count || !hx_pass_from_name(pass, &step->pass)) {
            return hx_fail(error, "step %zu names cell %llu and pass %s", i, (unsigned long long)cell, pass);
        }
        step->cell = (unsigned)cell;
        step->rep = (unsigned)rep;
        step->event_group = (unsigned)group;
        out->step_count++;
    }
    return true;
}

static bool parse_absent(const json_t *root, struct hx_plan *out, struct hx_error *error) {
    const json_t *absent = json_object_get(root, "absent");
    size_t count = json_array_size(absent);
    out->absent = hx_alloc((count + 1) * sizeof *out->absent);
    for (size_t i = 0; i < count; i++) {
        const json_t *object = json_array_get(absent, i);
        const char *reason = NULL;
        if (!hx_tree_get_cell_words(object, &out->absent[i].cell, error) || !hx_tree_get_string(object, "reason", &reason, error)) {
            return false;
        }
        if (!hx_copy(out->absent[i].reason, sizeof out->absent[i].reason, reason)) {
            return hx_fail(error, "the reason of absent row %zu is too long", i);
        }
        out->absent_count++;
    }
    return true;
}

bool hx_plan_parse(const char *json, struct hx_plan *out, struct hx_error *error) {
    *out = (struct hx_plan){0};
    struct hx_error why = {{0}};
    json_t *root = hx_tree_parse(json, "it", &why);
    bool good = root != NULL && parse_cells(root, out, &why) && parse_steps(root, out, &why) && parse_absent(root, out, &why);
    json_decref(root);
    if (!good) {
        hx_plan_free(out);
        return hx_fail(error, "plan: %s", why.line);
    }
    return true;
}

void hx_plan_sha256(const struct hx_plan *plan, char out[65]) {
    char *text = hx_plan_json(plan);
    hx_sha256_hex(text, strlen(text), out);
    free(text);
}
