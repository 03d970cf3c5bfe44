/* base.h - checks, checked arithmetic, alignment.
 *
 * Why two kinds of checks: UA_CHECK stays on in release and stands where state, ownership or bytes change hands; UA_ASSERT
 * is for debug builds and may walk structures. A broken heap must stop at once: going on corrupts the program's data. */
#ifndef UA_BASE_H
#define UA_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UA_LIKELY(x) __builtin_expect(!!(x), 1)
#define UA_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Prints "fatal error: MESSAGE" (and where) without allocating, then aborts. Message is a constant string. */
_Noreturn void ua_fatal_at(const char *file, int line, const char *message) __attribute__((cold));
/* The same with a number after the message, in hexadecimal (addresses) . */
_Noreturn void ua_fatal_address_at(const char *file, int line, const char *message, uintptr_t address)
    __attribute__((cold));

/* Misuse of a public call: "fatal error: CALL: MESSAGE". */
_Noreturn void ua_fatal_call(const char *call, const char *message) __attribute__((cold));

#define ua_fatal(message) ua_fatal_at(__FILE__, __LINE__, (message))
#define ua_fatal_address(message, address) ua_fatal_address_at(__FILE__, __LINE__, (message), (address))
#define UA_CHECK(condition, message) (UA_LIKELY(condition) ? (void)0 : ua_fatal(message))

#ifdef UA_DEBUG
#define UA_ASSERT(condition) UA_CHECK(condition, "assertion failed: " #condition)
#else
#define UA_ASSERT(condition) ((void)sizeof(condition))
#endif

/* The calling thread's last error: a constant sentence and errno. Returned by ua_last_error(). */
void ua_error_set(int error, const char *message) __attribute__((cold));
const char *ua_error_message(void);

static inline bool ua_add_overflows(size_t a, size_t b, size_t *sum)
{
    return __builtin_add_overflow(a, b, sum);
}

static inline bool ua_mul_overflows(size_t a, size_t b, size_t *product)
{
    return __builtin_mul_overflow(a, b, product);
}

static inline bool ua_is_power_of_two(size_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

static inline uintptr_t ua_align_up(uintptr_t value, size_t align_bytes)
{
    return (value + (align_bytes - 1)) & ~(uintptr_t)(align_bytes - 1);
}

static inline uintptr_t ua_align_down(uintptr_t value, size_t align_bytes)
{
    return value & ~(uintptr_t)(align_bytes - 1);
}

static inline uintptr_t ua_min(uintptr_t a, uintptr_t b)
{
    return a < b ? a : b;
}

static inline uintptr_t ua_max(uintptr_t a, uintptr_t b)
{
    return a > b ? a : b;
}

#endif
