/* explorer_graph.h - the states that were met, how they were met first, and what leads from where to where. */
#ifndef TESTS_GC_EXPLORER_GRAPH_H
#define TESTS_GC_EXPLORER_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EG_NONE UINT32_MAX

/* The step that led to a state first. */
struct eg_step {
    uint32_t from; /* EG_NONE: the first state */
    int line;
    const char *where;
    int8_t thread;
    uint8_t action;
    uint8_t op;
};

void eg_init(void);
void eg_deinit(void);
/* Notes that the step leads to the state with this key, not 0; returns its number, *is_new: it was not met before. */
uint32_t eg_meet(uint64_t key, const struct eg_step *step, bool *is_new);
void eg_set_end(uint32_t state);
const struct eg_step *eg_first_step(uint32_t state);
/* A state from which no end can be reached; EG_NONE: there is none. */
uint32_t eg_trap(void);

#endif
