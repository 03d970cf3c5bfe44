/* hx_json.c - JSON over hx_text: commas, quoting, nesting. Rules: hx_text.h.
 *
 * Why a nesting record: a call out of place (a member without a key, a close too many) must make the whole text an error and not a
 * line that a reader misunderstands. closer[d] is what ends depth d, has_item[d] whether a comma is due there. */
#include "base/hx_text.h"

#include <errno.h>
#include <string.h>

static void misuse(struct hx_text *text) {
    if (text->error == 0) {
        text->error = EINVAL;
    }
}

static void quoted(struct hx_text *text, const char *value) {
    hx_text_put(text, "\"");
    const char *plain = value;
    for (const char *p = value;; p++) {
        unsigned char byte = (unsigned char)*p;
        if (byte >= 0x20 && byte != '"' && byte != '\\') {
            continue;
        }
        hx_text_bytes(text, plain, (size_t)(p - plain));
        plain = p + 1;
        if (byte == '\0') {
            break;
        }
        if (byte == '"' || byte == '\\') {
            char escape[2] = {'\\', (char)byte};
            hx_text_bytes(text, escape, sizeof escape);
        } else {
            hx_text_format(text, "\\u%04x", byte);
        }
    }
    hx_text_put(text, "\"");
}

/* Comma if due, and the key where one belongs. False when the call is out of place. */
static bool item(struct hx_text *text, const char *key) {
    bool in_object = text->depth > 0 && text->closer[text->depth] == '}';
    if (in_object != (key != NULL)) {
        misuse(text);
        return false;
    }
    if (text->depth > 0) {
        if (text->has_item[text->depth]) {
            hx_text_put(text, ",");
        }
        text->has_item[text->depth] = true;
    }
    if (key != NULL) {
        quoted(text, key);
        hx_text_put(text, ":");
    }
    return text->error == 0;
}

static void nest(struct hx_text *text, const char *key, const char *opener, char closer) {
    if (text->depth == HX_TEXT_DEPTH_MAX) {
        misuse(text);
        return;
    }
    if (!item(text, key)) {
        return;
    }
    hx_text_put(text, opener);
    text->depth++;
    text->has_item[text->depth] = false;
    text->closer[text->depth] = closer;
}

void hx_json_object(struct hx_text *text, const char *key) {
    nest(text, key, "{", '}');
}

void hx_json_array(struct hx_text *text, const char *key) {
    nest(text, key, "[", ']');
}

void hx_json_close(struct hx_text *text) {
    if (text->depth == 0) {
        misuse(text);
        return;
    }
    hx_text_bytes(text, &text->closer[text->depth], 1);
    text->depth--;
}

void hx_json_string(struct hx_text *text, const char *key, const char *value) {
    if (!item(text, key)) {
        return;
    }
    if (value == NULL) {
        hx_text_put(text, "null");
    } else {
        quoted(text, value);
    }
}

void hx_json_u64(struct hx_text *text, const char *key, uint64_t value) {
    if (item(text, key)) {
        hx_text_put_u64(text, value);
    }
}

void hx_json_i64(struct hx_text *text, const char *key, int64_t value) {
    if (!item(text, key)) {
        return;
    }
    if (value < 0) {
        hx_text_put(text, "-");
    }
    hx_text_put_u64(text, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void hx_json_double(struct hx_text *text, const char *key, double value) {
    if (item(text, key)) {
        hx_text_put_double(text, value);
    }
}

void hx_json_bool(struct hx_text *text, const char *key, bool value) {
    if (item(text, key)) {
        hx_text_put(text, value ? "true" : "false");
    }
}

void hx_json_hex(struct hx_text *text, const char *key, uint64_t value) {
    if (item(text, key)) {
        hx_text_put(text, "\"");
        hx_text_put_hex(text, value);
        hx_text_put(text, "\"");
    }
}

void hx_json_null(struct hx_text *text, const char *key) {
    if (item(text, key)) {
        hx_text_put(text, "null");
    }
}

void hx_json_raw(struct hx_text *text, const char *key, const char *json) {
    if (item(text, key)) {
        hx_text_put(text, json);
    }
}

void hx_json_figure(struct hx_text *text, const char *key, struct hx_figure figure) {
    hx_json_object(text, key);
    if (figure.reason == NULL) {
        hx_json_double(text, "value", figure.value);
    } else {
        hx_json_null(text, "value");
    }
    hx_json_string(text, "reason", figure.reason);
    hx_json_close(text);
}
