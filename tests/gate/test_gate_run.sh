#!/usr/bin/env bash
# The whole gate program on real processes: worker-bump against itself passes; a side that lies, crashes, builds something else or
# is missing gives the exit code it must; an interrupted gate says so and leaves a whole gate.json.
# usage: test_gate_run.sh BIN: the folder with arenabench-gate and worker-bump.
set -uo pipefail
bin=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failures=0
with=() # in front of the next gate

side() { # side NAME [FAULT]: a folder with worker-bump, plain or behind the lying wrapper
  mkdir -p "$work/$1"
  if [ $# = 1 ]; then
    ln -s "$bin/worker-bump" "$work/$1/worker-bump"
  else
    printf '#!/bin/sh\nexec "%s/lying_worker.sh" "%s/worker-bump" "%s" "$@"\n' "$here" "$bin" "$2" >"$work/$1/worker-bump"
    chmod +x "$work/$1/worker-bump"
  fi
}

expect() { # expect CODE "WORDS ON STDOUT OR STDERR" BASE HEAD OPTIONS...
  local code=$1 words=$2 base=$3 head=$4 got
  shift 4
  rm -rf "$work/out"
  "${with[@]}" "$bin/arenabench-gate" --base-bin "$work/$base" --head-bin "$work/$head" --scenario binary_trees --backend bump --no-lock \
    --fitness skip --out "$work/out" "$@" >"$work/said" 2>&1
  got=$?
  if [ $got != "$code" ] || ! grep -qF -- "$words" "$work/said"; then
    printf 'FAILED: %s against %s %s: exit %d, wanted %d with "%s"; it said:\n' "$head" "$base" "$*" $got "$code" "$words"
    cat "$work/said"
    failures=$((failures + 1))
  fi
}

json() { # json PYTHON-EXPRESSION: must be true of gate.json
  python3 -c "import json,sys; g=json.load(open(sys.argv[1])); sys.exit(not ($1))" "$work/out/gate.json" ||
    { printf 'FAILED: gate.json: %s\n' "$1"; failures=$((failures + 1)); }
}

side plain
side same
side slow double
side drunk erratic
side other checksum
side crash crash
mkdir -p "$work/empty"

expect 0 "gate: NO REGRESSION" plain same --only times --tier coarse --inconclusive warn
json 'g["exit"] == 0 and len(g["cells"]) == 1 and len(g["cells"][0]["times"]) == 2'
json 'all(len(t["base"]) == len(t["head"]) == len(t["first"]) >= 8 for t in g["cells"][0]["times"])'
json 'g["cells"][0]["same_binary"] is True and g["canary"]["before"] is None'
grep -q "^time	head	binary_trees	bump" "$work/out/samples.tsv" || { echo "FAILED: no head rows in samples.tsv"; failures=$((failures + 1)); }
if command -v valgrind >/dev/null; then
  expect 0 "instructions" plain same --only counts
  json '{c["metric"] for c in g["cells"][0]["counts"]} >= {"instructions_per_op", "syscalls", "faults_minor", "rss_anon_bytes"}'
else
  expect 3 "apt-get install -y valgrind" plain same --only counts
fi
with=(env PATH=/nowhere)
expect 3 "valgrind is not installed" plain same --only counts
with=()
expect 1 "REGRESSION" plain slow --only times
json 'g["cells"][0]["times"][0]["estimate"] > 0.5 and g["cells"][0]["times"][0]["p_slower_holm"] <= 0.005'
expect 0 "IMPROVED" slow plain --only times
expect 2 "the interval is too wide" plain drunk --only times
expect 2 "the time budget was spent" plain drunk --only times --budget 1
expect 5 "built different objects" plain other --only times
expect 5 "SIGSEGV" plain crash --only times
expect 5 "empty" plain empty
expect 5 "no such scenario" plain same --scenario nothing

"$bin/arenabench-gate" --base-bin "$work/plain" --head-bin "$work/same" --scenario binary_trees --backend bump --no-lock --only times \
  --out "$work/stopped" >"$work/said" 2>&1 &
gate=$!
for _ in $(seq 500); do [ -e "$work/stopped/plan.json" ] && break; sleep 0.02; done
sleep 0.2
kill -TERM $gate
wait $gate
code=$?
if [ $code != 143 ] || ! grep -q INTERRUPTED "$work/stopped/gate.json"; then
  echo "FAILED: interrupted: exit $code"
  cat "$work/said"
  failures=$((failures + 1))
fi

[ $failures = 0 ] && echo "all gate runs ended as they must"
exit $((failures != 0))
