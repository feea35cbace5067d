#!/usr/bin/env bash
# Formatters and linters of every language, each by its own ecosystem's tool. All run; the exit
# code tells if one failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 3
failed=()
check() {
  local name=$1; shift
  printf 'lint: %s\n' "$name"
  "$@" || failed+=("$name")
}
have() {
  command -v "$1" >/dev/null 2>&1 && return
  printf 'lint: %s is missing, skipped\n' "$1"
  [ "${CHINWAG_CI:-}" != 1 ] || failed+=("$1 is missing")
  return 1
}
unformatted_go() { test -z "$(gofmt -l .)" || { gofmt -d .; return 1; }; }
in_folder() { (cd "$1" && shift && "$@"); }
clang_tidy() {
  [ -f build/release/compile_commands.json ] || cmake --preset release --log-level=WARNING
  git ls-files 'core/src/*.cpp' 'core/app/*.cpp' 'bench/load/src/*.cpp' 'bench/floor/src/*.cpp' |
    xargs -P "$(nproc)" -n 6 clang-tidy -p build/release --quiet 2>/dev/null
}

mapfile -t cpp < <(git ls-files --cached --others --exclude-standard '*.hpp' '*.cpp')
check "Python: ruff" ruff check -q .
check "Python: ruff format" ruff format -q --check bench tests bindings examples
check "Python: mypy" mypy
check "Python: mypy, what users write" mypy --strict tests/bindings/python/usage.py
check "Python: mypy, conformance" mypy --strict --exclude faulty/ tests/conformance
check "Python: mypy, the suite's own server" in_folder tests/conformance/faulty \
  mypy --strict --explicit-package-bases --config-file= \
  --cache-dir ../../../.mypy_cache/faulty main.py
check "Python: pyright" node_modules/.bin/pyright --pythonpath .venv/bin/python \
  bindings/python/chinwag tests/bindings/python/usage.py
check "TypeScript: index.d.ts" node_modules/.bin/tsc -p tests/bindings/node
check "C++: clang-format" clang-format --dry-run -Werror "${cpp[@]}"
check "C++: clang-tidy" clang_tidy
have go && check "Go: gofmt" in_folder reference-impls unformatted_go
have go && check "Go: vet" in_folder reference-impls/go go vet ./...
have go && check "Go: vet, cluster" in_folder reference-impls/go \
  go vet -modfile=cluster.mod -tags cluster .
have go && check "Go: vet, batched" in_folder reference-impls/go go vet -tags batched .
have cargo-fmt && for crate in reference-impls/*/Cargo.toml; do
  check "Rust: rustfmt, ${crate%/*}" in_folder "${crate%/*}" cargo fmt --check
done
for features in "" borrowed,sockets; do
  have cargo-clippy && check "Rust: clippy $features" in_folder reference-impls/rust \
    cargo clippy -q --locked --all-targets --features "$features" \
    --target-dir ../../build/servers/rust/target -- -D warnings
done
for variant in article cluster tuned; do
  have cargo-clippy && check "Rust: clippy, $variant" in_folder "reference-impls/rust/$variant" \
    cargo clippy -q --locked --all-targets \
    --target-dir "../../../build/servers/rust.$variant/target" -- -D warnings
done
have mix && check "Elixir: mix format" in_folder reference-impls/elixir mix format --check-formatted
for script in reference-impls/node-*/{,cluster/,tests/}*.js reference-impls/bun/*.js \
    reference-impls/elixir/gateway/{,tests/}*.js \
    bindings/node/*.?js bindings/node/lib/*.cjs bindings/hosted/node/*.cjs examples/node/*.mjs \
    tests/bindings/node/*.cjs bench/chinwag_bench/render/templates/scripts/*.js; do
  check "JavaScript: $script" node --check "$script"
done
for script in scripts/*.sh scripts/*/*.sh tests/*.sh tests/*/*.sh reference-impls/*/*.sh \
    .ci/run; do
  check "shell: $script" bash -n "$script"
done
[ "${#failed[@]}" -eq 0 ] && exit
printf 'lint: FAILED: %s\n' "${failed[@]}"
exit 1
