#!/usr/bin/env bash
# Runs a Python that the library's wheels are for: 3.12 or newer, the first on PATH that starts
# and has venv. Without one: one line on standard error, and 1.
set -euo pipefail
for python in python3 python3.14 python3.13 python3.12; do
  if "$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 12))' 2> /dev/null; then
    exec "$python" "$@"
  fi
done
echo "python.sh: no Python 3.12 or newer with venv on PATH" >&2
exit 1
