# The libraries of the compared servers, each by its own package manager. Sourced by main.sh.

REFERENCE=reference-impls

npm_packages() { (cd "$1" && npm ci --no-audit --no-fund --loglevel=error); }
go_modules() { (cd "$1" && go mod download); }
crates() { (cd "$1" && cargo fetch --locked --quiet); }

# Optional peers fetch their libraries when they are built.
is_peer() { grep -qx 'peer = true' "$1/server.toml" 2>/dev/null; }

# libraries TOOL LOCKFILE FUNCTION: for every server that has LOCKFILE, FUNCTION once for each
# state of that file.
libraries() {
  local lock folder
  for lock in "$REFERENCE"/*/"$2"; do
    folder=${lock%/*}
    [ -f "$lock" ] && ! is_peer "$folder" || continue
    if ! have "$1"; then
      say "$folder: $1 is missing, its column will say so"
    elif ! once "$3-${folder##*/}" "$lock" -- "$3" "$folder"; then
      say "$folder: its libraries could not be fetched (see above), its column will say so"
    fi
  done
}

for folder in "$REFERENCE"/*/; do
  if [ -f "$folder/package-lock.json" ] && [ ! -d "$folder/node_modules" ]; then
    rm -f "$TOOLCHAIN/stamps/npm_packages-$(basename "$folder")"
  fi
done
# The headers that the Node.js addon is compiled with.
if have npm; then
  [ -d node_modules ] || rm -f "$TOOLCHAIN/stamps/npm_packages-root"
  once npm_packages-root package-lock.json -- npm_packages . ||
    say "the packages of the Node.js addon could not be fetched (see above): it is not built"
fi
libraries npm package-lock.json npm_packages
libraries go go.sum go_modules
libraries cargo Cargo.lock crates
if have elixir; then
  bash "$REFERENCE/elixir/fetch_libraries.sh" ||
    say "elixir: Cowboy could not be fetched (see above), its column will say so"
fi
