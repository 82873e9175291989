#!/usr/bin/env bash
# ./test.sh               builds and tests everything; a second run is quick. Cold at most 25 minutes on two cores.
# ./test.sh --full [AREA] ASan and TSan of everything, 30 s a fuzz target, and the tests that CTest labels long; AREA is a regular
#                         expression over the names of test programs and fuzz targets (crypto, evidence, sql, ...).
# Installs what is missing (tools/setup), ends with `N passed, N failed, N skipped`. Shared test data that stand outside the
# repository are found through REDOUBT_SHARED or ../shared; without them their tests are skipped, and counted.
set -euo pipefail

REDOUBT_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cd "$REDOUBT_ROOT"
source tools/build_env.sh

full="" area="."
case "${1:-}" in
  "") ;;
  --full) full=1 area="${2:-.}" ;;
  *) sed -n '2,6s/^# //p' "$0" >&2; exit 2 ;;
esac

trap 'trap - INT TERM; kill 0' INT TERM  # what runs in the background does not hear of an interrupt by itself

results="$REDOUBT_ROOT/build/results"
rm -rf "$results"
mkdir -p "$results"
ok=1

# run_tests TIER PRESET [CTEST OPTION]...: runs tests; failures are shown and make it false.
# Three times as many as there are cores: tests of programs wait for one another much of their time.
run_tests() {
  local tier="$1" preset="$2"
  shift 2
  step "testing $tier"
  "${wrapper[@]}" ctest --test-dir "build/$preset" --parallel $((REDOUBT_JOBS * at_once)) --output-on-failure --no-tests=error \
    --output-junit "$results/$tier.xml" "$@" >"build/$tier.log" 2>&1 || {
    grep -v -E '^ *(Start|[0-9]+/[0-9]+ Test .*(Passed|Skipped))' "build/$tier.log" >&2 || true
    return 1
  }
}
wrapper=(env)
at_once=3

# programs PRESET ZONES: the test programs of a preset whose zone matches, narrowed to the area.
programs() { awk -v zones="$2" -v area="$area" '$2 ~ zones && $1 ~ area { print $1 }' "build/$1/test_programs.txt"; }

# labels PROGRAM...: the regular expression of CTest that selects exactly these.
labels() { printf '^(%s)$' "$(IFS='|'; echo "$*")"; }

# build_sanitized PRESET ZONES [PROGRAMS]: builds the test programs of the zones under a sanitizer, except these, and leaves in
# `selected` which they are.
build_sanitized() {
  local preset="$1"
  (cmake --preset "$preset" -DREDOUBT_TESTS=ON) >"build/$preset.log" 2>&1 || { tail -n 40 "build/$preset.log" >&2; exit 1; }
  mapfile -t selected < <(programs "$preset" "$2" | grep -v -x -E "${3:-none}")
  if ((${#selected[@]} == 0)); then
    step "no test program of $preset matches $area"
    return
  fi
  build "$preset" -- "${selected[@]}"
}

# run_sanitized PRESET: runs what build_sanitized selected.
run_sanitized() { ((${#selected[@]} == 0)) || run_tests "$1-tests" "$1" -L "$(labels "${selected[@]}")"; }

# fuzz OPTION...: runs the fuzz targets within a budget.
fuzz() {
  step "fuzzing ($*)"
  tools/fuzz "$@" | tee "$results/fuzz.txt" || ok=""
}

if [[ -n "$full" ]]; then export REDOUBT_FULL=1; fi  # tests that try every byte do so
step "setting up"
if [[ -n "$full" ]]; then tools/setup full; else tools/setup test; fi

build release -DREDOUBT_TESTS=ON
if [[ -z "$full" ]]; then
  # The tree of the fuzz targets has the tests of parsers and crypto too, under the same sanitizers: those rooms are compiled once. What
  # appraises, serves and computes stands on them, and waits for --full; the checker of SQL is fuzzed here.
  build_sanitized fuzz '^common$' 'test_(appraise|net)'
  build fuzz -DREDOUBT_TESTS=ON -- fuzzers
  # Beside one another: tests of programs leave a third of the processors idle, sanitized ones compute all the time.
  run_tests release release -LE '^long$' &
  released=$!
  at_once=1 run_sanitized fuzz || ok=""
  wait "$released" || ok=""
  fuzz --total 240
else
  if [[ "$area" == . ]]; then
    run_tests release release || ok=""
  else
    mapfile -t selected < <(programs release .)
    ((${#selected[@]} == 0)) || run_tests release release -L "$(labels "${selected[@]}")" || ok=""
  fi
  build release -- benchmarks
  build_sanitized asan .
  run_sanitized asan || ok=""
  build_sanitized tsan .
  # ThreadSanitizer of GCC 12 does not know the address layout of newer kernels: without randomization it does.
  if setarch "$(uname -m)" -R true 2>/dev/null; then
    wrapper=(setarch "$(uname -m)" -R)
  else
    step "address randomization cannot be turned off here; ThreadSanitizer may refuse to start"
  fi
  run_sanitized tsan || ok=""
  wrapper=(env)
  build fuzz -DREDOUBT_TESTS=ON -- fuzzers
  fuzz --each 30 --only "$area"
fi

step "results"
shopt -s nullglob
tools/count_results.py "$results"/*.xml "$results"/*.txt || ok=""
[[ -n "$ok" ]]
