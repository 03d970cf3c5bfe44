/* hx_attest.c - lines, verdicts and limits of the attestation. What it is for: hx_attest.h. */
#include "measure/hx_attest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hx_file.h"
#include "measure/hx_attest_lines.h"
#include "measure/hx_cgroup.h"

static struct hx_attest_line *line_new(struct hx_attest *attest, const char *key) {
    HX_CHECK(attest->line_count < HX_ATTEST_LINES_MAX);
    struct hx_attest_line *line = &attest->line[attest->line_count++];
    memset(line, 0, sizeof *line);
    HX_CHECK(hx_copy_string(line->key, sizeof line->key, key));
    return line;
}

/* Files of /proc and /sys may hold anything: a value is one line of printable text. */
static void value_clean(char *value) {
    for (char *p = value; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            *p = ' ';
        }
    }
    for (size_t length = strlen(value); length > 0 && value[length - 1] == ' '; length--) {
        value[length - 1] = '\0';
    }
}

struct hx_attest_line *hx_attest_put(struct hx_attest *attest, const char *key, const char *format, ...) {
    struct hx_attest_line *line = line_new(attest, key);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line->value, sizeof line->value, format, arguments);
    va_end(arguments);
    value_clean(line->value);
    return line;
}

struct hx_attest_line *hx_attest_none(struct hx_attest *attest, const char *key, const char *reason) {
    struct hx_attest_line *line = line_new(attest, key);
    line->reason = reason;
    return line;
}

void hx_attest_judge(struct hx_attest_line *line, enum hx_verdict verdict, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line->advice, sizeof line->advice, format, arguments);
    va_end(arguments);
    line->verdict = verdict;
}

bool hx_attest_file_line(const char *root, const char *path, char *out, size_t capacity_bytes) {
    char full[512];
    char text[4096];
    if (!hx_path_join(full, sizeof full, root, path) || hx_file_read(full, text, sizeof text) <= 0) {
        return false;
    }
    text[strcspn(text, "\n")] = '\0';
    return hx_copy_string(out, capacity_bytes, text);
}

struct hx_attest_line *hx_attest_put_file(struct hx_attest *attest, const char *root, const char *key, const char *path,
                                          const char *reason) {
    char value[HX_ATTEST_VALUE_BYTES];
    if (hx_attest_file_line(root, path, value, sizeof value)) {
        return hx_attest_put(attest, key, "%s", value);
    }
    return hx_attest_none(attest, key, reason);
}

bool hx_attest_field(const char *text, const char *key, char *out, size_t capacity_bytes) {
    size_t key_length = strlen(key);
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        const char *after = line + key_length;
        if (length > key_length && strncmp(line, key, key_length) == 0) {
            after += strspn(after, " \t");
            if (*after == ':') {
                after++;
                after += strspn(after, " \t");
                snprintf(out, capacity_bytes, "%.*s", (int)(line + length - after), after);
                return true;
            }
        }
        line += length + (line[length] == '\n' ? 1 : 0);
    }
    return false;
}

unsigned hx_attest_list_count(const char *list) {
    unsigned count = 0;
    while (*list >= '0' && *list <= '9') {
        char *end;
        unsigned long first = strtoul(list, &end, 10);
        unsigned long last = *end == '-' ? strtoul(end + 1, &end, 10) : first;
        if (last < first || last > 65535) {
            return 0;
        }
        count += (unsigned)(last - first + 1);
        if (*end != ',') {
            return *end == '\0' ? count : 0;
        }
        list = end + 1;
    }
    return 0;
}

void hx_attest_read(struct hx_attest *attest, const char *root) {
    memset(attest, 0, sizeof *attest);
    hx_attest_processor(attest, root);
    hx_attest_system(attest, root);
}

const struct hx_attest_line *hx_attest_find(const struct hx_attest *attest, const char *key) {
    for (size_t i = 0; i < attest->line_count; i++) {
        if (strcmp(attest->line[i].key, key) == 0) {
            return &attest->line[i];
        }
    }
    return NULL;
}

bool hx_attest_add(struct hx_attest *attest, const char *key, const char *value, const char *reason) {
    if (attest->line_count == HX_ATTEST_LINES_MAX || strlen(key) >= HX_ATTEST_KEY_BYTES) {
        return false;
    }
    if (value != NULL) {
        hx_attest_put(attest, key, "%s", value);
    } else {
        hx_attest_none(attest, key, reason);
    }
    return true;
}

enum hx_verdict hx_attest_verdict(const struct hx_attest *attest) {
    enum hx_verdict worst = HX_VERDICT_OK;
    for (size_t i = 0; i < attest->line_count; i++) {
        worst = attest->line[i].verdict > worst ? attest->line[i].verdict : worst;
    }
    return worst;
}

const char *hx_verdict_name(enum hx_verdict verdict) {
    switch (verdict) {
    case HX_VERDICT_OK: return "ok";
    case HX_VERDICT_NOTE: return "note";
    case HX_VERDICT_UNFIT: return "unfit";
    }
    return "unfit";
}

struct hx_figure hx_attest_cpu_limit(const char *root) {
    struct hx_cgroup cgroup;
    char path[512];
    char text[8192];
    char list[512];
    unsigned allowed = 0;
    hx_cgroup_read(&cgroup, root);
    if (hx_path_join(path, sizeof path, root, "/proc/self/status") && hx_file_read(path, text, sizeof text) > 0 &&
        hx_attest_field(text, "Cpus_allowed_list", list, sizeof list)) {
        allowed = hx_attest_list_count(list);
    }
    if (allowed == 0) {
        return cgroup.cpu_limit.reason == NULL ? cgroup.cpu_limit : hx_figure_none("neither /proc nor a control group tells");
    }
    if (cgroup.cpu_limit.reason == NULL && cgroup.cpu_limit.value < allowed) {
        return cgroup.cpu_limit;
    }
    return hx_figure_of(allowed);
}

struct hx_figure hx_attest_memory_available_bytes(const char *root) {
    struct hx_cgroup cgroup;
    char path[512];
    char text[8192];
    char value[64];
    hx_cgroup_read(&cgroup, root);
    if (!hx_path_join(path, sizeof path, root, "/proc/meminfo") || hx_file_read(path, text, sizeof text) <= 0 ||
        !hx_attest_field(text, "MemAvailable", value, sizeof value)) {
        return cgroup.memory_left_bytes.reason == NULL ? cgroup.memory_left_bytes
                                                       : hx_figure_none("neither /proc nor a control group tells");
    }
    double available = strtod(value, NULL) * 1024.0;
    if (cgroup.memory_left_bytes.reason == NULL && cgroup.memory_left_bytes.value < available) {
        return cgroup.memory_left_bytes;
    }
    return hx_figure_of(available);
}
