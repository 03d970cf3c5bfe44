# Language level and build options, in one place.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Paths in objects are relative to the source tree: two builds of one source in two folders are the same (docs/decisions/0001).
add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
# -O2 -g everywhere, no LTO, no -march: the binary that is measured is the one a distribution would ship.
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g -DNDEBUG")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g -DUA_DEBUG=1")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g")

# Programs lie directly in the build folder, where run.sh, the gate and the reader look for them; libraries one below.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

option(AB_WERROR "treat warnings as errors (on in our presets)" OFF)
option(AB_TESTS "build the tests (needs cmocka)" OFF)
option(AB_JOIN_SANITIZED "let ctest here also run the tests built in the neighbouring asan and tsan folders" OFF)
set(AB_SANITIZE "" CACHE STRING "address;undefined | thread | memory | empty")
option(AB_FUZZ "build libFuzzer targets (clang)" OFF)

# Adds each folder that exists with a CMakeLists.txt of its own.
macro(ab_add_folders)
  foreach(folder ${ARGN})
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt)
      add_subdirectory(${folder})
    endif()
  endforeach()
endmacro()

# ab_program_group(name programs...): one target that builds those of the programs that this version has.
function(ab_program_group name)
  add_custom_target(${name})
  foreach(program ${ARGN})
    if(TARGET ${program})
      add_dependencies(${name} ${program})
    endif()
  endforeach()
endfunction()
