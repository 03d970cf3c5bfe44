/* helper.c - see helper.h. The list of helpers exists for the fork handlers alone. */
#include "os/helper.h"

#include <errno.h>
#include <signal.h>

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ua_helper *helpers; /* guard: list_lock */
static pthread_once_t once = PTHREAD_ONCE_INIT;
int (*ua_helper_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = pthread_create;

static void *body(void *argument)
{
    struct ua_helper *helper = argument;
    bool more = false;

    for (;;) {
        if (!more)
            while (sem_wait(&helper->work) != 0 && errno == EINTR)
                ;
        pthread_mutex_lock(&helper->step_lock);
        more = !__atomic_load_n(&helper->stop, __ATOMIC_ACQUIRE) && helper->step(helper->context);
        pthread_mutex_unlock(&helper->step_lock);
        if (__atomic_load_n(&helper->stop, __ATOMIC_ACQUIRE))
            return NULL;
    }
}

/* Guard: list_lock. */
static void start_thread(struct ua_helper *helper)
{
    sigset_t all;
    sigset_t before;
    bool failed;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = ua_helper_create(&helper->thread, NULL, body, helper) != 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    __atomic_store_n(&helper->failed, failed, __ATOMIC_RELEASE);
    __atomic_store_n(&helper->running, !failed, __ATOMIC_RELEASE);
}

static void fork_prepare(void)
{
    pthread_mutex_lock(&list_lock);
    for (struct ua_helper *helper = helpers; helper != NULL; helper = helper->next)
        pthread_mutex_lock(&helper->step_lock);
}

static void fork_parent(void)
{
    for (struct ua_helper *helper = helpers; helper != NULL; helper = helper->next)
        pthread_mutex_unlock(&helper->step_lock);
    pthread_mutex_unlock(&list_lock);
}

static void fork_child(void)
{
    for (struct ua_helper *helper = helpers; helper != NULL; helper = helper->next) {
        __atomic_store_n(&helper->running, false, __ATOMIC_RELEASE);
        sem_init(&helper->work, 0, 0);
        pthread_mutex_unlock(&helper->step_lock);
    }
    pthread_mutex_unlock(&list_lock);
}

static void install_fork_handlers(void)
{
    pthread_atfork(fork_prepare, fork_parent, fork_child);
}

bool ua_helper_start(struct ua_helper *helper, bool (*step)(void *context), void *context)
{
    pthread_once(&once, install_fork_handlers);
    *helper = (struct ua_helper){.step = step, .context = context};
    pthread_mutex_init(&helper->step_lock, NULL);
    sem_init(&helper->work, 0, 0);
    pthread_mutex_lock(&list_lock);
    helper->next = helpers;
    if (helpers != NULL)
        helpers->previous = helper;
    helpers = helper;
    start_thread(helper);
    pthread_mutex_unlock(&list_lock);
    return !helper->failed;
}

void ua_helper_wake(struct ua_helper *helper)
{
    if (UA_UNLIKELY(__atomic_load_n(&helper->failed, __ATOMIC_ACQUIRE)))
        return;
    if (UA_UNLIKELY(!__atomic_load_n(&helper->running, __ATOMIC_ACQUIRE))) {
        pthread_mutex_lock(&list_lock);
        if (!helper->running && !helper->failed)
            start_thread(helper);
        pthread_mutex_unlock(&list_lock);
    }
    sem_post(&helper->work);
}

void ua_helper_pause(struct ua_helper *helper)
{
    pthread_mutex_lock(&helper->step_lock);
}

void ua_helper_resume(struct ua_helper *helper)
{
    pthread_mutex_unlock(&helper->step_lock);
}

void ua_helper_stop(struct ua_helper *helper)
{
    bool running;

    pthread_mutex_lock(&list_lock);
    if (helper->previous != NULL)
        helper->previous->next = helper->next;
    else
        helpers = helper->next;
    if (helper->next != NULL)
        helper->next->previous = helper->previous;
    running = helper->running;
    pthread_mutex_unlock(&list_lock);
    __atomic_store_n(&helper->stop, true, __ATOMIC_RELEASE);
    if (running) {
        sem_post(&helper->work);
        pthread_join(helper->thread, NULL);
    }
    pthread_mutex_destroy(&helper->step_lock);
    sem_destroy(&helper->work);
}
