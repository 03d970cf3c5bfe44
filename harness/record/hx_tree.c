/* hx_tree.c - see hx_tree.h. */
#include "record/hx_tree.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hx_tree_put(json_t *object, const char *key, json_t *value) {
    if (value == NULL || json_object_set_new(object, key, value) != 0) {
        hx_die("out of memory: JSON member %s", key);
    }
}

json_t *hx_tree_word(const char *text) {
    json_t *word = json_string(text);
    if (word != NULL) {
        return word;
    }
    char *copy = hx_dup(text);
    for (char *p = copy; *p != '\0'; p++) {
        if ((unsigned char)*p >= 0x80) {
            *p = '?';
        }
    }
    word = json_string(copy);
    free(copy);
    return word;
}

json_t *hx_tree_count(uint64_t count) {
    if (count <= (uint64_t)INT64_MAX) {
        return json_integer((json_int_t)count);
    }
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)count);
    return json_string(text);
}

char *hx_tree_dump(json_t *value) {
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(value);
    if (text == NULL) {
        hx_die("out of memory: JSON text");
    }
    return text;
}

char *hx_tree_dump_pretty(json_t *value) {
    char *text = json_dumps(value, JSON_INDENT(1));
    json_decref(value);
    if (text == NULL) {
        hx_die("out of memory: JSON text");
    }
    char *line = hx_print("%s\n", text);
    free(text);
    return line;
}

json_t *hx_tree_parse(const char *text, const char *what, struct hx_error *error) {
    json_error_t problem;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &problem);
    if (root == NULL) {
        hx_fail(error, "%s is malformed JSON: %s (line %d, column %d)", what, problem.text, problem.line, problem.column);
        return NULL;
    }
    if (!json_is_object(root)) {
        hx_fail(error, "%s is JSON, but no object", what);
        json_decref(root);
        return NULL;
    }
    return root;
}

bool hx_tree_get_count(const json_t *object, const char *key, uint64_t *out, struct hx_error *error) {
    const json_t *member = json_object_get(object, key);
    if (json_is_integer(member) && json_integer_value(member) >= 0) {
        *out = (uint64_t)json_integer_value(member);
        return true;
    }
    if (json_is_string(member) && hx_parse_u64(json_string_value(member), out)) {
        return true;
    }
    return hx_fail(error, "\"%s\" is missing or no count", key);
}

bool hx_tree_get_number(const json_t *object, const char *key, double *out, struct hx_error *error) {
    const json_t *member = json_object_get(object, key);
    if (!json_is_number(member) || !isfinite(json_number_value(member))) {
        return hx_fail(error, "\"%s\" is missing or no number", key);
    }
    *out = json_number_value(member);
    return true;
}

bool hx_tree_get_string(const json_t *object, const char *key, const char **out, struct hx_error *error) {
    const json_t *member = json_object_get(object, key);
    if (!json_is_string(member)) {
        return hx_fail(error, "\"%s\" is missing or no string", key);
    }
    *out = json_string_value(member);
    return true;
}

bool hx_tree_check_protocol(const json_t *object, const char *what, struct hx_error *error) {
    uint64_t protocol = 0;
    if (!hx_tree_get_count(object, "protocol", &protocol, error)) {
        return hx_fail(error, "%s: no protocol version", what);
    }
    if (protocol != HX_PROTOCOL_VERSION) {
        return hx_fail(error, "%s speaks protocol %llu, this program %d", what, (unsigned long long)protocol, HX_PROTOCOL_VERSION);
    }
    return true;
}

void hx_tree_put_cell_words(json_t *object, const struct hx_cell *cell) {
    hx_tree_put(object, "scenario", hx_tree_word(cell->scenario));
    hx_tree_put(object, "backend", hx_tree_word(cell->backend));
    hx_tree_put(object, "arm", hx_tree_word(cell->arm));
    hx_tree_put(object, "threads", json_integer(cell->threads));
    hx_tree_put(object, "pages", hx_tree_word(hx_pages_name(cell->pages)));
    hx_tree_put(object, "options", hx_tree_word(cell->options));
}

void hx_tree_put_dials(json_t *object, const struct hx_cell *cell) {
    hx_tree_put(object, "scale", json_real(cell->scale));
    hx_tree_put(object, "cycles_per_block", hx_tree_count(cell->cycles_per_block));
    hx_tree_put(object, "blocks", hx_tree_count(cell->blocks));
}

static bool get_name(const json_t *object, const char *key, char *out, size_t capacity_bytes, struct hx_error *error) {
    const char *text = NULL;
    if (!hx_tree_get_string(object, key, &text, error)) {
        return false;
    }
    if (text[0] == '\0' || !hx_copy(out, capacity_bytes, text)) {
        return hx_fail(error, "\"%s\" is empty or longer than %zu bytes", key, capacity_bytes - 1);
    }
    return true;
}

bool hx_tree_get_cell_words(const json_t *object, struct hx_cell *out, struct hx_error *error) {
    uint64_t threads = 0;
    const char *pages = NULL;
    if (!get_name(object, "scenario", out->scenario, sizeof out->scenario, error) ||
        !get_name(object, "backend", out->backend, sizeof out->backend, error) ||
        !get_name(object, "arm", out->arm, sizeof out->arm, error) ||
        !get_name(object, "options", out->options, sizeof out->options, error) ||
        !hx_tree_get_count(object, "threads", &threads, error) || !hx_tree_get_string(object, "pages", &pages, error)) {
        return false;
    }
    if (threads == 0 || threads > UINT16_MAX) {
        return hx_fail(error, "\"threads\" is %llu", (unsigned long long)threads);
    }
    out->threads = (unsigned)threads;
    if (!hx_pages_from_name(pages, &out->pages)) {
        return hx_fail(error, "\"pages\" is \"%s\" (4k, huge)", pages);
    }
    return true;
}

bool hx_tree_get_dials(const json_t *object, struct hx_cell *out, struct hx_error *error) {
    return hx_tree_get_number(object, "scale", &out->scale, error) &&
           hx_tree_get_count(object, "cycles_per_block", &out->cycles_per_block, error) &&
           hx_tree_get_count(object, "blocks", &out->blocks, error);
}
