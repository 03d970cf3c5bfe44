/* sc_json_text.h - the lexical half of JSON (RFC 8259): spaces, strings, numbers, words. Strict, without allocation.
 *
 * Why apart: the check at set-up (sc_json_check.c) and the parser that is measured (json_dom.c) must agree on every byte, so that
 * bad input is told before anything is measured and can never turn up later. Each function starts at *next and moves it; on an
 * error it returns a constant text and leaves *next at the byte it complains about. Inline: it is part of the measured work. */
#ifndef SC_JSON_TEXT_H
#define SC_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "scenarios/common/sc_json_utf8.h"

enum { SC_JSON_DEPTH_MAX = 512 }; /* deeper nesting is refused: the parser recurses */

struct sc_json_cursor {
    const char *next;
    const char *end;
};

static inline void sc_json_space(struct sc_json_cursor *cursor) {
    while (cursor->next < cursor->end) {
        char c = *cursor->next;
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r') {
            return;
        }
        cursor->next++;
    }
}

static inline const char *sc_json_word(struct sc_json_cursor *cursor, const char *word, size_t length) {
    if ((size_t)(cursor->end - cursor->next) < length || memcmp(cursor->next, word, length) != 0) {
        return "not a value";
    }
    cursor->next += length;
    return NULL;
}

/* One escape inside a string; *next at the backslash. Adds the bytes it decodes to. */
static inline const char *sc_json_escape_scan(struct sc_json_cursor *cursor, size_t *decoded_bytes) {
    const char *at = cursor->next + 1;
    if (at >= cursor->end) {
        return "string without an end";
    }
    if (*at == 'u') {
        const char *digits = at + 1;
        int32_t code = sc_json_escaped(&digits, cursor->end);
        if (code < 0) {
            return "malformed \\u escape";
        }
        *decoded_bytes += sc_json_utf8_length(code);
        cursor->next = digits;
        return NULL;
    }
    if (strchr("\"\\/bfnrt", *at) == NULL || *at == '\0') {
        return "unknown escape";
    }
    *decoded_bytes += 1;
    cursor->next = at + 1;
    return NULL;
}

/* *next just after the opening quote; afterwards after the closing one. *decoded_bytes: what sc_json_string_decode will write. */
static inline const char *sc_json_string_scan(struct sc_json_cursor *cursor, size_t *decoded_bytes) {
    size_t bytes = 0;
    while (cursor->next < cursor->end) {
        unsigned char c = (unsigned char)*cursor->next;
        if (c == '"') {
            cursor->next++;
            *decoded_bytes = bytes;
            return NULL;
        }
        if (c == '\\') {
            const char *why = sc_json_escape_scan(cursor, &bytes);
            if (why != NULL) {
                return why;
            }
        } else if (c < 0x20) {
            return "control character in a string";
        } else if (c < 0x80) {
            cursor->next++;
            bytes++;
        } else {
            size_t length = sc_json_utf8_sequence(cursor->next, cursor->end);
            if (length == 0) {
                return "malformed UTF-8";
            }
            cursor->next += length;
            bytes += length;
        }
    }
    return "string without an end";
}

/* Decodes what sc_json_string_scan accepted: from the byte after the opening quote to the closing quote. */
static inline void sc_json_string_decode(const char *from, const char *to, char *out) {
    while (from < to) {
        if (*from != '\\') {
            *out++ = *from++;
            continue;
        }
        char c = from[1];
        from += 2;
        if (c == 'u') {
            out = sc_json_utf8_put(out, sc_json_escaped(&from, to));
        } else {
            *out++ = c == 'b' ? '\b' : c == 'f' ? '\f' : c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
        }
    }
}

static inline bool sc_json_digit(const struct sc_json_cursor *cursor) {
    return cursor->next < cursor->end && *cursor->next >= '0' && *cursor->next <= '9';
}

/* Digits go into *mantissa until 19 of them are used; *dropped counts those that were not. */
static inline void sc_json_digits(struct sc_json_cursor *cursor, uint64_t *mantissa, int *dropped, int *taken) {
    for (; sc_json_digit(cursor); cursor->next++) {
        if (*mantissa < UINT64_C(1000000000000000000)) {
            *mantissa = *mantissa * 10 + (uint64_t)(*cursor->next - '0');
            (*taken)++;
        } else {
            (*dropped)++;
        }
    }
}

/* A number, to within an ulp or two: the same on every backend is what matters, a rounding proof is not this suite's subject. */
static inline const char *sc_json_number(struct sc_json_cursor *cursor, double *out) {
    bool negative = *cursor->next == '-';
    cursor->next += negative ? 1 : 0;
    if (!sc_json_digit(cursor)) {
        return "number without digits";
    }
    uint64_t mantissa = 0;
    int dropped = 0, taken = 0, fraction = 0, ignored = 0;
    if (*cursor->next == '0') {
        cursor->next++;
        if (sc_json_digit(cursor)) {
            return "number with a leading zero";
        }
    } else {
        sc_json_digits(cursor, &mantissa, &dropped, &taken);
    }
    if (cursor->next < cursor->end && *cursor->next == '.') {
        cursor->next++;
        if (!sc_json_digit(cursor)) {
            return "number without digits after its point";
        }
        sc_json_digits(cursor, &mantissa, &ignored, &fraction);
    }
    int exponent = dropped - fraction;
    if (cursor->next < cursor->end && (*cursor->next == 'e' || *cursor->next == 'E')) {
        cursor->next++;
        bool down = cursor->next < cursor->end && *cursor->next == '-';
        if (cursor->next < cursor->end && (*cursor->next == '-' || *cursor->next == '+')) {
            cursor->next++;
        }
        if (!sc_json_digit(cursor)) {
            return "number without digits in its exponent";
        }
        int given = 0;
        for (; sc_json_digit(cursor); cursor->next++) {
            given = given < 10000 ? given * 10 + (*cursor->next - '0') : given;
        }
        exponent += down ? -given : given;
    }
    double value = (double)mantissa;
    for (; exponent > 0 && value != 0 && value < 1e300 * 1e8; exponent--) {
        value *= 10;
    }
    for (; exponent < 0 && value != 0; exponent++) {
        value /= 10;
    }
    *out = negative ? -value : value;
    return NULL;
}

#endif
