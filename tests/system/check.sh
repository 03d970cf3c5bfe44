# check.sh - sourced by the shell tests here: a scratch folder that is gone at the end, and checks that say what they saw.
# A check that fails is counted and the test goes on; `finish` gives the verdict.

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0
checks=0

complain() { printf 'FAILED: %s\n' "$*"; failed=$((failed + 1)); }

# run COMMAND...: leaves the exit code in $code, what was printed in $scratch/out and $scratch/err
run() {
  code=0
  "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || code=$?
}

expect_code() { # expect_code CODE WHAT
  checks=$((checks + 1))
  [ "$code" = "$1" ] || { complain "$2: exit $code, not $1"; sed 's/^/  | /' "$scratch/err" | tail -n 5; }
}

expect_in() { # expect_in FILE TEXT WHAT
  checks=$((checks + 1))
  grep -qF -- "$2" "$1" || { complain "$3: no \"$2\" in:"; sed 's/^/  | /' "$1" | tail -n 8; }
}

expect_not_in() { # expect_not_in FILE TEXT WHAT
  checks=$((checks + 1))
  ! grep -qF -- "$2" "$1" || { complain "$3: \"$2\" in:"; sed 's/^/  | /' "$1" | tail -n 8; }
}

expect_same() { # expect_same SEEN WANTED WHAT
  checks=$((checks + 1))
  [ "$1" = "$2" ] || complain "$3: \"$1\", not \"$2\""
}

expect() { # expect WHAT COMMAND...: the command succeeds
  local what=$1
  shift
  checks=$((checks + 1))
  "$@" || complain "$what"
}

wait_for() { # wait_for SECONDS COMMAND...: polls; false when it never came true
  local end=$((SECONDS + $1))
  shift
  until "$@" 2>/dev/null; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.02
  done
}

gone() { # gone PID SECONDS: waits for a child to end, at most so long; `wait` then has its code
  wait_for "$2" sh -c '! kill -0 "$1" || [ "$(cut -d" " -f3 "/proc/$1/stat")" = Z ]' gone "$1"
}

finish() {
  echo "$(basename "$0"): $checks checks, $failed failed"
  [ "$failed" = 0 ] && [ "$checks" -gt 0 ]
  exit
}
