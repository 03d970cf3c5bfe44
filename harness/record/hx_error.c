/* hx_error.c - one line, cut and cleaned. */
#include "record/hx_error.h"

#include <stdarg.h>
#include <stdio.h>

bool hx_fail(struct hx_error *error, const char *format, ...) {
    if (error == NULL) {
        return false;
    }
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(error->line, sizeof error->line, format, arguments);
    va_end(arguments);
    if (length < 0) {
        error->line[0] = '\0';
    }
    for (char *p = error->line; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ') {
            *p = ' ';
        }
    }
    return false;
}
