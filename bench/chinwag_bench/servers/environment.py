"""What of this process's environment a server, and what builds it, may see."""

from __future__ import annotations

import os

from chinwag_bench.servers.catalog import Server
from chinwag_bench.servers.manifest import fill

_SETTINGS = ("CHAT_", "CHINWAGD_")
"""The servers' own: exported in a shell, they would make another server of the one that the
manifest describes, and no record would say so.
"""
DIAGNOSTICS = frozenset(
    {
        "GOTRACEBACK",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONUNBUFFERED",
        "RUST_BACKTRACE",
        "RUST_LIB_BACKTRACE",
    }
)
"""Set in many containers for whoever looks for faults; no service is shipped with them. With
``RUST_BACKTRACE=1`` one panic in a handler keeps everybody else waiting for 100 to 250 ms.
"""
_OTHER_MACHINES = frozenset(
    {"CARGO_BUILD_TARGET", "CMAKE_TOOLCHAIN_FILE", "GOARCH", "GOOS", "MIX_TARGET"}
)
"""They have compilers write programs for another machine, some into another folder."""


def for_servers() -> dict[str, str]:
    """The environment without the settings of servers, which come from manifest and options, and
    without ``DIAGNOSTICS``.
    """
    return {
        key: text
        for key, text in os.environ.items()
        if not key.startswith(_SETTINGS) and key not in DIAGNOSTICS
    }


def for_builds(server: Server) -> dict[str, str]:
    """That of the build commands, and of the questions for versions and libraries: their answers
    are of what is built.
    """
    values = server.placeholders()
    own = {key: fill(text, values) for key, text in server.manifest.build.env.items()}
    here = {key: text for key, text in for_servers().items() if key not in _OTHER_MACHINES}
    return here | own
