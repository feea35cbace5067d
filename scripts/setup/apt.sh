# System packages (Debian, Ubuntu). Sourced by main.sh.

BASE_PACKAGES="build-essential cmake ninja-build pkg-config ca-certificates
  nlohmann-json3-dev libsimdjson-dev libtomlplusplus-dev libcli11-dev libspdlog-dev libssl-dev
  zlib1g-dev libgtest-dev libbenchmark-dev python3 python3-venv python3-dev"
BEAM_PACKAGES="elixir erlang-jiffy"
BROWSER_PACKAGES="chromium fonts-dejavu-core"
# Joins the nodes of the variants `cluster`. The kit starts one for each run, on a port of its own;
# chinwagd is built with the client library. ip makes the links between nodes that are cut.
CLUSTER_PACKAGES="redis-server libhiredis-dev iproute2"

installed() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }
offered() { apt-cache show "$1" >/dev/null 2>&1; }

# Nothing where a Boost from 1.81 on is installed, else the newest that the system offers: its
# default may be older.
boost_package() {
  local header=/usr/include/boost/version.hpp
  [ -f "$header" ] && awk '/define BOOST_VERSION / {exit !($3 >= 108100)}' "$header" && return
  apt-cache search --names-only '^libboost1\.[0-9]+-dev$' 2>/dev/null | awk '{print $1}' |
    awk -F'[.-]' '$2 >= 81' | sort -V | tail -n 1
}

rust_is_enough() {
  have cargo && at_least "$(cargo --version | awk '{print $2}')" 1.85
}
rust_packages() {
  rust_is_enough && return
  if offered rustc-web; then echo rustc-web cargo-web; return; fi
  apt-cache search --names-only '^rustc-1\.[0-9]+$' 2>/dev/null | awk '{print $1}' |
    awk -F'[.-]' '$3 >= 85' | sort -V | tail -n 1 | sed 's/^rustc-\(.*\)$/rustc-\1 cargo-\1/'
}

missing_packages() {
  local package
  for package in $BASE_PACKAGES $BEAM_PACKAGES $BROWSER_PACKAGES $CLUSTER_PACKAGES; do
    installed "$package" || echo "$package"
  done
  boost_package
  rust_packages
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; return; fi
  have sudo && sudo -n true 2>/dev/null && sudo -n "$@"
}

install_packages() {
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends)
  say "system packages to install: $*"
  if ! as_root true; then
    say "no rights to install them. Run this, then make setup again:"
    say "  sudo apt-get install -y --no-install-recommends $*"
    return
  fi
  if as_root "${install[@]}" "$@" >"$TOOLCHAIN/apt.log" 2>&1; then return; fi
  say "apt-get failed for the list as a whole (see .toolchain/apt.log); trying one at a time"
  local package
  for package in "$@"; do
    as_root "${install[@]}" "$package" >>"$TOOLCHAIN/apt.log" 2>&1 ||
      say "not available here: $package"
  done
}

mkdir -p "$TOOLCHAIN/bin"
if have apt-get; then
  # shellcheck disable=SC2046
  set -- $(missing_packages)
  if [ $# -gt 0 ]; then
    as_root apt-get update -qq >"$TOOLCHAIN/apt.log" 2>&1 ||
      say "apt-get update did not work; going on with the lists at hand"
    # shellcheck disable=SC2046
    set -- $(missing_packages) # again: a fresh machine offers nothing before the update
    install_packages "$@"
  fi
else
  say "this is neither Debian nor Ubuntu: install by your own package manager what is missing of:" \
    "$BASE_PACKAGES $BEAM_PACKAGES $CLUSTER_PACKAGES, Boost >= 1.81, Rust >= 1.85"
fi
