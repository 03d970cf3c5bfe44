/* sc_json_utf8.h - characters of JSON strings: \u escapes, surrogate pairs, well-formed UTF-8.
 *
 * Why apart from sc_json_text.h: one is about a text's grammar, this is about single characters. Inline: part of the measured work. */
#ifndef SC_JSON_UTF8_H
#define SC_JSON_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Four hex digits; -1 when they are not. */
static inline int32_t sc_json_hex4(const char *digits, const char *end) {
    if (end - digits < 4) {
        return -1;
    }
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = digits[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

/* The character behind "\u" (digits points after it); a surrogate pair takes both escapes. -1: malformed. */
static inline int32_t sc_json_escaped(const char **digits, const char *end) {
    int32_t code = sc_json_hex4(*digits, end);
    if (code < 0) {
        return -1;
    }
    if (code >= 0xdc00 && code <= 0xdfff) {
        return -1;
    }
    *digits += 4;
    if (code < 0xd800 || code > 0xdbff) {
        return code;
    }
    if (end - *digits < 2 || (*digits)[0] != '\\' || (*digits)[1] != 'u') {
        return -1;
    }
    int32_t low = sc_json_hex4(*digits + 2, end);
    if (low < 0xdc00 || low > 0xdfff) {
        return -1;
    }
    *digits += 6;
    return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

static inline size_t sc_json_utf8_length(int32_t code) {
    return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

static inline char *sc_json_utf8_put(char *out, int32_t code) {
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xf0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

/* Bytes of the well-formed UTF-8 sequence that starts here (Unicode table 3-7), or 0. */
static inline size_t sc_json_utf8_sequence(const char *at, const char *end) {
    const unsigned char *p = (const unsigned char *)at;
    size_t left_bytes = (size_t)(end - at);
    size_t length = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
    if (length == 0 || left_bytes < length) {
        return 0;
    }
    unsigned char low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if (p[i] < 0x80 || p[i] > 0xbf) {
            return 0;
        }
    }
    return length;
}

#endif
