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

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
# -O2 -g everywhere, no LTO, no -march: the binary that is measured is the one a distribution would ship.
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g -DNDEBUG")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g -DUA_DEBUG=1")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g")

option(AB_WERROR "treat warnings as errors (on in our presets)" OFF)
option(AB_TESTS "build the tests" OFF)
set(AB_SANITIZE "" CACHE STRING "address;undefined | thread | memory | empty")
set(AB_FUZZ OFF CACHE BOOL "build libFuzzer targets (clang)")

# Adds each folder that exists with a CMakeLists.txt of its own.
macro(ab_add_folders)
  foreach(folder ${ARGN})
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt)
      add_subdirectory(${folder})
    endif()
  endforeach()
endmacro()
