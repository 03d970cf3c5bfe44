/* giver.h - the floor, but memory goes back to the system when a scope closes, and later: the truth of what pass memory says is given back.
 *
 * At the close four eighths of the scope go; two more while the worker waits for the first time, one while it waits for the second; one
 * stays. The worker's waits are calls of nanosleep, which this program has its own of (waits.c): nobody sleeps. */
#ifndef PLANTED_GIVER_H
#define PLANTED_GIVER_H

#define hx_scope_close hx_bump_scope_close
#include "backends/hx_backend_bump.h"
#undef hx_scope_close

/* Memory [start, start + bytes) of a scope that has closed. */
void planted_give(char *start, size_t bytes);

HX_INLINE void hx_scope_close(struct hx_scope *scope) {
    planted_give(scope->mark, (size_t)(scope->env->next - scope->mark));
    hx_bump_scope_close(scope);
}

#endif
