/* futex.c - see futex.h. */
#define _GNU_SOURCE
#include "os/futex.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void ua_futex_wait(uint32_t *word, uint32_t value, uint64_t timeout_ns)
{
    struct timespec timeout = {(time_t)(timeout_ns / 1000000000u), (long)(timeout_ns % 1000000000u)};
    int saved_errno = errno;

    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout_ns == UA_FUTEX_FOR_EVER ? NULL : &timeout, NULL, 0);
    errno = saved_errno;
}

void ua_futex_wake(uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
