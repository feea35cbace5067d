#!/usr/bin/env bash
# Whether a folder holds the libraries of libraries.sha256 and no others.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$1"
sha256sum --quiet --check "$here/libraries.sha256"
known=$(awk '{print $2}' "$here/libraries.sha256")
others=$(find . -name '*.jar' -printf '%f\n' | grep -vxF "$known" || true)
[ -z "$others" ] || { echo "$1: not in libraries.sha256: $others" >&2; exit 1; }
