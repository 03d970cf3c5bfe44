/* hx_words.c - see hx_words.h. */
#include "record/hx_words.h"

#include <fnmatch.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool hx_copy(char *buffer, size_t capacity_bytes, const char *text) {
    size_t length = strlen(text);
    if (length >= capacity_bytes) {
        buffer[0] = '\0';
        return false;
    }
    memcpy(buffer, text, length + 1);
    return true;
}

void *hx_alloc(size_t size_bytes) {
    void *p = calloc(1, size_bytes == 0 ? 1 : size_bytes);
    if (p == NULL) {
        hx_die("out of memory: %zu bytes", size_bytes);
    }
    return p;
}

void *hx_grow(void *old, size_t count, size_t element_bytes) {
    size_t size_bytes = 0;
    if (!hx_mul_size(count, element_bytes, &size_bytes)) {
        hx_die("out of memory: %zu elements of %zu bytes", count, element_bytes);
    }
    void *p = realloc(old, size_bytes == 0 ? 1 : size_bytes);
    if (p == NULL) {
        hx_die("out of memory: %zu bytes", size_bytes);
    }
    return p;
}

char *hx_dup(const char *text) {
    size_t size_bytes = strlen(text) + 1;
    return memcpy(hx_alloc(size_bytes), text, size_bytes);
}

static char *print_arguments(const char *format, va_list arguments, size_t *length_out)
    __attribute__((format(printf, 1, 0)));

static char *print_arguments(const char *format, va_list arguments, size_t *length_out) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    HX_CHECK(length >= 0);
    char *text = hx_alloc((size_t)length + 1);
    (void)vsnprintf(text, (size_t)length + 1, format, arguments);
    *length_out = (size_t)length;
    return text;
}

char *hx_print(const char *format, ...) {
    size_t length = 0;
    va_list arguments;
    va_start(arguments, format);
    char *text = print_arguments(format, arguments, &length);
    va_end(arguments);
    return text;
}

void hx_buffer_add(struct hx_buffer *buffer, const void *data, size_t size_bytes) {
    size_t needed = 0;
    if (!hx_add_size(buffer->size_bytes, size_bytes, &needed) || !hx_add_size(needed, 1, &needed)) {
        hx_die("out of memory: a buffer of %zu + %zu bytes", buffer->size_bytes, size_bytes);
    }
    if (needed > buffer->capacity_bytes) {
        size_t capacity = buffer->capacity_bytes < 256 ? 256 : buffer->capacity_bytes;
        while (capacity < needed) {
            capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
        }
        buffer->data = hx_grow(buffer->data, capacity, 1);
        buffer->capacity_bytes = capacity;
    }
    if (size_bytes != 0) {
        memcpy(buffer->data + buffer->size_bytes, data, size_bytes);
    }
    buffer->size_bytes += size_bytes;
    buffer->data[buffer->size_bytes] = '\0';
}

void hx_buffer_print(struct hx_buffer *buffer, const char *format, ...) {
    size_t length = 0;
    va_list arguments;
    va_start(arguments, format);
    char *text = print_arguments(format, arguments, &length);
    va_end(arguments);
    hx_buffer_add(buffer, text, length);
    free(text);
}

void hx_buffer_free(struct hx_buffer *buffer) {
    free(buffer->data);
    *buffer = (struct hx_buffer){0};
}

bool hx_glob(const char *patterns, const char *word) {
    if (patterns == NULL || patterns[0] == '\0') {
        return true;
    }
    char *copy = hx_dup(patterns);
    char *rest = NULL;
    bool matches = false;
    for (char *one = strtok_r(copy, ",", &rest); one != NULL && !matches; one = strtok_r(NULL, ",", &rest)) {
        matches = fnmatch(one, word, 0) == 0;
    }
    free(copy);
    return matches;
}

char *hx_join(const char *const *words, size_t count) {
    struct hx_buffer out = {0};
    for (size_t i = 0; i < count; i++) {
        hx_buffer_print(&out, "%s%s", i == 0 ? "" : ",", words[i]);
    }
    return out.data != NULL ? out.data : hx_dup("none");
}

/* Places are added one by one until the text reads back: 17 digits behind the zeros of the smallest double are the end of it. */
void hx_decimal(double value, char out[HX_DECIMAL_BYTES]) {
    enum { PLACES_MAX = 341 };
    HX_CHECK(isfinite(value));
    for (int places = 0; places <= PLACES_MAX; places++) {
        (void)snprintf(out, HX_DECIMAL_BYTES, "%.*f", places, value);
        if (strtod(out, NULL) == value) {
            return;
        }
    }
    hx_die("no plain decimal reads back as %g", value);
}

static bool add_number(unsigned *numbers, size_t capacity, size_t *count, uint64_t number) {
    for (size_t i = 0; i < *count; i++) {
        if (numbers[i] == number) {
            return true;
        }
    }
    if (*count == capacity) {
        return false;
    }
    numbers[(*count)++] = (unsigned)number;
    return true;
}

/* One part of a list: N, N-M or N-M:STEP. */
static bool add_range(const char *part, unsigned *numbers, size_t capacity, size_t *count) {
    enum { NUMBER_MAX = 1 << 20 };
    char first[24], last[24], step[24];
    size_t to_dash = strcspn(part, "-");
    if (to_dash >= sizeof first) {
        return false;
    }
    memcpy(first, part, to_dash);
    first[to_dash] = '\0';
    uint64_t low = 0, high = 0, stride = 1;
    if (!hx_parse_u64(first, &low)) {
        return false;
    }
    high = low;
    if (part[to_dash] == '-') {
        const char *after = part + to_dash + 1;
        size_t to_colon = strcspn(after, ":");
        if (to_colon >= sizeof last) {
            return false;
        }
        memcpy(last, after, to_colon);
        last[to_colon] = '\0';
        if (!hx_parse_u64(last, &high)) {
            return false;
        }
        if (after[to_colon] == ':' &&
            (!hx_copy(step, sizeof step, after + to_colon + 1) || !hx_parse_u64(step, &stride) || stride == 0)) {
            return false;
        }
    }
    if (low > high || high >= NUMBER_MAX) {
        return false;
    }
    for (uint64_t number = low; number <= high; number += stride) {
        if (!add_number(numbers, capacity, count, number)) {
            return false;
        }
    }
    return true;
}

bool hx_parse_list(const char *text, unsigned *numbers, size_t capacity, size_t *count) {
    *count = 0;
    size_t length = strlen(text);
    if (length == 0 || text[0] == ',' || text[length - 1] == ',' || strstr(text, ",,") != NULL) {
        return false;
    }
    char *copy = hx_dup(text);
    char *rest = NULL;
    bool good = true;
    for (char *part = strtok_r(copy, ",", &rest); part != NULL && good; part = strtok_r(NULL, ",", &rest)) {
        good = add_range(part, numbers, capacity, count);
    }
    free(copy);
    return good;
}
