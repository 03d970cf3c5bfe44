/* hx_planted.h - known costs to plant into a backend, for `selftest measure`: are they found again, where they are, as large as they are?
 *
 * Why: a measurement that shows what nobody put there, or hides what somebody did, is worse than none. A planted worker is a sound
 * backend whose allocation calls go through hx_plant; the form of the build, a constant, says which cost:
 *
 *   plain    none: what the others are held against. It has the same fences, the same count-down and the same short chain
 *   chain    a chain of dependent multiplications, about 50 ns; scenario chain_alone prices it by itself
 *   steps    HX_PLANT_STEPS links of that chain (environment): a few per cent of an operation
 *   syscall  one system call at every 1,000th call
 *   stall    1 ms at every 5,000th call
 *   wide     4 KiB more for each object, touched (hx_backend_planted_malloc.h)
 *
 * The fences keep the processor from doing the chain beside the scenario's own work: only then is its cost exactly its price.
 * HX_PLANT_SIMULATED (a constant of the build): costs are told to a simulated clock instead, so that a test knows every answer. */
#ifndef HX_PLANTED_H
#define HX_PLANTED_H

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backends/hx_backend.h"
#include "measure/hx_clock.h"

#ifndef HX_PLANT_SIMULATED
#define HX_PLANT_SIMULATED 0
#endif

/* Simulated prices: an operation, the chain, and a link of it. 17 is no divisor of the simulated clock's step, so its rounding spreads. */
enum { HX_PLANT_OP_NS = 17, HX_PLANT_CHAIN_NS = 50, HX_PLANT_LINK_NS = 1, HX_PLANT_STALL_NS = 1000000 };
enum { HX_PLANT_SYSCALL_EVERY = 1000, HX_PLANT_STALL_EVERY = 5000, HX_PLANT_EXTRA_BYTES = 4096 };

/* Links of the chain: 3 cycles each on every core of the last ten years. Every form has a few, so that what else lies between the
 * fences is done beside them and is in no difference. */
enum { HX_PLANT_CHAIN_STEPS = 50, HX_PLANT_STEPS_LEAST = 5 };

/* One of these is the build's form, HX_PLANT; plain `if`s over it leave nothing of the others. */
enum hx_plant_form {
    HX_PLANT_plain,
    HX_PLANT_chain,
    HX_PLANT_steps,
    HX_PLANT_syscall,
    HX_PLANT_stall,
    HX_PLANT_wide,
};
#if defined HX_FORM_chain
#define HX_PLANT HX_PLANT_chain
#elif defined HX_FORM_steps
#define HX_PLANT HX_PLANT_steps
#elif defined HX_FORM_syscall
#define HX_PLANT HX_PLANT_syscall
#elif defined HX_FORM_stall
#define HX_PLANT HX_PLANT_stall
#elif defined HX_FORM_wide
#define HX_PLANT HX_PLANT_wide
#else
#define HX_PLANT HX_PLANT_plain
#endif

/* One pair a process, whichever compiled file asks: calls left until the next rare cost, and what it starts again from. One thread. */
__attribute__((weak)) uint64_t hx_plant_left = UINT64_MAX;
__attribute__((weak)) uint64_t hx_plant_every = UINT64_MAX;
__attribute__((weak)) uint64_t hx_plant_steps = HX_PLANT_STEPS_LEAST;

/* Of the simulated clock, linked into simulated workers alone. */
void hx_simulated_advance(uint64_t ns);

/* Nothing before is still under way, and nothing after has begun. */
HX_INLINE void hx_plant_fence(void) {
#ifdef __x86_64__
    __asm__ volatile("lfence" ::: "memory");
#elif defined(__aarch64__)
    __asm__ volatile("dsb sy\n\tisb" ::: "memory");
#else
    __sync_synchronize();
#endif
}

/* One multiplication that waits for the one before; the compiler sees one at a time. */
HX_INLINE uint64_t hx_plant_link(uint64_t x) {
    x *= UINT64_C(0x9e3779b97f4a7c15);
    __asm__ volatile("" : "+r"(x));
    return x;
}

HX_INLINE uint64_t hx_plant_ten_links(uint64_t x) {
    x = hx_plant_link(hx_plant_link(hx_plant_link(hx_plant_link(hx_plant_link(x)))));
    return hx_plant_link(hx_plant_link(hx_plant_link(hx_plant_link(hx_plant_link(x)))));
}

/* Of a test that wants a wrong price noticed: what HX_PLANT_LIE_NS adds to a simulated chain inside an allocation. */
__attribute__((weak)) uint64_t hx_plant_lie_ns = 0;

HX_INLINE uint64_t hx_plant_chain(uint64_t x) {
    if (HX_PLANT_SIMULATED) {
        hx_simulated_advance(HX_PLANT_CHAIN_NS);
        return x;
    }
    /* No loop: the end of one is a jump that the processor may or may not foresee, so its price would depend on the place. */
    return hx_plant_ten_links(hx_plant_ten_links(hx_plant_ten_links(hx_plant_ten_links(hx_plant_ten_links(x)))));
}

/* Busy, so that the scheduler has no part in it. */
HX_INLINE void hx_plant_stall(void) {
    if (HX_PLANT_SIMULATED) {
        hx_simulated_advance(HX_PLANT_STALL_NS);
        return;
    }
    uint64_t end_ns = hx_monotonic_ns() + HX_PLANT_STALL_NS;
    while (hx_monotonic_ns() < end_ns) {
    }
}

/* By the arm's name and, for `steps`, the environment. Called from hx_open. */
HX_INLINE const char *hx_plant_open(const char *arm) {
    const char *steps = getenv("HX_PLANT_STEPS"), *lie = getenv("HX_PLANT_LIE_NS");
    if (lie != NULL && !hx_parse_u64(lie, &hx_plant_lie_ns)) {
        return "HX_PLANT_LIE_NS is no number";
    }
    hx_plant_every = UINT64_MAX;
    if (strcmp(arm, "syscall") == 0) {
        hx_plant_every = HX_PLANT_SYSCALL_EVERY;
    } else if (strcmp(arm, "stall") == 0) {
        hx_plant_every = HX_PLANT_STALL_EVERY;
    } else if (strcmp(arm, "steps") == 0 && (steps == NULL || !hx_parse_u64(steps, &hx_plant_steps))) {
        return "arm steps wants HX_PLANT_STEPS, links of the chain at each call";
    }
    hx_plant_steps += strcmp(arm, "steps") == 0 ? HX_PLANT_STEPS_LEAST : 0;
    hx_plant_left = hx_plant_every;
    return NULL;
}

/* What every form does at each call: a short chain, and in form chain a long one behind it. */
HX_INLINE void hx_plant_each(uint64_t x) {
    uint64_t steps = hx_plant_steps;
    if (HX_PLANT_SIMULATED) { /* those that every form has are part of an operation's price */
        hx_simulated_advance((steps - HX_PLANT_STEPS_LEAST) * HX_PLANT_LINK_NS);
    }
    x ^= steps; /* the chain waits for the number of its links, in every form */
    for (uint64_t i = 0; i < steps; i++) {
        x = hx_plant_link(x);
    }
    if (HX_PLANT == HX_PLANT_chain) {
        if (HX_PLANT_SIMULATED) {
            hx_simulated_advance(hx_plant_lie_ns);
        }
        x = hx_plant_chain(x);
    }
    __asm__ volatile("" ::"r"(x));
}

/* After each allocation: the object comes back as it went in. */
HX_INLINE void *hx_plant(void *object) {
    if (HX_PLANT_SIMULATED) {
        hx_simulated_advance(HX_PLANT_OP_NS);
    }
    if (__builtin_expect(--hx_plant_left == 0, 0)) {
        hx_plant_left = hx_plant_every;
        if (HX_PLANT == HX_PLANT_syscall) {
            (void)syscall(SYS_getppid);
        } else if (HX_PLANT == HX_PLANT_stall) {
            hx_plant_stall();
        }
    }
    hx_plant_fence();
    hx_plant_each((uintptr_t)object);
    hx_plant_fence();
    return object;
}

#endif
