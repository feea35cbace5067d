#!/usr/bin/env bash
# The C++ tests under AddressSanitizer + UndefinedBehaviorSanitizer, then under ThreadSanitizer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
for preset in asan tsan; do
  cmake --preset "$preset" --log-level=WARNING
  cmake --build --preset "$preset" --target core_tests chinwag_load_tests fuzz_replays \
    chinwag_simulation oracle_tests
  printf 'sanitize: %s\n' "$preset"
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j 2
done
