#!/usr/bin/env bash
# build_sides.sh BASE [HEAD]: builds the workers of both sides of a gate; prints the base's folder, then the head's, one a line.
# BASE and HEAD are revisions; without HEAD the working tree is the head.
#
# The base is measured by the head's harness and scenarios over the base's allocator/: only what libua does may differ (see
# docs/decisions, "a gate compares allocators under one harness"). A build lives in build/gate/KEY, KEY = checksum of the sources
# that went in, so equal sources are built once and A against A is the same program twice. Paths are mapped out of the
# binaries: where a side was built must not move its code or its strings.
# Exit: 3 the base's allocator/ does not build under this harness, 5 anything else that fails, among it a base whose own tree does
# not build. AB_GATE_LOCK: file locked while compiling (default build/.measure), empty for none.
set -uo pipefail
root=$(git rev-parse --show-toplevel) && cd "$root" || exit 5
parts=(CMakeLists.txt cmake allocator harness scenarios)
gate=build/gate
lock=${AB_GATE_LOCK-build/.measure}
keep_builds=12

say() { printf 'gate: %s\n' "$*" >&2; }
die() { say "$1"; rm -rf "$staging"; exit "${2:-5}"; }
staging=

stage_revision() { # stage_revision REV DIR: what of the parts that revision has
  local present
  mapfile -t present < <(git ls-tree --name-only "$1" -- "${parts[@]}")
  mkdir -p "$2" && git archive "$1" -- "${present[@]}" | tar -x -C "$2"
}

stage_tree() { # stage_tree DIR: the working tree, with what is not committed yet, without what is ignored or deleted
  mkdir -p "$1" && git ls-files -z -co --exclude-standard -- "${parts[@]}" |
    while IFS= read -r -d '' file; do [ ! -f "$file" ] || printf '%s\0' "$file"; done |
    xargs -0 -r cp --parents -t "$1"
}

key_of() { # key_of DIR: 16 digits that name its content
  (cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16)
}

workers_of() { ninja -C "$1" -t targets all | sed -n 's/^\(worker-[a-z0-9-]*\): .*/\1/p' | sort -u; }

compile() { # compile DIR: configures DIR/src into DIR/bin and builds its workers
  local dir=$PWD/$1 workers
  cmake -S "$dir/src" -B "$dir/bin" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    "-DCMAKE_C_FLAGS=-ffile-prefix-map=$dir=." "-DCMAKE_CXX_FLAGS=-ffile-prefix-map=$dir=." || return 1
  mapfile -t workers < <(workers_of "$dir/bin")
  [ ${#workers[@]} -gt 0 ] || { echo "no worker in this version"; return 1; }
  cmake --build "$dir/bin" --target "${workers[@]}" && touch "$dir/built"
}

build_staged() { # build_staged WHAT: moves $staging to its key, builds it unless that was done; sets $built
  local what=$1 log
  built=$gate/$(key_of "$staging")
  if [ -e "$built/built" ]; then
    rm -rf "$staging"
    touch "$built/built"
    return 0
  fi
  { rm -rf "$built" && mkdir -p "$built" && mv "$staging" "$built/src"; } || die "cannot write $built"
  log=$built/build.log
  say "building $what"
  if [ -n "$lock" ]; then exec 8>>"$lock"; flock 8; fi
  compile "$built" >"$log" 2>&1 8>&-
  local code=$?
  [ -z "$lock" ] || exec 8>&-
  [ $code = 0 ] || { grep -E 'error|Error|no worker' "$log" | head -n 5 >&2; say "$what does not build (whole output: $log)"; }
  return $code
}

[ $# = 1 ] || [ $# = 2 ] || die "usage: harness/gate/build_sides.sh BASE [HEAD]"
base=$(git rev-parse --verify --quiet "$1^{commit}") || die "--base $1: no such revision in this repository"
mkdir -p "$gate" || exit 5
staging=$(mktemp -d "$gate/staging.XXXXXX") || exit 5
trap 'rm -rf "$staging"' EXIT

if [ $# = 2 ]; then
  head=$(git rev-parse --verify --quiet "$2^{commit}") || die "--head $2: no such revision in this repository"
  stage_revision "$head" "$staging" || die "cannot read revision $2"
else
  stage_tree "$staging" || die "cannot copy the working tree"
fi
build_staged "the head" || exit 5
head_built=$built

stage_revision "$base" "$staging" || die "cannot read revision $1"
[ -d "$staging/allocator" ] || die "--base $1: that revision has no allocator/ to compare with" 3
build_staged "the base, $1, on its own" || exit 5
own=$built

{ mkdir -p "$staging" && cp -r "$head_built/src/." "$staging" && rm -rf "$staging/allocator" &&
  cp -r "$own/src/allocator" "$staging/allocator"; } || die "cannot copy into $staging"
build_staged "the base's allocator under the head's harness" || { say "not comparable: see docs/GATE.md"; exit 3; }

find "$gate" -mindepth 2 -maxdepth 2 -name built -printf '%T@ %h\n' | sort -rn | tail -n "+$((keep_builds + 1))" |
  cut -d' ' -f2- | xargs -r rm -rf
printf '%s\n' "$built/bin" "$head_built/bin"
