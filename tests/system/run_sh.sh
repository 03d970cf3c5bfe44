#!/usr/bin/env bash
# run_sh.sh ROOT - run.sh alone, in a small tree whose cmake and programs only write down what they were asked: which verb builds
# and starts what, what happens to signals, locks, packages and exit codes. The real programs have tests of their own.
set -u
. "$(dirname "$0")/check.sh"
root=$1
tree=$scratch/tree
mkdir -p "$tree/cmake" "$tree/fake" "$tree/build/release" "$tree/harness/driver" "$tree/harness/report" "$tree/results/runs/r1"
cp "$root/run.sh" "$tree/"
echo 'run bash cmd:bash' >"$tree/cmake/packages.list"
touch "$tree/harness/driver/CMakeLists.txt" "$tree/harness/report/CMakeLists.txt"
ln -s r1 "$tree/results/runs/latest"
log=$scratch/log

program() { # program PATH BODY: a program that notes its name and arguments, then does BODY
  printf '#!/bin/bash\nprintf "%%s" "%s" >>"%s"\nprintf " %%s" "$@" >>"%s"\necho >>"%s"\n%s\n' \
    "$(basename "$1")" "$log" "$log" "$log" "$2" >"$1"
  chmod +x "$1"
}

program "$tree/fake/cmake" "exit \${FAKE_CMAKE:-0}"
program "$tree/build/release/arenabench" "exit \${FAKE_RUN:-0}"
program "$tree/build/release/arenabench-report" 'echo "a table"'
run_sh() { : >"$log"; run env PATH="$tree/fake:$PATH" "$@"; }
asked() { grep -c "^$1" "$log"; }

# Verbs
for word in bogus QUICK 'quick ' ''; do
  [ -n "$word" ] || continue
  run_sh "$tree/run.sh" "$word"
  expect_code 5 "unknown verb \"$word\""
  expect_in "$scratch/err" "unknown verb \"$word\"" "unknown verb is named"
  expect_in "$scratch/err" "usage: ./run.sh" "unknown verb prints help"
  expect_same "$(cat "$log")" "" "unknown verb starts nothing"
done
run_sh "$tree/run.sh" help
expect_code 0 help
expect_in "$scratch/out" "doctor" "help lists a verb that is there"
expect_not_in "$scratch/out" "calibrate" "help lists no verb that is not there"
run_sh "$tree/run.sh" gate --base HEAD
expect_code 5 "a verb that is not there"
expect_in "$scratch/err" "gate: not in this version" "a verb that is not there says so"
expect_same "$(wc -l <"$scratch/err")" 1 "in one line"

# No verb is quick, also before a leading --; run.sh's own option goes no further; the report follows
run_sh "$tree/run.sh"
expect_code 0 "no verb"
expect_in "$log" "cmake --preset release" "quick configures release"
expect_in "$log" "cmake --build build/release --target ab_run" "quick builds what it runs"
expect_same "$(asked 'cmake --build')" 1 "and builds nothing else"
expect_in "$log" "arenabench quick" "no verb is quick"
expect_in "$log" "arenabench-report $tree/results/runs/r1" "the report is of the newest run"
expect_same "$(cat "$scratch/out")" "a table" "stdout is the program's alone"
run_sh "$tree/run.sh" --reps 3 --no-install --out "$scratch/o"
expect_in "$log" "arenabench quick --reps 3 --out $scratch/o" "leading -- is quick, --no-install stays here"
expect_in "$log" "arenabench-report $scratch/o" "the report is of --out"
run_sh "$tree/run.sh" full --json --out="$scratch/p"
expect_in "$log" "arenabench full --json --out=$scratch/p" "options are passed on as they are"
expect_in "$log" "arenabench-report $scratch/p --json" "--json reaches the report"
expect_same "$(cat "$scratch/out")" "a table" "--json: stdout is the program's alone"
run_sh "$tree/run.sh" plots "$scratch/p"
expect_in "$log" "arenabench-report --plots-only $scratch/p" plots

# Tests: test and nightly differ in the label and in MSan's build; what follows is ctest's
program "$tree/fake/ctest" 'exit ${FAKE_CTEST:-0}'
run_sh "$tree/run.sh" test
expect_in "$log" "ctest --test-dir build/release -L ^quick\$ -j" "test runs what is quick"
expect_in "$log" "cmake --build build/tsan --target all" "with TSan's"
expect_same "$(asked 'cmake --preset msan')" 0 "without MSan's"
run_sh env FAKE_CTEST=8 "$tree/run.sh" nightly -R memcheck
expect_code 8 "ctest's exit code is passed on"
expect_in "$log" "ctest --test-dir build/release -L ^nightly\$ -j" "nightly runs what is nightly"
expect_in "$log" "--output-on-failure -R memcheck" "as far as it is asked for"
expect_in "$log" "cmake --build build/msan --target all" "with MSan's"

# Exit codes
for wanted in 5 130; do
  run_sh env FAKE_RUN=$wanted "$tree/run.sh" quick
  expect_code "$wanted" "the program's exit code is passed on"
  expect_same "$(asked arenabench-report)" 0 "no report of a run that failed"
done
run_sh env FAKE_CMAKE=1 "$tree/run.sh" quick
expect_code 5 "a build that fails"
expect_in "$scratch/err" "failed: cmake" "a build that fails is named"

# A run of which some processes failed is reported, and its exit code stays; what wrote nothing is not
program "$tree/build/release/arenabench" "mkdir -p results/runs/r2; echo rows >results/runs/r2/samples.tsv
  ln -sfn r2 results/runs/latest; exit 5"
run_sh "$tree/run.sh" quick
expect_code 5 "a run with failed processes"
expect_in "$log" "arenabench-report $tree/results/runs/r2" "what finished is reported"
run_sh "$tree/run.sh" quick --out "$scratch/nothing"
expect_code 5 "a run into --out that wrote nothing"
expect_same "$(asked arenabench-report)" 0 "no report of nothing"
ln -sfn r1 "$tree/results/runs/latest"
program "$tree/build/release/arenabench" "exit \${FAKE_RUN:-0}"

# Behind a -- everything is the command's, and the command runs where the user stands
program "$tree/build/release/arenabench" "pwd >>$log"
run_sh env -C "$scratch" "$tree/run.sh" doctor --tune -- make --json --no-install --out x
expect_in "$log" "arenabench doctor --tune -- make --json --no-install --out x" "a command's options are not run.sh's"
expect_in "$log" "$scratch" "in the user's folder"
program "$tree/build/release/arenabench" "exit \${FAKE_RUN:-0}"

# Packages: named in one line that can be copied; nothing is installed without root or with --no-install
printf 'run no-such-package cmd:no-such-command\ntest only-for-tests cmd:no-such-command\n' >>"$tree/cmake/packages.list"
program "$tree/fake/apt-get" 'exit 0'
run_sh "$tree/run.sh" --no-install
expect_code 5 "--no-install with a package missing"
expect_in "$scratch/err" "apt-get install -y --no-install-recommends no-such-package" "the line to run"
expect_not_in "$scratch/err" "only-for-tests" "quick asks for no test tool"
expect_same "$(wc -l <"$scratch/err")" 1 "in one line"
expect_same "$(cat "$log")" "" "and starts nothing"
program "$tree/fake/id" 'echo 1000'
run_sh "$tree/run.sh"
expect_code 5 "a user with a package missing"
expect_in "$scratch/err" "as root, run: apt-get install" "a user is told the line"
expect_same "$(asked apt-get)" 0 "a user installs nothing"
program "$tree/fake/id" 'echo 0'
run_sh "$tree/run.sh"
expect_code 0 "root with a package missing"
expect_in "$log" "apt-get install -y --no-install-recommends no-such-package" "root installs"
expect_in "$scratch/err" "installing 1 packages: no-such-package" "and is shown what"
program "$tree/fake/apt-get" 'exit 100'
run_sh "$tree/run.sh"
expect_code 5 "an installation that fails"
expect_same "$(asked 'apt-get update')" 1 "the lists are updated and it is tried again"
sed -i '/no-such/d' "$tree/cmake/packages.list"

# One measurement at a time: waits for the lock, says so, holds it
mkdir -p "$tree/build"
: >"$log"
flock "$tree/build/.measure" sleep 30 &
holder=$!
wait_for 10 sh -c "! flock -n '$tree/build/.measure' true"
PATH=$tree/fake:$PATH "$tree/run.sh" quick >"$scratch/out" 2>"$scratch/err" &
runner=$!
expect "says that it waits" wait_for 20 grep -q "waiting for another measurement" "$scratch/err"
expect_same "$(asked arenabench)" 0 "and starts nothing yet"
pkill -P "$holder" sleep
wait "$holder" 2>/dev/null
gone "$runner" 20 || { complain "never gets the lock"; kill -KILL "$runner"; }
wait "$runner"
expect_same "$?" 0 "then runs"
expect_same "$(asked 'arenabench quick')" 1 "once"

# A signal to run.sh reaches the program, once, and run.sh ends with the program's code
for signal in INT TERM; do
  number=$(kill -l "$signal")
  program "$tree/build/release/arenabench" \
    "trap 'echo got $signal >>$log; ended=yes' $signal; echo up >>$log; until [ -n \"\${ended:-}\" ]; do sleep 0.05; done
    sleep 0.2; exit $((128 + number))"
  : >"$log"
  # A shell without job control starts background programs with SIGINT ignored; a user's shell does not.
  PATH=$tree/fake:$PATH env --default-signal=INT setsid "$tree/run.sh" quick >"$scratch/out" 2>"$scratch/err" &
  runner=$!
  wait_for 20 grep -q '^up' "$log"
  kill -"$signal" "$runner" 2>/dev/null
  code=0
  gone "$runner" 20 || { complain "SIG$signal does not end run.sh"; kill -KILL -- "-$runner"; }
  wait "$runner" || code=$?
  expect_code $((128 + number)) "SIG$signal to run.sh"
  expect_same "$(grep -c "^got $signal" "$log")" 1 "SIG$signal reaches the program once"
  expect_same "$(asked arenabench-report)" 0 "no report of an interrupted run"
done
finish
