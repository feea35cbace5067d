#!/usr/bin/env bash
# The wheel for this Python and the npm package, with the addon that was built, in dist/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p dist
rm -f dist/chinwag-*
python -m build --wheel --no-isolation --outdir dist
npm pack --silent --pack-destination dist
