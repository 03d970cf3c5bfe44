/* touch_pages.h - memory of small pages, touched page by page and by nobody else.
 *
 * Why a file of its own: it is compiled without sanitizers, whose checks touch shadow pages of their own, so that fault counts and
 * RSS are exact in every build. */
#ifndef TESTS_MEASURE_TOUCH_PAGES_H
#define TESTS_MEASURE_TOUCH_PAGES_H

#include <stddef.h>

enum { TOUCH_PAGE_BYTES = 4096 };

/* Maps `pages` untouched 4 KiB pages that never become huge; NULL on failure. */
char *touch_pages_map(size_t pages);

/* Writes one byte to each of the pages from .. to - 1: one fault for each new one. */
void touch_pages(char *start, size_t from, size_t to);

void touch_pages_unmap(char *start, size_t pages);

#endif
