/* hx_observation.c - see hx_observation.h. */
#include "record/hx_observation.h"

#include "record/hx_tree.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The parsed tree and what was made from it; hx_observation.root points here. */
struct parsed {
    json_t *root;
    struct hx_metric *metrics;
    char (*decimals)[HX_DECIMAL_BYTES]; /* one a metric: numbers as plain decimals */
    double *block_ns;
};

static bool check_echo(const json_t *root, const struct hx_request *asked, struct hx_error *error) {
    struct hx_cell cell = {0};
    const char *pass = NULL;
    uint64_t rep = 0, order = 0, seed = 0;
    if (!hx_tree_check_protocol(root, "observation", error) || !hx_tree_get_string(root, "pass", &pass, error) ||
        !hx_tree_get_cell_words(root, &cell, error) || !hx_tree_get_count(root, "rep", &rep, error) ||
        !hx_tree_get_count(root, "order", &order, error) || !hx_tree_get_count(root, "seed", &seed, error)) {
        return false;
    }
    if (strcmp(pass, hx_pass_name(asked->pass)) != 0 || !hx_cell_same(&cell, &asked->cell) || rep != asked->rep ||
        order != asked->order || seed != asked->seed) {
        char said[HX_CELL_TITLE_BYTES];
        hx_cell_title(&cell, said);
        return hx_fail(error, "it answers another request: %s pass %s rep %" PRIu64 " order %" PRIu64, said, pass, rep, order);
    }
    return true;
}

/* "-", an absent member and null all mean: no checksum in this pass. */
static bool read_checksum(const json_t *root, const char *key, char out[20], struct hx_error *error) {
    const char *text = json_string_value(json_object_get(root, key));
    out[0] = '\0';
    if (text == NULL || strcmp(text, "-") == 0) {
        return true;
    }
    if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16) {
        return hx_fail(error, "\"%s\" is no 16 hex digits: \"%s\"", key, text);
    }
    return hx_copy(out, 20, text);
}

static bool read_metric(const json_t *entry, struct hx_metric *out, char decimal[HX_DECIMAL_BYTES], struct hx_error *error) {
    const char *reason = json_string_value(json_object_get(entry, "reason"));
    if (!hx_tree_get_string(entry, "phase", &out->phase, error) || !hx_tree_get_string(entry, "metric", &out->metric, error) ||
        !hx_tree_get_string(entry, "unit", &out->unit, error)) {
        return false;
    }
    const json_t *value = json_object_get(entry, "value");
    out->reason = "-";
    if (json_is_string(value) && json_string_length(value) != 0) {
        out->kind = HX_VALUE_WORD;
        out->text = json_string_value(value);
    } else if (json_is_number(value) && isfinite(json_number_value(value))) {
        out->kind = HX_VALUE_NUMBER;
        out->number = json_number_value(value);
        if (json_is_integer(value)) {
            (void)snprintf(decimal, HX_DECIMAL_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        } else {
            hx_decimal(out->number, decimal);
        }
        out->text = decimal;
    } else if (json_is_null(value) && reason != NULL && reason[0] != '\0' && strcmp(reason, "-") != 0) {
        out->kind = HX_VALUE_NULL;
        out->text = "null";
        out->reason = reason;
    } else {
        return hx_fail(error, "metric %s has neither a value nor a reason", out->metric);
    }
    return true;
}

static bool read_metrics(struct parsed *parsed, struct hx_observation *out, struct hx_error *error) {
    const json_t *metrics = json_object_get(parsed->root, "metrics");
    if (!json_is_array(metrics)) {
        return hx_fail(error, "\"metrics\" is missing or no array");
    }
    size_t count = json_array_size(metrics);
    parsed->metrics = hx_alloc((count + 1) * sizeof *parsed->metrics);
    parsed->decimals = hx_alloc((count + 1) * sizeof *parsed->decimals);
    for (size_t i = 0; i < count; i++) {
        if (!read_metric(json_array_get(metrics, i), &parsed->metrics[i], parsed->decimals[i], error)) {
            return false;
        }
    }
    out->metrics = parsed->metrics;
    out->metric_count = count;
    return true;
}

static bool read_blocks(struct parsed *parsed, struct hx_observation *out, struct hx_error *error) {
    const json_t *blocks = json_object_get(parsed->root, "block_ns");
    size_t count = json_array_size(blocks);
    if (count == 0) {
        return true;
    }
    parsed->block_ns = hx_alloc(count * sizeof *parsed->block_ns);
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_array_get(blocks, i);
        if (!json_is_number(one) || !(json_number_value(one) > 0)) {
            return hx_fail(error, "\"block_ns\" holds something that is no time");
        }
        parsed->block_ns[i] = json_number_value(one);
    }
    out->block_ns = parsed->block_ns;
    out->block_count = count;
    return true;
}

static bool read_counts(const json_t *root, struct hx_observation *out, struct hx_error *error) {
    const json_t *refills = json_object_get(root, "refills_per_block"), *pus = json_object_get(root, "pus");
    out->refills_per_block = json_is_integer(refills) ? (uint64_t)json_integer_value(refills) : 0;
    out->migrated = json_is_true(json_object_get(root, "migrated"));
    const json_t *first = json_array_get(pus, 0);
    out->pu = json_is_integer(first) ? (long)json_integer_value(first) : -1;
    return hx_tree_get_count(root, "ops_per_block", &out->ops_per_block, error) &&
           hx_tree_get_count(root, "ops_total", &out->ops_total, error) && read_checksum(root, "checksum", out->checksum, error) &&
           read_checksum(root, "allocation_checksum", out->allocation_checksum, error);
}

bool hx_observation_take(void *json, const struct hx_request *asked, struct hx_observation *out, struct hx_error *error) {
    *out = (struct hx_observation){0};
    struct parsed *parsed = hx_alloc(sizeof *parsed);
    parsed->root = json;
    out->root = parsed;
    bool good = check_echo(parsed->root, asked, error) && read_counts(parsed->root, out, error) && read_metrics(parsed, out, error) &&
                read_blocks(parsed, out, error);
    if (good && (out->ops_per_block == 0 || out->ops_total == 0)) {
        good = hx_fail(error, "it did no operation");
    }
    if (!good) {
        hx_observation_free(out);
    }
    return good;
}

bool hx_observation_parse(const char *line, const struct hx_request *asked, struct hx_observation *out, struct hx_error *error) {
    *out = (struct hx_observation){0};
    if (line[strspn(line, " \n")] == '\0') {
        return hx_fail(error, "no observation on fd 3");
    }
    json_t *root = hx_tree_parse(line, "the observation", error);
    return root != NULL && hx_observation_take(root, asked, out, error);
}

void hx_observation_free(struct hx_observation *observation) {
    struct parsed *parsed = observation->root;
    if (parsed != NULL) {
        json_decref(parsed->root);
        free(parsed->metrics);
        free(parsed->decimals);
        free(parsed->block_ns);
        free(parsed);
    }
    *observation = (struct hx_observation){0};
}

const struct hx_metric *hx_observation_metric(const struct hx_observation *observation, const char *phase, const char *metric) {
    for (size_t i = 0; i < observation->metric_count; i++) {
        const struct hx_metric *one = &observation->metrics[i];
        if (strcmp(one->phase, phase) == 0 && strcmp(one->metric, metric) == 0) {
            return one;
        }
    }
    return NULL;
}

struct hx_figure hx_observation_figure(const struct hx_observation *observation, const char *phase, const char *metric) {
    const struct hx_metric *found = hx_observation_metric(observation, phase, metric);
    if (found == NULL) {
        return hx_figure_none("the worker does not report it");
    }
    return found->kind == HX_VALUE_NUMBER ? hx_figure_of(found->number) : hx_figure_none("the worker has no figure for it");
}

void *hx_observation_json(const struct hx_observation *observation) {
    const struct parsed *parsed = observation->root;
    return parsed == NULL ? NULL : parsed->root;
}

void hx_observation_rows(const struct hx_observation *observation, const struct hx_request *asked, const char *side,
                         struct hx_buffer *out) {
    const struct hx_cell *cell = &asked->cell;
    struct hx_sample row = {.pass = asked->pass,
                            .side = side,
                            .scenario = cell->scenario,
                            .backend = cell->backend,
                            .arm = cell->arm,
                            .options = cell->options,
                            .threads = cell->threads,
                            .pages = cell->pages,
                            .rep = asked->rep,
                            .order = (int64_t)asked->order};
    for (size_t i = 0; i < observation->metric_count; i++) {
        const struct hx_metric *metric = &observation->metrics[i];
        row.phase = metric->phase;
        row.metric = metric->metric;
        row.unit = metric->unit;
        row.kind = metric->kind;
        row.number = metric->number;
        row.text = metric->text;
        row.reason = metric->reason;
        hx_sample_write(out, &row);
    }
}
