/* test_process_roots.c - roots=process where the system does not let a process read itself (a container's seccomp filter): refused,
 * or fatal, and never a collection that saw no roots. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "gc/gc_support.h"
#include "support/death.h"

/* From here on the process may not read a process's memory by system call. */
static void forbid_reading(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof code[0], code};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        abort();
}

static void make_a_heap(void *unused)
{
    struct ua_options options;

    (void)unused;
    forbid_reading();
    assert_int_equal(ua_options_preset(&options, "safe"), 0);
    options.roots = UA_ROOTS_PROCESS;
    if (ua_heap_new(&options) == NULL && errno == ENOTSUP && strstr(ua_last_error(), "roots=process") != NULL)
        exit(0);
    exit(1);
}

static void collect(void *unused)
{
    struct ua_heap *heap = gs_heap("safe", "roots=process");

    (void)unused;
    forbid_reading();
    ua_collect(heap);
}

/* All of malloc's memory was passed over in silence. */
static void test_roots_that_cannot_be_read_are_not_none(void **state)
{
    struct ab_death death;

    (void)state;
    ab_run_in_child(make_a_heap, NULL, &death);
    assert_true(death.exited && death.exit_status == 0);
    ab_expect_fatal(collect, NULL, "gc: roots=process cannot read the process's memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roots_that_cannot_be_read_are_not_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
