/* model.h - a heap driven by random operations beside a naive shadow of it. See model.c. */
#ifndef TESTS_ALLOCATOR_MODEL_H
#define TESTS_ALLOCATOR_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include <ua.h>

/* Runs `steps` operations on a heap with these options; fails the running cmocka test at the first difference. `name` is
 * printed with it. */
void model_run(const struct ua_options *options, uint64_t seed, size_t steps, const char *name);

#endif
