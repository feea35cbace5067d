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
go_units() { cd reference-impls/go && go test ./...; }
rust_units() {
  cd reference-impls/rust
  cargo test -q --release --locked --target-dir "$ROOT/build/servers/rust/target"
}
elixir_units() {
  cd reference-impls/elixir
  export LANG=C.UTF-8 MIX_ENV=test ERL_LIBS="$ROOT/build/beam/libs"
  CHAT_DIRECTORY=registry mix test && CHAT_DIRECTORY=pg mix test
}
units=()
if have go; then go_units & units+=($!); fi
if have cargo; then rust_units & units+=($!); fi
if have mix; then elixir_units & units+=($!); fi
for one in "${units[@]}"; do wait "$one"; done

step "the Node.js addon"
if have node && [ -f build/release/bindings/node/chinwag.node ]; then
  node --test tests/bindings/node/*.test.cjs
fi

step "conformance of every server (of every variant: chinwag verify --all)"
chinwag verify

step "pytest"
# Many tests wait for programs that they started, and those at the end of the list are short.
python -m pytest tests -m "not served and not alone" -n $(($(nproc) + 1)) --dist loadfile \
  --no-loadscope-reorder "$@"

step "pytest, what measures"
python -m pytest tests -m "alone and not served" "$@"
