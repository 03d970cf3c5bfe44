#!/bin/sh
# run.sh BUILD_DIR: installs the library into a fresh folder and uses it from there, as a user would: header alone in C11, C17
# and C++17, pkg-config, CMake package.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$1
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

cmake --install "$build" --component ua --prefix "$place/usr" >"$place/log" 2>&1 || { cat "$place/log"; exit 1; }
for header in ua.h ua_debug.h ua_stats.h ua_gc.h ua_profile.h; do
    echo "#include <$header>" >"$place/alone.c"
    cp "$place/alone.c" "$place/alone.cc"
    for standard in c11 c17; do
        cc -std=$standard -Wall -Wextra -Werror -pedantic-errors -I"$place/usr/include" -fsyntax-only "$place/alone.c"
    done
    c++ -std=c++17 -Wall -Wextra -Werror -I"$place/usr/include" -fsyntax-only "$place/alone.cc"
done
expected=$(printf 'word 2\nword 1\nword 0')
if command -v pkg-config >/dev/null; then
    PKG_CONFIG_PATH=$(dirname "$(find "$place/usr" -name ua.pc)")
    export PKG_CONFIG_PATH
    # shellcheck disable=SC2046 # flags are words
    cc -std=c11 -O2 $(pkg-config --cflags ua) "$here/example.c" $(pkg-config --static --libs ua) -o "$place/example"
    test "$(LD_LIBRARY_PATH=$(pkg-config --variable=libdir ua) "$place/example")" = "$expected"
else
    echo "no pkg-config here: that part was not run"
fi
generator=$(sed -n 's/^CMAKE_GENERATOR:INTERNAL=//p' "$build/CMakeCache.txt") # a bare Debian has the one that built us, and no make
cmake -S "$here" -B "$place/build" -G "$generator" -DCMAKE_PREFIX_PATH="$place/usr" >"$place/log" 2>&1 || { cat "$place/log"; exit 1; }
cmake --build "$place/build" >"$place/log" 2>&1 || { cat "$place/log"; exit 1; }
test "$("$place/build/example")" = "$expected"
test "$("$place/build/example_shared")" = "$expected"
echo "installed: header alone, pkg-config and CMake package work"
