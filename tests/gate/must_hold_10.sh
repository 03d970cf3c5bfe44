#!/usr/bin/env bash
# The gate's promise, for real (issue 3, must hold 10): HEAD against HEAD never exits 1, also beside a memory-thrashing process; a head
# with a planted slowdown exits 1; a base that does not build exits 5. Prints a table; exit 0 when all rows are as they must be.
# usage: must_hold_10.sh BIN [RUNS [NOISY_RUNS]]: BIN holds arenabench-gate and gate_thrash; 7 quiet and 3 noisy runs by default.
# Shorter: AB_AGAIN = options of every HEAD against HEAD but the first ("--only times": counts repeat themselves), AB_PLANTED =
# options of the planted ones ("--scenario binary_trees"), AB_BUDGET = seconds for the times of each run (0 = none, the default).
# A HEAD against HEAD whose budget ended, or whose machine was unfit, could not have said 1 about times: UNPROVEN, and it fails.
# Works on a copy of the tree in build/gate/must_hold; holds build/.measure while it measures.
set -uo pipefail
bin=$(realpath "$1")
runs=${2:-7}
noisy=${3:-3}
read -ra again <<<"${AB_AGAIN:-}"
read -ra on_planted <<<"${AB_PLANTED:-}"
root=$(git -C "$(dirname "$0")" rev-parse --show-toplevel) && cd "$root" || exit 5
planted=$root/tests/gate/planted
tree=$root/build/gate/must_hold
lock=$root/build/.measure
budget=${AB_BUDGET:-0}
failures=0
export AB_GATE_LOCK=$lock

say() { printf 'must_hold_10: %s\n' "$*" >&2; }

copy_tree() { # the working tree as a repository of its own, with one commit
  rm -rf "$tree" && mkdir -p "$tree" || exit 5
  git ls-files -z -co --exclude-standard | while IFS= read -r -d '' f; do [ ! -f "$f" ] || printf '%s\0' "$f"; done |
    xargs -0 cp --parents -t "$tree" || exit 5
  git -C "$tree" init -q && git -C "$tree" add -A &&
    git -C "$tree" -c user.name=gate -c user.email=gate@localhost commit -q -m "the head as it is" || exit 5
}

row() { # row NAME CODE WANTED SECONDS REASON
  local ok=ok
  case ,$3, in *",$2,"*) ;; *) ok=WRONG ;; esac
  case $1 in
    head_head*)
      if [ "$ok" = ok ] && { [ "$2" = 4 ] || ! grep -q '"budget_spent": false' "$tree/out/gate.json"; }; then ok=UNPROVEN; fi ;;
  esac
  [ "$ok" = ok ] || failures=$((failures + 1))
  printf '%-28s exit %s  wanted %-8s %4d s  %-8s  %s\n' "$1" "$2" "$3" "$4" "$ok" "$5"
}

sides() { # sides BASE: builds base REV and the tree's head; sets base_bin, head_bin
  local out code
  out=$(cd "$tree" && ./harness/gate/build_sides.sh "$1"); code=$?
  { read -r base_bin; read -r head_bin; } <<<"$out"
  return $code
}

gate() { # gate NAME WANTED SEED OPTIONS...: one run, one row
  local name=$1 wanted=$2 seed=$3 start=$SECONDS code
  shift 3
  rm -rf "$tree/out"
  (cd "$tree" && exec flock "$lock" "$bin/arenabench-gate" --base-bin "$base_bin" --head-bin "$head_bin" --no-lock --seed "$seed" \
    --budget "$budget" --out "$tree/out" "$@") >"$tree/said" 2>"$tree/progress"
  code=$?
  mkdir -p "$root/build/gate/must_hold_logs" && cp "$tree/said" "$root/build/gate/must_hold_logs/$name.txt"
  cp "$tree/out/gate.json" "$root/build/gate/must_hold_logs/$name.json" 2>/dev/null
  row "$name" "$code" "$wanted" $((SECONDS - start)) "$(grep '^gate: ' "$tree/said" | sed 's/.*cells: //')"
}

copy_tree
say "building both sides of HEAD against HEAD"
sides HEAD || { say "HEAD does not build"; exit 5; }
[ "$base_bin" = "$head_bin" ] || say "note: HEAD against HEAD are two builds"
cd "$tree" || exit 5
first=()
for i in $(seq "$runs"); do
  gate "head_head_$i" 0,2,4 "$i" "${first[@]}"
  first=("${again[@]}")
done
for i in $(seq "$noisy"); do
  "$bin/gate_thrash" 1 1000 &
  thrash=$!
  gate "head_head_thrash_$i" 0,2,4 "10$i" "${again[@]}"
  kill $thrash
  wait $thrash 2>/dev/null
done
for patch in fast_path_o0 syscall_per_refill prezero_twice; do
  patch -s -p1 -F3 -d "$tree" <"$planted/$patch.patch" || { row "$patch" - 1 0 "the patch does not apply"; continue; }
  if sides HEAD; then gate "$patch" 1 7 "${on_planted[@]}"; else row "$patch" - 1 0 "does not build"; fi
  patch -s -p1 -F3 -R -d "$tree" <"$planted/$patch.patch"
done
start=$SECONDS
patch -s -p1 -F3 -d "$tree" <"$planted/does_not_build.patch" &&
  git -C "$tree" -c user.name=gate -c user.email=gate@localhost commit -q -a -m "does not build" &&
  patch -s -p1 -F3 -R -d "$tree" <"$planted/does_not_build.patch"
sides HEAD 2>"$tree/said"
row base_does_not_build $? 5 $((SECONDS - start)) "$(tail -n 1 "$tree/said")"
[ $failures = 0 ] || say "$failures rows are wrong; what each run said is in build/gate/must_hold_logs"
exit $((failures != 0))
