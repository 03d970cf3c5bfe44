# AB_SANITIZE=address;undefined | thread | memory: applied to every target, so that libraries and tests agree.
if(AB_SANITIZE)
  string(REPLACE ";" "," ab_sanitize_list "${AB_SANITIZE}")
  add_compile_options(-fsanitize=${ab_sanitize_list} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ab_sanitize_list})
endif()
if(AB_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Names of sanitized tests start with the sanitizer, so that one ctest run can hold them beside the release ones.
set(AB_TEST_PREFIX "")
if(AB_SANITIZE MATCHES "address")
  set(AB_TEST_PREFIX "asan.")
elseif(AB_SANITIZE MATCHES "thread")
  set(AB_TEST_PREFIX "tsan.")
elseif(AB_SANITIZE MATCHES "memory")
  set(AB_TEST_PREFIX "msan.")
endif()

# With AB_JOIN_SANITIZED, ctest in this build folder also reads the test lists of ../asan, ../tsan and ../msan: one run, one summary.
# What is quick elsewhere is nightly under MSan (tests.cmake), so that a quick run is the same whether ../msan is there or not.
# A sanitized folder that was configured but whose programs are missing shows as failed tests, never as fewer tests.
function(ab_join_sanitized_tests)
  if(NOT AB_JOIN_SANITIZED OR AB_SANITIZE)
    return()
  endif()
  set(list ${CMAKE_BINARY_DIR}/sanitized_tests.cmake)
  file(WRITE ${list} "")
  foreach(sanitizer asan tsan msan)
    cmake_path(SET folder NORMALIZE "${CMAKE_BINARY_DIR}/../${sanitizer}")
    file(APPEND ${list} "if(EXISTS \"${folder}/CTestTestfile.cmake\")\n  subdirs(\"${folder}\")\nendif()\n")
  endforeach()
  set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY TEST_INCLUDE_FILES ${list})
endfunction()

# ab_memcheck_tests([QUICK test...] [SHORTER "test args..." ...] [WITHOUT "test: reason" ...]): at night (QUICK ones always), each test
# program of this folder once more under Valgrind's memcheck, SHORTER ones with other arguments. What memcheck cannot run is listed
# as skipped, with its reason. Only in plain builds: a sanitized program does not run under it. As under a sanitizer no test sweeps
# the whole process (GC_TESTS_SANITIZED): memcheck keeps copies of what the program holds. Symbols are bound at the start: memcheck notices that a
# thread came back from another stack late, and takes what the lazy binder then writes to its stack for a fault.
find_program(AB_VALGRIND valgrind)
function(ab_memcheck_tests)
  cmake_parse_arguments(M "" "" "QUICK;SHORTER;WITHOUT" ${ARGN})
  if(NOT AB_TESTS OR NOT AB_VALGRIND OR AB_SANITIZE)
    return()
  endif()
  foreach(line ${M_WITHOUT})
    string(REGEX MATCH "^[^:]+" name ${line})
    list(APPEND left_out ${name})
    ab_register_test(NAME memcheck_${name} COMMAND sh -c "echo \"$0\" && exit 77" "not under memcheck: ${line}" LABELS nightly)
  endforeach()
  foreach(line ${M_SHORTER})
    separate_arguments(words UNIX_COMMAND ${line})
    list(POP_FRONT words name)
    set(arguments_${name} ${words})
  endforeach()
  get_property(targets DIRECTORY PROPERTY BUILDSYSTEM_TARGETS)
  foreach(name ${targets})
    if(NOT name MATCHES "^test_" OR name IN_LIST left_out)
      continue()
    endif()
    set(limits LABELS nightly TIMEOUT 1800)
    if(name IN_LIST M_QUICK)
      set(limits LABELS quick TIMEOUT 300)
    endif()
    ab_register_test(NAME memcheck_${name} COMMAND ${AB_VALGRIND} -q --error-exitcode=99
      --suppressions=${PROJECT_SOURCE_DIR}/tests/support/memcheck.supp $<TARGET_FILE:${name}> ${arguments_${name}} ${limits}
      ENV GC_TESTS_SANITIZED=1 LD_BIND_NOW=1)
  endforeach()
endfunction()
