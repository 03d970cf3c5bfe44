/* hx_tune.c - find, set, verify and put back. What for, and the states: hx_tune.h; the state file: hx_tune_state.c. */
#include "measure/hx_tune.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/hx_file.h"
#include "measure/hx_tune_state.h"

static const char no_cpufreq[] = "no frequency control here (usual in a virtual machine)";
static const char no_thp[] = "no transparent huge pages in this kernel";
static const char not_here[] = "not in this kernel";

/* One file each; `off` where two kernels say the same in two ways. Why each value:
 *   boost off: the clock stops depending on temperature and neighbours;
 *   aslr 2: every process draws its own layout, so that the luck of one is not in all figures (docs/METHOD.md);
 *   thp madvise: pages=huge asks for huge pages, pages=4k gets none unasked; defrag madvise: those who ask get them at once;
 *   numa_balancing 0: no page is unmapped and moved in mid-block; nmi_watchdog 0: it takes a hardware counter. */
static const struct {
    const char *key;
    const char *path;
    const char *want;
    const char *absent;
} single[] = {
    {"boost", "/sys/devices/system/cpu/cpufreq/boost", "0", no_cpufreq},
    {"boost", "/sys/devices/system/cpu/intel_pstate/no_turbo", "1", no_cpufreq},
    {"aslr", "/proc/sys/kernel/randomize_va_space", "2", not_here},
    {"thp_enabled", "/sys/kernel/mm/transparent_hugepage/enabled", "madvise", no_thp},
    {"thp_defrag", "/sys/kernel/mm/transparent_hugepage/defrag", "madvise", no_thp},
    {"numa_balancing", "/proc/sys/kernel/numa_balancing", "0", not_here},
    {"nmi_watchdog", "/proc/sys/kernel/nmi_watchdog", "0", not_here},
};

enum { CPUS_MAX = 1024, FILE_PATH_BYTES = 512 };

/* What a knob says: its first word, or the one in brackets ("always [madvise] never"). 0 or an errno. */
static int knob_read(const char *root, const char *path, char *out) {
    char full[FILE_PATH_BYTES];
    char text[256];
    if (!hx_path_join(full, sizeof full, root, path)) {
        return ENAMETOOLONG;
    }
    long got = hx_file_read(full, text, sizeof text);
    if (got < 0) {
        return (int)-got;
    }
    char *word = strchr(text, '[');
    word = word != NULL ? word + 1 : text;
    word[strcspn(word, "] \t\n")] = '\0';
    return word[0] != '\0' && hx_copy_string(out, HX_TUNE_VALUE_BYTES, word) ? 0 : EIO;
}

/* One write, as the kernel's files want it. 0 or an errno. */
static int knob_write(const char *root, const char *path, const char *value) {
    char full[FILE_PATH_BYTES];
    char line[HX_TUNE_VALUE_BYTES + 1];
    if (!hx_path_join(full, sizeof full, root, path)) {
        return ENAMETOOLONG;
    }
    int fd = open(full, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno;
    }
    int length = snprintf(line, sizeof line, "%s\n", value);
    int error = write(fd, line, (size_t)length) == length ? 0 : errno != 0 ? errno : EIO;
    if (close(fd) != 0 && error == 0) {
        error = errno;
    }
    return error;
}

/* Writes a value and sees it there. False with the knob's error set; *written: the kernel took the write, whatever came then. */
static bool knob_set(const char *root, struct hx_tune_knob *knob, const char *value, bool *written) {
    char now[HX_TUNE_VALUE_BYTES] = "";
    errno = 0;
    knob->reads_otherwise = false;
    knob->error = knob_write(root, knob->path, value);
    *written = knob->error == 0;
    if (knob->error == 0) {
        knob->error = knob_read(root, knob->path, now);
    }
    if (knob->error == 0 && strcmp(now, value) != 0) {
        knob->error = EIO;
        knob->reads_otherwise = true;
    }
    return knob->error == 0;
}

static bool add(struct hx_tune *tune, const char *key, const char *path, const char *want) {
    struct hx_tune_knob *knob = &tune->knob[tune->knob_count];
    memset(knob, 0, sizeof *knob);
    int error = knob_read(tune->root, path, knob->was);
    if (error == ENOENT || error == ENOTDIR || tune->knob_count == HX_TUNE_KNOBS_MAX) {
        return false;
    }
    HX_CHECK(hx_copy_string(knob->key, sizeof knob->key, key) && hx_copy_string(knob->path, sizeof knob->path, path) &&
             hx_copy_string(knob->want, sizeof knob->want, want));
    knob->error = error; /* there, and not readable: not touched, since it could not be put back */
    tune->knob_count++;
    return true;
}

static void add_absent(struct hx_tune *tune, const char *key, const char *reason) {
    for (size_t i = 0; i < tune->knob_count; i++) {
        if (strcmp(tune->knob[i].key, key) == 0) {
            return;
        }
    }
    for (size_t i = 0; i < tune->absent_count; i++) {
        if (strcmp(tune->absent[i].key, key) == 0) {
            return;
        }
    }
    HX_CHECK(tune->absent_count < HX_TUNE_KEYS_MAX);
    struct hx_tune_absent *absent = &tune->absent[tune->absent_count++];
    HX_CHECK(hx_copy_string(absent->key, sizeof absent->key, key));
    absent->reason = reason;
}

/* Governors, and the boost switch that newer drivers have for each policy instead of one for all. */
static void find_for_each_cpu(struct hx_tune *tune) {
    char path[HX_TUNE_PATH_BYTES];
    bool one_boost = false;
    for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
        (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_governor", cpu);
        (void)add(tune, "governor", path, "performance");
    }
    for (size_t i = 0; i < tune->knob_count; i++) {
        one_boost = one_boost || strcmp(tune->knob[i].key, "boost") == 0;
    }
    for (unsigned policy = 0; policy < CPUS_MAX && !one_boost; policy++) {
        (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpufreq/policy%u/boost", policy);
        (void)add(tune, "boost", path, "0");
    }
}

void hx_tune_find(struct hx_tune *tune, const char *root) {
    int lock_fd = tune->lock_fd;
    memset(tune, 0, sizeof *tune);
    tune->root = root;
    tune->lock_fd = lock_fd;
    for (size_t i = 0; i < HX_COUNT_OF(single); i++) {
        (void)add(tune, single[i].key, single[i].path, single[i].want);
    }
    find_for_each_cpu(tune);
    add_absent(tune, "governor", no_cpufreq);
    for (size_t i = 0; i < HX_COUNT_OF(single); i++) {
        add_absent(tune, single[i].key, single[i].absent);
    }
}

size_t hx_tune_apply(struct hx_tune *tune) {
    size_t failed = 0;
    for (size_t i = 0; i < tune->knob_count; i++) {
        struct hx_tune_knob *knob = &tune->knob[i];
        if (knob->error == 0 && strcmp(knob->was, knob->want) != 0) {
            (void)knob_set(tune->root, knob, knob->want, &knob->changed);
        }
        failed += knob->error != 0;
    }
    return failed;
}

size_t hx_tune_restore(struct hx_tune *tune) {
    size_t failed = 0;
    for (size_t i = tune->knob_count; i-- > 0;) {
        struct hx_tune_knob *knob = &tune->knob[i];
        if (knob->changed) {
            bool written;
            knob->changed = !knob_set(tune->root, knob, knob->was, &written);
            failed += knob->changed;
        }
    }
    int error = failed == 0 ? hx_tune_state_remove(tune->root) : hx_tune_state_write(tune, true);
    return failed == 0 && error != 0 ? 1 : failed;
}
