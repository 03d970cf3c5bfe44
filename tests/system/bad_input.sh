#!/usr/bin/env bash
# bad_input.sh ARENABENCH - a word the driver cannot use: one clear line on stderr that names it (and, where there is a choice,
# the choices), nothing on stdout, exit 5, nothing written. Runs in an empty folder, so that whatever appears there was written.
set -u
. "$(dirname "$0")/check.sh"
program=$(realpath "$1")
work=$scratch/work
mkdir -p "$work" "$scratch/given"
cd "$work" || exit 5

: >"$scratch/given/empty"
echo 'not a library' >"$scratch/given/text"
printf '{"a": [1, 2' >"$scratch/given/cut.json"
printf '{"a": 1} trailing' >"$scratch/given/trailing.json"
printf '{"a": "\\x"}' >"$scratch/given/escape.json"
mkdir "$scratch/given/full" && touch "$scratch/given/full/file"

refused() { # refused "WORDS THAT MUST BE NAMED|ANOTHER|..." ARGS...
  local wanted=$1 word what
  shift
  what="arenabench $*"
  run timeout 60 "$program" "$@"
  expect_code 5 "$what"
  expect_same "$(wc -l <"$scratch/err")" 1 "$what: lines on stderr"
  expect_same "$(wc -c <"$scratch/out")" 0 "$what: bytes on stdout"
  while [ -n "$wanted" ]; do
    word=${wanted%%|*}
    expect_in "$scratch/err" "$word" "$what"
    [ "$word" != "$wanted" ] || break
    wanted=${wanted#*|}
  done
  expect_same "$(find "$work" -mindepth 1 | head -n 3)" "" "$what: nothing is written"
}

refused 'bogus|quick|full|list' bogus
refused '--frobnicate|--scenario' quick --frobnicate
refused 'surplus' quick surplus
refused '--reps' quick --reps
refused 'nonesuch|binary_trees|json_dom|request_server' quick --scenario nonesuch
refused 'nonesuch|malloc|bump' quick --backend nonesuch
refused 'nonesuch|each' quick --arm nonesuch
refused '--reps 0' quick --reps 0
refused '--reps x' quick --reps x
refused '--scale 0|0.01|100' quick --scale 0
refused '--seed -1' quick --seed -1
refused '--pages 8k|4k|huge|both' quick --pages 8k
refused '--threads 0' quick --threads 0
refused '--cpus' quick --cpus 4000
refused '--profile medium|quick|full' quick --profile medium
refused '--litter 1' quick --litter 1
refused "--input $scratch/given/missing" quick --input "$scratch/given/missing"
refused "--input $scratch/given/empty|empty" quick --input "$scratch/given/empty"
refused "--input $scratch/given|" quick --input "$scratch/given"
for document in cut trailing escape; do
  refused "$scratch/given/$document.json" quick --scenario json_dom --input "$scratch/given/$document.json"
done
refused "$scratch/given/missing.so" quick --allocator "x=$scratch/given/missing.so"
refused "$scratch/given/text|no shared library" quick --allocator "x=$scratch/given/text"
refused "--allocator" quick --allocator nonsense
refused "$program" quick --allocator "x=$program"
refused "--out $scratch/given/full" quick --out "$scratch/given/full"
refused "--out $scratch/given/text/run" quick --out "$scratch/given/text/run"
refused "--out /proc/run" quick --out /proc/run
refused "--resume $scratch/given/full" --resume "$scratch/given/full"
refused "--resume" --resume "$scratch/given/missing"
refused "--resume|--seed" --resume "$scratch/given/full" --seed 3
finish
