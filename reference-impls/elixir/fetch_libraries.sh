#!/usr/bin/env bash
# Puts Cowboy, cowlib and ranch into build/beam/libs, for machines without hex.
#
# Debian has no package of Cowboy 2; its package rabbitmq-server carries one. The package is
# downloaded and unpacked, never installed: installing it would start a broker. Running this again
# costs nothing.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
libs=${1:-$root/build/beam/libs}
libraries=(cowboy cowlib ranch)

fail() {
  echo "fetch_libraries.sh: $*" >&2
  exit 3
}

complete() {
  local library
  for library in "${libraries[@]}"; do
    compgen -G "$libs/$library-*/ebin/$library.app" >/dev/null || return 1
  done
}

if complete; then
  exit 0
fi

for tool in apt-get dpkg-deb; do
  command -v "$tool" >/dev/null ||
    fail "$tool is missing: this is not Debian. Get Cowboy by hex: see README.md, \"With hex\"."
done

# Apt downloads as the user _apt, who must be able to write here; else it warns and does it as root.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 0755 "$scratch"
if [ "$(id -u)" = 0 ] && id _apt >/dev/null 2>&1; then
  chown _apt "$scratch"
fi

log=$scratch/apt.log
(cd "$scratch" && apt-get download -q rabbitmq-server) >"$log" 2>&1 || {
  cat "$log" >&2
  fail "rabbitmq-server could not be downloaded: run \`apt-get update\` as root and try again."
}
dpkg-deb -x "$scratch"/rabbitmq-server_*.deb "$scratch/package"

plugins=$scratch/package/usr/lib/rabbitmq/lib/rabbitmq_server-*/plugins
mkdir -p "$libs"
for library in "${libraries[@]}"; do
  found=$(compgen -G "$plugins/$library-*/" | head -1) ||
    fail "this rabbitmq-server has no $library: see README.md, \"With hex\"."
  rm -rf "${libs:?}/$library"-*
  # Moved into place at the end, so that an interrupted run leaves nothing that looks complete.
  cp -r "$found" "$libs/.$library"
  mv "$libs/.$library" "$libs/$(basename "$found")"
done
echo "fetch_libraries.sh: $(cd "$libs" && echo cowboy-* cowlib-* ranch-*) in $libs"
