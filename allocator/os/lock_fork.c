/* lock_fork.c - see lock_fork.h. All locks in use are on one list, put there when they are first taken. */
#include "os/lock_fork.h"

#include "os/futex.h"

#define GATE_SLEEP_NS 1000000u

uint32_t ua_lock_gate;

static pthread_mutex_t list_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct ua_lock *first; /* guard: list_mutex */
static uint32_t pass;         /* number of the fork; guard: the forking thread's lock */

void ua_lock_list(struct ua_lock *lock)
{
    pthread_mutex_lock(&list_mutex);
    if (!lock->listed) {
        lock->next = first;
        lock->passed = 0;
        first = lock;
        __atomic_store_n(&lock->listed, true, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&list_mutex);
}

void ua_lock_unlist(struct ua_lock *lock)
{
    struct ua_lock **link = &first;

    pthread_mutex_lock(&list_mutex);
    while (*link != NULL && *link != lock)
        link = &(*link)->next;
    if (*link == lock)
        *link = lock->next;
    __atomic_store_n(&lock->listed, false, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&list_mutex);
}

void ua_lock_gate_sleep(void)
{
    ua_futex_wait(&ua_lock_gate, 1, GATE_SLEEP_NS);
}

void ua_lock_gate_close(void)
{
    __atomic_store_n(&ua_lock_gate, 1, __ATOMIC_SEQ_CST);
}

/* The lowest rank that was not passed yet; the list is not walked with a lock held, since new locks may come. */
static struct ua_lock *next_to_pass(void)
{
    struct ua_lock *next = NULL;

    for (struct ua_lock *lock = first; lock != NULL; lock = lock->next)
        if (lock->passed != pass && !ua_lock_is_mine(lock) && (next == NULL || lock->rank < next->rank))
            next = lock;
    return next;
}

void ua_lock_gate_wait(void)
{
    struct ua_lock *lock;

    pass++;
    pthread_mutex_lock(&list_mutex);
    /* Upwards: who holds a low one may still take higher ones. The list stays ours from the last one on. */
    while ((lock = next_to_pass()) != NULL) {
        lock->passed = pass;
        pthread_mutex_unlock(&list_mutex);
        pthread_mutex_lock(&lock->mutex);
        pthread_mutex_unlock(&lock->mutex);
        pthread_mutex_lock(&list_mutex);
    }
}

void ua_lock_gate_open(void)
{
    pthread_mutex_unlock(&list_mutex);
    __atomic_store_n(&ua_lock_gate, 0, __ATOMIC_SEQ_CST);
    ua_futex_wake(&ua_lock_gate);
}

void ua_lock_gate_child(void)
{
    for (struct ua_lock *lock = first; lock != NULL; lock = lock->next)
        if (!ua_lock_is_mine(lock))
            pthread_mutex_init(&lock->mutex, NULL);
    pthread_mutex_unlock(&list_mutex);
    __atomic_store_n(&ua_lock_gate, 0, __ATOMIC_SEQ_CST);
}
