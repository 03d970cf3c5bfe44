/* fault_handler.c - see fault_handler.h. */
#include "debug/fault_handler.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#define NIL_PAGE_BYTES 4096u /* below: an ordinary null pointer */
#define STACK_BYTES ((size_t)64 << 10)

static ua_fault_lookup *fault_lookup;     /* written once, before the handler is installed */
static struct sigaction fault_previous;   /* written once, with it */
static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;

static void hand_on(int number, siginfo_t *info, void *context)
{
    if (fault_previous.sa_flags & SA_SIGINFO) {
        fault_previous.sa_sigaction(number, info, context);
    } else if (fault_previous.sa_handler != SIG_DFL && fault_previous.sa_handler != SIG_IGN) {
        fault_previous.sa_handler(number);
    } else {
        /* The access is made again on return and ends the process, with a core if wanted. */
        signal(number, SIG_DFL);
    }
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    uintptr_t address = (uintptr_t)info->si_addr;
    const struct ua_span *chunk;
    int saved_errno = errno;

    /* Only the kernel's own faults carry an address. */
    if (info->si_code > 0 && address >= NIL_PAGE_BYTES) {
        chunk = fault_lookup(address);
        if (chunk != NULL)
            ua_report_fault("accessed data from freed user arena", address, "last held by arena",
                            (uintptr_t)chunk->last_arena);
    }
    errno = saved_errno;
    hand_on(number, info, context);
}

/* The calling thread gets a stack for signals unless it has one. */
static int need_stack(void)
{
    static _Thread_local char stack[STACK_BYTES] __attribute__((aligned(16)));
    stack_t present;
    stack_t ours = {.ss_sp = stack, .ss_size = sizeof stack};

    if (sigaltstack(NULL, &present) != 0)
        return errno;
    if (!(present.ss_flags & SS_DISABLE))
        return 0;
    return sigaltstack(&ours, NULL) == 0 ? 0 : errno;
}

int ua_fault_handler_start(ua_fault_lookup *lookup)
{
    struct sigaction action;
    int error = need_stack();

    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    pthread_mutex_lock(&install_lock);
    if (error == 0 && fault_lookup == NULL) {
        fault_lookup = lookup;
        if (sigaction(SIGSEGV, NULL, &fault_previous) != 0 || sigaction(SIGSEGV, &action, NULL) != 0) {
            error = errno;
            fault_lookup = NULL;
        }
    }
    pthread_mutex_unlock(&install_lock);
    if (error != 0)
        ua_error_set(error, "ua_fault_handler_install: the system refused");
    return error == 0 ? 0 : -1;
}
