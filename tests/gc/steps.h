/* steps.h - included before a source of the allocator's, makes each of its atomic steps a step of gc/explorer.h.
 *
 * The library that users get knows nothing of this: the same source is compiled a second time, into a test. An atomic operation, a
 * fence against signals and a call that sleeps, wakes, locks or signals pauses first; what stands between two of them only the own
 * thread sees. What the C library says of threads is the explorer's: threads are numbers, and stacks are the coroutines'. */
#ifndef TESTS_GC_STEPS_H
#define TESTS_GC_STEPS_H

#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "gc/explorer.h"
#include "os/futex.h"

#define EX_HERE __func__, __LINE__

#define __atomic_load_n(at, order) (ex_step(EX_HERE), __atomic_load_n(at, order))
#define __atomic_store_n(at, value, order) (ex_step(EX_HERE), __atomic_store_n(at, value, order))
#define __atomic_fetch_add(at, value, order) (ex_step(EX_HERE), __atomic_fetch_add(at, value, order))
#define __atomic_signal_fence(order) (ex_step(EX_HERE), __atomic_signal_fence(order))
#define ua_futex_wait(word, value, timeout) ex_sleep(word, value, (timeout) != UA_FUTEX_FOR_EVER, EX_HERE)
#define ua_futex_wake(word) ex_wake(word, EX_HERE)
#define pthread_mutex_lock(mutex) ex_lock((int *)(void *)(mutex), EX_HERE)
#define pthread_mutex_unlock(mutex) ex_unlock((int *)(void *)(mutex), EX_HERE)
#define pthread_mutex_init(mutex, attributes) memset(mutex, 0, sizeof *(mutex))
#define pthread_kill(thread, number) ex_signal((int)(thread), EX_HERE)
#define pthread_self() ((pthread_t)ex_running())
#define pthread_setspecific(key, value) ((void)(key), 0)
#define pthread_getattr_np(thread, attributes) ((void)(attributes), 0)
#define pthread_attr_getstack(attributes, low, bytes) ex_stack(low, bytes)
#define pthread_attr_destroy(attributes) ((void)(attributes))
#define dl_iterate_phdr(callback, context) ((void)(callback), (void)(context))

#endif
