# One set of warnings for gcc 12 and clang 14; errors only in our presets, so that a newer compiler still builds.
add_library(ab_warnings INTERFACE)
target_compile_options(ab_warnings INTERFACE
  -Wall -Wextra -Wshadow -Wpointer-arith -Wcast-qual -Wvla -Wformat=2 -Wundef
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition>)
if(AB_WERROR)
  target_compile_options(ab_warnings INTERFACE -Werror)
endif()
