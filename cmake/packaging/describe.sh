#!/bin/sh
# Describes what is linked into a gwtool that was just built:
#   DIRECTORY/gwtool.cdx.json     the components, as CycloneDX 1.5
#   DIRECTORY/NOTICE              their copyright notices and licences
#   DIRECTORY/static-built-using  the field Static-Built-Using of a Debian package of it
#
# usage: cmake/packaging/describe.sh GWTOOL DEPS DIRECTORY
#   GWTOOL  the binary; what it says of itself counts (gwtool version)
#   DEPS    where cmake/deps.sh put libcurl, with its copyright notice
#
# Packages are asked of dpkg. Where there is none the components are still listed, with the versions that
# the binary names, and NOTICE names the licences without their texts. No date and no path of this
# machine is in them: the same binary gives the same files.
set -eu

gwtool=$1
deps=$2
dest=$3
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$dest"
work=$(mktemp -d "$dest/work.XXXXXX")
trap 'rm -rf "$work"' EXIT

"$gwtool" version >"$work/version"
own=$(sed -n '1s/^gwtool //p' "$work/version")
arch=$(dpkg --print-architecture 2>/dev/null || uname -m)

# linked: NAME PACKAGE LICENCE, one a line, without comments.
grep -v '^#' "$here/linked.txt" >"$work/linked"
debian=no
command -v dpkg-query >/dev/null 2>&1 && debian=yes

package_version() { # PACKAGE
  if [ "$1" = libcurl4 ] && [ -f "$deps/stamp" ]; then
    cut -d' ' -f1 "$deps/stamp"  # built from its source
  elif [ $debian = yes ]; then
    dpkg-query -W -f '${Version}' "$1" 2>/dev/null || true
  fi
}

copyright_of() { # PACKAGE
  if [ "$1" = libcurl4 ] && [ -f "$deps/copyright" ]; then
    printf '%s\n' "$deps/copyright"
  else
    printf '%s\n' "/usr/share/doc/$1/copyright"
  fi
}

# ---- the components ----
{
  printf '{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"metadata":{"component":'
  printf '{"type":"application","name":"gwtool","version":"%s","bom-ref":"gwtool","licenses":[{"license":{"id":"MIT"}}]}},\n' "$own"
  printf '"components":[\n'
  separator=
  while read -r name package licence; do
    version=$(awk -v name="$name" 'tolower($1) == tolower(name) { print $2; exit }' "$work/version")
    debian_version=$(package_version "$package")
    version=${version:-$debian_version}
    printf '%s{"type":"library","name":"%s","version":"%s","bom-ref":"%s",' "$separator" "$name" "$version" "$name"
    case $licence in
      *" "*) printf '"licenses":[{"expression":"%s"}]' "$licence" ;;
      *) printf '"licenses":[{"license":{"id":"%s"}}]' "$licence" ;;
    esac
    if [ -n "$debian_version" ]; then
      printf ',"purl":"pkg:deb/debian/%s@%s?arch=%s"' "$(printf %s "$package" | sed 's/+/%2B/g')" \
        "$(printf %s "$debian_version" | sed 's/+/%2B/g; s/:/%3A/g; s/~/%7E/g')" "$arch"
    fi
    printf '}'
    separator=',
'
  done <"$work/linked"
  printf '],\n"dependencies":[{"ref":"gwtool","dependsOn":[%s]}]}\n' \
    "$(awk '{ printf "%s\"%s\"", (NR > 1 ? "," : ""), $1 }' "$work/linked")"
} >"$work/gwtool.cdx.json"

# ---- their licences ----
{
  cat <<TEXT
gwtool is under the licence in LICENSE. These libraries are linked into it, each under its own:

TEXT
  awk '{ name = $1; package = $2; $1 = $2 = ""; sub(/^ +/, ""); printf "  %-12s %s\n", name, $0 }' "$work/linked"
  cat <<TEXT

glibc, gmp, libseccomp and nettle are under the GNU Lesser General Public License: whoever changes one
of them can link gwtool with it. Its source is complete: put the changed library's archive (.a) in the
place of the old one, then

    cmake -B build -DCMAKE_BUILD_TYPE=Release
    cmake --build build

Debian has the libraries' own sources, in the versions that gwtool.cdx.json names:
apt-get source PACKAGE=VERSION.
TEXT
  while read -r name package licence; do
    file=$(copyright_of "$package")
    printf '\n==== %s %s ====\n\n' "$name" "$(package_version "$package")"
    if [ -f "$file" ]; then cat "$file"; else printf '%s\n' "$licence"; fi
  done <"$work/linked"
} >"$work/NOTICE"
# The notices name the common licences by where Debian keeps them.
for name in $(grep -o '/usr/share/common-licenses/[A-Za-z0-9.+-]*[A-Za-z0-9]' "$work/NOTICE" | sed 's|.*/||' | sort -u); do
  [ -f "/usr/share/common-licenses/$name" ] || continue
  printf '\n==== /usr/share/common-licenses/%s ====\n\n' "$name"
  cat "/usr/share/common-licenses/$name"
done >"$work/common"
cat "$work/common" >>"$work/NOTICE"

# ---- their sources ----
{
  printf 'Static-Built-Using: '
  while read -r name package licence; do
    if [ "$package" = libcurl4 ]; then
      version=$(package_version libcurl4)
      [ -z "$version" ] || printf 'curl (= %s)\n' "$version"
    elif [ $debian = yes ]; then
      dpkg-query -W -f '${source:Package} (= ${source:Version})\n' "$package" 2>/dev/null || true
    fi
  done <"$work/linked" | sort -u | awk '{ printf "%s%s", (NR > 1 ? ", " : ""), $0 }'
  printf '\n'
} >"$work/static-built-using"

for file in gwtool.cdx.json NOTICE static-built-using; do mv -f "$work/$file" "$dest/$file"; done
