/* death.h - runs a function in a child process and says how it ended.
 *
 * Why: a fatal check aborts, and cmocka cannot survive that; a forked child can die instead, and its stderr is read back.
 * Works under ASan and TSan, which take the signals themselves. */
#ifndef TESTS_SUPPORT_DEATH_H
#define TESTS_SUPPORT_DEATH_H

#include <stddef.h>

/* How a child ended. stderr_text is what it printed there, cut at its capacity, always terminated. */
struct ab_death {
    int exited;      /* 1: it called exit or returned; exit_status is valid */
    int exit_status; /* 0..255 */
    int signal;      /* the signal that ended it, 0 if none */
    char stderr_text[8192];
};

/* Runs fn(arg) in a forked child; a return counts as exit(0). */
void ab_run_in_child(void (*fn)(void *), void *arg, struct ab_death *out);

/* Fails the running cmocka test unless fn(arg) dies (signal or nonzero exit) with `message` somewhere on stderr. */
void ab_expect_fatal(void (*fn)(void *), void *arg, const char *message);

#endif
