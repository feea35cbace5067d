#!/usr/bin/env bash
# What users install, by the commands of the guides: the wheel in a fresh virtual environment, the
# npm package in an empty project (with its binary, then compiled from its sources), and the guides'
# first programs, with two people in a room. Run by CI.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/.toolchain/bin:$PWD/.venv/bin:$PATH"
SCRATCH=$(mktemp -d)
SERVER=
trap '[ -z "$SERVER" ] || kill "$SERVER"; rm -rf "$SCRATCH"' EXIT
step() { printf '\n== packages: %s\n' "$1"; }
# The first block of a guide in a language, with another folder for its ../chat.
block_of() {
  awk -v fence="\`\`\`$2" '$0 == fence { on = 1; next } on && /^```/ { exit } on' \
    "docs/guides/$1.md" | sed "s|\.\./chat|$SCRATCH/$1|g"
}
PYTHON=$SCRATCH/python/bin/python
NODE_PROJECT=$SCRATCH/node

# The program in $2 serves two people of whom one says what it does not want.
try_program() {
  (cd "$1" && exec "${@:3}" "$2") &
  SERVER=$!
  "$PYTHON" - <<'PROGRAM'
import time

import chinwag

URL = "ws://127.0.0.1:4000/ws"


def hears(client: chinwag.sync.Client, type: str) -> str:
    while message := client.receive(timeout_s=10):
        if message.type == type:
            return message.content
    raise SystemExit(f"no {type}")


for _ in range(100):
    try:
        chinwag.sync.Client(URL, "first").connect().close()
        break
    except chinwag.ChinwagError:
        time.sleep(0.1)
with chinwag.sync.Client(URL, "ann") as ann, chinwag.sync.Client(URL, "bob") as bob:
    ann.join("tea")
    bob.join("tea")
    ann.send("tea", "hello")
    assert hears(bob, "message") == "hello"
    ann.send("tea", "spam")
    assert hears(ann, "error") == "no spam"
print("two people chat, and are spared the spam")
PROGRAM
  kill "$SERVER"
  wait "$SERVER" || [ $? -eq 143 ]
  SERVER=
}

step "the Python guide, in a fresh environment"
bash -euo pipefail -c "$(block_of python sh)"
block_of python python >"$SCRATCH/server.py"
try_program "$SCRATCH" server.py "$PYTHON"

step "the wheel is all that it needs"
(
  cd "$SCRATCH"
  PATH="$SCRATCH/python/bin:/usr/bin:/bin"
  "$PYTHON" -c 'import chinwag; print(chinwag.__version__)'
  chinwagd --version
  chinwag-load --help >/dev/null
  { chinwag 2>&1 || true; } | grep -F "chinwag[kit]" # it says how to get the rest
)

step "the Node.js guide, in an empty project"
bash -euo pipefail -c "$(block_of node sh)"
[ ! -d "$NODE_PROJECT/node_modules/chinwag/build" ] || exit 1 # the binary that came was used
block_of node js >"$NODE_PROJECT/server.mjs"
try_program "$NODE_PROJECT" server.mjs node

step "it is compiled where its binary does not fit"
tar -xzf dist/chinwag-*.tgz -C "$SCRATCH"
rm -r "$SCRATCH/package/prebuilds"
(cd "$SCRATCH/package" && npm pack --silent --ignore-scripts --pack-destination "$SCRATCH")
mkdir "$SCRATCH/compiled"
(cd "$SCRATCH/compiled" && npm init -y >/dev/null && npm install --silent "$SCRATCH"/chinwag-*.tgz)
[ -d "$SCRATCH/compiled/node_modules/chinwag/build" ]
cp "$NODE_PROJECT/server.mjs" "$SCRATCH/compiled"
try_program "$SCRATCH/compiled" server.mjs node
printf '\npackages: all work\n'
