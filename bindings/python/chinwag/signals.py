"""Ctrl-C and SIGTERM for everybody here who serves until then."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

NUMBERS = (signal.SIGINT, signal.SIGTERM)

# Each tells whether somebody hears it.
_stops: dict[object, Callable[[], bool]] = {}
_kept: dict[int, Any] = {}  # the program's own handlers meanwhile


@contextmanager
def told_to_stop(stop: Callable[[], bool]) -> Iterator[None]:
    """Calls ``stop`` at every Ctrl-C and SIGTERM, as long as it lasts; where it returns False,
    nobody hears it, and the signal ends the program as it would have without. When the last one
    ends, the program has its own handlers again. Outside of the main thread it takes no signals of
    its own; whoever does in the main thread tells this one, too."""
    key = object()
    _stops[key] = stop
    _install()
    try:
        yield
    finally:
        del _stops[key]
        if not _stops:
            _restore()


def _install() -> None:
    for number in NUMBERS:
        if number in _kept:
            continue
        try:
            _kept[number] = signal.signal(number, _tell)
        except ValueError:
            return  # not the main thread


def _restore() -> None:
    for number, handler in list(_kept.items()):
        try:
            if signal.getsignal(number) is _tell:
                # None: its handler was not set from Python and can't be set again.
                signal.signal(number, signal.SIG_DFL if handler is None else handler)
        except ValueError:
            return  # the last one ended in another thread: the next signal restores them
        del _kept[number]


def _tell(number: int, frame: FrameType | None) -> None:
    stops = list(_stops.values())
    heard = [stop() for stop in stops]
    if not stops:
        _restore()
        signal.raise_signal(number)
    elif not all(heard):
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)
