#!/usr/bin/env bash
# Installs what the kit needs and this machine lacks: system packages, toolchains, libraries of
# every server. Never asks a question. Run again it takes seconds and needs no network. What can't
# be had is said, and the rest goes on: a server without its toolchain is a column with a reason.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
SETUP="$ROOT/scripts/setup"
TOOLCHAIN="$ROOT/.toolchain"
export PATH="$TOOLCHAIN/bin:$PATH"
cd "$ROOT"

say() { printf 'setup: %s\n' "$*"; }
have() { command -v "$1" >/dev/null 2>&1; }
# at_least HAVE WANT: true when version HAVE is not older than WANT.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }
# once NAME FILE... -- COMMAND...: runs COMMAND unless it already succeeded with the same FILEs.
once() {
  local stamp="$TOOLCHAIN/stamps/$1" files=() sum; shift
  while [ "$1" != -- ]; do files+=("$1"); shift; done; shift
  sum=$(printf '%s ' "$@"; cat "${files[@]}" | sha256sum)
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$sum" ] && return 0
  "$@" || return 1
  mkdir -p "${stamp%/*}" && printf '%s\n' "$sum" > "$stamp"
}

# shellcheck source=/dev/null
{
  . "$SETUP/apt.sh"
  . "$SETUP/toolchains.sh"
  (. "$SETUP/python.sh") & # takes as long as all libraries together
  python=$!
  . "$SETUP/libraries.sh"
}
wait "$python" || exit 3
say "ready"
