/* registers.h - a copy of the registers that a called function has to preserve.
 *
 * Why: a caller may keep its only pointer to an object in one of them. A thread stopped by signal has them on its stack; a
 * thread that announces a blocking section has to write them down itself. The function that does may itself have used one
 * of them before, and then the caller's value lies in its own frame: copy both. */
#ifndef UA_OS_REGISTERS_H
#define UA_OS_REGISTERS_H

#include <stdint.h>

#define UA_REGISTER_COUNT 12

/* The lowest address of the calling function's frame. */
static inline __attribute__((always_inline)) uintptr_t ua_stack_pointer(void)
{
    uintptr_t sp;

#if defined(__x86_64__)
    __asm__ volatile("movq %%rsp, %0" : "=r"(sp));
#elif defined(__aarch64__)
    __asm__ volatile("mov %0, sp" : "=r"(sp));
#endif
    return sp;
}

static inline __attribute__((always_inline)) void ua_registers_save(uintptr_t registers[UA_REGISTER_COUNT])
{
    for (int i = 0; i < UA_REGISTER_COUNT; i++)
        registers[i] = 0;
#if defined(__x86_64__)
    __asm__ volatile("movq %%rbx, 0(%0)\n\tmovq %%rbp, 8(%0)\n\tmovq %%r12, 16(%0)\n\t"
                     "movq %%r13, 24(%0)\n\tmovq %%r14, 32(%0)\n\tmovq %%r15, 40(%0)"
                     :
                     : "r"(registers)
                     : "memory");
#elif defined(__aarch64__)
    __asm__ volatile("stp x19, x20, [%0]\n\tstp x21, x22, [%0, #16]\n\tstp x23, x24, [%0, #32]\n\t"
                     "stp x25, x26, [%0, #48]\n\tstp x27, x28, [%0, #64]\n\tstr x29, [%0, #80]"
                     :
                     : "r"(registers)
                     : "memory");
#else
#error "which registers a called function preserves is known for x86-64 and aarch64 only"
#endif
}

#endif
