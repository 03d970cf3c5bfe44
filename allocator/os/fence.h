/* fence.h - what was stored before is seen before what is stored later.
 *
 * Why: memory is zeroed, then a program stores the pointer to it where another thread finds it, by any store it likes. Go has its
 * publicationBarrier there. It stands where memory was cleared and not in each allocation; on x86-64 it is no instruction. */
#ifndef UA_OS_FENCE_H
#define UA_OS_FENCE_H

static inline void ua_fence_publish(void)
{
#ifndef __SANITIZE_THREAD__ /* gcc's TSan knows no fences and refuses them */
    __atomic_thread_fence(__ATOMIC_RELEASE);
#endif
}

#endif
