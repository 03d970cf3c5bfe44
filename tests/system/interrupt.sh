#!/usr/bin/env bash
# interrupt.sh ARENABENCH - a run that is cut short loses no finished observation, and --resume finishes it: SIGINT, SIGTERM and
# SIGKILL of the driver, SIGKILL of a worker, a full disk. The workers are the real ones.
set -u
. "$(dirname "$0")/check.sh"
program=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
cd "$scratch" || exit 5
small=(quick --scale 0.01 --scenario binary_trees --backend bump --pages 4k)

lines() { [ -e "$1" ] && wc -l <"$1" || echo 0; }
at_least() { [ "$(lines "$2/observations.jsonl")" -ge "$1" ]; }

start() { # start DIR ARGS...: a run in the background as $pid, once it has some finished observations
  local dir=$1
  shift
  # A shell without job control starts background programs with SIGINT ignored; a user's shell does not.
  env --default-signal=INT "$program" "$@" --out "$dir" >"$dir.out" 2>"$dir.err" &
  pid=$!
  wait_for 60 at_least 3 "$dir" || complain "$dir: no observation after a minute"
}

resumed() { # resumed DIR: finishes it and looks at the whole
  local dir=$1
  run timeout 120 "$program" --resume "$dir"
  expect_code 0 "--resume $dir"
  run python3 -B "$here/whole_run.py" "$dir" "$dir.journal"
  expect_code 0 "$dir after --resume: $(cat "$scratch/out")"
  echo "$dir: $(tail -n 1 "$scratch/out")"
}

ended() { # ended: the exit code of the run in the background, in $code
  gone "$pid" 60 || { complain "does not end"; kill -KILL "$pid"; }
  code=0
  wait "$pid" 2>/dev/null || code=$?
}

for signal in INT TERM; do
  number=$(kill -l "$signal")
  start "$signal" "${small[@]}" --reps 150
  kill -"$signal" "$pid"
  ended
  expect_code $((128 + number)) "SIG$signal"
  expect_in "$signal.err" "--resume" "SIG$signal: says how to go on"
  expect_in "$signal/run.json" "\"exit\": $((128 + number))" "SIG$signal: run.json has the exit code"
  expect "SIG$signal: no worker is left" sh -c "! pgrep -P $pid"
  cp "$signal/observations.jsonl" "$signal.journal"
  resumed "$signal"
done

# The driver itself is killed: nobody can say anything, the journal is there.
start KILL "${small[@]}" --reps 150
kill -KILL "$pid"
ended
expect_code 137 "SIGKILL"
cp KILL/observations.jsonl KILL.journal
resumed KILL

# A worker is killed: named with its signal, exit 5; --resume tries it again. A longer process, to be sure to hit one.
start worker quick --scenario json_dom --backend malloc --pages 4k --reps 6
victim=
wait_for 30 eval 'victim=$(pgrep -P "$pid" -f observe | head -n 1); [ -n "$victim" ] && kill -KILL "$victim"' ||
  complain "no worker to kill"
ended
expect_code 5 "a worker killed"
expect_in worker.err "SIGKILL" "the worker's signal is named"
expect_in worker.err "json_dom/malloc" "its cell is named"
if [ -e worker/observations.jsonl ]; then
  cp worker/observations.jsonl worker.journal
  resumed worker
else
  complain "a run with a killed worker keeps no journal"
fi

# A full disk, on a file system of our own.
if [ "$(id -u)" = 0 ] && mkdir disk && mount -t tmpfs -o size=96k tmpfs disk 2>/dev/null; then
  trap 'umount "$scratch/disk" 2>/dev/null; rm -rf "$scratch"' EXIT
  code=0
  timeout 120 "$program" "${small[@]}" --reps 150 --out disk/run >full.out 2>full.err || code=$?
  expect_code 5 "a full disk"
  expect_in full.err "No space left" "a full disk is named"
  expect "a full disk: finished observations are there" test "$(lines disk/run/observations.jsonl)" -ge 3
  mount -o remount,size=64m disk
  cp disk/run/observations.jsonl disk/run.journal
  resumed disk/run
else
  echo "the full disk was not tried: no right to mount a file system here"
fi
finish
