/* hx_base.c - fatal line, exit codes, mapped memory, number parsing. Why and rules: hx_base.h. */
#define _GNU_SOURCE
#include "base/hx_base.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *program_name = "arenabench"; /* set once by main, before any thread */

void hx_program_set(const char *name) {
    program_name = name;
}

/* One write, so that lines of several processes do not mix; glibc formats into a stack buffer without malloc. */
static void line_print(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

static void line_print(const char *format, va_list arguments) {
    char line[1024];
    int head = snprintf(line, sizeof line, "%s: ", program_name);
    size_t used = head < 0 ? 0 : (size_t)head;
    if (used > sizeof line / 2) {
        used = sizeof line / 2;
    }
    int body = vsnprintf(line + used, sizeof line - used - 1, format, arguments);
    if (body > 0) {
        used += (size_t)body;
    }
    if (used > sizeof line - 2) {
        used = sizeof line - 2;
    }
    line[used++] = '\n';
    for (size_t done = 0; done < used;) {
        ssize_t wrote = write(STDERR_FILENO, line + done, used - done);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            return; /* nobody listens: the exit code still tells */
        }
        done += (size_t)wrote;
    }
}

void hx_die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    line_print(format, arguments);
    va_end(arguments);
    exit(HX_EXIT_ERROR);
}

void hx_warn(const char *format, ...) {
    int saved = errno;
    va_list arguments;
    va_start(arguments, format);
    line_print(format, arguments);
    va_end(arguments);
    errno = saved;
}

static int exit_weight(int code) {
    switch (code) {
    case HX_EXIT_OK: return 0;
    case HX_EXIT_INCONCLUSIVE: return 1;
    case HX_EXIT_NOT_COMPARABLE: return 2;
    case HX_EXIT_UNFIT: return 3;
    case HX_EXIT_REGRESSION: return 4;
    default: return 5;
    }
}

int hx_exit_worse(int a, int b) {
    int worse = exit_weight(a) >= exit_weight(b) ? a : b;
    return exit_weight(worse) == 5 ? HX_EXIT_ERROR : worse;
}

static void *map_with(size_t bytes, int extra_flags) {
    if (bytes == 0) {
        errno = EINVAL;
        return NULL;
    }
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | extra_flags, -1, 0);
    return start == MAP_FAILED ? NULL : start;
}

void *hx_map(size_t bytes) {
    return map_with(bytes, 0);
}

void *hx_map_touched(size_t bytes) {
    return map_with(bytes, MAP_POPULATE);
}

void *hx_map_or_die(size_t bytes, const char *what) {
    void *start = hx_map(bytes);
    if (start == NULL) {
        hx_die("no memory for %s (%zu bytes): %s", what, bytes, strerrordesc_np(errno));
    }
    return start;
}

void hx_unmap(void *start, size_t bytes) {
    if (start == NULL) {
        return;
    }
    HX_CHECK(munmap(start, bytes) == 0);
}

bool hx_copy_string(char *out, size_t capacity_bytes, const char *text) {
    size_t length = strlen(text);
    if (length >= capacity_bytes) {
        return false;
    }
    memcpy(out, text, length + 1);
    return true;
}

bool hx_parse_u64(const char *text, uint64_t *out) {
    uint64_t value = 0;
    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') {
            return false;
        }
        if (__builtin_mul_overflow(value, UINT64_C(10), &value)) {
            return false;
        }
        if (__builtin_add_overflow(value, (uint64_t)(*text - '0'), &value)) {
            return false;
        }
    }
    *out = value;
    return true;
}

bool hx_parse_double(const char *text, double *out) {
    if (text[0] == '\0' || text[strspn(text, "0123456789.+-eE")] != '\0') {
        return false; /* also keeps out hexadecimal, inf and nan, which strtod would take */
    }
    char *end;
    double value = strtod(text, &end);
    if (*end != '\0' || !isfinite(value)) {
        return false;
    }
    *out = value;
    return true;
}
