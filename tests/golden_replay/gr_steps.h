/* gr_steps.h - replay of step files (mix, fill, limits, quarantine, phase, finalizer) through the public API. */
#ifndef TESTS_GOLDEN_REPLAY_GR_STEPS_H
#define TESTS_GOLDEN_REPLAY_GR_STEPS_H

#include "gr_file.h"
#include "gr_type.h"
#include "include/ua_debug.h"

/* A fresh heap a file, with preset go, roots=registered, gogc off, sanitizer policy off: what the recorder ran with. */
bool gr_replay_steps(struct gr_file *f);

/* Options on top of that, "name=value"; the recorded facts do not depend on them. 0, or -1 when it is none. */
int gr_heap_setting(const char *setting);
struct ua_heap *gr_heap_new(struct gr_file *f);
/* The type for that heap, made at first use; NULL (and the file failed) when it cannot be had. */
const struct ua_type *gr_heap_type(struct gr_file *f, struct ua_heap *heap, struct gr_type *type);

#endif
