#!/bin/sh
# A worker with a planted fault: runs the real one and changes its answer. usage: lying_worker.sh WORKER FAULT ARGS...
# Faults: double (every time doubled), erratic (times spread over a factor of 8 by the repetition's number), checksum (claims to
# have built something else), crash (dies of SIGSEGV when it should observe).
worker=$1
fault=$2
shift 2
[ "$1" = --observe ] || exec "$worker" "$@"
[ "$fault" != crash ] || kill -SEGV $$
answer=$("$worker" "$@" 3>&1 >/dev/null) || exit 5
rep=${2#*\"rep\":}
rep=${rep%%[!0-9]*}
case $fault in
  double) factor=2 ;;
  erratic) factor=$(awk "BEGIN { print 8 ^ ((($rep * 37) % 19) / 18 - 0.5) }") ;;
  checksum) answer=$(printf %s "$answer" | sed 's/"checksum":"[0-9a-f]*"/"checksum":"0123456789abcdef"/') factor=1 ;;
esac
printf '%s\n' "$answer" | awk -v factor="$factor" '{
  while (match($0, /"unit":"ns\/op","value":[0-9.]+/)) {
    printf "%s\"unit\":\"ns/op\",\"value\":%.9f", substr($0, 1, RSTART - 1), factor * substr($0, RSTART + 23, RLENGTH - 23)
    $0 = substr($0, RSTART + RLENGTH)
  }
  print
}' >&3
