#!/usr/bin/env bash
# `make test`: C++ units, every server's own units, conformance, then the rest in pytest (tidy, kit,
# load generator, page, notebook). With CHINWAG_CI=1 conformance is of every variant, nothing may be
# missing, and no case may vanish.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ROOT=$PWD
step() { printf '\n== %s (after %d s)\n' "$1" "$SECONDS"; }
is_ci() { [ "${CHINWAG_CI:-}" = 1 ]; }
# Every column that is no optional peer: NAME, or NAME:VARIANT.
columns() {
  chinwag list --json | python -c '
import json, sys
for server in map(json.loads, sys.stdin):
    own = [] if server["peer"] else server["variants"].keys() - set(server["peer_variants"])
    for variant in sorted(own):
        print(server["name"] + ("" if variant == "default" else ":" + variant))'
}
BRIEF=':(coalesced|pg|article|workers)$|^(elixir|go|node-socketio|node-ws|rust):cluster$'
have() {
  command -v "$1" >/dev/null 2>&1 && return
  printf 'test: %s is missing, its units are skipped\n' "$1"
  ! is_ci || exit 1
  return 1
}

step "C++ units"
ctest --test-dir build/release --output-on-failure --no-tests=error -j 2

step "every server is built"
# Rust takes as long as all others together; the second command waits for it.
chinwag build rust >/dev/null 2>&1 &
chinwag build
wait

step "units of the servers, and the Node.js addon"
go_units() {
  for tags in "" tuned batched; do
    (cd reference-impls/go && go test -tags="$tags" ./...)
  done
  (cd reference-impls/gobwas && go test ./...)
  cd reference-impls/gws && go test ./...
}
rust_units() {
  cd reference-impls/rust
  # The server itself is not linked anew: there is nothing but units.
  for features in "" borrowed,sockets; do
    cargo test -q --release --locked --features "$features" \
      --target-dir "$ROOT/build/servers/rust/target"
  done
  # Without --release: with it, what links takes half a minute.
  cargo test -q --locked --manifest-path tuned/Cargo.toml \
    --target-dir "$ROOT/build/servers/rust.tuned/target"
}
beast_units() {
  local folder="$ROOT/build/servers/cpp-beast.tests"
  cmake -S reference-impls/cpp-beast -B "$folder" -G Ninja -DTUNED=ON -DTESTS=ON \
    -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_FLAGS="-fsanitize=address,undefined" >/dev/null
  cmake --build "$folder" --target chat_beast_tests
  "$folder/tests/chat_beast_tests" --gtest_brief=1
}
elixir_units() {
  cd reference-impls/elixir
  export LANG=C.UTF-8 MIX_ENV=test ERL_LIBS="$ROOT/build/beam/libs"
  for directory in registry pg rooms; do CHAT_DIRECTORY=$directory mix test || return 1; done
}
node_ws_units() { node --test reference-impls/node-ws/tests/*.test.js; }
gateway_units() {
  cd reference-impls/elixir/gateway
  [ -d node_modules ] || npm ci --silent
  node --test tests/*.test.js
}
addon_units() { node --test tests/bindings/node/*.test.cjs; }
units=()
beast_units & units+=($!)
if have go; then go_units & units+=($!); fi
if have cargo; then rust_units & units+=($!); fi
if have mix; then elixir_units & units+=($!); fi
if have node; then node_ws_units & units+=($!); fi
if have node; then gateway_units & units+=($!); fi
if have node && [ -f build/release/bindings/node/chinwag.node ]; then
  addon_units & units+=($!)
else
  printf 'test: the Node.js addon is not built, its tests are skipped\n'
  ! is_ci || exit 1
fi
failed=0
for one in "${units[@]}"; do wait "$one" || failed=1; done
[ "$failed" -eq 0 ] || exit 1

if is_ci; then
  step "conformance of every variant, of the bindings, and a minute of every server's own timers"
  python -m pytest tests/conformance/test_defaults.py --patient -m patient -q &
  patient=$!
  hosted=(python-hosted python-hosted:handler node-hosted node-hosted:handler)
  # By the short subset: `coalesced` is `tuned` with a delay, for which the whole suite waits for
  # minutes; the others share all but a part with a variant that is asked everything, and of several
  # nodes the subset has every case.
  mapfile -t whole < <(columns | grep -vE "$BRIEF")
  mapfile -t brief < <(columns | grep -E "$BRIEF")
  failed=0
  chinwag verify "${whole[@]}" "${hosted[@]}" --json >build/verified.ndjson || failed=1
  chinwag verify --smoke "${brief[@]}" || failed=1
  python tests/conformance/passed.py <build/verified.ndjson || failed=1
  # Optional peers and the whole of these are asked by hand, before a change of the suite: they take
  # a quarter of an hour more of the ninety minutes that there are. chinwag verify --all --peers
  wait "$patient" || failed=1
  [ "$failed" -eq 0 ] || exit 1
else
  step "conformance of every server (of every variant: chinwag verify --all)"
  chinwag verify
fi

step "pytest"
# Many tests wait for programs that they started. Files that take longest begin first, and those at
# the end of the list are short.
long=(tests/bench/test_killed_runs.py tests/bench/test_adding_a_server.py
  tests/conformance/test_suite_catches_faults.py)
python -m pytest "${long[@]}" tests -m "not served and not alone" -n $(($(nproc) + 1)) \
  --dist loadfile --no-loadscope-reorder --durations=25 "$@"

step "pytest, what measures"
mapfile -t alone < <(grep -rl 'pytest.mark.alone' tests --include='test_*.py')
python -m pytest "${alone[@]}" -m "alone and not served" "$@"
