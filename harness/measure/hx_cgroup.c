/* hx_cgroup.c - walks from this process's group up to the root and keeps the tightest limit. Why: hx_cgroup.h. */
#include "measure/hx_cgroup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hx_file.h"

const char hx_cgroup_no_limit[] = "no limit";
const char hx_cgroup_unseen[] = "no control group seen";
const char hx_cgroup_unread[] = "the control group's limits are not readable here";

enum { PATH_BYTES = 1024 };

/* A limit at or above this is the kernel's way of saying none (version 1 writes LONG_MAX rounded to a page). */
#define V1_UNLIMITED_BYTES 9.0e18

static void keep_least(struct hx_figure *least, double value) {
    if (least->reason != NULL || value < least->value) {
        *least = hx_figure_of(value);
    }
}

/* One number or word file of one group folder. False when it is not there or empty. */
static bool group_file(const char *folder, const char *name, char *text, size_t capacity_bytes) {
    char path[PATH_BYTES];
    return hx_path_join(path, sizeof path, folder, name) && hx_file_read(path, text, capacity_bytes) > 0;
}

static bool number_file(const char *folder, const char *name, double *out) {
    char text[64];
    if (!group_file(folder, name, text, sizeof text)) {
        return false;
    }
    text[strcspn(text, "\n")] = '\0';
    return hx_parse_double(text, out);
}

static void v2_group(struct hx_cgroup *out, const char *folder) {
    char text[64];
    double limit;
    double usage;
    if (group_file(folder, "cpu.max", text, sizeof text)) {
        char *end;
        double quota = strtod(text, &end); /* 0 for the word "max" */
        double period = strtod(end, NULL);
        out->cpu_read = true;
        if (quota > 0 && period > 0) {
            keep_least(&out->cpu_limit, quota / period);
        }
    }
    out->memory_read = out->memory_read || group_file(folder, "memory.max", text, sizeof text);
    if (number_file(folder, "memory.max", &limit)) { /* the word "max" is no number */
        keep_least(&out->memory_limit_bytes, limit);
        if (number_file(folder, "memory.current", &usage)) {
            keep_least(&out->memory_left_bytes, limit > usage ? limit - usage : 0);
        }
    }
}

static void v1_cpu_group(struct hx_cgroup *out, const char *folder) {
    double quota_us;
    double period_us;
    if (!number_file(folder, "cpu.cfs_quota_us", &quota_us) || !number_file(folder, "cpu.cfs_period_us", &period_us)) {
        return;
    }
    out->cpu_read = true;
    if (quota_us > 0 && period_us > 0) {
        keep_least(&out->cpu_limit, quota_us / period_us);
    }
}

static void v1_memory_group(struct hx_cgroup *out, const char *folder) {
    double limit;
    double usage;
    if (!number_file(folder, "memory.limit_in_bytes", &limit)) {
        return;
    }
    out->memory_read = true;
    if (limit < V1_UNLIMITED_BYTES) {
        keep_least(&out->memory_limit_bytes, limit);
        if (number_file(folder, "memory.usage_in_bytes", &usage)) {
            keep_least(&out->memory_left_bytes, limit > usage ? limit - usage : 0);
        }
    }
}

/* The group's folder below its mount and every parent up to the mount. In a container the path may not exist: parents do. */
static void walk_up(struct hx_cgroup *out, const char *root, const char *mount, const char *group,
                    void (*visit)(struct hx_cgroup *, const char *)) {
    char base[PATH_BYTES];
    char below[PATH_BYTES];
    char folder[PATH_BYTES];
    if (!hx_path_join(base, sizeof base, root, mount) || !hx_copy_string(below, sizeof below, group)) {
        return;
    }
    for (;;) {
        if (hx_path_join(folder, sizeof folder, base, below)) {
            visit(out, folder);
        }
        char *slash = strrchr(below, '/');
        if (slash == NULL || below[1] == '\0') {
            return;
        }
        slash[slash == below ? 1 : 0] = '\0';
    }
}

/* Is `word` one of the comma-joined controllers? */
static bool names_controller(const char *controllers, const char *word) {
    size_t length = strlen(word);
    for (const char *p = controllers; *p != '\0';) {
        size_t part = strcspn(p, ",");
        if (part == length && strncmp(p, word, length) == 0) {
            return true;
        }
        p += part + (p[part] == ',' ? 1 : 0);
    }
    return false;
}

/* Is this the folder of a version 2 group? Its list of controllers may well be empty. */
static bool group_there(const char *folder) {
    char path[PATH_BYTES];
    return hx_path_join(path, sizeof path, folder, "cgroup.controllers") && access(path, F_OK) == 0;
}

/* One line of /proc/self/cgroup: "id:controllers:path", controllers empty for version 2. */
static void line_read(struct hx_cgroup *out, const char *root, char *line) {
    char *controllers = strchr(line, ':');
    char *path = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    if (path == NULL || path[1] != '/') {
        return;
    }
    *path++ = '\0';
    controllers++;
    if (controllers[0] == '\0') {
        char mount[PATH_BYTES];
        char own[PATH_BYTES];
        if (hx_path_join(mount, sizeof mount, root, "/sys/fs/cgroup") && group_there(mount)) {
            out->version = out->version == 0 ? 2 : out->version;
            if (hx_path_join(own, sizeof own, mount, path) && group_there(own)) {
                out->cpu_read = out->memory_read = true; /* our own group is here: a limit file that is not, limits nothing */
            }
            walk_up(out, root, "/sys/fs/cgroup", path, v2_group);
        }
        return;
    }
    if (names_controller(controllers, "cpu")) {
        char mount[128];
        out->version = 1;
        walk_up(out, root, "/sys/fs/cgroup/cpu", path, v1_cpu_group);
        if (snprintf(mount, sizeof mount, "/sys/fs/cgroup/%s", controllers) < (int)sizeof mount && strcmp(controllers, "cpu") != 0) {
            walk_up(out, root, mount, path, v1_cpu_group); /* mounted under the joined name, without the usual link */
        }
    }
    if (names_controller(controllers, "memory")) {
        out->version = 1;
        walk_up(out, root, "/sys/fs/cgroup/memory", path, v1_memory_group);
    }
}

void hx_cgroup_read(struct hx_cgroup *out, const char *root) {
    char path[PATH_BYTES];
    char text[8192];
    *out = (struct hx_cgroup){.version = 0};
    out->cpu_limit = out->memory_limit_bytes = out->memory_left_bytes = hx_figure_none(hx_cgroup_unseen);
    if (!hx_path_join(path, sizeof path, root, "/proc/self/cgroup") || hx_file_read(path, text, sizeof text) < 0) {
        return;
    }
    for (char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        char *next = line + length + (line[length] == '\n' ? 1 : 0);
        line[length] = '\0';
        line_read(out, root, line);
        line = next;
    }
    if (out->version == 0) {
        return;
    }
    if (out->cpu_limit.reason != NULL) {
        out->cpu_limit.reason = out->cpu_read ? hx_cgroup_no_limit : hx_cgroup_unread;
    }
    if (out->memory_limit_bytes.reason != NULL) {
        out->memory_limit_bytes.reason = out->memory_read ? hx_cgroup_no_limit : hx_cgroup_unread;
    }
    if (out->memory_left_bytes.reason != NULL) {
        out->memory_left_bytes.reason = out->memory_limit_bytes.reason != NULL ? out->memory_limit_bytes.reason : hx_cgroup_unread;
    }
}
