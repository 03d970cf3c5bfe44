#!/usr/bin/env bash
# lie.sh SELFTEST FOLDER - prices that are wrong by more than the tolerance, and bad words, must be noticed.
set -u
. "$(dirname "$0")/../system/check.sh"
selftest=$1
folder=$2

run env HX_PLANT_LIE_NS=3 "$selftest" measure --part time --reps 8 --workers "$folder"
expect_code 1 "a chain that costs 6 % more than its price"
expect_in "$scratch/out" "MISSED  a chain at each call" "and which"
run env HX_PLANT_LIE_NS=2 "$selftest" measure --part time --reps 8 --workers "$folder"
expect_code 0 "4 % more is within the tolerance"
run env HX_PLANT_LIE_NS=6 "$selftest" measure --part latency --reps 8 --workers "$folder"
expect_code 1 "12 % more in the latency of a call"
expect_in "$scratch/out" "1 missed" "the stall and what must not move are still found"

for words in "--part nothing" "--reps 7" "--aa-cells 0" "gate" "--bogus" "measure more" "--cpus x"; do
  run "$selftest" $words --workers "$folder"
  expect_code 5 "$words"
  expect_same "$(wc -l <"$scratch/err")" 1 "$words: one line"
done
run "$selftest" measure --part time --workers "$scratch/nowhere"
expect_code 5 "no workers"
expect_same "$(wc -l <"$scratch/err")" 1 "no workers: one line"
finish
