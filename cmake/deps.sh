#!/bin/sh
# Installs what gwtool needs from Debian's packages and builds libcurl.a from Debian's source package.
#
# usage: cmake/deps.sh [--tests] [--tidy] [--no-curl | --curl SOURCE] [DIRECTORY]
#   --tests    also the peers that the tests talk to (unbound, knot, nsd, bind9 tools, dnsperf, Go,
#              a browser; systemd, which is not made the machine's first process by that)
#   --tidy     also clang-tidy, and 16 of it for what 14 does not know: which locals could be const
#   --no-curl  packages only: libcurl stays as it is
#   --curl     build libcurl from this unpacked source package of Debian's, without the network
#   DIRECTORY  where libcurl goes, default build/deps beside this script's parent
#
# Run as root, or with sudo on the machine. Safe to run again: it takes a second when nothing is
# missing or old. What is linked in must be the newest that apt knows of: the binary is static, and
# would keep a hole that is long since fixed on the machine that made it. The machine's apt
# configuration is read, never changed: the deb-src lines that `apt-get source` needs are derived
# from it into a private directory.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
want_tests=no
want_tidy=no
dest=
curl_source=
want_curl=yes
while [ $# -gt 0 ]; do
  case $1 in
    --tests) want_tests=yes ;;
    --tidy) want_tidy=yes ;;
    --no-curl) want_curl=no ;;
    --curl) [ $# -gt 1 ] && curl_source=$(cd "$2" && pwd) && shift || exit 2 ;;
    -*) echo "deps.sh: unknown option $1 (usage: deps.sh [--tests] [--tidy] [--no-curl | --curl SOURCE] [DIRECTORY])" >&2; exit 2 ;;
    *) dest=$1 ;;
  esac
  shift
done
dest=${dest:-$root/build/deps}

packages="g++ cmake ninja-build pkg-config ca-certificates libcli11-dev libtomlplusplus-dev
  libldns-dev libunbound-dev libevent-dev nettle-dev libgmp-dev libsodium-dev libssl-dev
  libsqlite3-dev nlohmann-json3-dev libfmt-dev zlib1g-dev libnghttp2-dev libc-ares-dev
  libyaml-dev libboost1.81-dev libminizip-dev libseccomp-dev libcap-dev dpkg-dev"
test_packages="catch2 python3 git sqlite3 unbound bind9 bind9-utils bind9-dnsutils knot nsd ldnsutils dnsperf openssl
  golang-go golang-golang-x-mod-dev mandoc clang clang-format libclang-rt-dev lld procps
  chromium-headless-shell fonts-dejavu-core strace systemd"
# Parts of all of these get into the binary: the libraries above, and what the compiler adds.
linked="$(printf '%s\n' $packages | grep -e '-dev$' | grep -vxF dpkg-dev) libc6-dev libstdc++-12-dev
  libgcc-12-dev"
[ "$want_tests" = yes ] && packages="$packages $test_packages"
[ "$want_tidy" = yes ] && packages="$packages clang-tidy clang-tidy-16"

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null 2>&1; then sudo "$@"
  else
    echo "deps.sh: root or sudo is needed to run: $*" >&2
    exit 1
  fi
}

# One dpkg-query for all: a package counts when it is installed, or another one provides it.
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p')
missing=
for p in $packages; do
  printf '%s\n' "$installed" | grep -qxF -- "$p" || missing="$missing $p"
done

# "PACKAGE VERSION CANDIDATE" for each linked one that is installed and not the newest. As apt knows
# it: its lists are made anew only when something is to be installed.
old_packages() {
  # shellcheck disable=SC2086
  LC_ALL=C apt-cache policy $linked 2>/dev/null | awk '
    /^[^ ]/ { name = $1; sub(/:$/, "", name) }
    /^  Installed: / { version = $2 }
    /^  Candidate: / && version != "(none)" && $2 != "(none)" && $2 != version {
      print name, version, $2 }'
}
old=$(old_packages)

install_packages() {
  as_root apt-get update -qq
  # A server package must not start its daemon on a machine that only wants to run tests.
  policy=/usr/sbin/policy-rc.d
  made_policy=no
  if [ ! -e "$policy" ]; then
    made_policy=yes
    trap 'as_root rm -f "$policy"; exit 1' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
  fi
  status=0
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o Dpkg::Use-Pty=0 "$@" >&2 || status=$?
  [ "$made_policy" = yes ] && as_root rm -f "$policy"
  trap - INT TERM HUP
  [ "$status" = 0 ] || { echo "deps.sh: apt-get install failed" >&2; exit 1; }
}
if [ -n "$missing$old" ]; then
  [ -n "$missing" ] && echo "deps.sh: installing$missing" >&2
  [ -n "$old" ] && printf '%s\n' "$old" |
    while read -r name is candidate; do
      echo "deps.sh: upgrading $name from $is to $candidate, as it is linked in" >&2
    done
  # shellcheck disable=SC2046,SC2086
  install_packages $missing $(printf '%s\n' "$old" | cut -d' ' -f1)
  old=$(old_packages)
  if [ -n "$old" ]; then
    echo "deps.sh: still old, and would be linked in:" >&2
    printf '%s\n' "$old" >&2
    exit 1
  fi
fi

[ "$want_curl" = yes ] || exit 0

# ---- libcurl ----
# Debian's libcurl.a cannot be linked (krb5 and p11-kit have no .a). The stamp names what it was made
# of: a security update of curl, or a change of this script, makes it anew.
if [ -n "$curl_source" ]; then
  version=$(sed -n '1s/.*(\(.*\)).*/\1/p' "$curl_source/debian/changelog")
else
  version=$(apt-cache policy libcurl4 2>/dev/null | sed -n 's/^  Candidate: //p')
fi
stamp="$version $(cksum < "$0")"
if [ -f "$dest/lib/libcurl.a" ] && [ "$(cat "$dest/stamp" 2>/dev/null)" = "$stamp" ]; then
  exit 0
fi
echo "deps.sh: building libcurl $version" >&2
mkdir -p "$dest"
dest=$(cd "$dest" && pwd)
work=$(mktemp -d "$dest/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
src=$curl_source
if [ -z "$src" ]; then
  mkdir -p "$work/sources" "$work/lists/partial" "$work/cache/archives/partial" "$work/src"
  for f in /etc/apt/sources.list.d/*.sources; do
    [ -f "$f" ] && sed 's/^Types:.*/Types: deb-src/' "$f" > "$work/sources/$(basename "$f")"
  done
  for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -f "$f" ] && sed -n 's/^deb /deb-src /p' "$f" > "$work/sources/$(basename "$f" .list).list"
  done
  chmod 755 "$dest" "$work" "$work/sources" "$work/lists" "$work/lists/partial"
  private_apt() {
    apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/sources" \
      -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User= "$@"
  }
  private_apt update >&2
  (cd "$work/src" && private_apt source "curl=$version" >"$work/log" 2>&1 ||
    private_apt source curl >"$work/log" 2>&1) || { cat "$work/log" >&2; exit 1; }
  src=$(find "$work/src" -mindepth 1 -maxdepth 1 -type d -name 'curl-*')
fi
cp "$src/debian/copyright" "$dest/copyright"  # for NOTICE
# As Debian builds its own, and as far as this compiler goes beyond that; what it reads is strangers'.
flags="-O2 -ffile-prefix-map=$work=."
for flag in -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero; do
  if echo 'int x;' | ${CC:-cc} -Werror $flag -x c -c -o /dev/null - 2>/dev/null; then flags="$flags $flag"; fi
done
flags="$flags -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3"
cmake -S "$src" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_INSTALL_PREFIX="$dest" -DCMAKE_INSTALL_LIBDIR=lib \
  -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_C_FLAGS="$flags" -DCMAKE_C_FLAGS_RELEASE=-DNDEBUG \
  -DBUILD_SHARED_LIBS=OFF -DBUILD_CURL_EXE=OFF -DBUILD_TESTING=OFF -DENABLE_MANUAL=OFF \
  -DHTTP_ONLY=ON -DENABLE_ARES=ON -DCURL_USE_OPENSSL=ON -DUSE_NGHTTP2=ON -DUSE_LIBIDN2=OFF \
  -DCURL_USE_LIBPSL=OFF -DCURL_USE_LIBSSH2=OFF -DCURL_BROTLI=OFF -DCURL_ZSTD=OFF \
  -DCURL_DISABLE_NTLM=ON -DCURL_DISABLE_NETRC=ON -DCURL_DISABLE_OPENSSL_AUTO_LOAD_CONFIG=ON \
  -DCURL_CA_BUNDLE=none -DCURL_CA_PATH=none -DCURL_CA_FALLBACK=ON >"$work/log" 2>&1 &&
  cmake --build "$work/build" --target install >>"$work/log" 2>&1 || {
  cat "$work/log" >&2
  echo "deps.sh: libcurl does not build" >&2
  exit 1
}
printf '%s' "$stamp" > "$dest/stamp"
