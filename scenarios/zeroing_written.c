/* zeroing_written - the program writes every word itself: here clearing is work for nothing.
 *
 * Why: with zeroing_relied it shows what zeros cost and who pays. malloc hands memory out as it is; libua clears it whether one needs
 * it or not, unless prezero=none, and that cell of this scenario is the price. Body: common/sc_zeroing.h. */
#define SC_ZEROED 0
#include "scenarios/common/sc_zeroing.h"

static const struct sc_info info_small =
    ZEROING_INFO("zeroing_written_small", "Objects of 16 to 256 bytes that the program writes in full: zeros nobody needs.");
static const struct sc_info info_large =
    ZEROING_INFO("zeroing_written_large", "Objects of 4 to 64 KiB that the program writes in full: zeros nobody needs.");
SC_SCENARIO(zeroing_written_small, info_small, zeroing_small);
SC_SCENARIO(zeroing_written_large, info_large, zeroing_large);
