/* explorer_thread.h - the threads of an exploration, between explorer_thread.c, which runs them, and explorer.c, which chooses. */
#ifndef TESTS_GC_EXPLORER_THREAD_H
#define TESTS_GC_EXPLORER_THREAD_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gc/explorer.h"

#define ET_STACK_BYTES ((size_t)64 << 10)

enum et_wait { ET_WAIT_NONE, ET_WAIT_WORD, ET_WAIT_MUTEX, ET_WAIT_FORK };
enum et_action { ET_GO, ET_SIGNAL, ET_CHILD, ET_TIMEOUT };

/* All that a copy of the state needs of a thread, but for its stack. */
struct et_thread {
    jmp_buf place;
    uintptr_t sp;
    uint64_t held;      /* the allocator's note of what locks this stack holds */
    void *on;           /* the word or mutex that it waits for */
    const char *where;  /* not hashed: follows from the place */
    int line;
    enum et_wait wait;
    enum et_action action; /* what the explorer chose */
    unsigned op;
    unsigned done;
    int saved_errno;
    bool timed;
    bool idle;          /* between two operations */
    bool pending;       /* a signal */
    bool masked;        /* inside the handler */
    bool gone;
    bool is_child;
};

extern struct et_thread et_threads[EX_THREADS_MAX];
extern const struct ex_model *et_model;
extern const char *et_failure; /* the first complaint */

/* Stacks for the model's threads, and nothing on them; each is resumed once before its first choice. */
void et_init(const struct ex_model *model);
void et_deinit(void);
/* Until it pauses again. */
void et_resume(int thread);
size_t et_stack_used(int thread);

#endif
