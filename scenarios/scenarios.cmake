# One word a scenario: scenarios/WORD.c, compiled into every worker.
set(AB_SCENARIOS json_dom binary_trees request_server)
# What scenarios share and no backend is inlined into.
set(AB_SCENARIO_COMMON common/sc_json_check.c)
