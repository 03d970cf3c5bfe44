/* hx_attest_processor.c - the processor's part of the attestation: model, microcode, frequency, SMT, NUMA, PMU, clock.
 *
 * Why these: each of them changes a time by more than the differences we show. Everything is read from files below root; what a
 * kernel does not tell stays none with the reason. Format: hx_attest_lines.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hx_file.h"
#include "measure/hx_attest_lines.h"

enum { CPUINFO_BYTES = 16 * 1024, GOVERNOR_CPUS_MAX = 1024 };

static const char no_cpuinfo[] = "/proc/cpuinfo not readable";
static const char not_told[] = "not told by this kernel";
static const char no_cpufreq[] = "no frequency control here (usual in a virtual machine)";

static bool exists(const char *root, const char *path) {
    char full[512];
    return hx_path_join(full, sizeof full, root, path) && access(full, F_OK) == 0;
}

/* The first processor's block of cpuinfo is enough and has a bounded size. */
static bool cpuinfo_read(const char *root, char *text) {
    char full[512];
    if (!hx_path_join(full, sizeof full, root, "/proc/cpuinfo")) {
        return false;
    }
    FILE *file = fopen(full, "re");
    if (file == NULL) {
        return false;
    }
    size_t got = fread(text, 1, CPUINFO_BYTES - 1, file);
    fclose(file);
    text[got] = '\0';
    return got > 0;
}

/* The firmware's word, or else what the guest's clock gives away. Leaves `vendor` alone when neither tells. */
static void hypervisor_name(const char *root, char *vendor, size_t capacity_bytes) {
    static const char *const clocks[][2] = {{"kvm-clock", "KVM"}, {"hyperv", "Hyper-V"}, {"xen", "Xen"}};
    char text[128];
    if (hx_attest_file_line(root, "/sys/class/dmi/id/sys_vendor", vendor, capacity_bytes) ||
        !hx_attest_file_line(root, "/sys/devices/system/clocksource/clocksource0/available_clocksource", text, sizeof text)) {
        return;
    }
    for (size_t i = 0; i < HX_COUNT_OF(clocks); i++) {
        if (strstr(text, clocks[i][0]) != NULL) {
            (void)hx_copy_string(vendor, capacity_bytes, clocks[i][1]);
        }
    }
}

static void identity(struct hx_attest *attest, const char *root) {
    static const struct {
        const char *key;
        const char *fields[3]; /* x86, then arm64 */
    } facts[] = {
        {"cpu_model", {"model name", "Model", "CPU part"}},
        {"cpu_vendor", {"vendor_id", "CPU implementer", NULL}},
        {"cpu_family", {"cpu family", "CPU architecture", NULL}},
        {"cpu_model_number", {"model", "CPU part", NULL}},
        {"cpu_stepping", {"stepping", "CPU revision", NULL}},
        {"cpu_microcode", {"microcode", NULL, NULL}},
    };
    char text[CPUINFO_BYTES];
    char value[8 * 1024];
    bool readable = cpuinfo_read(root, text);
    for (size_t i = 0; i < HX_COUNT_OF(facts); i++) {
        bool found = false;
        for (size_t f = 0; readable && !found && f < HX_COUNT_OF(facts[i].fields) && facts[i].fields[f] != NULL; f++) {
            found = hx_attest_field(text, facts[i].fields[f], value, sizeof value);
        }
        if (found) {
            hx_attest_put(attest, facts[i].key, "%.180s", value);
        } else {
            hx_attest_none(attest, facts[i].key, readable ? not_told : no_cpuinfo);
        }
    }
    if (!readable) {
        hx_attest_none(attest, "hypervisor", no_cpuinfo);
        return;
    }
    bool flagged = hx_attest_field(text, "flags", value, sizeof value) && strstr(value, " hypervisor") != NULL;
    char vendor[64] = "unnamed";
    if (!flagged && !exists(root, "/sys/hypervisor/type")) {
        hx_attest_put(attest, "hypervisor", "none seen");
        return;
    }
    if (!hx_attest_file_line(root, "/sys/hypervisor/type", vendor, sizeof vendor)) {
        hypervisor_name(root, vendor, sizeof vendor);
    }
    hx_attest_judge(hx_attest_put(attest, "hypervisor", "%s", vendor), HX_VERDICT_NOTE,
                    "page faults and system calls cost more than on bare metal, and neighbours disturb; compare within one run");
}

/* One word for all CPUs, or "mixed". */
static void governor(struct hx_attest *attest, const char *root) {
    char first[64] = "";
    bool mixed = false;
    for (unsigned cpu = 0; cpu < GOVERNOR_CPUS_MAX; cpu++) {
        char path[128];
        char word[64];
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_governor", cpu);
        if (!hx_attest_file_line(root, path, word, sizeof word)) {
            continue;
        }
        if (first[0] == '\0') {
            (void)hx_copy_string(first, sizeof first, word); /* same size: fits */
        }
        mixed = mixed || strcmp(first, word) != 0;
    }
    if (first[0] == '\0') {
        hx_attest_none(attest, "governor", no_cpufreq);
        return;
    }
    struct hx_attest_line *line = hx_attest_put(attest, "governor", "%s", mixed ? "mixed" : first);
    if (mixed || strcmp(first, "performance") != 0) {
        hx_attest_judge(line, HX_VERDICT_NOTE, "clock follows load: set governor 'performance' on every CPU (doctor --tune)");
    }
}

static void boost(struct hx_attest *attest, const char *root) {
    char word[16];
    bool on;
    if (hx_attest_file_line(root, "/sys/devices/system/cpu/cpufreq/boost", word, sizeof word)) {
        on = word[0] == '1';
    } else if (hx_attest_file_line(root, "/sys/devices/system/cpu/intel_pstate/no_turbo", word, sizeof word)) {
        on = word[0] == '0';
    } else {
        hx_attest_none(attest, "boost", no_cpufreq);
        return;
    }
    struct hx_attest_line *line = hx_attest_put(attest, "boost", "%s", on ? "on" : "off");
    if (on) {
        hx_attest_judge(line, HX_VERDICT_NOTE, "clock depends on temperature and neighbours: switch boost off (doctor --tune)");
    }
}

static void processors(struct hx_attest *attest, const char *root) {
    char list[HX_ATTEST_VALUE_BYTES];
    if (hx_attest_file_line(root, "/sys/devices/system/cpu/online", list, sizeof list) && hx_attest_list_count(list) > 0) {
        hx_attest_put(attest, "cpus_online", "%u", hx_attest_list_count(list));
    } else {
        hx_attest_none(attest, "cpus_online", not_told);
    }
    struct hx_attest_line *smt = hx_attest_put_file(attest, root, "smt", "/sys/devices/system/cpu/smt/control", not_told);
    if (smt->reason == NULL && strcmp(smt->value, "on") == 0) {
        hx_attest_judge(smt, HX_VERDICT_NOTE, "siblings share a core; the PU choice takes one PU a core first");
    }
    if (hx_attest_file_line(root, "/sys/devices/system/node/online", list, sizeof list) && hx_attest_list_count(list) > 0) {
        hx_attest_put(attest, "numa_nodes", "%u", hx_attest_list_count(list));
    } else {
        hx_attest_none(attest, "numa_nodes", not_told);
    }
    struct hx_attest_line *balancing =
        hx_attest_put_file(attest, root, "numa_balancing", "/proc/sys/kernel/numa_balancing", not_told);
    if (balancing->reason == NULL && strcmp(balancing->value, "0") != 0) {
        hx_attest_judge(balancing, HX_VERDICT_NOTE, "pages are unmapped and moved while measuring: set kernel.numa_balancing=0 (doctor --tune)");
    }
}

static void counters(struct hx_attest *attest, const char *root) {
    static const char *const devices[] = {"cpu", "cpu_core", "armv8_pmuv3", "armv8_pmuv3_0"};
    const char *found = NULL;
    for (size_t i = 0; i < HX_COUNT_OF(devices) && found == NULL; i++) {
        char path[128];
        snprintf(path, sizeof path, "/sys/bus/event_source/devices/%s", devices[i]);
        found = exists(root, path) ? devices[i] : NULL;
    }
    if (found != NULL) {
        hx_attest_put(attest, "pmu", "%s", found);
    } else {
        hx_attest_judge(hx_attest_none(attest, "pmu", "no PMU listed by the kernel"), HX_VERDICT_NOTE,
                        "hardware counters stay null here; faults and switches are still counted");
    }
    struct hx_attest_line *watchdog = hx_attest_put_file(attest, root, "nmi_watchdog", "/proc/sys/kernel/nmi_watchdog", not_told);
    if (found != NULL && watchdog->reason == NULL && strcmp(watchdog->value, "0") != 0) {
        hx_attest_judge(watchdog, HX_VERDICT_NOTE, "it keeps one hardware counter: set kernel.nmi_watchdog=0 (doctor --tune)");
    }
    struct hx_attest_line *paranoid = hx_attest_put_file(attest, root, "perf_event_paranoid",
                                                         "/proc/sys/kernel/perf_event_paranoid", "no perf events in this kernel");
    if (paranoid->reason == NULL && strtol(paranoid->value, NULL, 10) > 1 && geteuid() != 0) {
        hx_attest_judge(paranoid, HX_VERDICT_NOTE, "kernel side is not counted: set kernel.perf_event_paranoid=1 or run as root");
    }
}

static void clock_source(struct hx_attest *attest, const char *root) {
    static const char *const slow[] = {"hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit"};
    struct hx_attest_line *line = hx_attest_put_file(
        attest, root, "clocksource", "/sys/devices/system/clocksource/clocksource0/current_clocksource", not_told);
    for (size_t i = 0; line->reason == NULL && i < HX_COUNT_OF(slow); i++) {
        if (strcmp(line->value, slow[i]) == 0) {
            bool tick = strstr(slow[i], "jiffies") != NULL;
            hx_attest_judge(line, tick ? HX_VERDICT_UNFIT : HX_VERDICT_NOTE,
                            "reading this clock is a system call or coarser than a block: boot with a usable tsc");
        }
    }
}

void hx_attest_processor(struct hx_attest *attest, const char *root) {
    identity(attest, root);
    processors(attest, root);
    governor(attest, root);
    boost(attest, root);
    counters(attest, root);
    clock_source(attest, root);
}
