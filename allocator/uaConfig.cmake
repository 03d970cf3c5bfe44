# find_package(ua): targets ua::ua (static) and ua::ua_shared.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/uaTargets.cmake)
