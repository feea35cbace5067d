#!/bin/sh
# Runs every fuzz target for some seconds: tests/fuzz/run.sh BUILD_FOLDER [SECONDS]
# A finding ends its target, not the others; the exit code is then 1.
set -eu

if [ $# -lt 1 ]; then
  echo "usage: $0 BUILD_FOLDER [SECONDS]; README.md says how to build" >&2
  exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
seconds=${2:-30}
found=

# run TARGET BYTES [OPTION...]: inputs of at most so many bytes.
run() {
  target=$1 bytes=$2
  shift 2
  work="$build/fuzz-work/$target"
  mkdir -p "$work/corpus"
  cp "$here/corpus/$target"/* "$work/corpus/"
  echo "== ${target}_fuzz for ${seconds} s"
  "$build/tests/fuzz/${target}_fuzz" -max_total_time="$seconds" -max_len="$bytes" -timeout=30 \
    -artifact_prefix="$work/" -print_final_stats=1 "$@" "$work/corpus" || found="$found $target"
}

run frame 4096
run json_scan 4096
run http 16384 # a header may have 8 KiB
run options 4096
run image 4096

# What an input of the shard means changes with the generator: its corpus is small, and libFuzzer
# would take long to grow it. Random bytes are runs of a hundred sensible actions and more.
mkdir -p "$build/fuzz-work/shard/corpus"
for i in $(seq 64); do
  head -c 2000 /dev/urandom >"$build/fuzz-work/shard/corpus/random-$i"
done
run shard 4096 -len_control=0

[ -z "$found" ] && exit
echo "findings:$found (in $build/fuzz-work)" >&2
exit 1
