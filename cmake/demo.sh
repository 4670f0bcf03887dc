#!/bin/sh
# The main job on real data, from nothing: installs what is missing, builds gwtool, follows a log,
# serves it over DNS with DNSSEC, and checks it, first while nothing is newer and then when something
# is. It needs a network for Debian's packages only, ends by itself and leaves nothing running.
#
# usage: sh cmake/demo.sh [--no-deps]
#   --no-deps   everything is installed already
#
# With GWTOOL set that binary is used, nothing is installed and nothing built.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
data=$root/tests/data
server=
work=

fail() {
  echo "demo.sh: $*" >&2
  exit 1
}

clean_up() {
  status=$?
  trap - EXIT INT TERM HUP
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  [ -n "$work" ] && rm -rf "$work"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

title() { printf '\n== %s\n' "$*"; }

# expect CODE COMMAND...: shows the command, runs it, and insists on its exit code. What it printed is
# in $work/out.
expect() {
  want=$1
  shift
  shown=
  for word in "$@"; do
    case $word in
      *+*+*) word="$(printf '%.20s' "$word")..." ;;
      "$gwtool") word=gwtool ;;
    esac
    shown="$shown $word"
  done
  printf '$%s\n' "$shown"
  code=0
  "$@" >"$work/out" || code=$?
  cat "$work/out"
  [ "$code" = "$want" ] || fail "exit code $code, expected $want:$shown"
}

says() { grep -q -- "$1" "$work/out" || fail "expected '$1' in what it printed"; }

# log_says PATTERN: waits until the server's log has it.
log_says() {
  tries=0
  until grep -q "$1" "$work/server.log"; do
    kill -0 "$server" 2>/dev/null || { cat "$work/server.log" >&2; fail "the server ended"; }
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || { cat "$work/server.log" >&2; fail "no '$1' after 30 seconds"; }
    sleep 0.1
  done
}

if [ -n "${GWTOOL:-}" ]; then
  gwtool=$GWTOOL
else
  if [ "${1:-}" != --no-deps ]; then
    title "Install what is missing"
    sh "$root/cmake/deps.sh"
  fi
  title "Build"
  (cd "$root" && cmake --preset release -DBUILD_TESTING=OFF >/dev/null &&
    cmake --build --preset release --target gwtool)
  gwtool=$root/build/release/gwtool
fi
work=$(mktemp -d)
cd "$work"
expect 0 "$gwtool" --version

# A log of 7,458 real module versions, as it was when it had 5,000 of them.
cp -r "$data/replica" log
cp log/latest.first log/latest
key=$(cat log/key.pub)

title "Follow the log to its first head: every record is verified"
expect 0 "$gwtool" follow-tlog --db tlog.db --log-key "$key" --source log --once
expect 0 "$gwtool" follow-tlog --db tlog.db --log-key "$key" --status
says "5000"

title "Serve it over DNS, signed"
zone=l.replica.test
expect 0 "$gwtool" serve-dns key new --zone "$zone" --key zone.private
printf '$ gwtool serve-dns --db tlog.db --zone %s --ns ns.%s=127.0.0.1 ' "$zone" "$zone"
printf -- '--key zone.private --listen 127.0.0.1:0 &\n'
"$gwtool" serve-dns --db tlog.db --zone "$zone" --ns "ns.$zone=127.0.0.1" --key zone.private \
  --listen 127.0.0.1:0 >"$work/server.out" 2>"$work/server.log" &
server=$!
log_says event=ready
cat "$work/server.log"
address=$(sed -n 's/.*event=listening address=127\.0\.0\.1:\([0-9]*\).*/127.0.0.1@\1/p' \
  "$work/server.log" | head -n 1)
[ -n "$address" ] || fail "the server does not say where it listens"

title "Check: nothing newer, so nothing is printed and the exit code is 0"
# The zone's own key is the trust anchor here; on the Internet the root's keys are, and built in.
asked="--dns $zone --resolver $address --trust-anchor zone.key --dnssec require"
# shellcheck disable=SC2086
expect 0 "$gwtool" check module github.com/mjl-/mox@v0.0.14 $asked
[ ! -s "$work/out" ] || fail "something was printed"

title "The log grows by 2,458 records, and the server runs on"
cp "$data/replica/latest" log/latest
expect 0 "$gwtool" follow-tlog --db tlog.db --log-key "$key" --source log --once
log_says "event=updated.*records=7458"

title "Check again: v0.0.15, validated with DNSSEC, exit code 100"
# shellcheck disable=SC2086
expect 100 "$gwtool" check module github.com/mjl-/mox@v0.0.14 $asked
says "^github.com/mjl-/mox v0.0.15 "
# shellcheck disable=SC2086
expect 100 "$gwtool" check toolchain go1.26.8 $asked
says "^toolchain go1.26.11 "

title "Prove versions against the Go checksum database itself (a captured part of it)"
# shellcheck disable=SC2086
expect 100 "$gwtool" check module github.com/mjl-/mox@v0.0.14 gopkg.in/yaml.v3@v3.0.0 \
  github.com/google/uuid@v1.5.0 $asked --prove --source "$data/sumdb" --db proofs.db
says "^gopkg.in/yaml.v3 v3.0.1 "
# shellcheck disable=SC2086
expect 100 "$gwtool" check toolchain go1.26.8 $asked --prove --source "$data/sumdb" \
  --db proofs.db --platform linux-amd64 --json
says '"record":'

kill "$server"
code=0
wait "$server" || code=$?
server=
[ "$code" = 0 ] || fail "the server ended with $code"

title "All of it worked. On the real Internet:"
echo "gwtool check module github.com/mjl-/mox@v0.0.14 --prove   # by DNS, and from sum.golang.org"
echo "gwtool follow-tlog --db tlog.db                          # 72 million records, verified"
