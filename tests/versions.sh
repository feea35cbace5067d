#!/usr/bin/env bash
# The bindings' tests on other Pythons and Node.js versions:
#   bash tests/versions.sh python3.12 python3.13t node@22
# An interpreter gets the package as its users do, by pip into an environment of its own; node@N
# comes from npm and loads the addon that `make everything` built, as it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
[ $# -gt 0 ] || { sed -n '2,5s/^# //p' "$0" && exit 2; }

try_python() {
  "$1" -m venv "$SCRATCH/$1"
  local python=$SCRATCH/$1/bin/python
  "$python" -m pip install -q --disable-pip-version-check . pytest pytest-timeout
  local package
  package=$("$python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
  CHINWAG_PACKAGE=$package "$python" -m pytest tests/bindings/python -q -k "not examples" \
    -p no:cacheprovider
}

try_node() {
  mkdir "$SCRATCH/$1"
  npm install --silent --prefix "$SCRATCH/$1" "$1"
  "$SCRATCH/$1/node_modules/.bin/node" --test tests/bindings/node/*.test.cjs
}

for version in "$@"; do
  printf '\n== %s\n' "$version"
  case $version in
    node@*) try_node "$version" ;;
    *) try_python "$version" ;;
  esac
done
