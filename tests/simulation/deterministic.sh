#!/bin/sh
# The same seeds give the same runs, in one process or another: deterministic.sh SIMULATION
set -eu
hashes() { "$1" --seeds 1..20 --hash | grep '^seed'; }
first=$(hashes "$1")
if [ "$first" != "$(hashes "$1")" ]; then
  echo "two runs of the same seeds differ" >&2
  exit 1
fi
