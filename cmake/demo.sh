#!/bin/sh
# The main job on real data, from nothing: installs what is missing, builds gwtool, follows a log,
# serves it over DNS with DNSSEC, and checks it, first while nothing is newer and then when something
# is; then, where there is data for it, a program is built twice and by a build service; last the guided
# tour of the manual, where there is a go command. It needs a network for Debian's packages only, ends by
# itself and leaves nothing running.
#
# usage: sh cmake/demo.sh [--no-deps]
#   --no-deps   everything is installed already
#
# With GWTOOL set that binary is used, nothing is installed and nothing built. With GW_DEMO_LIBRARY, too, what
# a cache of gwtool build has in std/, Go's library is not compiled anew.
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
  for pid in ${tour:-}; do
    kill "$pid" 2>/dev/null && wait "$pid" || true
  done
  [ -n "$work" ] && rm -rf "$work"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

give_library() {
  [ -z "${GW_DEMO_LIBRARY:-}" ] || { mkdir "$1" && cp -r "$GW_DEMO_LIBRARY" "$1/std"; }
}

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

# stop_server: it ends when it is asked to, and without complaint.
stop_server() {
  kill "$server"
  code=0
  wait "$server" || code=$?
  server=
  [ "$code" = 0 ] || fail "the server ended with $code"
}
stop_server

# What the modules and a toolchain are built from: captured parts of a module proxy and of the Go
# checksum database, beside the checkout.
shared=${GW_SHARED_DATA:-$root/../shared/data}
hello=golang.org/x/example/hello@v0.0.0-20250915201037-7f05d217867b
if [ -d "$shared/goproxy" ] && [ -d "$shared/sumdb" ]; then
  proven="--proxy file://$shared/goproxy --source $shared/sumdb"
  title "Build a Go program twice, in two places, from proven sources: the same bytes"
  give_library cache-one
  give_library cache-two
  # Some containers' kernels refuse a part of the sandbox.
  # shellcheck disable=SC2086
  "$gwtool" build "$hello" --go go1.26.8 $proven --cache cache-one 2>"$work/err" >"$work/out" || {
    grep -q "refuses parts of the sandbox" "$work/err" || { cat "$work/err" >&2; fail "it cannot be built"; }
    proven="$proven --sandbox partial"
  }
  for place in one two; do
    mkdir $place
    # shellcheck disable=SC2086
    expect 0 "$gwtool" build "$hello" --go go1.26.8 $proven --cache cache-$place -o $place/
  done
  cmp one/* two/* || fail "they differ"
  sum=$(cut -d' ' -f1 "$work/out")

  title "A build service, which logs what it builds, and a binary of it, proven by that log"
  expect 0 "$gwtool" build genkey builds.demo.test --key builds.key
  builds_key=$(head -n 1 "$work/out")
  : >"$work/server.log"
  printf '$ gwtool build serve --data builds --key builds.key --listen 127.0.0.1:0 --gate off &\n'
  # The toolchain need not be tried out first: what it has just built twice has a known sum.
  # shellcheck disable=SC2086
  "$gwtool" build serve --data builds --key builds.key --listen 127.0.0.1:0 --gate off \
    --admin-listen off $proven --cache cache-one >"$work/server.out" 2>"$work/server.log" &
  server=$!
  log_says event=ready
  at=$(sed -n 's/.*event=listening address=\([0-9.:]*\).*/\1/p' "$work/server.log" | head -n 1)
  expect 0 "$gwtool" build get "$hello" --go go1.26.8 --log-key "$builds_key" \
    --source "http://$at/tlog" --cache cache-get -o got/
  says "^$sum "
  stop_server
fi

# The guided tour of the manual: DNS that tells of releases, a service that builds them, and one that is
# updated by both. After a step that starts something one waits until that is ready.
go=$(command -v go || true)
[ -n "$go" ] || go=$(ls "$work"/cache-one/toolchains/*/bin/go 2>/dev/null | head -n 1)
if [ -n "$go" ]; then
  title "The guided tour, gwtool-tour(7): a service that updates itself"
  mkdir path
  ln -s "$gwtool" path/gwtool
  PATH=$work/path:$(dirname "$go"):$PATH
  ln -s "$root/tests" tests
  # Some containers' kernels refuse a part of the sandbox: found out with what cannot be built.
  partial=
  cp -r "$data/tour" probe && cp probe/log/latest.first probe/log/latest
  "$gwtool" build example.test/svc/none@v0.1.0 --proxy "file://$work/probe/proxy" --source probe/log \
    --log-key "$(cat probe/log/key.pub)" --toolchain local --cache probe/cache 2>"$work/err" &&
    fail "what is not there was built"
  grep -q "refuses parts of the sandbox" "$work/err" && partial="--sandbox partial"
  awk '/^\.Bd -literal/ { n++; on = 1; next } /^\.Ed/ { on = 0 } on {
    gsub(/\\e/, "\\"); gsub(/\\&/, ""); sub(/--toolchain local/, "& " partial)
    print >sprintf("step-%02d", n) }' partial="$partial" "$root/man/sections/gwtool-tour.mdoc"
  : >"$work/server.log"
  waits=0
  # It waits for what is to happen, but not for ever; the last step ends this, too.
  sh -c 'trap "kill \$s; exit" TERM; sleep 1200 & s=$!; wait $s && kill "$0"' $$ &
  tour=$!
  for step in "$work"/step-*; do
    sed -e 's/^/$ /' "$step"
    # shellcheck disable=SC1090
    . "$step" 2>>"$work/server.log"
    [ "$step" != "$work/step-01" ] || give_library cache
    if grep -q '&$' "$step"; then
      server=$!
      tour="$tour $!"
      waits=$((waits + 1))
      until [ "$(grep -c 'event=ready\|event=supervising' "$work/server.log")" -ge "$waits" ]; do
        kill -0 "$server" || { cat "$work/server.log" >&2; fail "it ended"; }
        sleep 0.1
      done
    fi
  done
  server=
  tour=
  cd "$work"
fi

title "All of it worked. On the real Internet:"
echo "gwtool check module github.com/mjl-/mox@v0.0.14 --prove   # by DNS, and from sum.golang.org"
echo "gwtool follow-tlog --db tlog.db                          # 72 million records, verified"
echo "gwtool build filippo.io/age/cmd/age@v1.2.1 --go go1.26.8 # the same bytes on every machine"
