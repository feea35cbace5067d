#!/usr/bin/env bash
# `make test`: C++ units, every server's own units, conformance, then the rest in pytest (tidy, kit,
# load generator, page, notebook).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ROOT=$PWD
step() { printf '\n== %s (after %d s)\n' "$1" "$SECONDS"; }
have() {
  command -v "$1" >/dev/null 2>&1 && return
  printf 'test: %s is missing, its units are skipped\n' "$1"
  return 1
}

step "C++ units"
ctest --test-dir build/release --output-on-failure --no-tests=error -j 2

step "every server is built"
# Rust takes as long as all others together; the second command waits for it.
chinwag build rust >/dev/null 2>&1 &
chinwag build
wait

step "units of the servers"
if have go; then (cd reference-impls/go && go test ./...); fi
if have cargo; then
  (cd reference-impls/rust &&
    cargo test -q --release --locked --target-dir "$ROOT/build/servers/rust/target")
fi
if have mix; then
  for directory in registry pg; do
    (cd reference-impls/elixir && CHAT_DIRECTORY=$directory \
      LANG=C.UTF-8 MIX_ENV=test ERL_LIBS="$ROOT/build/beam/libs" mix test)
  done
fi

step "the Node.js addon"
if have node && [ -f build/release/bindings/node/chinwag.node ]; then
  node --test tests/bindings/node/*.test.cjs
fi

step "conformance of every server (of every variant: chinwag verify --all)"
chinwag verify

step "pytest"
python -m pytest tests -m "not served and not alone" -n "$(nproc)" --dist loadfile "$@"

step "pytest, what measures"
python -m pytest tests -m "alone and not served" "$@"
