/* fault_handler.c - see fault_handler.h. */
#include "debug/fault_handler.h"

#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "debug/profile.h"
#include "debug/text.h"
#include "os/signal_stack.h"

#define NIL_PAGE_BYTES 4096u /* below: an ordinary null pointer */

static ua_fault_lookup *fault_lookup;     /* written once, before the handler is installed */
static struct sigaction fault_previous;   /* written once, with it */
static bool previous_used_up;             /* atomic; it was to be called once only (SA_RESETHAND) */
static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;

/* As the default action does it: a fault happens again on return, a signal that was sent is sent again. Both end the process
 * where the fault is, with a core if wanted. */
static void end_process(int number, const siginfo_t *info)
{
    signal(number, SIG_DFL);
    if (info->si_code <= 0)
        raise(number);
}

static void hand_on(int number, siginfo_t *info, void *context)
{
    sigset_t mask = fault_previous.sa_mask;
    bool simple = !(fault_previous.sa_flags & SA_SIGINFO);

    if (simple && fault_previous.sa_handler == SIG_IGN && info->si_code <= 0)
        return; /* one that was sent; a fault cannot be ignored */
    if ((simple && (fault_previous.sa_handler == SIG_DFL || fault_previous.sa_handler == SIG_IGN)) ||
        ((fault_previous.sa_flags & SA_RESETHAND) &&
         __atomic_exchange_n(&previous_used_up, true, __ATOMIC_ACQ_REL))) {
        end_process(number, info);
        return;
    }
    if (!(fault_previous.sa_flags & SA_NODEFER))
        sigaddset(&mask, number);
    pthread_sigmask(SIG_BLOCK, &mask, NULL); /* our return restores what the thread had */
    if (simple)
        fault_previous.sa_handler(number);
    else
        fault_previous.sa_sigaction(number, info, context);
}

/* Names as far as the dynamic symbol table has them, else file and offset, for addr2line. */
static void report_site(const char *what, const void *noted)
{
    const struct ua_site *site = noted;
    void *frames[UA_PROFILE_FRAMES_MAX];
    struct ua_text text;

    ua_text_start(&text, STDERR_FILENO);
    ua_text_string(&text, what);
    ua_text_string(&text, site == NULL ? " by: not known (option profile_rate=1 notes every chunk)\n" : " by:\n");
    ua_text_flush(&text);
    if (site == NULL)
        return;
    for (size_t i = 0; i < site->frame_count; i++)
        frames[i] = (void *)site->frames[i];
    backtrace_symbols_fd(frames, (int)site->frame_count, STDERR_FILENO);
}

static void report(uintptr_t address, const struct ua_span *chunk)
{
    struct ua_text text;

    ua_text_start(&text, STDERR_FILENO);
    ua_text_string(&text, "accessed data from freed user arena ");
    ua_text_address(&text, address);
    ua_text_string(&text, " (last held by arena ");
    ua_text_address(&text, (uintptr_t)chunk->last_arena);
    ua_text_string(&text, ", chunk ");
    ua_text_address(&text, chunk->base);
    ua_text_string(&text, ")\n");
    ua_text_flush(&text);
    report_site("its chunk was allocated", __atomic_load_n(&chunk->made_site, __ATOMIC_ACQUIRE));
    report_site("its chunk was freed", __atomic_load_n(&chunk->freed_site, __ATOMIC_ACQUIRE));
    ua_text_string(&text, "fatal error: fault\n");
    ua_text_flush(&text);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    uintptr_t address = (uintptr_t)info->si_addr;
    int saved_errno = errno;

    /* Only the kernel's own faults carry an address. */
    if (info->si_code > 0 && address >= NIL_PAGE_BYTES) {
        const struct ua_span *chunk = fault_lookup(address);

        if (chunk != NULL)
            report(address, chunk);
    }
    errno = saved_errno;
    hand_on(number, info, context);
}

int ua_fault_handler_start(ua_fault_lookup *lookup)
{
    struct sigaction action;
    int error = ua_signal_stack_need();

    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    pthread_mutex_lock(&install_lock);
    if (error == 0 && fault_lookup == NULL) {
        fault_lookup = lookup;
        error = sigaction(SIGSEGV, NULL, &fault_previous) != 0 ? errno : 0;
        action.sa_flags |= fault_previous.sa_flags & SA_RESTART; /* one that was sent may interrupt a system call */
        if (error != 0 || sigaction(SIGSEGV, &action, NULL) != 0) {
            error = error != 0 ? error : errno;
            fault_lookup = NULL;
        }
    }
    pthread_mutex_unlock(&install_lock);
    if (error != 0)
        ua_error_set(error, "ua_fault_handler_install: the system refused");
    return error == 0 ? 0 : -1;
}
