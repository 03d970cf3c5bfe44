/* helper.h - a thread of the library's own that works ahead of the program.
 *
 * Why so narrow: a library thread costs fork, signals and trust, so this is all one may do: run a step function until it says
 * that nothing is left, then sleep until woken. It blocks every signal, is no thread of the collector's world and must not
 * touch what the program owns. Between steps it holds nothing; whoever pauses it finds no step under way.
 * Fork: the child has no helper; whoever owns it pauses it before (api/registry.c), so that it was not in the middle of a step. A
 * wake in the child starts a new one. A helper that cannot be started is no error: its owner does without. */
#ifndef UA_OS_HELPER_H
#define UA_OS_HELPER_H

#include <pthread.h>
#include <semaphore.h>

#include "base/base.h"

struct ua_helper {
    bool (*step)(void *context); /* true: call again */
    void *context;
    pthread_mutex_t step_lock; /* held during a step; no ranked lock may be waited for with it, but inside a step */
    sem_t work;
    pthread_t thread; /* valid while running; guard: step_lock */
    bool running;     /* atomic; written under step_lock */
    bool failed;      /* could not be started: not tried again; atomic; written under step_lock */
    bool stop;        /* atomic */
};

/* Starts the thread. False when there can be none; the helper may be woken, paused and stopped all the same. */
bool ua_helper_start(struct ua_helper *helper, bool (*step)(void *context), void *context);
/* There may be work; returns at once. Callers hold no lock. */
void ua_helper_wake(struct ua_helper *helper);
/* No step is under way until resumed. */
void ua_helper_pause(struct ua_helper *helper);
void ua_helper_resume(struct ua_helper *helper);
/* The same in a forked child, for a helper that was paused before the fork. */
void ua_helper_resume_in_child(struct ua_helper *helper);
/* Ends the thread after the step under way. */
void ua_helper_stop(struct ua_helper *helper);

/* pthread_create; tests put one here that fails. */
extern int (*ua_helper_create)(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument);

#endif
