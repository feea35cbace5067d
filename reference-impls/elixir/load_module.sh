#!/usr/bin/env bash
# Replaces one module of a running node by a newly compiled one; its processes and connections stay.
#
#   RELEASE_COOKIE=... load_module.sh RELEASE FOLDER MODULE PORT
#
# FOLDER has the module's .beam, PORT is where the node takes connections of other nodes. The call
# itself is the release's `rpc`: a node for as long as it lasts, which nobody can connect to.
set -euo pipefail

release=$1 folder=$2 module=$3 port=$4
export RELEASE_DISTRIBUTION=sname RELEASE_NODE=chat@localhost
export ERL_ZFLAGS="-start_epmd false -erl_epmd_port $port -dist_listen false"
# No process runs code from before the last change any more, or this fails: none is killed for it.
exec "$release/bin/chat" rpc "
  true = :code.soft_purge($module)
  {:module, _} = :code.load_abs(~c\"$folder/Elixir.$module\")
  true = :code.soft_purge($module)
"
