/* need.h - arguments that may not be NULL: a program error, so fatal with the call's name. */
#ifndef UA_API_NEED_H
#define UA_API_NEED_H

#include "base/base.h"

/* reason: "the type is NULL". */
static inline void ua_need(const void *argument, const char *call, const char *reason)
{
    if (UA_UNLIKELY(argument == NULL))
        ua_fatal_call(call, reason);
}

#endif
