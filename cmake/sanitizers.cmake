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

# With AB_JOIN_SANITIZED, ctest in this build folder also reads the test lists of ../asan and ../tsan: one run, one summary.
# A sanitized folder that was configured but whose programs are missing shows as failed tests, never as fewer tests.
function(ab_join_sanitized_tests)
  if(NOT AB_JOIN_SANITIZED OR AB_SANITIZE)
    return()
  endif()
  set(list ${CMAKE_BINARY_DIR}/sanitized_tests.cmake)
  file(WRITE ${list} "")
  foreach(sanitizer asan tsan)
    cmake_path(SET folder NORMALIZE "${CMAKE_BINARY_DIR}/../${sanitizer}")
    file(APPEND ${list} "if(EXISTS \"${folder}/CTestTestfile.cmake\")\n  subdirs(\"${folder}\")\nendif()\n")
  endforeach()
  set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY TEST_INCLUDE_FILES ${list})
endfunction()
