#!/bin/sh
# Runs every fuzz target for some seconds: tests/fuzz/run.sh BUILD_FOLDER [SECONDS]
set -eu

if [ $# -lt 1 ]; then
  echo "usage: $0 BUILD_FOLDER [SECONDS]; README.md says how to build" >&2
  exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
seconds=${2:-30}

for target in frame json_scan http options shard; do
  work="$build/fuzz-work/$target"
  mkdir -p "$work/corpus"
  # The shard begins with nothing: what an input means changes with the generator.
  [ ! -d "$here/corpus/$target" ] || cp "$here/corpus/$target"/* "$work/corpus/"
  echo "== ${target}_fuzz for ${seconds} s"
  "$build/tests/fuzz/${target}_fuzz" -max_total_time="$seconds" -max_len=4096 -timeout=30 \
    -artifact_prefix="$work/" -print_final_stats=0 "$work/corpus"
done
