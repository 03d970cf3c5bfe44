/* failing_vm.h - the system's mapping calls, of which the N-th fails. */
#ifndef TESTS_ALLOCATOR_FAILING_VM_H
#define TESTS_ALLOCATOR_FAILING_VM_H

#include "os/vm.h"

struct failing_vm {
    size_t calls;   /* so far; unmap and advice are counted too */
    size_t fail_at; /* this call fails (1 = the first); 0 = none */
    bool failed;
};

extern const struct ua_vm_ops failing_vm_ops;

#endif
