/* test_topology.c - which PUs are chosen on machines of every shape, and the pinning of this one.
 *
 * Synthetic and XML topologies test the policy; hwloc's binding is a dummy there, so binding is tested on the real machine. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "measure/hx_pin.h"
#include "measure/hx_topology.h"

static struct hx_pu_choice choice; /* large */
static char message[256];

static void assert_order(const unsigned *want, size_t count) {
    assert_int_equal(choice.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(choice.pu[i], want[i]);
    }
}

#define ASSERT_ORDER(...)                                       \
    do {                                                        \
        static const unsigned want_[] = {__VA_ARGS__};          \
        assert_order(want_, sizeof want_ / sizeof want_[0]);    \
    } while (0)

static struct hx_topology *synthetic(const char *description) {
    const char *why = NULL;
    struct hx_topology *topology = hx_topology_load_synthetic(description, &why);
    assert_non_null(topology);
    return topology;
}

static int choose(const struct hx_topology *topology, const char *cpus, int numa_node, unsigned want) {
    struct hx_pu_request request = {.cpus = cpus, .numa_node = numa_node, .want = want};
    return hx_topology_choose(topology, &request, &choice, message, sizeof message);
}

static void two_sockets_with_smt(void **state) {
    (void)state;
    struct hx_topology *topology = synthetic("pack:2 numa:1 l3:2 core:4 pu:2");
    struct hx_topology_shape shape;
    hx_topology_shape(topology, &shape);
    assert_int_equal(shape.packages, 2);
    assert_int_equal(shape.numa_nodes, 2);
    assert_int_equal(shape.cores, 16);
    assert_int_equal(shape.pus, 32);
    assert_int_equal(shape.pus_per_core_max, 2);
    assert_int_equal(choose(topology, NULL, -1, 8), 0);
    ASSERT_ORDER(0, 2, 4, 6, 8, 10, 12, 14);
    assert_int_equal(choice.separate_cores, 8);
    assert_int_equal(choose(topology, NULL, 1, 4), 0); /* second socket */
    ASSERT_ORDER(16, 18, 20, 22);
    assert_int_equal(choose(topology, NULL, -1, 18), 0); /* siblings only when the cores are used up */
    assert_int_equal(choice.separate_cores, 16);
    assert_int_equal(choice.pu[15], 30);
    assert_int_equal(choice.pu[16], 1);
    assert_int_equal(choice.pu[17], 3);
    assert_int_equal(choose(topology, NULL, 5, 1), ENOENT);
    assert_non_null(strstr(message, "NUMA node 5"));
    hx_topology_free(topology);
}

static void linux_style_sibling_numbers(void **state) {
    (void)state;
    struct hx_topology *topology = synthetic("pack:1 core:4 pu:2(indexes=0,4,1,5,2,6,3,7)");
    assert_int_equal(choose(topology, NULL, -1, 6), 0);
    ASSERT_ORDER(0, 1, 2, 3, 4, 5);
    assert_int_equal(choice.separate_cores, 4);
    hx_topology_free(topology);
}

static void a_list_keeps_only_its_pus(void **state) {
    (void)state;
    struct hx_topology *topology = synthetic("pack:1 core:4 pu:2");
    assert_int_equal(choose(topology, "1-4", -1, 8), 0);
    ASSERT_ORDER(1, 2, 4, 3); /* first allowed PU of cores 0, 1, 2, then the sibling left */
    assert_int_equal(choice.separate_cores, 3);
    assert_int_equal(choose(topology, "0-7:4,6", -1, 2), 0);
    ASSERT_ORDER(0, 4);
    assert_int_equal(choose(topology, "100-200", -1, 1), ENOENT);
    assert_non_null(strstr(message, "100-200"));
    assert_non_null(strstr(message, "0-7")); /* the valid choices */
    static const char *const malformed[] = {"", "a", "1,", ",1", "3-1", "1-", "-1", "1--2", "0-3:0", "99999999", "1 2", "0x1"};
    for (size_t i = 0; i < HX_COUNT_OF(malformed); i++) {
        assert_int_equal(choose(topology, malformed[i], -1, 1), EINVAL);
        assert_non_null(strstr(message, "not a list"));
    }
    assert_int_equal(choose(topology, NULL, -1, 0), EINVAL);
    hx_topology_free(topology);
}

static void without_cores_each_pu_counts(void **state) {
    (void)state;
    struct hx_topology *topology = synthetic("pu:2");
    struct hx_topology_shape shape;
    hx_topology_shape(topology, &shape);
    assert_int_equal(shape.cores, 0);
    assert_int_equal(choose(topology, NULL, -1, 4), 0);
    ASSERT_ORDER(0, 1);
    hx_topology_free(topology);
}

static void malformed_descriptions_are_refused(void **state) {
    (void)state;
    const char *why = NULL;
    assert_null(hx_topology_load_synthetic("core:bad", &why));
    assert_non_null(why);
    why = NULL;
    assert_null(hx_topology_load_xml("/nonexistent/topology.xml", &why));
    assert_non_null(why);
}

/* 2 sockets x 2 cores x 2 PUs; PU 3 is offline (not in the file), PUs 4-5 forbidden by a cgroup. */
static const char offline_xml[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n<topology version=\"2.0\">\n"
    "<object type=\"Machine\" os_index=\"0\" cpuset=\"0x000000f7\" complete_cpuset=\"0x000000ff\" allowed_cpuset=\"0x000000c7\""
    " nodeset=\"0x00000001\" complete_nodeset=\"0x00000001\" allowed_nodeset=\"0x00000001\" gp_index=\"1\">\n"
    "<object type=\"NUMANode\" os_index=\"0\" cpuset=\"0x000000f7\" complete_cpuset=\"0x000000ff\" nodeset=\"0x00000001\""
    " complete_nodeset=\"0x00000001\" gp_index=\"20\" local_memory=\"1073741824\"/>\n"
    "<object type=\"Package\" os_index=\"0\" cpuset=\"0x00000007\" complete_cpuset=\"0x0000000f\" nodeset=\"0x00000001\""
    " complete_nodeset=\"0x00000001\" gp_index=\"2\">\n"
    "<object type=\"Core\" os_index=\"0\" cpuset=\"0x00000003\" complete_cpuset=\"0x00000003\" nodeset=\"0x00000001\""
    " complete_nodeset=\"0x00000001\" gp_index=\"3\">\n"
    "<object type=\"PU\" os_index=\"0\" cpuset=\"0x00000001\" complete_cpuset=\"0x00000001\" nodeset=\"0x00000001\""
    " complete_nodeset=\"0x00000001\" gp_index=\"4\"/>\n"
    "<object type=\"PU\" os_index=\"1\" cpuset=\"0x00000002\" complete_cpuset=\"0x00000002\" nodeset=\"0x00000001\""
    " complete_nodeset=\"0x00000001\" gp_index=\"5\"/>\n</object>\n"
    "<object type=\"Core\" os_index=\"1\" cpuset=\"0x00000004\" complete_cpuset=\"0x0000000c\" nodeset=\"0x00000001\""
    " complete_nodeset=\"0x00000001\" gp_index=\"6\">\n"
    "<object type=\"PU\" os_index=\"2\" cpuset=\"0x00000004\" complete_cpuset=\"0x00000004\" nodeset=\"0x00000001\""
    " complete_nodeset=\"0x00000001\" gp_index=\"7\"/>\n</object>\n</object>\n"
    "<object type=\"Package\" os_index=\"1\" cpuset=\"0x000000f0\" complete_cpuset=\"0x000000f0\" nodeset=\"0x00000001\""
    " complete_nodeset=\"0x00000001\" gp_index=\"8\">\n"
    "<object type=\"Core\" os_index=\"0\" cpuset=\"0x00000030\" complete_cpuset=\"0x00000030\" nodeset=\"0x00000001\""
    " complete_nodeset=\"0x00000001\" gp_index=\"9\">\n"
    "<object type=\"PU\" os_index=\"4\" cpuset=\"0x00000010\" complete_cpuset=\"0x00000010\" nodeset=\"0x00000001\""
    " complete_nodeset=\"0x00000001\" gp_index=\"10\"/>\n"
    "<object type=\"PU\" os_index=\"5\" cpuset=\"0x00000020\" complete_cpuset=\"0x00000020\" nodeset=\"0x00000001\""
    " complete_nodeset=\"0x00000001\" gp_index=\"11\"/>\n</object>\n"
    "<object type=\"Core\" os_index=\"1\" cpuset=\"0x000000c0\" complete_cpuset=\"0x000000c0\" nodeset=\"0x00000001\""
    " complete_nodeset=\"0x00000001\" gp_index=\"12\">\n"
    "<object type=\"PU\" os_index=\"6\" cpuset=\"0x00000040\" complete_cpuset=\"0x00000040\" nodeset=\"0x00000001\""
    " complete_nodeset=\"0x00000001\" gp_index=\"13\"/>\n"
    "<object type=\"PU\" os_index=\"7\" cpuset=\"0x00000080\" complete_cpuset=\"0x00000080\" nodeset=\"0x00000001\""
    " complete_nodeset=\"0x00000001\" gp_index=\"14\"/>\n</object>\n</object>\n</object>\n</topology>\n";

static void offline_and_forbidden_pus_are_left_out(void **state) {
    (void)state;
    char path[] = "/tmp/hx_topology_XXXXXX";
    const char *why = NULL;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, offline_xml, sizeof offline_xml - 1), sizeof offline_xml - 1);
    close(fd);
    struct hx_topology *topology = hx_topology_load_xml(path, &why);
    unlink(path);
    assert_non_null(topology);
    assert_int_equal(choose(topology, NULL, -1, 8), 0);
    ASSERT_ORDER(0, 2, 6, 1, 7); /* never 3 (offline), 4 or 5 (forbidden) */
    assert_int_equal(choice.separate_cores, 3);
    assert_int_equal(choose(topology, "3-5", -1, 1), ENOENT);
    hx_topology_free(topology);
}

static void export_and_load_again_choose_the_same(void **state) {
    (void)state;
    char path[] = "/tmp/hx_topology_XXXXXX";
    const char *why = NULL;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    struct hx_topology *topology = synthetic("pack:2 core:3 pu:2");
    assert_int_equal(hx_topology_export(topology, path), 0);
    assert_int_equal(choose(topology, NULL, -1, 12), 0);
    unsigned before[12];
    memcpy(before, choice.pu, sizeof before);
    hx_topology_free(topology);
    topology = hx_topology_load_xml(path, &why);
    assert_non_null(topology);
    assert_int_equal(choose(topology, NULL, -1, 12), 0);
    assert_order(before, 12);
    assert_int_equal(hx_topology_bind(topology, 0), ENOSYS); /* not this machine */
    assert_int_not_equal(hx_topology_export(topology, "/nonexistent/folder/t.xml"), 0);
    hx_topology_free(topology);
    unlink(path);
}

/* The lowest PU this process may use. */
static unsigned first_allowed(void) {
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    for (unsigned pu = 0; pu < CPU_SETSIZE; pu++) {
        if (CPU_ISSET(pu, &set)) {
            return pu;
        }
    }
    fail_msg("no PU allowed");
    return 0;
}

/* Runs as a program of its own, started under a mask of one PU. Exit 0: the topology shows that PU and no other. */
static int restricted_main(unsigned pu) {
    const char *why = NULL;
    struct hx_topology_shape shape;
    struct hx_topology *topology = hx_topology_load(&why);
    if (topology == NULL) {
        return 11;
    }
    hx_topology_shape(topology, &shape);
    bool right = shape.pus == 1 && choose(topology, NULL, -1, 4) == 0 && choice.count == 1 && choice.pu[0] == pu &&
                 hx_topology_bind(topology, pu) == 0;
    hx_topology_free(topology);
    return right ? 0 : 12;
}

static void taskset_is_honoured_on_this_machine(void **state) {
    (void)state;
    char word[16];
    unsigned pu = first_allowed();
    snprintf(word, sizeof word, "%u", pu);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (hx_pin_thread(pu) == 0) {
            execl("/proc/self/exe", "test_topology", "--restricted", word, (char *)NULL);
        }
        _exit(10);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

struct pinned {
    unsigned pu;
    bool widen;
    struct hx_pin_verdict verdict;
    int error;
};

static void *pinned_thread(void *argument) {
    struct pinned *pinned = argument;
    struct hx_pin_proof proof;
    pinned->error = hx_pin_thread(pinned->pu);
    hx_pin_proof_take(&proof, pinned->pu);
    if (pinned->widen) {
        cpu_set_t all;
        CPU_ZERO(&all);
        for (size_t i = 0; i < CPU_SETSIZE; i++) {
            CPU_SET(i, &all);
        }
        sched_setaffinity(0, sizeof all, &all);
    }
    for (volatile unsigned i = 0; i < 1000000; i++) {
    }
    pinned->verdict = hx_pin_proof_check(&proof);
    return NULL;
}

static struct pinned run_pinned(unsigned pu, bool widen) {
    struct pinned pinned = {.pu = pu, .widen = widen};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, pinned_thread, &pinned), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    return pinned;
}

static void a_pinned_thread_stays_and_proves_it(void **state) {
    (void)state;
    unsigned pu = first_allowed();
    struct pinned pinned = run_pinned(pu, false);
    assert_int_equal(pinned.error, 0);
    assert_false(pinned.verdict.migrated);
    assert_int_equal(pinned.verdict.pu_last, pu);
    if (pinned.verdict.migrations.reason == NULL) {
        assert_true(pinned.verdict.migrations.value < 0.5);
    }
}

static void a_widened_mask_is_called_migrated(void **state) {
    (void)state;
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
        skip(); /* nothing to widen to */
    }
    assert_true(run_pinned(first_allowed(), true).verdict.migrated);
}

static void pinning_to_a_pu_that_is_not_there_fails(void **state) {
    (void)state;
    assert_int_equal(run_pinned(8000, false).error, EINVAL);
    assert_int_equal(run_pinned(1000000, false).error, EINVAL);
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--restricted") == 0) {
        return restricted_main((unsigned)strtoul(argv[2], NULL, 10));
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_sockets_with_smt),
        cmocka_unit_test(linux_style_sibling_numbers),
        cmocka_unit_test(a_list_keeps_only_its_pus),
        cmocka_unit_test(without_cores_each_pu_counts),
        cmocka_unit_test(malformed_descriptions_are_refused),
        cmocka_unit_test(offline_and_forbidden_pus_are_left_out),
        cmocka_unit_test(export_and_load_again_choose_the_same),
        cmocka_unit_test(taskset_is_honoured_on_this_machine),
        cmocka_unit_test(a_pinned_thread_stays_and_proves_it),
        cmocka_unit_test(a_widened_mask_is_called_migrated),
        cmocka_unit_test(pinning_to_a_pu_that_is_not_there_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
