/* sc_json_check.h - is this text JSON, and how much room does a parser of it need? See sc_json_check.c. */
#ifndef SC_JSON_CHECK_H
#define SC_JSON_CHECK_H

#include <stddef.h>

struct sc_json_shape {
    size_t pending_max; /* most values that are parsed but not yet in their array or object, at any moment */
};

/* Ends the process with one line naming file, line and column (both from 1, columns in bytes) when the text is not JSON. */
void sc_json_check(const char *path, const char *data, size_t size_bytes, struct sc_json_shape *out);

#endif
