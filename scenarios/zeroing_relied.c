/* zeroing_relied - the program writes one word of each object and relies on zeros in the rest: malloc becomes calloc.
 *
 * Why: with zeroing_written it shows what zeros cost and who pays. The last word of every object is read and must be zero, so
 * prezero=none would be found out here. Body: common/sc_zeroing.h. */
#define SC_ZEROED 1
#include "scenarios/common/sc_zeroing.h"

static const struct sc_info info_small =
    ZEROING_INFO("zeroing_relied_small", "Objects of 16 to 256 bytes that must come zeroed: calloc, or what the arena does.");
static const struct sc_info info_large =
    ZEROING_INFO("zeroing_relied_large", "Objects of 4 to 64 KiB that must come zeroed: calloc, or what the arena does.");
SC_SCENARIO(zeroing_relied_small, info_small, zeroing_small);
SC_SCENARIO(zeroing_relied_large, info_large, zeroing_large);
