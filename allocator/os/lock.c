/* lock.c - ranked mutexes over pthread.
 *
 * The ranks a thread holds are one bit each in a thread-local word: taking a lock needs every held bit to be lower. */
#include "os/lock.h"

_Thread_local struct ua_thread_record ua_thread_record;
const uint32_t *ua_lock_stop_wanted;
void (*ua_lock_idle_hook)(void);

void ua_lock_init(struct ua_lock *lock, enum ua_lock_rank rank, uint64_t *acquired_count)
{
    *lock = (struct ua_lock){.rank = rank, .acquired_count = acquired_count};
    UA_CHECK(pthread_mutex_init(&lock->mutex, NULL) == 0, "lock: cannot be made");
}

void ua_lock_deinit(struct ua_lock *lock)
{
    ua_lock_defer_begin(); /* as while listing, see below */
    if (lock->listed)
        ua_lock_unlist(lock);
    ua_lock_defer_end();
    UA_CHECK(pthread_mutex_destroy(&lock->mutex) == 0, "lock: destroyed while held");
}

/* The last lock or deferral is given up: a stop that passed by meanwhile is answered now. */
static void become_idle(void)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (ua_lock_stop_wanted != NULL && UA_UNLIKELY(__atomic_load_n(ua_lock_stop_wanted, __ATOMIC_SEQ_CST) != 0))
        ua_lock_idle_hook();
}

/* The caller holds nothing. Every turn answers a stop: the signal for it may have come before the thread noted that it is idle,
 * or be kept back by who wrapped the handler (TSan does so until its next call), and who forks waits for all answers. */
static void stand_at_gate(void)
{
    do {
        become_idle();
        ua_lock_gate_sleep();
    } while (__atomic_load_n(&ua_lock_gate, __ATOMIC_SEQ_CST) != 0);
}

void ua_lock_acquire(struct ua_lock *lock)
{
    struct ua_thread_record *thread = &ua_thread_record;
    bool inside = thread->held_ranks != 0;

    UA_CHECK(thread->held_ranks >> lock->rank == 0, "lock rank violation: a lock of the same or a higher rank is held");
    if (UA_UNLIKELY(!__atomic_load_n(&lock->listed, __ATOMIC_ACQUIRE))) {
        /* Noted before: a signal handler that allocates has to find us inside, not wait for the list that we hold. */
        thread->held_ranks |= (uint64_t)1 << lock->rank;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        ua_lock_list(lock);
    }
    for (;;) {
        /* Noted first: a thread that is stopped between the two would hold the lock unknown to the stopper. */
        thread->held_ranks |= (uint64_t)1 << lock->rank;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        pthread_mutex_lock(&lock->mutex);
        /* Looked at with the mutex in hand, so that one who takes it after the forking thread had it sees the gate. */
        if (UA_LIKELY(__atomic_load_n(&ua_lock_gate, __ATOMIC_SEQ_CST) == 0) || inside)
            break;
        pthread_mutex_unlock(&lock->mutex);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        thread->held_ranks = 0;
        stand_at_gate();
    }
    if (lock->acquired_count != NULL)
        __atomic_fetch_add(lock->acquired_count, 1, __ATOMIC_RELAXED);
}

void ua_lock_release(struct ua_lock *lock)
{
    struct ua_thread_record *thread = &ua_thread_record;

    UA_CHECK((thread->held_ranks >> lock->rank) & 1, "lock released by a thread that does not hold it");
    pthread_mutex_unlock(&lock->mutex);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    thread->held_ranks &= ~((uint64_t)1 << lock->rank);
    if (thread->held_ranks == 0)
        become_idle();
}

void ua_lock_defer_wait(struct ua_thread_record *thread)
{
    if (thread->held_ranks != 1) /* inside a lock already: who forks waits for that one */
        return;
    do {
        thread->held_ranks &= ~(uint64_t)1;
        stand_at_gate();
        thread->held_ranks |= 1;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
    } while (__atomic_load_n(&ua_lock_gate, __ATOMIC_RELAXED) != 0);
}

void ua_lock_defer_begin(void)
{
    ua_lock_defer_begin_in(&ua_thread_record);
}

void ua_lock_defer_end(void)
{
    ua_lock_defer_end_in(&ua_thread_record);
}

bool ua_lock_is_mine(const struct ua_lock *lock)
{
    return (ua_thread_record.held_ranks >> lock->rank) & 1;
}

bool ua_lock_is_held_by_caller(void)
{
    return ua_thread_record.held_ranks != 0;
}

uint64_t ua_lock_exchange_held(uint64_t held)
{
    uint64_t before = ua_thread_record.held_ranks;

    ua_thread_record.held_ranks = held;
    return before;
}

void ua_lock_check_held(const struct ua_lock *lock)
{
    UA_CHECK((ua_thread_record.held_ranks >> lock->rank) & 1, "lock should be held");
}
