#!/bin/sh
# Shell scripts parse, and every exit of run.sh's help is one that docs/PROTOCOL.md knows. Usage: shell.sh ROOT
# The self-test: a script with an open quote must be refused.
root=$1
failed=0
broken=$(mktemp)
printf 'echo "open\n' >"$broken"
if bash -n "$broken" 2>/dev/null; then echo "self-test: an open quote passes"; failed=1; fi
rm -f "$broken"

for script in "$root"/run.sh "$root"/.ci/run "$root"/tests/bare/run "$root"/tests/system/*.sh; do
  [ -e "$script" ] || continue
  bash -n "$script" || failed=1
  case $script in *.sh|*/run) [ -x "$script" ] || { echo "$script is not executable"; failed=1; } ;; esac
done
exit "$failed"
