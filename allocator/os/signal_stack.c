/* signal_stack.c - see signal_stack.h. The lowest page is a guard. */
#include "os/signal_stack.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#define GUARD_BYTES ((size_t)4096)
#define STACK_BYTES ((size_t)64 << 10) /* the vector registers of a frame may take 11 KiB; handlers chained to need some too */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key; /* value: the thread's mapping; written once, as setup_error */
static int setup_error;

/* The thread ends: whatever stack it has by now, ours goes, and not while it could be used. */
static void give_back(void *mapping)
{
    stack_t present;
    stack_t none = {.ss_flags = SS_DISABLE};

    if (sigaltstack(NULL, &present) == 0 && present.ss_sp == (char *)mapping + GUARD_BYTES)
        sigaltstack(&none, NULL);
    munmap(mapping, GUARD_BYTES + STACK_BYTES);
}

static void set_up(void)
{
    setup_error = pthread_key_create(&key, give_back);
}

int ua_signal_stack_need(void)
{
    stack_t present;
    stack_t ours = {.ss_size = STACK_BYTES};
    char *mapping;
    int error;

    if (sigaltstack(NULL, &present) != 0)
        return errno;
    if (!(present.ss_flags & SS_DISABLE))
        return 0;
    pthread_once(&once, set_up);
    if (setup_error != 0)
        return setup_error;
    mapping = pthread_getspecific(key); /* the thread may have switched to another stack and dropped that */
    if (mapping == NULL) {
        mapping = mmap(NULL, GUARD_BYTES + STACK_BYTES, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
        if (mapping == MAP_FAILED)
            return errno;
        error = mprotect(mapping, GUARD_BYTES, PROT_NONE) != 0 ? errno : pthread_setspecific(key, mapping);
        if (error != 0) {
            munmap(mapping, GUARD_BYTES + STACK_BYTES);
            return error;
        }
    }
    ours.ss_sp = mapping + GUARD_BYTES;
    return sigaltstack(&ours, NULL) == 0 ? 0 : errno;
}
