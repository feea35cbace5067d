#!/usr/bin/env bash
# What users install: the wheel in a fresh virtual environment, the npm package in an empty project
# (with its binary, then compiled from its sources). Run by CI; needs `make everything` before.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/.toolchain/bin:$PWD/.venv/bin:$PATH"
SCRATCH=$(mktemp -d)
mkdir "$SCRATCH/dist"
trap 'rm -rf "$SCRATCH"' EXIT
step() { printf '\n== packages: %s\n' "$1"; }

step "a wheel is built"
python -m build --wheel --no-isolation --outdir "$SCRATCH/dist"

step "it works in a fresh environment, and is all that it needs"
python -m venv "$SCRATCH/venv"
"$SCRATCH/venv/bin/pip" install -q --disable-pip-version-check "$SCRATCH"/dist/*.whl
(
  cd "$SCRATCH"
  PATH="$SCRATCH/venv/bin:/usr/bin:/bin"
  "$SCRATCH/venv/bin/python" - <<'PROGRAM'
import chinwag

with chinwag.sync.Server() as server, chinwag.sync.Client(server.url, "ann") as ann:
    ann.join("tea")
    ann.send("tea", "hello")
    while (message := ann.receive(timeout_s=10)).type != "message":
        pass
    assert message.content == "hello", message
print(chinwag.__version__, server)
PROGRAM
  chinwagd --version
  chinwag-load --help >/dev/null
  { chinwag 2>&1 || true; } | grep -F "chinwag[kit]" # it says how to get the rest
)

step "an npm package is packed and works in an empty project"
npm pack --silent --pack-destination "$SCRATCH"
cat >"$SCRATCH/program.cjs" <<'PROGRAM'
const { Server, Client, version } = require('chinwag');
(async () => {
  const server = await new Server().start();
  const ann = await new Client(server.url, { user: 'ann' }).connect();
  await ann.join('tea');
  await ann.send('tea', 'hello');
  let message;
  do message = await ann.receive();
  while (message.type !== 'message');
  if (message.content !== 'hello') process.exit(1);
  await ann.close();
  await server.drain();
  console.log(version);
})();
PROGRAM
try_package() {
  mkdir "$SCRATCH/$1"
  cp "$SCRATCH/program.cjs" "$SCRATCH/$1"
  (cd "$SCRATCH/$1" && npm init -y >/dev/null && npm install --silent "$2" && node program.cjs)
}
try_package project "$SCRATCH"/chinwag-*.tgz
[ ! -d "$SCRATCH/project/node_modules/chinwag/build" ] || exit 1 # the binary that came was used

step "it is compiled where its binary does not fit"
tar -xzf "$SCRATCH"/chinwag-*.tgz -C "$SCRATCH"
rm -r "$SCRATCH/package/prebuilds"
(cd "$SCRATCH/package" && npm pack --silent --ignore-scripts --pack-destination "$SCRATCH/dist")
try_package compiled "$SCRATCH"/dist/chinwag-*.tgz
[ -d "$SCRATCH/compiled/node_modules/chinwag/build" ]
printf '\npackages: all work\n'
