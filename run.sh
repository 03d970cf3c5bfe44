#!/usr/bin/env bash
# run.sh - the only entry a newcomer needs. Each verb is a few lines over the programs of docs/PROTOCOL.md: make sure of the
# packages, build only what the verb runs, start it, pass its exit code on. Everything said here goes to stderr, so that
# stdout stays what the program prints (--json). Exit codes: docs/PROTOCOL.md 1.
set -uo pipefail
caller=$PWD
cd "$(dirname "$0")" || exit 5

bin=build/release
install=yes
json=no
run_dir=''

say() { printf 'run.sh: %s\n' "$*" >&2; }
die() { say "$*"; exit 5; }

# --- packages -------------------------------------------------------------------------------------------------------------

have() { # have PROBE
  local what=${1#*:}
  case $1 in
    cmd:*) command -v "$what" >/dev/null ;;
    inc:*) [ -e "/usr/include/$what" ] || [ -e "/usr/local/include/$what" ] ||
           [ -e "/usr/include/$(uname -m)-linux-gnu/$what" ] ;;
    lib:*) PATH=$PATH:/sbin:/usr/sbin ldconfig -p | grep -F "$what" >/dev/null ;; # not -q: it ends early, and ldconfig would fail of SIGPIPE
    file:*) [ -e "/usr/$what" ] || [ -e "/usr/local/$what" ] ;;
  esac
}

packages() { # packages USE...: installs what is missing, or says the one line to run
  local use package probe line missing=()
  while read -r use package probe; do
    case " $* " in *" $use "*) have "$probe" || missing+=("$package") ;; esac
  done <cmake/packages.list
  [ ${#missing[@]} -gt 0 ] || return 0
  line="apt-get install -y --no-install-recommends ${missing[*]}"
  if [ "$*" = peer ] && { [ "$install" = no ] || [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; }; then
    say "without ${missing[*]}: what needs them is listed as absent"
    return 0
  fi
  command -v apt-get >/dev/null || die "missing, by Debian's names: ${missing[*]}"
  if [ "$install" = no ] || [ "$(id -u)" != 0 ]; then
    say "missing packages; as root, run: $line"
    exit 5
  fi
  say "installing ${#missing[@]} packages: ${missing[*]}"
  mkdir -p build
  export DEBIAN_FRONTEND=noninteractive
  { $line || { apt-get update && $line; }; } >build/install.log 2>&1 </dev/null ||
    { tail -n 5 build/install.log >&2; die "apt could not install them (build/install.log)"; }
}

# --- build ----------------------------------------------------------------------------------------------------------------

logged() { # logged LOG COMMAND...: quiet when it works, the end of its output when it does not
  local log=$1
  shift
  mkdir -p build
  "$@" >"$log" 2>&1 </dev/null || { tail -n 40 "$log" >&2; die "failed: $* (whole output: $log)"; }
}

configure() { logged "build/$1-configure.log" cmake --preset "$1"; } # configure PRESET: each time, folders may be new

build() { # build FOLDER TARGETS...
  say "building $1 (${*:2})"
  logged "$1-build.log" cmake --build "$1" --target "${@:2}"
}

ready() { # ready TARGET: the release programs of one verb
  local worker old=()
  packages run
  [ "$1" != ab_full ] || packages peer
  configure release
  for worker in "$bin"/worker-*; do # one of an earlier version would be taken for one of this version
    if grep -q "^build ${worker##*/}:" "$bin/build.ninja" 2>/dev/null; then old+=("${worker##*/}"); else rm -f "$worker"; fi
  done
  build "$bin" "$1" "${old[@]}"
}

group() { # group VERB ARGS...: the workers that it may ask for; quick needs three, and a first run waits for their build
  case " $* " in
    ' full '* | ' list '* | *' --profile full '* | *' --profile=full '* | *' --backend'*) echo ab_full ;;
    *) echo ab_run ;;
  esac
}

# --- running --------------------------------------------------------------------------------------------------------------

measuring() { # one measurement at a time on this machine: the lock is held until run.sh ends
  mkdir -p build
  exec 9>build/.measure
  flock -n 9 || { say "waiting for another measurement to end"; flock 9; }
}

pass_signals() { # pass_signals PROGRAM ARGS...: the program gets each signal once and ends in its own way
  local child code
  set -m
  "$@" 9>&- &
  child=$!
  set +m
  trap 'kill -INT $child 2>/dev/null' INT
  trap 'kill -TERM $child 2>/dev/null' TERM HUP QUIT
  wait "$child"; code=$?
  while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
  trap - INT TERM HUP QUIT
  return "$code"
}

measure() { # measure VERB ARGS...: a run, then its report
  local code before
  ready "$(group "$@")"
  measuring
  before=$(readlink results/runs/latest)
  pass_signals "$bin/arenabench" "$@"; code=$?
  [ "$code" = 0 ] || [ "$code" = 5 ] || exit "$code"
  # A run with failed processes has a report too, of what finished; one that never began (bad input) has no directory of its own.
  if [ -z "$run_dir" ]; then
    [ "$code" = 0 ] || [ "$(readlink results/runs/latest)" != "$before" ] || exit "$code"
    run_dir=$(readlink -f results/runs/latest)
  fi
  [ "$code" = 0 ] || [ -s "$run_dir/samples.tsv" ] || [ -s "$run_dir/observations.jsonl" ] || exit "$code"
  report "$run_dir" || code=5
  exit "$code"
}

report() { # report DIR [ARGS...]
  [ "$json" = no ] || set -- "$@" --json
  "$bin/arenabench-report" "$@"
}

# --- verbs ----------------------------------------------------------------------------------------------------------------

programs() { # the source that a verb stands on; without it the verb is not in this version
  case $1 in
    quick|full|list|doctor) echo harness/driver/CMakeLists.txt ;;
    gate) echo harness/gate/CMakeLists.txt ;;
    calibrate) echo harness/gate/calibrate.c ;;
    selftest) echo harness/selftest/CMakeLists.txt ;;
    trace) echo harness/trace/CMakeLists.txt ;;
    exec) echo harness/trace/exec.c ;;
    plots|report) echo harness/report/CMakeLists.txt ;;
    *) echo run.sh ;;
  esac
}

help() {
  local verb text
  echo "usage: ./run.sh [VERB] [OPTIONS]      without a verb: quick"
  echo
  while read -r verb text; do
    [ -e "$(programs "$verb")" ] && printf '  %-10s %s\n' "$verb" "$text"
  done <<'EOF'
quick      measure the quick cells: table, pictures and report.html in at most 5 minutes
full       measure everything: about 40 minutes on 2 cores
build      build the release programs into build/release
test       build and run all tests
nightly    the long ones: MSan and memcheck, enumerations, planted faults, the gate's sums; hours
list       scenarios, backends and arms
gate       --base REV: did this tree get slower than REV? exit 0 no, 1 yes, 2 cannot say
calibrate  find out what this machine's noise lets the gate see
selftest   measure: plant known costs on this machine and see that they are found again, where they are and as large
trace      -- CMD ARGS: record a program's allocations, would arenas pay?
exec       -- CMD ARGS: a whole program under each malloc
plots      DIR: draw the pictures of a run again
report     DIR [--against DIR2]: write summary and report.html of a run again, with the spread from run to run
doctor     is this machine fit to measure on, and what to do about it; --tune [-- CMD] does it while CMD runs
help       this text
EOF
  cat <<'EOF'

measuring verbs take: --scenario GLOB --backend GLOB --arm GLOB --threads LIST --reps N --seed N --aa N --cpus LIST --pages 4k|huge|both
  --scale F --events LIST --input FILE --litter O,M,S --out DIR --resume DIR --allocator NAME=LIB --json --no-install
exit: 0 good, 1 regression, 2 inconclusive, 3 not comparable, 4 machine unfit, 5 error or bad input, 128 + signal interrupted
EOF
}

verb_gate() { # the gate takes the measuring lock itself; both sides are built from their sources, docs/GATE.md
  local base='' head=() sides base_bin head_bin args=()
  while [ $# -gt 0 ]; do
    case $1 in
      --base) base=${2:-}; shift "$(($# > 1 ? 2 : 1))" ;;
      --base=*) base=${1#*=}; shift ;;
      --head) head=("${2:-}"); shift "$(($# > 1 ? 2 : 1))" ;;
      --head=*) head=("${1#*=}"); shift ;;
      *) args+=("$1"); shift ;;
    esac
  done
  [ -n "$base" ] || die "gate: --base needs a revision, such as --base HEAD~1"
  packages run gate
  git rev-parse --verify --quiet "$base^{commit}" >/dev/null || die "gate: --base $base: no such revision in this repository"
  ready arenabench-gate
  sides=$(harness/gate/build_sides.sh "$base" "${head[@]}") || exit $?
  { read -r base_bin; read -r head_bin; } <<<"$sides"
  pass_signals "$bin/arenabench-gate" --base-bin "$base_bin" --base-label "$base" --head-bin "$head_bin" \
    --head-label "${head[0]:-working tree}" "${args[@]}"
}

verb_doctor() { # with --tune -- CMD the command runs where the user stands; no measuring lock: CMD takes it
  local program=$PWD/$bin/arenabench
  ready ab_run
  cd "$caller" || die "doctor: $caller: no such folder any more"
  pass_signals "$program" doctor "$@"
}

tests() { # tests LABEL SANITIZERS ARGS...: builds them all and runs what has the label
  local label=$1 sanitizers=$2 sanitizer
  shift 2
  packages peer
  packages run gate test
  configure test
  build "$bin" all
  for sanitizer in $sanitizers; do
    configure "$sanitizer"
    build "build/$sanitizer" all
  done
  ctest --test-dir "$bin" -L "^$label\$" -j "$(nproc)" --output-on-failure "$@"
}

main() {
  local verb=quick arg args=() wants=''
  case ${1:-} in ''|--*) ;; *) verb=$1; shift ;; esac
  [ "$verb" = --help ] && verb=help
  if [ "$verb" = trace ] || [ "$verb" = exec ]; then
    args=("$@")
    set --
  fi
  while [ $# -gt 0 ]; do # what run.sh itself has to know; everything else is the program's, and all behind a --
    [ "$1" = -- ] && { args+=("$@"); break; }
    arg=$1
    shift
    case $wants in run_dir) run_dir=$arg; wants='' ;; esac
    case $arg in
      --no-install) install=no; continue ;;
      --json) json=yes ;;
      --out|--resume) wants=run_dir ;;
      --out=*|--resume=*) run_dir=${arg#*=} ;;
      --help) help; exit 0 ;;
    esac
    args+=("$arg")
  done
  case $verb in
    help) help; exit 0 ;;
    quick|full|build|test|nightly|list|gate|calibrate|selftest|trace|exec|plots|report|doctor) ;;
    *) help >&2; die "unknown verb \"$verb\"" ;;
  esac
  [ -e "$(programs "$verb")" ] || die "$verb: not in this version"
  case $verb in
    quick|full) measure "$verb" "${args[@]}" ;;
    list) ready "$(group list)"; "$bin/arenabench" list "${args[@]}" ;;
    doctor) verb_doctor "${args[@]}" ;;
    build) ready all; say "programs are in $bin" ;;
    test) tests quick 'asan tsan' "${args[@]}" ;;
    nightly) tests nightly 'asan tsan msan' "${args[@]}" ;;
    gate) verb_gate "${args[@]}" ;;
    selftest) packages run gate; ready ab_selftest; measuring; pass_signals "$bin/arenabench-selftest" "${args[@]}" ;;
    plots) ready ab_run; "$bin/arenabench-report" --plots-only "${args[@]}" ;;
    report) ready ab_run; "$bin/arenabench-report" "${args[@]}" ;;
    *) ready all; measuring; pass_signals "$bin/arenabench-$verb" "${args[@]}" ;;
  esac
}

main "$@"
