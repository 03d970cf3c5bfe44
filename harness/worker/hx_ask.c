/* hx_ask.c - see hx_ask.h. jansson's memory is one growing mapping that is never given back: a request is a few KiB. */
#include "worker/hx_ask.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

const char *const hx_pass_names[HX_PASS_COUNT] = {"time", "latency", "counters", "memory", "counts", "plan"};

static const char pass_choices[] = "time, latency, counters, memory, counts, plan";

enum { POOL_BYTES = 256 * 1024, POOL_ALIGN_BYTES = 16 };

/* Only the main thread, only while the request is parsed. */
static char *pool_next;
static size_t pool_left_bytes;

static void *pool_take(size_t bytes) {
    if (bytes > SIZE_MAX - POOL_ALIGN_BYTES) {
        return NULL;
    }
    size_t need_bytes = (bytes + POOL_ALIGN_BYTES - 1) & ~(size_t)(POOL_ALIGN_BYTES - 1);
    if (need_bytes > pool_left_bytes) {
        size_t map_bytes = need_bytes > POOL_BYTES ? need_bytes : POOL_BYTES;
        pool_next = hx_map_or_die(map_bytes, "memory for the request");
        pool_left_bytes = map_bytes;
    }
    void *taken = pool_next;
    pool_next += need_bytes;
    pool_left_bytes -= need_bytes;
    return taken;
}

static void pool_drop(void *taken) {
    (void)taken;
}

static json_t *member(json_t *root, const char *key) {
    json_t *value = json_object_get(root, key);
    if (value == NULL) {
        hx_die("request: \"%s\" is missing", key);
    }
    return value;
}

static const char *word(json_t *root, const char *key) {
    json_t *value = member(root, key);
    if (!json_is_string(value) || json_string_length(value) == 0) {
        hx_die("request: \"%s\" must be a non-empty string", key);
    }
    return json_string_value(value);
}

static uint64_t number(json_t *root, const char *key, uint64_t least, uint64_t most) {
    json_t *value = member(root, key);
    if (!json_is_integer(value)) {
        hx_die("request: \"%s\" must be a whole number", key);
    }
    uint64_t found = (uint64_t)json_integer_value(value);
    if (json_integer_value(value) < 0 || found < least || found > most) {
        hx_die("request: \"%s\" is out of range: %" JSON_INTEGER_FORMAT, key, json_integer_value(value));
    }
    return found;
}

/* A seed may use all 64 bits, and JSON integers hold 63: above that it comes as a string of decimal digits. */
static uint64_t seed_number(json_t *root) {
    json_t *value = member(root, "seed");
    uint64_t found = 0;
    if (json_is_string(value) && hx_parse_u64(json_string_value(value), &found)) {
        return found;
    }
    if (json_is_string(value)) {
        hx_die("request: \"seed\" must be a whole number from 0 to 2^64 - 1, not \"%s\"", json_string_value(value));
    }
    return number(root, "seed", 0, INT64_MAX);
}

static size_t words(json_t *root, const char *key, const char **out, size_t capacity) {
    json_t *list = member(root, key);
    if (json_is_null(list)) {
        return 0;
    }
    if (!json_is_array(list)) {
        hx_die("request: \"%s\" must be a list of strings", key);
    }
    size_t count = json_array_size(list);
    if (count > capacity) {
        hx_die("request: \"%s\" has %zu entries, at most %zu are possible", key, count, capacity);
    }
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_array_get(list, i);
        if (!json_is_string(value)) {
            hx_die("request: \"%s\" must be a list of strings", key);
        }
        out[i] = json_string_value(value);
    }
    return count;
}

static void parse_pus(json_t *root, struct hx_ask *out) {
    json_t *list = member(root, "pus");
    if (json_is_null(list)) {
        return;
    }
    if (!json_is_array(list) || json_array_size(list) > HX_ASK_PUS_MAX) {
        hx_die("request: \"pus\" must be a list of at most %d numbers", HX_ASK_PUS_MAX);
    }
    out->pu_count = json_array_size(list);
    for (size_t i = 0; i < out->pu_count; i++) {
        json_t *value = json_array_get(list, i);
        if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > INT32_MAX) {
            hx_die("request: \"pus\" must hold numbers from 0");
        }
        out->pu[i] = (unsigned)json_integer_value(value);
    }
    if (out->pu_count != 0 && out->pu_count != out->threads) {
        hx_die("request: %zu \"pus\" for %u threads", out->pu_count, out->threads);
    }
}

static void parse_pass(const char *name, struct hx_ask *out) {
    for (unsigned i = 0; i < HX_PASS_COUNT; i++) {
        if (strcmp(name, hx_pass_names[i]) == 0) {
            out->pass = (enum hx_pass)i;
            return;
        }
    }
    hx_die("unknown pass \"%s\": choose one of %s", name, pass_choices);
}

static void parse_scale(json_t *root, struct hx_ask *out) {
    json_t *scale = member(root, "scale");
    out->scale = json_number_value(scale);
    if (!json_is_number(scale) || !(out->scale >= 0.01 && out->scale <= 100)) {
        hx_die("request: \"scale\" must be a number from 0.01 to 100");
    }
}

static void refuse_unknown(json_t *root) {
    static const char *const known[] = {"protocol", "pass",   "scenario",         "backend", "arm",    "threads", "pages",
                                        "options",  "scale",  "cycles_per_block", "blocks",  "seed",   "rep",     "order",
                                        "pus",      "input",  "events",           "event_group", "litter"};
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value) {
        bool found = false;
        for (size_t i = 0; i < HX_COUNT_OF(known) && !found; i++) {
            found = strcmp(key, known[i]) == 0;
        }
        if (!found) {
            hx_die("request: unknown member \"%s\"", key);
        }
    }
}

void hx_ask_parse(const char *json, struct hx_ask *out) {
    json_set_alloc_funcs(pool_take, pool_drop);
    json_error_t error;
    json_t *root = json_loads(json, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL || !json_is_object(root)) {
        hx_die("request is no JSON object: %s", root == NULL ? error.text : "it is another value");
    }
    refuse_unknown(root);
    json_t *protocol = member(root, "protocol");
    if (!json_is_integer(protocol) || json_integer_value(protocol) != HX_PROTOCOL_VERSION) {
        hx_die("request: this worker speaks protocol %d", HX_PROTOCOL_VERSION);
    }
    *out = (struct hx_ask){0};
    parse_pass(word(root, "pass"), out);
    out->scenario = word(root, "scenario");
    out->backend = word(root, "backend");
    out->arm = word(root, "arm");
    out->options = word(root, "options");
    out->pages = word(root, "pages");
    out->huge_pages = strcmp(out->pages, "huge") == 0;
    if (!out->huge_pages && strcmp(out->pages, "4k") != 0) {
        hx_die("unknown pages \"%s\": choose 4k or huge", out->pages);
    }
    out->threads = (unsigned)number(root, "threads", 1, HX_ASK_PUS_MAX);
    parse_scale(root, out);
    out->cycles_per_block = number(root, "cycles_per_block", 1, UINT32_MAX);
    out->blocks = (unsigned)number(root, "blocks", 1, HX_BLOCKS_MAX);
    out->seed = seed_number(root);
    out->rep = number(root, "rep", 0, INT64_MAX);
    out->order = number(root, "order", 0, INT64_MAX);
    parse_pus(root, out);
    out->input_count = words(root, "input", out->input, HX_ASK_INPUTS_MAX);
    out->event_count = words(root, "events", out->event, HX_ASK_EVENTS_MAX);
    out->event_group = number(root, "event_group", 0, UINT32_MAX);
    if (!json_is_null(member(root, "litter"))) {
        const char *litter = word(root, "litter");
        out->litter = out->pass == HX_PASS_PLAN ? NULL : litter;
    }
}
