"""Whether this interpreter can host a server. Imported before the native module, which would not
return from a sub-interpreter."""

from __future__ import annotations

import importlib
import sys


def in_sub_interpreter() -> bool:
    """Whether this is not the process's main interpreter."""
    name = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    try:
        interpreters = importlib.import_module(name)
    except ImportError:
        return False  # a Python without them
    return bool(interpreters.get_current() != interpreters.get_main())


def check() -> None:
    """Raises ``ImportError`` with what to do where the package can't be used."""
    if sys.version_info < (3, 10):  # noqa: UP036 - a copied folder asks nobody
        raise ImportError(f"chinwag needs Python 3.10 or newer; this is {sys.version.split()[0]}")
    if sys.platform != "linux":
        raise ImportError("chinwag runs on Linux only: its server is built on epoll")
    if in_sub_interpreter():
        raise ImportError("chinwag can't be used in a sub-interpreter: import it in the main one")
