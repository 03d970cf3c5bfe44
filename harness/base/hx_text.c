/* hx_text.c - the text itself: growth by mremap, sticky errors, plain appends. Rules: hx_text.h. */
#define _GNU_SOURCE
#include "base/hx_text.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool hx_text_init(struct hx_text *text, size_t capacity_bytes) {
    memset(text, 0, sizeof *text);
    text->data = hx_map(capacity_bytes);
    if (text->data == NULL) {
        return false;
    }
    text->capacity_bytes = capacity_bytes;
    return true;
}

void hx_text_deinit(struct hx_text *text) {
    hx_unmap(text->data, text->capacity_bytes);
    memset(text, 0, sizeof *text);
}

void hx_text_reset(struct hx_text *text) {
    char *data = text->data;
    size_t capacity_bytes = text->capacity_bytes;
    memset(text, 0, sizeof *text);
    text->data = data;
    text->capacity_bytes = capacity_bytes;
    if (data != NULL) {
        data[0] = '\0';
    }
}

int hx_text_finish(const struct hx_text *text) {
    if (text->error != 0) {
        return text->error;
    }
    return text->depth == 0 ? 0 : EINVAL;
}

/* True when `more_bytes` and a terminator fit, growing if need be; the error sticks otherwise. */
static bool room(struct hx_text *text, size_t more_bytes) {
    if (text->error != 0) {
        return false;
    }
    size_t need_bytes;
    if (text->data == NULL || !hx_add_size(text->used_bytes, more_bytes, &need_bytes) ||
        !hx_add_size(need_bytes, 1, &need_bytes)) {
        text->error = text->data == NULL ? EINVAL : ENOMEM;
        return false;
    }
    if (need_bytes <= text->capacity_bytes) {
        return true;
    }
    size_t grown_bytes = text->capacity_bytes;
    while (grown_bytes < need_bytes) {
        if (!hx_mul_size(grown_bytes, 2, &grown_bytes)) {
            text->error = ENOMEM;
            return false;
        }
    }
    void *moved = mremap(text->data, text->capacity_bytes, grown_bytes, MREMAP_MAYMOVE);
    if (moved == MAP_FAILED) {
        text->error = ENOMEM;
        return false;
    }
    text->data = (char *)moved;
    text->capacity_bytes = grown_bytes;
    return true;
}

void hx_text_bytes(struct hx_text *text, const char *bytes, size_t count) {
    if (!room(text, count)) {
        return;
    }
    memcpy(text->data + text->used_bytes, bytes, count);
    text->used_bytes += count;
    text->data[text->used_bytes] = '\0';
}

void hx_text_put(struct hx_text *text, const char *string) {
    hx_text_bytes(text, string, strlen(string));
}

void hx_text_put_u64(struct hx_text *text, uint64_t value) {
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    hx_text_bytes(text, digits + at, sizeof digits - at);
}

void hx_text_put_hex(struct hx_text *text, uint64_t value) {
    char digits[16];
    for (size_t i = 0; i < sizeof digits; i++) {
        digits[i] = "0123456789abcdef"[(value >> (60 - 4 * i)) & 15];
    }
    hx_text_bytes(text, digits, sizeof digits);
}

void hx_text_put_double(struct hx_text *text, double value) {
    if (!isfinite(value)) {
        hx_text_put(text, "null");
        return;
    }
    char digits[32];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        double back = strtod(digits, NULL);
        if (memcmp(&back, &value, sizeof back) == 0) {
            break;
        }
    }
    hx_text_put(text, digits);
}

void hx_text_format(struct hx_text *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int need = vsnprintf(NULL, 0, format, arguments);
    if (need < 0) {
        text->error = text->error != 0 ? text->error : EINVAL;
    } else if (room(text, (size_t)need)) {
        vsnprintf(text->data + text->used_bytes, (size_t)need + 1, format, again);
        text->used_bytes += (size_t)need;
    }
    va_end(again);
    va_end(arguments);
}

int hx_write_all(int fd, const char *bytes, size_t count) {
    size_t done = 0;
    while (done < count) {
        ssize_t wrote = write(fd, bytes + done, count - done);
        if (wrote < 0) {
            if (errno == EINTR) {
                continue;
            }
            return errno;
        }
        if (wrote == 0) {
            return EIO;
        }
        done += (size_t)wrote;
    }
    return 0;
}
