/* sc_json_check.c - strict JSON check at set-up, before anything is measured.
 *
 * Why: malformed input must end in one clear line, and a parser that is being measured is no place to find out. It also
 * counts what the parser's stack of pending values needs, so that the parser never grows anything. */
#include "scenarios/common/sc_json_check.h"

#include "base/hx_base.h"
#include "scenarios/common/sc_json_text.h"

struct check {
    struct sc_json_cursor cursor;
    size_t pending;
    size_t pending_max;
};

static const char *check_value(struct check *check, unsigned depth);

static const char *check_string(struct check *check) {
    size_t decoded_bytes;
    check->cursor.next++;
    return sc_json_string_scan(&check->cursor, &decoded_bytes);
}

static const char *check_name(struct check *check) {
    sc_json_space(&check->cursor);
    if (check->cursor.next >= check->cursor.end || *check->cursor.next != '"') {
        return "expected a name in quotes";
    }
    const char *why = check_string(check);
    if (why != NULL) {
        return why;
    }
    sc_json_space(&check->cursor);
    if (check->cursor.next >= check->cursor.end || *check->cursor.next != ':') {
        return "expected ':'";
    }
    check->cursor.next++;
    return NULL;
}

/* After the opening bracket; depth counts the lists around this one. */
static const char *check_list(struct check *check, unsigned depth, char closer) {
    if (depth >= SC_JSON_DEPTH_MAX) {
        return "nested too deeply (512 levels are the limit)";
    }
    sc_json_space(&check->cursor);
    if (check->cursor.next < check->cursor.end && *check->cursor.next == closer) {
        check->cursor.next++;
        return NULL;
    }
    size_t pending_before = check->pending;
    for (;;) {
        const char *why = closer == '}' ? check_name(check) : NULL;
        why = why == NULL ? check_value(check, depth + 1) : why;
        if (why != NULL) {
            return why;
        }
        check->pending++;
        check->pending_max = check->pending > check->pending_max ? check->pending : check->pending_max;
        sc_json_space(&check->cursor);
        char c = check->cursor.next < check->cursor.end ? *check->cursor.next : '\0';
        if (c != ',' && c != closer) {
            return closer == '}' ? "expected ',' or '}'" : "expected ',' or ']'";
        }
        check->cursor.next++;
        if (c == closer) {
            check->pending = pending_before;
            return NULL;
        }
    }
}

static const char *check_value(struct check *check, unsigned depth) {
    sc_json_space(&check->cursor);
    if (check->cursor.next >= check->cursor.end) {
        return "expected a value, found the end";
    }
    double number;
    switch (*check->cursor.next) {
    case '{':
        check->cursor.next++;
        return check_list(check, depth, '}');
    case '[':
        check->cursor.next++;
        return check_list(check, depth, ']');
    case '"':
        return check_string(check);
    case 't':
        return sc_json_word(&check->cursor, "true", 4);
    case 'f':
        return sc_json_word(&check->cursor, "false", 5);
    case 'n':
        return sc_json_word(&check->cursor, "null", 4);
    case '-':
    case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
        return sc_json_number(&check->cursor, &number);
    default:
        return "not a value";
    }
}

_Noreturn static void refuse(const char *path, const char *data, const char *at, const char *why) {
    size_t line = 1;
    const char *line_start = data;
    for (const char *p = data; p < at; p++) {
        if (*p == '\n') {
            line++;
            line_start = p + 1;
        }
    }
    hx_die("input \"%s\", line %zu, column %zu: malformed JSON: %s", path, line, (size_t)(at - line_start) + 1, why);
}

void sc_json_check(const char *path, const char *data, size_t size_bytes, struct sc_json_shape *out) {
    struct check check = {.cursor = {.next = data, .end = data + size_bytes}};
    const char *why = check_value(&check, 0);
    if (why == NULL) {
        sc_json_space(&check.cursor);
        why = check.cursor.next == check.cursor.end ? NULL : "text after the value";
    }
    if (why != NULL) {
        refuse(path, data, check.cursor.next, why);
    }
    out->pending_max = check.pending_max;
}
