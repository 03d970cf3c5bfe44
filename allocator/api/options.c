/* options.c - presets and options by name.
 *
 * Why by name as well as by field: the harness passes options as words on a command line, and each is a column of its
 * tables; one table here gives names, values and the error sentence with the valid choices. */
#include "api/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/config.h"
#include "include/ua.h"

static const struct ua_options preset_safe = {
    .prezero = UA_PREZERO_WINDOW, .huge_pages = UA_HUGE_MADVISE, .fault = UA_FAULT_PROTECT,
    .quarantine = UA_QUARANTINE_ON, .quarantine_limit_bytes = UA_QUARANTINE_LIMIT_AUTO, .roots = UA_ROOTS_CONSERVATIVE,
    .collect = UA_COLLECT_STW, .gogc = 100, .memory_limit_bytes = UA_MEMORY_LIMIT_NONE, .assist = 1, .workers = 0,
    .decay_ms = 0, .verify = UA_VERIFY_OFF, .chunk_bytes = UA_CHUNK_BYTES_DEFAULT, .sanitizer = UA_SANITIZER_AUTO,
    .profile_rate_bytes = 0};

int ua_options_preset(struct ua_options *options, const char *preset)
{
    if (options == NULL || preset == NULL) {
        ua_error_set(EINVAL, "ua_options_preset: NULL argument");
        return -1;
    }
    if (strcmp(preset, "safe") == 0) {
        *options = preset_safe;
    } else if (strcmp(preset, "go") == 0) {
        *options = preset_safe;
        options->prezero = UA_PREZERO_CHUNK;
        options->fault = UA_FAULT_RELEASE;
        options->quarantine_limit_bytes = 0;
    } else if (strcmp(preset, "kept") == 0) {
        *options = preset_safe;
        options->fault = UA_FAULT_OFF;
        options->quarantine = UA_QUARANTINE_OFF;
        options->quarantine_limit_bytes = 0;
        options->gogc = UA_GOGC_OFF;
    } else {
        ua_error_set(EINVAL, "ua_options_preset: preset must be safe, go or kept");
        return -1;
    }
    return 0;
}

enum option_kind { WORD, SIZE, NUMBER, PERCENT };

struct option {
    const char *name;
    enum option_kind kind;
    size_t offset;
    size_t width;
    const char *words[6]; /* value = index */
    const char *complaint;
};

#define FIELD(member) offsetof(struct ua_options, member), sizeof(((struct ua_options *)0)->member)

static const struct option table[] = {
    {"prezero", WORD, FIELD(prezero), {"chunk", "populate", "window", "background", "none"},
     "option prezero must be chunk, populate, window, background or none"},
    {"huge_pages", WORD, FIELD(huge_pages), {"madvise", "never", "collapse"},
     "option huge_pages must be madvise, never or collapse"},
    {"fault", WORD, FIELD(fault), {"protect", "release", "off"}, "option fault must be protect, release or off"},
    {"quarantine", WORD, FIELD(quarantine), {"on", "off"}, "option quarantine must be on or off"},
    {"quarantine_limit", SIZE, FIELD(quarantine_limit_bytes), {"auto"},
     "option quarantine_limit must be auto, or bytes (0 = none) with KiB, MiB or GiB"},
    {"roots", WORD, FIELD(roots), {"conservative", "process", "registered"},
     "option roots must be conservative, process or registered"},
    {"collect", WORD, FIELD(collect), {"stw", "concurrent"}, "option collect must be stw or concurrent"},
    {"gogc", PERCENT, FIELD(gogc), {"off"}, "option gogc must be off or a percentage from 0 to 10000000"},
    {"memory_limit", SIZE, FIELD(memory_limit_bytes), {"off"},
     "option memory_limit must be off, or bytes with KiB, MiB or GiB"},
    {"assist", WORD, FIELD(assist), {"off", "on"}, "option assist must be on or off"},
    {"workers", NUMBER, FIELD(workers), {NULL}, "option workers must be a number from 0 to 1024"},
    {"decay_ms", NUMBER, FIELD(decay_ms), {NULL}, "option decay_ms must be a number of milliseconds"},
    {"verify", WORD, FIELD(verify), {"off", "bitmap", "full"}, "option verify must be off, bitmap or full"},
    {"chunk_bytes", SIZE, FIELD(chunk_bytes), {NULL},
     "option chunk_bytes must be a power of two from 64 KiB to 64 MiB"},
    {"sanitizer", WORD, FIELD(sanitizer), {"auto", "off"}, "option sanitizer must be auto or off"},
    {"profile_rate", SIZE, FIELD(profile_rate_bytes), {"off"},
     "option profile_rate must be off, or the bytes between samples (1 = all) with KiB, MiB or GiB"},
};

/* Digits, then an optional unit; false if anything else is there. */
static bool parse_size(const char *text, uint64_t *value)
{
    static const struct {
        const char *name;
        unsigned shift;
    } units[] = {{"", 0}, {"B", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};
    char *end;
    unsigned long long number;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    number = strtoull(text, &end, 10);
    if (errno != 0)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(end, units[i].name) == 0) {
            *value = (uint64_t)number << units[i].shift;
            return *value >> units[i].shift == number;
        }
    return false;
}

static bool parse_value(const struct option *option, const char *text, uint64_t *value)
{
    for (size_t i = 0; i < sizeof option->words / sizeof option->words[0] && option->words[i] != NULL; i++)
        if (strcmp(option->words[i], text) == 0) {
            *value = option->kind == WORD ? i : UINT64_MAX;
            if (option->kind == SIZE && option->offset == offsetof(struct ua_options, memory_limit_bytes))
                *value = (uint64_t)UA_MEMORY_LIMIT_NONE;
            if (option->kind == SIZE && option->offset == offsetof(struct ua_options, profile_rate_bytes))
                *value = 0;
            return true;
        }
    if (option->kind == WORD || !parse_size(text, value))
        return false;
    if (option->kind == PERCENT)
        return *value <= 10000000;
    return option->width == 8 || *value <= UINT32_MAX;
}

int ua_options_set(struct ua_options *options, const char *name, const char *value)
{
    struct ua_options changed;
    uint64_t parsed;

    if (options == NULL || name == NULL || value == NULL) {
        ua_error_set(EINVAL, "ua_options_set: NULL argument");
        return -1;
    }
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct option *option = &table[i];

        if (strcmp(option->name, name) != 0)
            continue;
        changed = *options;
        if (!parse_value(option, value, &parsed)) {
            ua_error_set(EINVAL, option->complaint);
            return -1;
        }
        memcpy((char *)&changed + option->offset, &parsed, option->width); /* little-endian: the low bytes */
        if (ua_options_check(&changed) != 0)
            return -1;
        *options = changed;
        return 0;
    }
    ua_error_set(EINVAL, "unknown option; valid: prezero huge_pages fault quarantine quarantine_limit roots collect gogc "
                         "memory_limit assist workers decay_ms verify chunk_bytes sanitizer profile_rate");
    return -1;
}

static int complain(const char *message)
{
    ua_error_set(EINVAL, message);
    return EINVAL;
}

int ua_options_check(const struct ua_options *options)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint64_t value = 0;
        size_t words = 0;

        memcpy(&value, (const char *)options + table[i].offset, table[i].width);
        while (words < 6 && table[i].words[words] != NULL)
            words++;
        if (table[i].kind == WORD && value >= words)
            return complain(table[i].complaint);
    }
    if (!ua_is_power_of_two(options->chunk_bytes) || options->chunk_bytes < UA_CHUNK_BYTES_MIN ||
        options->chunk_bytes > UA_CHUNK_BYTES_MAX)
        return complain("option chunk_bytes must be a power of two from 64 KiB to 64 MiB");
    if (options->gogc < UA_GOGC_OFF || options->gogc > 10000000)
        return complain("option gogc must be off or a percentage from 0 to 10000000");
    if (options->memory_limit_bytes < 0)
        return complain("option memory_limit must be off, or bytes with KiB, MiB or GiB");
    if (options->workers > 1024)
        return complain("option workers must be a number from 0 to 1024");
    return 0;
}
