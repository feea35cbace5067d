#!/usr/bin/env bash
# The tests of both bindings with the core and the bindings themselves under AddressSanitizer, whose
# runtime goes into the interpreter by LD_PRELOAD. Leaks are the interpreters' own affair.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/.toolchain/bin:$PWD/.venv/bin:$PATH"
BUILD=build/asan
cmake --preset asan --log-level=WARNING -DCHINWAG_PYTHON=ON -DCHINWAG_NODE=ON \
  -DPython_EXECUTABLE="$PWD/.venv/bin/python"
cmake --build --preset asan --target chinwag_python chinwag_node
LD_PRELOAD="$(c++ -print-file-name=libasan.so) $(c++ -print-file-name=libstdc++.so)"
export LD_PRELOAD ASAN_OPTIONS=detect_leaks=0:abort_on_error=1
CHINWAG_PACKAGE="$PWD/$BUILD/bindings/python" python -m pytest tests/bindings/python \
  -k "not examples and not leave_nothing_behind" -p no:cacheprovider  # freed blocks are quarantined
CHINWAG_ADDON="$PWD/$BUILD/bindings/node/chinwag.node" node --test tests/bindings/node/*.test.cjs
