/* size_class.h - Go's size classes for small objects: which class a size falls into, and how a class's span is cut.
 *
 * Why Go's table: 12.5 % of internal waste at most for sizes above 1 KiB and few classes below, well studied. A span has as
 * many pages as keep its own tail waste at an eighth or less. */
#ifndef ALLOCATOR_GC_SIZE_CLASS_H
#define ALLOCATOR_GC_SIZE_CLASS_H

#include "base/base.h"
#include "base/config.h"

#define UA_SIZE_CLASS_COUNT 67u
#define UA_SMALL_MAX_BYTES ((size_t)32 << 10)
#define UA_SIZE_STEP_8_MAX ((size_t)1024)
/* The finest class has the most objects a span: 8 KiB / 8 B. */
#define UA_SPAN_OBJECTS_MAX 1024u

/* Objects of this class. */
size_t ua_size_class_bytes(unsigned size_class);
size_t ua_size_class_pages(unsigned size_class);
/* From a size to its class by one load, as Go does: sizes up to 1 KiB in steps of 8, above in steps of 128. */
struct ua_size_table {
    uint8_t by_8[UA_SIZE_STEP_8_MAX / 8 + 1];
    uint8_t by_128[(UA_SMALL_MAX_BYTES - UA_SIZE_STEP_8_MAX) / 128 + 1];
};

void ua_size_table_init(struct ua_size_table *table);
/* The class for bytes in [1, UA_SMALL_MAX_BYTES] whose objects are aligned to align_bytes (a power of two up to 4096);
 * UA_SIZE_CLASS_COUNT when there is none. */
unsigned ua_size_class_aligned(unsigned size_class, size_t align_bytes);

static inline unsigned ua_size_class_for(const struct ua_size_table *table, size_t bytes, size_t align_bytes)
{
    unsigned size_class = bytes <= UA_SIZE_STEP_8_MAX ? table->by_8[(bytes + 7) / 8]
                                                      : table->by_128[(bytes - UA_SIZE_STEP_8_MAX + 127) / 128];

    return UA_LIKELY(align_bytes <= 8) ? size_class : ua_size_class_aligned(size_class, align_bytes);
}

#endif
