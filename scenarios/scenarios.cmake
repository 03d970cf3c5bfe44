# One word a scenario: scenarios/WORD.c, compiled into every worker.
set(AB_SCENARIOS json_dom binary_trees request_server request_open gc_pacing
  alloc_paths alloc_slices arena_lifecycle refill zeroing_written zeroing_relied empty)
# A file that holds several: their names are WORD_NAME.
set(AB_SCENARIO_NAMES_alloc_paths p16 p40 p64 n16 n40 n64 p16_out p40_out p64_out n16_out n40_out n64_out str)
set(AB_SCENARIO_NAMES_alloc_slices p100 n100 m100 w100 m1000 w1000 m10000 w10000)
set(AB_SCENARIO_NAMES_arena_lifecycle one many)
set(AB_SCENARIO_NAMES_refill 2m 1k)
set(AB_SCENARIO_NAMES_zeroing_written small large)
set(AB_SCENARIO_NAMES_zeroing_relied small large)
# What scenarios share and no backend is inlined into.
set(AB_SCENARIO_COMMON common/sc_json_check.c)
