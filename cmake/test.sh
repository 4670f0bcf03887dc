#!/bin/sh
# Installs what is missing, builds the release binary and runs every test and lint (layers, format,
# documents) with it; builds it a second time elsewhere to see that it is the same, byte for byte;
# runs the tests with the address and undefined-behaviour sanitizers, and those of what has threads
# with the thread sanitizer.
#
# Tests leave a fifth of the processors' time, and installing more: what is needed later is made beside them,
# at the lowest priority, and told of when all wait for it; with --quick those are the unit tests. The second
# build, which nothing waits for, fills what the last two runs of tests leave.
#
# usage: sh cmake/test.sh [--no-deps] [--quick] [--tidy] [--analyze]
#   --no-deps  everything is installed already
#   --quick    no sanitizers, no second build
#   --tidy     also clang-tidy
#   --analyze  clang-tidy with the static analyzer too: three times as long
#
# Builds are in build/, and kept.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
deps=yes
quick=no
tidy=no
tidy_checks=-clang-analyzer-*
for arg in "$@"; do
  case $arg in
    --no-deps) deps=no ;;
    --quick) quick=yes ;;
    --tidy) tidy=yes ;;
    --analyze) tidy=yes tidy_checks= ;;
    *)
      echo "test.sh: unknown option $arg" >&2
      echo "usage: test.sh [--no-deps] [--quick] [--tidy] [--analyze]" >&2
      exit 2
      ;;
  esac
done

jobs=$(nproc)
[ "$jobs" -le 4 ] || jobs=4
tests=$((jobs * 2))  # at a time: many wait for a timer, a process or a disk
failed=
work=$(mktemp -d)
priority=  # a command in front of what compiles
scratch=
begun=
trap 'stop_begun; rm -rf "$work" $scratch' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Tests make and remove files by the hundred thousand: where there is memory for it they do so in memory,
# which saves a third of their CPU. They take 1.5 GB there, and up to 4 GB themselves.
use_memory() {
  available=$(awk '$1 == "MemAvailable:" {print int($2 / 1024)}' /proc/meminfo)
  free=$(df -Pm /dev/shm 2>/dev/null | awk '$1 == "tmpfs" && NR == 2 {print $4}')
  [ "${available:-0}" -ge 10000 ] && [ "${free:-0}" -ge 4000 ] || return 0
  scratch=$(mktemp -d /dev/shm/gwtool-tests-XXXXXX) || return 0
  chmod 1777 "$scratch"  # as /tmp is: tests are other users, too
  # Programs that tests build are run there.
  printf '#!/bin/sh\n' >"$scratch/runs" && chmod +x "$scratch/runs"
  if "$scratch/runs" 2>/dev/null; then export TMPDIR="$scratch"; fi
}

# step NAME FUNCTION: runs it, times it; what failed is remembered.
step() {
  printf '\n== %s\n' "$1"
  begin=$(date +%s)
  # In a subshell that is not a condition, so that its first failure ends it.
  set +e
  (set -e; "$2")
  status=$?
  set -e
  printf '== %s: %s, %s s\n' "$1" "$([ "$status" = 0 ] && echo done || echo FAILED)" \
    "$(($(date +%s) - begin))"
  [ "$status" = 0 ] || failed="$failed, $1"
}

# begin FUNCTION: runs it beside what follows, until `finish NAME FUNCTION` waits for it and tells of it as of
# a step, with the time that it took itself.
begin() {
  (
    priority="nice -n 19"
    begin=$(date +%s)
    set +e
    (set -e; "$1") >"$work/$1" 2>&1
    status=$?
    echo "$status $(($(date +%s) - begin))" >"$work/$1.end"
  ) &
  begun="$begun $!"
  eval "process_$1=$!"
}

finish() {
  eval "process=\$process_$2"
  wait "$process" || true
  begun=$(printf ' %s ' "$begun" | sed "s/ $process / /")  # its number may become another's
  printf '\n== %s\n' "$1"
  cat "$work/$2"
  read -r status seconds <"$work/$2.end"
  printf '== %s: %s, %s s beside other steps\n' "$1" "$([ "$status" = 0 ] && echo done || echo FAILED)" "$seconds"
  [ "$status" = 0 ] || failed="$failed, $1"
}

descendants() {
  for child in $(ps -o pid= --ppid "$1"); do
    echo "$child"
    descendants "$child"
  done
}

stop_begun() {
  for process in $begun; do
    # shellcheck disable=SC2046
    kill "$process" $(descendants "$process") 2>/dev/null || true
  done
}

# build PRESET [TARGET]: with the tests, but where only gwtool is wanted. Unit tests of the Release build's
# libraries are compiled with those of the first sanitizers, where there are both.
build() {
  case $1,$quick in
    release,no) where=-DGW_TESTED_ELSEWHERE=ON ;;
    release,yes) where=-DGW_TESTED_ELSEWHERE=OFF ;;
    dev,*) where=-DGW_DELIVERED="$root/build/release" ;;
    *) where= ;;
  esac
  cmake --preset "$1" -DBUILD_TESTING="$([ "${2:-}" = gwtool ] && echo OFF || echo ON)" ${where:+"$where"} \
    >"$work/configure-$1" 2>&1 ||
    { cat "$work/configure-$1"; return 1; }
  $priority cmake --build --preset "$1" -j "$jobs" ${2:+--target "$2"}
}

install_deps() { sh cmake/deps.sh; }
# A build is under way meanwhile.
install_test_deps() { sh cmake/deps.sh --tests "$([ "$tidy" = yes ] && echo --tidy || echo --no-curl)" --no-curl; }
build_gwtool() { build release gwtool; }
build_release() { build release; }
build_test_program() { build release gw_test_program; }
build_rest() { $priority cmake --build --preset release -j "$jobs"; }  # configured as it is
build_dev() { build dev; }
build_tsan() { build tsan; }

# run_tidy COMMAND CHECKS: over every source; CHECKS are added to those of .clang-tidy.
run_tidy() {
  "$1" -quiet -p build/tidy -j "$jobs" ${2:+"-checks=$2"} \
    "^$root/(lib|cmd)/.*\.cc\$" >"$work/tidy" 2>"$work/tidy.err" || {
    grep -E -A3 '(error|warning):' "$work/tidy" || cat "$work/tidy.err"
    return 1
  }
}

# Its own configuration: clang cannot read g++'s precompiled headers. Nothing is built in it.
tidy() {
  cmake -B build/tidy -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=clang \
    -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DGW_UNITY=OFF \
    -DBUILD_TESTING=OFF >/dev/null
  run_tidy run-clang-tidy "$tidy_checks"
  run_tidy run-clang-tidy-16 "-*,misc-const-correctness"  # 14 has no such check
}

# Another directory with a longer name, nothing in common but the sources and libcurl.
same_binary() {
  other=$work/another/place/for/the/same/sources
  mkdir -p "$other"
  tar -cf - --exclude=./build --exclude=./.git . | tar -xf - -C "$other"
  cmake -S "$other" -B "$other/build/release" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DBUILD_TESTING=OFF -DGW_DEPS_DIR="$root/build/deps" >/dev/null
  $priority cmake --build "$other/build/release" -j "$jobs" --target gwtool >"$work/build-other" ||
    { cat "$work/build-other"; return 1; }
  cmp build/release/gwtool "$other/build/release/gwtool"
  echo "sha256 $(sha256sum <build/release/gwtool | cut -d' ' -f1) in both places"
  rm -rf "$other"
}

# What the failed tests of a build said: the last of it, as the reason is there.
failures() {
  log=build/$1/Testing/Temporary
  [ -s "$log/LastTestsFailed.log" ] || return 0
  while IFS=: read -r number name; do
    printf '\n-- %s, build %s\n' "$name" "$1"
    awk -v begin="$number/" 'index($0, "/") && / Testing: / {on = index($0, begin) == 1} on' \
      "$log/LastTest.log" | tail -n 60
  done <"$log/LastTestsFailed.log"
}

# The thread sanitizer of g++ 12 cannot live with much address space randomization.
plainly() {
  if setarch "$(uname -m)" -R true 2>/dev/null; then setarch "$(uname -m)" -R "$@"; else "$@"; fi
}

test_dev() { ctest --preset dev -j "$tests" -LE release-only; }
test_tsan() { plainly ctest --preset tsan -j "$tests" -LE release-only; }
test_release() { ctest --preset release -j "$tests"; }
of_program='^(cli|lint|golden): '
test_program() { ctest --preset release -j "$tests" -R "$of_program"; }
test_units() { ctest --preset release -j "$tests" -E "$of_program"; }

# Everything below needs these: there is no point in going on without.
if [ "$deps" = yes ]; then
  step "install what gwtool is built from" install_deps
  [ -z "$failed" ] || exit 1
  begin install_test_deps
  step "build gwtool" build_gwtool
  finish "install what tests need" install_test_deps
  [ -z "$failed" ] || exit 1
fi
if [ "$quick" = yes ]; then
  step "build what tests of the program run" build_test_program
else
  step "build release" build_release
fi
[ -z "$failed" ] || exit 1
[ "$tidy" = no ] || step "clang-tidy" tidy
use_memory
if [ "$quick" = yes ]; then
  begin build_rest
  step "tests of the program" test_program
  finish "build the unit tests" build_rest
  step "unit tests" test_units
else
  step "build with address and undefined-behaviour sanitizers" build_dev
  begin build_tsan
  step "tests with address and undefined-behaviour sanitizers" test_dev
  finish "build with thread sanitizer" build_tsan
  begin same_binary
  step "tests with thread sanitizer" test_tsan
  # Last, so that the last lines are the summary of the tests of the binary that is shipped.
  step "tests of the release build" test_release
  finish "reproducible build" same_binary
fi

[ -n "$failed" ] || exit 0
for build in dev tsan; do failures "$build"; done
echo "test.sh: failed: ${failed#, }" >&2
exit 1
