/* hx_arena_options.h - the column `options` of a cell as libua's options.
 *
 * Why apart: the words and their errors are libua's own; this only splits the list. */
#ifndef HX_ARENA_OPTIONS_H
#define HX_ARENA_OPTIONS_H

#include <string.h>

#include "backends/hx_backend.h"
#include "ua.h"

/* "key=value,key=value" over the preset. NULL, or libua's own sentence. */
HX_INLINE const char *hx_arena_options(struct ua_options *options, const char *list) {
    while (strcmp(list, "-") != 0 && *list != '\0') {
        char pair[128];
        size_t length = strcspn(list, ",");
        if (length >= sizeof pair) {
            return "an option is too long";
        }
        memcpy(pair, list, length);
        pair[length] = '\0';
        char *value = strchr(pair, '=');
        if (value == NULL) {
            return "options must be key=value, joined by commas";
        }
        *value++ = '\0';
        if (ua_options_set(options, pair, value) != 0) {
            return ua_last_error();
        }
        list += length;
        list += *list == ',' ? 1 : 0;
    }
    return NULL;
}

#endif
