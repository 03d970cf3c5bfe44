/* helper.c - see helper.h. */
#include "os/helper.h"

#include <errno.h>
#include <signal.h>

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

/* Guard: step_lock. */
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

bool ua_helper_start(struct ua_helper *helper, bool (*step)(void *context), void *context)
{
    *helper = (struct ua_helper){.step = step, .context = context};
    pthread_mutex_init(&helper->step_lock, NULL);
    sem_init(&helper->work, 0, 0);
    pthread_mutex_lock(&helper->step_lock);
    start_thread(helper);
    pthread_mutex_unlock(&helper->step_lock);
    return !helper->failed;
}

void ua_helper_wake(struct ua_helper *helper)
{
    if (UA_UNLIKELY(__atomic_load_n(&helper->failed, __ATOMIC_ACQUIRE)))
        return;
    if (UA_UNLIKELY(!__atomic_load_n(&helper->running, __ATOMIC_ACQUIRE))) {
        pthread_mutex_lock(&helper->step_lock);
        if (!helper->running && !helper->failed)
            start_thread(helper);
        pthread_mutex_unlock(&helper->step_lock);
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

void ua_helper_resume_in_child(struct ua_helper *helper)
{
    __atomic_store_n(&helper->running, false, __ATOMIC_RELEASE);
    sem_init(&helper->work, 0, 0);
    pthread_mutex_unlock(&helper->step_lock);
}

void ua_helper_stop(struct ua_helper *helper)
{
    __atomic_store_n(&helper->stop, true, __ATOMIC_RELEASE);
    if (__atomic_load_n(&helper->running, __ATOMIC_ACQUIRE)) {
        sem_post(&helper->work);
        pthread_join(helper->thread, NULL);
    }
    pthread_mutex_destroy(&helper->step_lock);
    sem_destroy(&helper->work);
}
