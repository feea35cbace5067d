"""The process and the event loop that a server or a client belongs to."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from typing import Any, TypeVar

from chinwag.errors import ChinwagError

Outcome = TypeVar("Outcome")


def check_process(process: int, what: str) -> None:
    """Raises ``forked`` in another process than this one."""
    if os.getpid() != process:
        raise ChinwagError(
            f"this {what} belongs to the process that forked; make a new one here, or use the "
            "'spawn' start method",
            "forked",
        )


class Owner:
    """Who may use it. Before ``take`` that is any event loop of this process."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._process = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None

    def take(self) -> None:
        """From now on it belongs to the event loop that runs here."""
        self._process = os.getpid()
        self._loop = asyncio.get_running_loop()

    def check_process(self) -> None:
        """Raises ``forked`` in another process than that of the owner."""
        check_process(self._process, self._what)

    def is_here(self) -> bool:
        """Whether the owner's loop runs here; ``forked`` in another process."""
        self.check_process()
        return self._loop is None or self._loop is asyncio.get_running_loop()

    def is_gone(self) -> bool:
        """Whether the owner's loop was closed, as ``asyncio.run`` does at its end."""
        return self._loop is not None and self._loop.is_closed()

    def check_here(self) -> None:
        """Raises ``forked`` or ``wrong_loop`` where it can't be used."""
        if not self.is_here():
            raise ChinwagError(
                f"this {self._what} belongs to another event loop: use it from that one, or make a "
                "new one here",
                "wrong_loop",
            )

    async def call(self, work: Coroutine[Any, Any, Outcome]) -> Outcome:
        """Does it in the owner's loop, which runs in another thread; ``wrong_loop`` if it does
        not run."""
        if self._loop is None or not self._loop.is_running():
            work.close()
            self.check_here()
        assert self._loop is not None
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))
