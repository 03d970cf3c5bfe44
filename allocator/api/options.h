/* options.h - presets, option words, ranges. */
#ifndef UA_API_OPTIONS_H
#define UA_API_OPTIONS_H

#include "base/abi/ua_abi.h"

/* 0, or EINVAL after ua_error_set. */
int ua_options_check(const struct ua_options *options);

#endif
