"""Variables of the environment by which a runtime or an allocator behaves otherwise than a server's
manifest says. Servers get them: some machines need them.
"""

from __future__ import annotations

import os

from chinwag_bench.servers.environment import DIAGNOSTICS

_NAMES = frozenset(
    {
        "ELIXIR_ERL_OPTIONS",
        "GLIBC_TUNABLES",
        "GODEBUG",
        "GOGC",
        "GOMAXPROCS",
        "GOMEMLIMIT",
        "JAVA_TOOL_OPTIONS",
        "JDK_JAVA_OPTIONS",
        "LD_PRELOAD",
        "NODE_OPTIONS",
        "PYTHONASYNCIODEBUG",
        "PYTHONDEVMODE",
        "PYTHONMALLOC",
        "PYTHONOPTIMIZE",
        "TOKIO_WORKER_THREADS",
        "UV_THREADPOOL_SIZE",
    }
)
_PREFIXES = ("BUN_", "CENTRIFUGO_", "ERL_", "MALLOC_", "MIMALLOC_", "RUST_", "WEBSOCKETS_")
_HARMLESS = frozenset({"BUN_INSTALL", "ERL_LIBS"}) | DIAGNOSTICS
"""Those of ``DIAGNOSTICS`` no server gets."""


def runtime_variables() -> list[str]:
    """The names of those that are set to something. Their values may be private: Erlang's flags
    hold a cookie.
    """
    return sorted(
        name
        for name, value in os.environ.items()
        if value and name not in _HARMLESS and (name in _NAMES or name.startswith(_PREFIXES))
    )
