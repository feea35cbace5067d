#!/usr/bin/env bash
# The kit's own tests with the oldest libraries that pyproject.toml allows:
#   bash tests/kit_floors.sh [PYTHON]
# PYTHON is one that those libraries have wheels for (3.10 to 3.12); python3 without it. Nothing is
# built: the tests use this checkout's load generator, from `make native`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
PYTHON=${1:-python3}

# "name>=1.2" of the package's requirements, the kit's and the notebooks' becomes "name==1.2".
floors() {
  "$1" - <<'PROGRAM'
import re
from pathlib import Path

text = Path("pyproject.toml").read_text(encoding="utf-8")
for extra in ("dependencies", "kit", "notebooks"):
    listed = re.search(rf"^{extra} = \[(.*?)\]", text, re.MULTILINE | re.DOTALL)[1]
    for requirement in re.findall(r'"([^"]+)"', listed):
        print(requirement.replace(">=", "=="))
PROGRAM
}

"$PYTHON" -m venv "$SCRATCH/venv"
python=$SCRATCH/venv/bin/python
floors "$python" > "$SCRATCH/floors.txt"
cat "$SCRATCH/floors.txt"
"$python" -m pip install -q --disable-pip-version-check -r "$SCRATCH/floors.txt" \
  pytest pytest-timeout pytest-xdist hypothesis
# Without the checkout's own environment: what is found must be of the oldest. Left out is what
# waits for real servers and processes, which no library changes, and two tests: each msgspec writes
# a schema in its own words.
# Programs that tests start find the kit by PYTHONPATH.
export PYTHONPATH=$PWD/bench
PATH=$SCRATCH/venv/bin:$PATH "$python" -m pytest tests/bench -q -p no:cacheprovider \
  -m "not alone and not slow" -n "$(nproc)" --dist loadfile \
  --ignore tests/bench/test_killed_runs.py --ignore tests/bench/test_adding_a_server.py \
  --ignore tests/bench/test_hot_upgrade.py --ignore tests/bench/test_cluster.py \
  --ignore tests/bench/test_metric_cluster.py --ignore tests/bench/test_robustness.py \
  --ignore tests/bench/test_exclusive_runs.py --ignore tests/bench/test_interruptions.py \
  --ignore tests/bench/test_continuation.py --ignore tests/bench/test_calibration.py \
  --ignore tests/bench/test_floor.py --ignore tests/bench/test_network.py \
  -k "not schema_beside_the_code and not valid_by_the_schema_beside_it"
