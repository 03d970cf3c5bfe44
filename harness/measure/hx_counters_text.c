/* hx_counters_text.c - a group as one line of text, so that event codes travel from the driver to workers.
 *
 * Why text: the worker must not load libpfm4 (it calls malloc and reads tables), and a request is text already. Format:
 * hx_counters.h. Parsing is strict: a group that is half understood would be a figure under the wrong name. */
#include "measure/hx_counters.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* name, scope, a 32-bit number, three hexadecimal words and their separators */
enum { COUNTER_TEXT_BYTES_MAX = HX_COUNTER_NAME_BYTES + 2 + 11 + 3 * 19 };
_Static_assert(HX_COUNTER_NAME_BYTES + HX_COUNTERS_PER_GROUP_MAX * COUNTER_TEXT_BYTES_MAX < HX_COUNTER_TEXT_BYTES,
               "every group fits the text that requests carry");

static char scope_letter(const struct hx_counter *counter) {
    switch (counter->scope) {
    case HX_SCOPE_USER: return 'u';
    case HX_SCOPE_KERNEL: return 'k';
    case HX_SCOPE_ANY: return counter->kernel_only ? 'K' : 'a';
    }
    return '?';
}

bool hx_counter_group_print(const struct hx_counter_group *group, char *out, size_t capacity_bytes) {
    int length = snprintf(out, capacity_bytes, "%s", group->name);
    if (length < 0 || (size_t)length >= capacity_bytes) {
        return false;
    }
    size_t used = (size_t)length;
    for (size_t i = 0; i < group->counter_count; i++) {
        const struct hx_counter *counter = &group->counter[i];
        length = snprintf(out + used, capacity_bytes - used,
                          ";%s,%c,%" PRIu32 ",0x%" PRIx64 ",0x%" PRIx64 ",0x%" PRIx64, counter->name,
                          scope_letter(counter), counter->type, counter->config, counter->config1, counter->config2);
        if (length < 0 || (size_t)length >= capacity_bytes - used) {
            return false;
        }
        used += (size_t)length;
    }
    if (group->counter_count == 0) { /* its end: a bare word would be the name of an event */
        return hx_copy_string(out + used, capacity_bytes - used, ";");
    }
    return true;
}

/* Takes the text up to `stop` (or the end) into out; moves *text behind it. Empty, too long or odd characters: false. */
static bool word_take(const char **text, char stop, char *out, size_t capacity_bytes) {
    size_t length = strcspn(*text, ",;");
    char after = (*text)[length];
    bool at_end = after == '\0' && stop == ';';
    if (length == 0 || length >= capacity_bytes || !(after == stop || at_end)) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        char c = (*text)[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("_-.=", c) != NULL;
        if (!plain) {
            return false;
        }
        out[i] = c;
    }
    out[length] = '\0';
    *text += length + (at_end ? 0 : 1);
    return true;
}

static bool number_take(const char **text, char stop, bool hexadecimal, uint64_t *out) {
    char word[24];
    if (!word_take(text, stop, word, sizeof word)) {
        return false;
    }
    if (!hexadecimal) {
        return hx_parse_u64(word, out);
    }
    if (strncmp(word, "0x", 2) != 0 || word[2] == '\0' || strlen(word) > 18) {
        return false;
    }
    uint64_t value = 0;
    for (const char *p = word + 2; *p != '\0'; p++) {
        const char *digits = "0123456789abcdef";
        const char *at = strchr(digits, *p);
        if (at == NULL) {
            return false;
        }
        value = value << 4 | (uint64_t)(at - digits);
    }
    *out = value;
    return true;
}

static bool counter_take(const char **text, struct hx_counter *counter) {
    char letter[2];
    uint64_t type;
    memset(counter, 0, sizeof *counter);
    if (!word_take(text, ',', counter->name, sizeof counter->name) || !word_take(text, ',', letter, sizeof letter) ||
        !number_take(text, ',', false, &type) || !number_take(text, ',', true, &counter->config) ||
        !number_take(text, ',', true, &counter->config1) || !number_take(text, ';', true, &counter->config2)) {
        return false;
    }
    switch (letter[0]) {
    case 'u': counter->scope = HX_SCOPE_USER; break;
    case 'k': counter->scope = HX_SCOPE_KERNEL; break;
    case 'a': counter->scope = HX_SCOPE_ANY; break;
    case 'K':
        counter->scope = HX_SCOPE_ANY;
        counter->kernel_only = true;
        break;
    default: return false;
    }
    counter->type = (uint32_t)type;
    return type <= UINT32_MAX;
}

bool hx_counter_group_parse(const char *text, struct hx_counter_group *out) {
    memset(out, 0, sizeof *out);
    if (!word_take(&text, ';', out->name, sizeof out->name)) {
        return false;
    }
    while (*text != '\0') {
        if (out->counter_count == HX_COUNTERS_PER_GROUP_MAX || !counter_take(&text, &out->counter[out->counter_count])) {
            return false;
        }
        out->counter_count++;
    }
    return true;
}
