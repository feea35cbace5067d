#!/usr/bin/env bash
# Builds Centrifugo as its releases are built (.goreleaser.yml: no cgo, stripped, its version put
# in), and the program that starts it. The argument is the folder to build into.
set -euo pipefail
module=github.com/centrifugal/centrifugo/v6
version=$(go list -mod=readonly -m -f '{{.Version}}' "$module")
export CGO_ENABLED=0
go build -mod=readonly -trimpath -buildvcs=false -o "$1/centrifugo" \
  -ldflags "-s -w -X $module/internal/build.Version=${version#v}" "$module"
go build -mod=readonly -trimpath -buildvcs=false -o "$1/server" \
  -ldflags "-s -w -X main.version=${version#v}" .
