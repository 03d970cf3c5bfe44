#!/bin/sh
# Instructions of the short paths, by the difference of two run lengths under callgrind, loop and one store included. Counts do
# not depend on the machine's load; they do on the compiler: registered for gcc -O2 alone. Bounds are the goals of the paths.
# Usage: instructions.sh COUNT_PATHS [PATH BOUND]...
set -eu
program=$1
shift
command -v valgrind >/dev/null || { echo "valgrind is not installed: nothing counted"; exit 77; }

count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>&1 | sed -n 's/.*Collected : *\([0-9]*\).*/\1/p'
}

failed=0
while [ $# -ge 2 ]; do
    short=$(count "$1" 20000)
    long=$(count "$1" 60000)
    [ -n "$short" ] && [ -n "$long" ] || { echo "$1: callgrind said no number"; exit 1; }
    echo "$short $long $1 $2" | awk '{ per = ($2 - $1) / 40000; printf "%-18s %7.2f instructions, at most %s\n", $3, per, $4; exit per > $4 }' ||
        failed=1
    shift 2
done
exit $failed
