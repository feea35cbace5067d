#!/usr/bin/env bash
# The bindings' tests on other Pythons and Node.js versions:
#   bash tests/versions.sh python3.12 python3.13t floors@python3.10 node@22
# An interpreter gets the package as its users do, by pip into an environment of its own; floors@
# with the oldest libraries that pyproject.toml allows. node@N comes from npm and loads the addon
# that `make everything` built, as it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
[ $# -gt 0 ] || { sed -n '2,6s/^# //p' "$0" && exit 2; }

try_python() {
  "$1" -m venv "$SCRATCH/$1"
  local python=$SCRATCH/$1/bin/python
  "$python" -m pip install -q --disable-pip-version-check . pytest pytest-timeout
  local package
  package=$("$python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
  CHINWAG_PACKAGE=$package "$python" -m pytest tests/bindings/python -q -k "not examples" \
    -p no:cacheprovider
}

# "name>=1.2" in the build system's requirements and the package's becomes "name==1.2".
try_floors() {
  grep -E '^(requires|dependencies) = ' pyproject.toml | grep -oE '"[^"]+>=[^"]+"' |
    sed 's/"//g; s/>=/==/' > "$SCRATCH/floors.txt"
  PIP_CONSTRAINT=$SCRATCH/floors.txt try_python "$1"
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
    floors@*) try_floors "${version#floors@}" ;;
    *) try_python "$version" ;;
  esac
done
