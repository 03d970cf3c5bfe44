/* tools.h - which sanitizer a test is built with: each name is 1 or 0. gcc and clang say so in different ways, and gcc has no MSan. */
#ifndef TESTS_SUPPORT_TOOLS_H
#define TESTS_SUPPORT_TOOLS_H

#if defined(__has_feature)
#define TS_HAS_FEATURE(feature) __has_feature(feature)
#else
#define TS_HAS_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || TS_HAS_FEATURE(address_sanitizer)
#define TS_UNDER_ASAN 1
#else
#define TS_UNDER_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__) || TS_HAS_FEATURE(thread_sanitizer)
#define TS_UNDER_TSAN 1
#else
#define TS_UNDER_TSAN 0
#endif

#if TS_HAS_FEATURE(memory_sanitizer)
#define TS_UNDER_MSAN 1
#else
#define TS_UNDER_MSAN 0
#endif

#endif
