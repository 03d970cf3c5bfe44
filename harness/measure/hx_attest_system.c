/* hx_attest_system.c - the system's part of the attestation: memory policy, limits, load, kernel and libc.
 *
 * Why these: they decide what a page costs, whether memory can be had at all, and who else is running. Names of the machine are
 * never read (osrelease, not version: that one names the build host). Format: hx_attest_lines.h. */
#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hx_file.h"
#include "measure/hx_attest_lines.h"
#include "measure/hx_cgroup.h"

static const char not_told[] = "not told by this kernel";
static const char proc_hidden[] = "/proc not readable";

/* Below this, arms that keep everything cannot run at their planned size. */
#define MEMORY_LEAST_BYTES (1024.0 * 1024 * 1024)

/* How much else may run, from what it does to pairs of equal processes: tests/bench/load_levels.py, figures in docs/METHOD.md. Up to half
 * the CPUs nothing is seen; with all of them busy two equal processes differ twice as far, since each worker shares its CPU. Pressure is
 * near nothing (2.7 % at most) until then and 51 % at one and a half tasks a CPU. */
#define LOAD_NOTE_PER_CPU 0.5
#define LOAD_UNFIT_PER_CPU 1.0
#define PSI_NOTE_PERCENT 5
#define PSI_UNFIT_PERCENT 20

/* "always [madvise] never" -> "madvise". */
static void thp_line(struct hx_attest *attest, const char *root, const char *key, const char *path) {
    char text[HX_ATTEST_VALUE_BYTES];
    char *open;
    if (!hx_attest_file_line(root, path, text, sizeof text) || (open = strchr(text, '[')) == NULL) {
        hx_attest_none(attest, key, "no transparent huge pages in this kernel");
        return;
    }
    size_t length = strcspn(open + 1, "]");
    struct hx_attest_line *line = hx_attest_put(attest, key, "%.*s", (int)length, open + 1);
    if (strcmp(key, "thp_enabled") != 0) {
        return;
    }
    if (strcmp(line->value, "never") == 0) {
        hx_attest_judge(line, HX_VERDICT_NOTE, "pages=huge cannot be had: set it to 'madvise' (doctor --tune)");
    } else if (strcmp(line->value, "always") == 0) {
        hx_attest_judge(line, HX_VERDICT_NOTE, "huge pages come unasked; pages=4k switches them off for itself; 'madvise' is cleaner (doctor --tune)");
    }
}

static void memory(struct hx_attest *attest, const char *root) {
    char path[512];
    char text[8192];
    char value[64];
    bool readable = hx_path_join(path, sizeof path, root, "/proc/meminfo") && hx_file_read(path, text, sizeof text) > 0;
    if (readable && hx_attest_field(text, "MemTotal", value, sizeof value)) {
        hx_attest_put(attest, "memory_total_bytes", "%.0f", strtod(value, NULL) * 1024);
    } else {
        hx_attest_none(attest, "memory_total_bytes", proc_hidden);
    }
    struct hx_figure available = hx_attest_memory_available_bytes(root);
    if (available.reason != NULL) {
        hx_attest_none(attest, "memory_available_bytes", available.reason);
    } else {
        struct hx_attest_line *line = hx_attest_put(attest, "memory_available_bytes", "%.0f", available.value);
        if (available.value < MEMORY_LEAST_BYTES) {
            hx_attest_judge(line, HX_VERDICT_UNFIT, "under 1 GiB: free memory or raise the limit");
        }
    }
    char total[64];
    char unused[64];
    if (!readable || !hx_attest_field(text, "SwapTotal", total, sizeof total) ||
        !hx_attest_field(text, "SwapFree", unused, sizeof unused)) {
        hx_attest_none(attest, "swap_used_bytes", proc_hidden);
    } else {
        double used = (strtod(total, NULL) - strtod(unused, NULL)) * 1024;
        struct hx_attest_line *line = hx_attest_put(attest, "swap_used_bytes", "%.0f", used);
        if (used > 0) {
            hx_attest_judge(line, HX_VERDICT_NOTE, "memory was short once: RSS may count less than is used; swapoff -a");
        }
    }
    struct hx_attest_line *overcommit =
        hx_attest_put_file(attest, root, "overcommit", "/proc/sys/vm/overcommit_memory", not_told);
    if (overcommit->reason == NULL && strcmp(overcommit->value, "2") == 0) {
        hx_attest_judge(overcommit, HX_VERDICT_NOTE, "strict accounting: large reservations may fail; vm.overcommit_memory=0");
    }
}

static void pages(struct hx_attest *attest, const char *root) {
    char text[64];
    hx_attest_put(attest, "page_bytes", "%ld", sysconf(_SC_PAGESIZE));
    if (hx_attest_file_line(root, "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", text, sizeof text)) {
        hx_attest_put(attest, "huge_page_bytes", "%s", text);
    } else {
        hx_attest_none(attest, "huge_page_bytes", "no transparent huge pages in this kernel");
    }
    thp_line(attest, root, "thp_enabled", "/sys/kernel/mm/transparent_hugepage/enabled");
    thp_line(attest, root, "thp_defrag", "/sys/kernel/mm/transparent_hugepage/defrag");
    struct hx_attest_line *aslr = hx_attest_put_file(attest, root, "aslr", "/proc/sys/kernel/randomize_va_space", proc_hidden);
    if (aslr->reason == NULL && strcmp(aslr->value, "0") == 0) {
        hx_attest_judge(aslr, HX_VERDICT_NOTE, "one layout for every process: its luck is in every figure; set it to 2 (doctor --tune)");
    }
}

static void limit_line(struct hx_attest *attest, const char *key, struct hx_figure figure, int decimals) {
    if (figure.reason == hx_cgroup_no_limit) {
        hx_attest_put(attest, key, "none");
    } else if (figure.reason != NULL) {
        hx_attest_none(attest, key, figure.reason);
    } else {
        hx_attest_put(attest, key, "%.*f", decimals, figure.value);
    }
}

/* What runs us, as far as it leaves a mark: a file of its own, or a word in the name of our control group. */
static void container(struct hx_attest *attest, const char *root) {
    static const char *const marks[][2] = {{"/.dockerenv", "docker"}, {"/run/.containerenv", "podman"}};
    static const char *const groups[][2] = {
        {"/kubepods", "kubernetes"}, {"/docker", "docker"}, {"/libpod", "podman"}, {"/lxc", "lxc"}, {"/machine.slice", "nspawn or libvirt"}};
    char path[512];
    char text[8192];
    char name[64];
    if (hx_attest_file_line(root, "/run/systemd/container", name, sizeof name)) {
        hx_attest_put(attest, "container", "%s", name);
        return;
    }
    for (size_t i = 0; i < HX_COUNT_OF(marks); i++) {
        if (hx_path_join(path, sizeof path, root, marks[i][0]) && access(path, F_OK) == 0) {
            hx_attest_put(attest, "container", "%s", marks[i][1]);
            return;
        }
    }
    bool readable = hx_path_join(path, sizeof path, root, "/proc/self/cgroup") && hx_file_read(path, text, sizeof text) > 0;
    for (size_t i = 0; readable && i < HX_COUNT_OF(groups); i++) {
        if (strstr(text, groups[i][0]) != NULL) {
            hx_attest_put(attest, "container", "%s", groups[i][1]);
            return;
        }
    }
    hx_attest_put(attest, "container", "none seen");
}

/* Is this machine as `doctor --tune` left it? A state file without a live holder means that somebody killed it. */
static void tuning(struct hx_attest *attest, const char *root) {
    char path[512];
    char text[64] = "";
    bool recorded = hx_path_join(path, sizeof path, root, "/run/arenabench.tune") && access(path, F_OK) == 0;
    if (!recorded) {
        hx_attest_put(attest, "tuning", "none");
        return;
    }
    bool named = hx_attest_file_line(root, "/run/arenabench.tune.lock", text, sizeof text);
    bool alive = false;
    if (named) {
        char process[128];
        (void)snprintf(process, sizeof process, "/proc/%.20s/stat", text);
        alive = hx_path_join(path, sizeof path, "/", process) && access(path, F_OK) == 0;
    }
    struct hx_attest_line *line = hx_attest_put(attest, "tuning", "%s", alive ? "held by doctor --tune" : "left by a killed doctor --tune");
    if (!alive) {
        hx_attest_judge(line, HX_VERDICT_NOTE, "put the settings back: ./run.sh doctor --restore");
    }
}

static void limits(struct hx_attest *attest, const char *root) {
    struct hx_cgroup cgroup;
    hx_cgroup_read(&cgroup, root);
    if (cgroup.version == 0) {
        hx_attest_none(attest, "cgroup_version", hx_cgroup_unseen);
    } else {
        hx_attest_put(attest, "cgroup_version", "%u", cgroup.version);
    }
    limit_line(attest, "cgroup_cpus", cgroup.cpu_limit, 2);
    if (cgroup.cpu_limit.reason == NULL) {
        struct hx_attest_line *line = &attest->line[attest->line_count - 1];
        bool under_one = cgroup.cpu_limit.value < 1;
        hx_attest_judge(line, under_one ? HX_VERDICT_UNFIT : HX_VERDICT_NOTE,
                        under_one ? "the scheduler stops a worker in mid-block: give the container at least 1 CPU"
                                  : "a quota may stop a worker in mid-block: better pin with a cpuset");
    }
    limit_line(attest, "cgroup_memory_bytes", cgroup.memory_limit_bytes, 0);
    struct hx_figure cpus = hx_attest_cpu_limit(root);
    if (cpus.reason != NULL) {
        hx_attest_none(attest, "cpus_usable", cpus.reason);
    } else {
        struct hx_attest_line *line = hx_attest_put(attest, "cpus_usable", "%.2f", cpus.value);
        const struct hx_attest_line *online = hx_attest_find(attest, "cpus_online");
        if (online != NULL && online->reason == NULL && cpus.value < strtod(online->value, NULL)) {
            hx_attest_judge(line, HX_VERDICT_NOTE, "a mask or a quota keeps this process from %s CPUs; --cpus chooses among the rest",
                            online->value);
        }
    }
}

static void load(struct hx_attest *attest, const char *root) {
    char text[HX_ATTEST_VALUE_BYTES];
    struct hx_figure cpus = hx_attest_cpu_limit(root);
    if (!hx_attest_file_line(root, "/proc/loadavg", text, sizeof text)) {
        hx_attest_none(attest, "load_average", proc_hidden);
    } else {
        char *end;
        double one_minute = strtod(text, &end);
        double per_cpu = cpus.reason == NULL && cpus.value > 0 ? one_minute / cpus.value : one_minute;
        struct hx_attest_line *line = hx_attest_put(attest, "load_average", "%.2f", one_minute);
        if (per_cpu > LOAD_UNFIT_PER_CPU) {
            hx_attest_judge(line, HX_VERDICT_UNFIT, "more work than CPUs: stop it (top shows it), or wait; this is the average of a minute");
        } else if (per_cpu > LOAD_NOTE_PER_CPU) {
            hx_attest_judge(line, HX_VERDICT_NOTE, "other work may want the worker's CPU: stop it (top shows it), or leave it other CPUs with --cpus");
        }
    }
    char *average = NULL;
    if (hx_attest_file_line(root, "/proc/pressure/cpu", text, sizeof text)) {
        average = strstr(text, "avg10=");
    }
    if (average == NULL) {
        hx_attest_none(attest, "psi_cpu_percent", "no pressure information in this kernel");
        return;
    }
    double percent = strtod(average + strlen("avg10="), NULL);
    struct hx_attest_line *line = hx_attest_put(attest, "psi_cpu_percent", "%.2f", percent);
    if (percent >= PSI_UNFIT_PERCENT) {
        hx_attest_judge(line, HX_VERDICT_UNFIT, "tasks wait for a CPU before a worker is there: stop other work (top shows it); average of 10 s");
    } else if (percent >= PSI_NOTE_PERCENT) {
        hx_attest_judge(line, HX_VERDICT_NOTE, "tasks had to wait for a CPU: stop other work (top shows it), or wait; average of 10 s");
    }
}

void hx_attest_system(struct hx_attest *attest, const char *root) {
    hx_attest_put_file(attest, root, "kernel", "/proc/sys/kernel/osrelease", proc_hidden);
    hx_attest_put(attest, "libc", "glibc %s", gnu_get_libc_version());
    pages(attest, root);
    memory(attest, root);
    container(attest, root);
    limits(attest, root);
    tuning(attest, root);
    load(attest, root);
}
