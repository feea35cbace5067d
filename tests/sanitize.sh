#!/usr/bin/env bash
# The C++ tests under AddressSanitizer + UndefinedBehaviorSanitizer, then those with threads under
# ThreadSanitizer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# sanitize PRESET WHICH TARGET...: the tests whose names match WHICH.
sanitize() {
  cmake --preset "$1" --log-level=WARNING
  cmake --build --preset "$1" --target "${@:3}"
  printf 'sanitize: %s\n' "$1"
  ctest --test-dir "build/$1" --output-on-failure --no-tests=error -j 2 -R "$2"
}
sanitize asan . core_tests chinwag_load_tests fuzz_replays chinwag_simulation oracle_tests
# Simulation and fuzz targets have one thread.
sanitize tsan '^(core|load)' core_tests chinwag_load_tests
