/* test_attest.c - the attestation on fake trees: a tuned server, a starved container of each cgroup version, a hidden /proc. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_tree.h"
#include "measure/hx_attest.h"
#include "measure/hx_cgroup.h"

static struct hx_attest attest; /* large */
static const char *tree;

static const struct hx_attest_line *line_of(const char *key) {
    const struct hx_attest_line *line = hx_attest_find(&attest, key);
    if (line == NULL) {
        fail_msg("no line '%s'", key);
    }
    return line;
}

static void assert_value(const char *key, const char *value) {
    const struct hx_attest_line *line = line_of(key);
    if (line->reason != NULL) {
        fail_msg("%s has no value: %s", key, line->reason);
    }
    assert_string_equal(line->value, value);
}

static void assert_judged(const char *key, enum hx_verdict verdict) {
    const struct hx_attest_line *line = line_of(key);
    if (line->verdict != verdict) {
        fail_msg("%s is %s", key, hx_verdict_name(line->verdict));
    }
    assert_true(verdict == HX_VERDICT_OK || line->advice[0] != '\0'); /* a complaint says what to do */
}

/* Bare metal, two sockets of four CPUs each, everything as one would wish. */
static void server(void) {
    fake_tree_write("proc/cpuinfo",
                    "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\n"
                    "model name\t: Example CPU @ 2.00GHz\nstepping\t: 7\nmicrocode\t: 0x5003604\n"
                    "flags\t\t: fpu vme de pse tsc msr\n\nprocessor\t: 1\n");
    fake_tree_write("proc/meminfo", "MemTotal:       65536000 kB\nMemFree:   100 kB\nMemAvailable:   60000000 kB\n"
                                    "SwapTotal:       1000 kB\nSwapFree:        1000 kB\n");
    fake_tree_write("proc/loadavg", "0.10 0.20 0.30 1/200 999\n");
    fake_tree_write("proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00\n");
    fake_tree_write("proc/self/cgroup", "0::/user.slice/session-1.scope\n");
    fake_tree_write("proc/self/status", "Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t0-7\n");
    fake_tree_write("proc/sys/kernel/osrelease", "6.1.0-example\n");
    fake_tree_write("proc/sys/kernel/randomize_va_space", "2\n");
    fake_tree_write("proc/sys/kernel/perf_event_paranoid", "1\n");
    fake_tree_write("proc/sys/kernel/numa_balancing", "0\n");
    fake_tree_write("proc/sys/vm/overcommit_memory", "0\n");
    fake_tree_write("sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
    fake_tree_write("sys/fs/cgroup/user.slice/session-1.scope/cgroup.controllers", "\n"); /* there, without limit files */
    fake_tree_write("sys/devices/system/cpu/online", "0-7\n");
    fake_tree_write("sys/devices/system/cpu/smt/control", "off\n");
    fake_tree_write("sys/devices/system/cpu/cpufreq/boost", "0\n");
    fake_tree_write("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
    fake_tree_write("sys/devices/system/cpu/cpu7/cpufreq/scaling_governor", "performance\n");
    fake_tree_write("sys/devices/system/node/online", "0-1\n");
    fake_tree_write("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
    fake_tree_write("sys/bus/event_source/devices/cpu/type", "4\n");
    fake_tree_write("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    fake_tree_write("sys/kernel/mm/transparent_hugepage/defrag", "always defer defer+madvise [madvise] never\n");
    fake_tree_write("sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "2097152\n");
}

static int make(void **state) {
    (void)state;
    tree = fake_tree_make();
    return 0;
}

static int drop(void **state) {
    (void)state;
    fake_tree_remove();
    return 0;
}

static void a_tuned_server_is_all_ok(void **state) {
    (void)state;
    server();
    hx_attest_read(&attest, tree);
    assert_value("cpu_model", "Example CPU @ 2.00GHz");
    assert_value("cpu_family", "6");
    assert_value("cpu_model_number", "85");
    assert_value("cpu_stepping", "7");
    assert_value("cpu_microcode", "0x5003604");
    assert_value("hypervisor", "none seen");
    assert_value("governor", "performance");
    assert_value("boost", "off");
    assert_value("smt", "off");
    assert_value("cpus_online", "8");
    assert_value("numa_nodes", "2");
    assert_value("pmu", "cpu");
    assert_value("clocksource", "tsc");
    assert_value("kernel", "6.1.0-example");
    assert_value("aslr", "2");
    assert_value("thp_enabled", "madvise");
    assert_value("thp_defrag", "madvise");
    assert_value("huge_page_bytes", "2097152");
    assert_value("overcommit", "0");
    assert_value("swap_used_bytes", "0");
    assert_value("memory_total_bytes", "67108864000");
    assert_value("memory_available_bytes", "61440000000");
    assert_value("container", "none seen");
    assert_value("cgroup_version", "2");
    assert_value("cgroup_cpus", "none");
    assert_value("cgroup_memory_bytes", "none");
    assert_value("cpus_usable", "8.00");
    assert_value("load_average", "0.10");
    assert_value("psi_cpu_percent", "0.00");
    for (size_t i = 0; i < attest.line_count; i++) {
        if (attest.line[i].verdict != HX_VERDICT_OK) {
            fail_msg("%s: %s", attest.line[i].key, attest.line[i].advice);
        }
    }
    assert_int_equal(hx_attest_verdict(&attest), HX_VERDICT_OK);
}

static void an_untuned_machine_gets_a_note_for_each(void **state) {
    (void)state;
    server();
    fake_tree_write("sys/devices/system/cpu/cpu7/cpufreq/scaling_governor", "powersave\n");
    fake_tree_drop("sys/devices/system/cpu/cpufreq/boost");
    fake_tree_write("sys/devices/system/cpu/intel_pstate/no_turbo", "0\n");
    fake_tree_write("sys/devices/system/cpu/smt/control", "on\n");
    fake_tree_write("proc/sys/kernel/randomize_va_space", "0\n");
    fake_tree_write("proc/sys/kernel/numa_balancing", "1\n");
    fake_tree_write("proc/sys/kernel/nmi_watchdog", "1\n");
    fake_tree_write("proc/sys/vm/overcommit_memory", "2\n");
    fake_tree_write("sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
    fake_tree_write("sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
    fake_tree_write("proc/meminfo", "MemTotal: 65536000 kB\nMemAvailable: 60000000 kB\nSwapTotal: 1000 kB\nSwapFree: 600 kB\n");
    fake_tree_write("proc/loadavg", "6.00 0 0 1/2 3\n");
    fake_tree_write("proc/pressure/cpu", "some avg10=12.50 avg60=0.00\n");
    fake_tree_write("proc/cpuinfo", "model name\t: Example\nflags\t\t: fpu hypervisor lahf\n");
    fake_tree_write("sys/class/dmi/id/sys_vendor", "Example Cloud\n");
    hx_attest_read(&attest, tree);
    assert_value("governor", "mixed");
    assert_value("boost", "on");
    assert_value("swap_used_bytes", "409600");
    assert_value("hypervisor", "Example Cloud");
    static const char *const notes[] = {"governor", "boost", "smt", "aslr", "numa_balancing", "overcommit", "thp_enabled",
                                        "clocksource", "swap_used_bytes", "load_average", "psi_cpu_percent", "hypervisor", "nmi_watchdog"};
    for (size_t i = 0; i < HX_COUNT_OF(notes); i++) {
        assert_judged(notes[i], HX_VERDICT_NOTE);
    }
    assert_int_equal(hx_attest_verdict(&attest), HX_VERDICT_NOTE);
}

static void an_overloaded_machine_is_unfit(void **state) {
    (void)state;
    server();
    fake_tree_write("proc/loadavg", "20.00 0 0 1/2 3\n");
    fake_tree_write("proc/pressure/cpu", "some avg10=91.00 avg60=0.00\n");
    hx_attest_read(&attest, tree);
    assert_judged("load_average", HX_VERDICT_UNFIT);
    assert_judged("psi_cpu_percent", HX_VERDICT_UNFIT);
    assert_int_equal(hx_attest_verdict(&attest), HX_VERDICT_UNFIT);
}

/* Eight CPUs: the limits of hx_attest_system.c, from both sides. */
static void load_and_pressure_are_judged_where_pairs_part(void **state) {
    (void)state;
    static const struct {
        const char *load, *pressure;
        enum hx_verdict load_verdict, pressure_verdict;
    } level[] = {{"4.00 0 0 1/2 3\n", "some avg10=4.99 avg60=0.00\n", HX_VERDICT_OK, HX_VERDICT_OK},
                 {"4.01 0 0 1/2 3\n", "some avg10=5.00 avg60=0.00\n", HX_VERDICT_NOTE, HX_VERDICT_NOTE},
                 {"8.00 0 0 1/2 3\n", "some avg10=19.99 avg60=0.00\n", HX_VERDICT_NOTE, HX_VERDICT_NOTE},
                 {"8.01 0 0 1/2 3\n", "some avg10=20.00 avg60=0.00\n", HX_VERDICT_UNFIT, HX_VERDICT_UNFIT}};
    server();
    for (size_t i = 0; i < HX_COUNT_OF(level); i++) {
        fake_tree_write("proc/loadavg", level[i].load);
        fake_tree_write("proc/pressure/cpu", level[i].pressure);
        hx_attest_read(&attest, tree);
        assert_judged("load_average", level[i].load_verdict);
        assert_judged("psi_cpu_percent", level[i].pressure_verdict);
    }
}

static void a_v2_container_under_one_cpu(void **state) {
    (void)state;
    server();
    fake_tree_write(".dockerenv", "");
    fake_tree_write("proc/self/cgroup", "0::/outer/inner\n");
    fake_tree_write("sys/fs/cgroup/outer/cpu.max", "50000 100000\n"); /* the parent is the tighter one */
    fake_tree_write("sys/fs/cgroup/outer/inner/cpu.max", "200000 100000\n");
    fake_tree_write("sys/fs/cgroup/outer/memory.max", "max\n");
    fake_tree_write("sys/fs/cgroup/outer/inner/memory.max", "1000000000\n");
    fake_tree_write("sys/fs/cgroup/outer/inner/memory.current", "400000000\n");
    hx_attest_read(&attest, tree);
    assert_value("container", "docker");
    assert_value("cgroup_cpus", "0.50");
    assert_judged("cgroup_cpus", HX_VERDICT_UNFIT);
    assert_value("cgroup_memory_bytes", "1000000000");
    assert_value("memory_available_bytes", "600000000");
    assert_judged("memory_available_bytes", HX_VERDICT_UNFIT);
    assert_value("cpus_usable", "0.50");
    assert_true(fabs(hx_attest_cpu_limit(tree).value - 0.5) < 1e-9);
}

static void a_v1_container_with_a_quota(void **state) {
    (void)state;
    server();
    fake_tree_drop("sys/fs/cgroup/cgroup.controllers");
    fake_tree_write("run/.containerenv", "");
    fake_tree_write("proc/self/cgroup", "12:cpuset:/\n5:cpu,cpuacct:/jobs/one\n4:memory:/jobs/one\n0::/\n");
    fake_tree_write("sys/fs/cgroup/cpu/jobs/one/cpu.cfs_quota_us", "150000\n");
    fake_tree_write("sys/fs/cgroup/cpu/jobs/one/cpu.cfs_period_us", "100000\n");
    fake_tree_write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    fake_tree_write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    fake_tree_write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    fake_tree_write("sys/fs/cgroup/memory/jobs/one/memory.limit_in_bytes", "5000000000\n");
    fake_tree_write("sys/fs/cgroup/memory/jobs/one/memory.usage_in_bytes", "1000000000\n");
    hx_attest_read(&attest, tree);
    assert_value("container", "podman");
    assert_value("cgroup_version", "1");
    assert_value("cgroup_cpus", "1.50");
    assert_judged("cgroup_cpus", HX_VERDICT_NOTE);
    assert_value("cgroup_memory_bytes", "5000000000");
    assert_value("memory_available_bytes", "4000000000");
}

static void containers_by_every_mark(void **state) {
    (void)state;
    static const struct {
        const char *group, *name;
    } known[] = {{"0::/kubepods.slice/pod1\n", "kubernetes"}, {"0::/docker/0123abcd\n", "docker"}, {"0::/lxc.payload.a\n", "lxc"},
                 {"0::/machine.slice/libpod-1.scope\n", "podman"}, {"0::/user.slice\n", "none seen"}};
    server();
    for (size_t i = 0; i < HX_COUNT_OF(known); i++) {
        fake_tree_write("proc/self/cgroup", known[i].group);
        hx_attest_read(&attest, tree);
        assert_value("container", known[i].name);
    }
    fake_tree_write("run/systemd/container", "systemd-nspawn\n");
    hx_attest_read(&attest, tree);
    assert_value("container", "systemd-nspawn");
}

static void a_cpuset_that_hides_cpus_is_noted(void **state) {
    (void)state;
    server();
    fake_tree_write("proc/self/status", "Cpus_allowed_list:\t2-3\n");
    hx_attest_read(&attest, tree);
    assert_value("cpus_usable", "2.00");
    assert_judged("cpus_usable", HX_VERDICT_NOTE);
}

static void settings_of_a_killed_tune_are_noted(void **state) {
    (void)state;
    server();
    fake_tree_write("run/arenabench.tune", "arenabench-tune 1\nend\n");
    fake_tree_write("run/arenabench.tune.lock", "2147483647\n");
    hx_attest_read(&attest, tree);
    assert_judged("tuning", HX_VERDICT_NOTE);
    fake_tree_write("run/arenabench.tune.lock", "1\n"); /* a process that is there */
    hx_attest_read(&attest, tree);
    assert_judged("tuning", HX_VERDICT_OK);
    assert_value("tuning", "held by doctor --tune");
}

/* In a container the group's own path is often not mounted: the limits of the mount's root still hold. */
static void a_path_that_is_not_mounted_falls_back_to_its_parents(void **state) {
    (void)state;
    struct hx_cgroup cgroup;
    server();
    fake_tree_write("proc/self/cgroup", "0::/not/mounted/here\n");
    fake_tree_write("sys/fs/cgroup/cpu.max", "300000 100000\n");
    hx_cgroup_read(&cgroup, tree);
    assert_int_equal(cgroup.version, 2);
    assert_true(fabs(cgroup.cpu_limit.value - 3) < 1e-9);
    assert_ptr_equal(cgroup.memory_limit_bytes.reason, hx_cgroup_unread); /* no file seen: not "no limit" */
}

static void a_hidden_proc_leaves_reasons_not_zeros(void **state) {
    (void)state;
    static const char *const expected[] = {"cpu_model", "governor", "load_average", "psi_cpu_percent", "memory_total_bytes",
                                           "memory_available_bytes", "swap_used_bytes", "aslr", "kernel", "cgroup_version",
                                           "cpus_usable", "pmu", "thp_enabled", "numa_nodes", "hypervisor"};
    hx_attest_read(&attest, tree); /* an empty tree */
    for (size_t i = 0; i < HX_COUNT_OF(expected); i++) {
        const struct hx_attest_line *line = line_of(expected[i]);
        assert_non_null(line->reason);
        assert_true(line->reason[0] != '\0');
        assert_string_equal(line->value, "");
    }
    assert_non_null(hx_attest_cpu_limit(tree).reason);
    assert_non_null(hx_attest_memory_available_bytes(tree).reason);
}

static void odd_files_do_not_break_a_line(void **state) {
    (void)state;
    char huge[6000];
    server();
    memset(huge, 'x', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    fake_tree_write("proc/sys/kernel/osrelease", huge);
    fake_tree_write("sys/devices/system/cpu/online", "banana\n");
    fake_tree_write("proc/cpuinfo", "model name\t: tab\there \x01\nflags\t: \n");
    fake_tree_write("proc/self/cgroup", "nonsense\n5:cpu\n::\n0::relative\n");
    fake_tree_write("sys/kernel/mm/transparent_hugepage/enabled", "no brackets\n");
    hx_attest_read(&attest, tree);
    assert_non_null(line_of("kernel")->reason);
    assert_non_null(line_of("cpus_online")->reason);
    assert_non_null(line_of("thp_enabled")->reason);
    assert_value("cpu_model", "tab here");
}

static void this_machine_attests_and_names_no_host(void **state) {
    (void)state;
    char host[256] = "";
    hx_attest_read(&attest, "/");
    gethostname(host, sizeof host - 1);
    assert_true(attest.line_count > 25);
    assert_null(line_of("kernel")->reason);
    assert_null(line_of("page_bytes")->reason);
    for (size_t i = 0; i < attest.line_count; i++) {
        const struct hx_attest_line *line = &attest.line[i];
        if (strlen(host) > 6 && strstr(line->value, host) != NULL) {
            fail_msg("%s names the host", line->key);
        }
        print_message("[   NOTE   ] %-22s %-5s %s%s%s\n", line->key, hx_verdict_name(line->verdict),
                      line->reason == NULL ? line->value : line->reason, line->advice[0] == '\0' ? "" : " -> ", line->advice);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(attest.line[j].key, line->key);
        }
    }
    assert_true(hx_attest_add(&attest, "allocator", NULL, "not loaded"));
    assert_string_equal(line_of("allocator")->reason, "not loaded");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_tuned_server_is_all_ok, make, drop),
        cmocka_unit_test_setup_teardown(an_untuned_machine_gets_a_note_for_each, make, drop),
        cmocka_unit_test_setup_teardown(an_overloaded_machine_is_unfit, make, drop),
        cmocka_unit_test_setup_teardown(load_and_pressure_are_judged_where_pairs_part, make, drop),
        cmocka_unit_test_setup_teardown(a_v2_container_under_one_cpu, make, drop),
        cmocka_unit_test_setup_teardown(a_v1_container_with_a_quota, make, drop),
        cmocka_unit_test_setup_teardown(containers_by_every_mark, make, drop),
        cmocka_unit_test_setup_teardown(a_cpuset_that_hides_cpus_is_noted, make, drop),
        cmocka_unit_test_setup_teardown(settings_of_a_killed_tune_are_noted, make, drop),
        cmocka_unit_test_setup_teardown(a_path_that_is_not_mounted_falls_back_to_its_parents, make, drop),
        cmocka_unit_test_setup_teardown(a_hidden_proc_leaves_reasons_not_zeros, make, drop),
        cmocka_unit_test_setup_teardown(odd_files_do_not_break_a_line, make, drop),
        cmocka_unit_test(this_machine_attests_and_names_no_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
