/* size_class.c - the table and the arithmetic on it; see size_class.h. */
#include "gc/size_class.h"

static const uint16_t class_bytes[UA_SIZE_CLASS_COUNT] = {
    8,    16,   24,   32,   48,    64,    80,    96,    112,   128,   144,   160,   176,   192,   208,   224,  240,
    256,  288,  320,  352,  384,   416,   448,   480,   512,   576,   640,   704,   768,   896,   1024,  1152, 1280,
    1408, 1536, 1792, 2048, 2304,  2688,  3072,  3200,  3456,  4096,  4864,  5376,  6144,  6528,  6784,  6912, 8192,
    9472, 9728, 10240, 10880, 12288, 13568, 14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672, 32768};

static const uint8_t class_pages[UA_SIZE_CLASS_COUNT] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 2,
    1, 2, 1, 3, 2, 3, 1, 3, 2, 3, 4, 5, 6, 1, 7, 6, 5, 4, 3, 5, 7, 2, 9, 7, 5, 8, 3, 10, 7, 4};

size_t ua_size_class_bytes(unsigned size_class)
{
    UA_ASSERT(size_class < UA_SIZE_CLASS_COUNT);
    return class_bytes[size_class];
}

size_t ua_size_class_pages(unsigned size_class)
{
    UA_ASSERT(size_class < UA_SIZE_CLASS_COUNT);
    return class_pages[size_class];
}

void ua_size_table_init(struct ua_size_table *table)
{
    unsigned size_class = 0;

    for (size_t i = 0; i < sizeof table->by_8; i++) {
        if (i * 8 > class_bytes[size_class])
            size_class++;
        table->by_8[i] = (uint8_t)size_class;
    }
    for (size_t i = 0; i < sizeof table->by_128; i++) {
        while (UA_SIZE_STEP_8_MAX + i * 128 > class_bytes[size_class])
            size_class++;
        table->by_128[i] = (uint8_t)size_class;
    }
}

unsigned ua_size_class_aligned(unsigned size_class, size_t align_bytes)
{
    /* A span starts on a page, so objects are aligned to what divides their size. */
    while (size_class < UA_SIZE_CLASS_COUNT && class_bytes[size_class] % align_bytes != 0)
        size_class++;
    return size_class;
}
