/* hx_error.h - a failure as one line of text, ready for stderr.
 *
 * Why: every failure of the harness reaches the user as one clear line and an exit code, so the function that knows the words
 * (which file, which option, which valid choices) writes the line, and its callers hand it on unchanged. No allocation. */
#ifndef HX_ERROR_H
#define HX_ERROR_H

#include "base/hx_base.h"

/* Empty line = no failure. Owned by the caller, one a thread. */
struct hx_error {
    char line[1024];
};

/* Writes the line (cut at its capacity, newlines turned into spaces); returns false, so that a caller can `return hx_fail(…)`.
 * A NULL error is allowed: the caller does not want the words. */
bool hx_fail(struct hx_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
