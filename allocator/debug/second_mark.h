/* second_mark.h - after a mark and before its sweep: is everything marked that has to be?
 *
 * Why: an object that a mark missed is freed under the program's feet and shows much later, somewhere else. This check
 * finds it at once, and shares no scanning code with the marker: chunks are read through their type logs instead of the
 * bitmap made from them, objects field by field, addresses are divided and not multiplied.
 * A mark is sound when (a) what the registered roots and chunks in use hold is marked, and (b) everything that a marked
 * object points to is marked. What is marked without need (conservative roots) is not looked for, but (c) the bytes of all that
 * is marked are what the markers counted: a mark that nobody made is found by that.
 * The world stands still. For option verify=full. */
#ifndef UA_DEBUG_SECOND_MARK_H
#define UA_DEBUG_SECOND_MARK_H

#include "gc/gc.h"

/* Fatal, with the address, at the first object that was missed. */
void ua_second_mark(struct ua_heap *heap);

#endif
