"""How long to wait before the next try: exponential, with full jitter (every client its own)."""

from __future__ import annotations

import logging
import random
from typing import Any, Protocol

from chinwag.logs import tell
from chinwag.texts import check_seconds, type_of

# A delay is at least the first: who comes back at once, again and again, is a burden on a server.
DELAY_S_MIN = 0.001
# 24 days, as of all timers of a client.
SECONDS_MAX = (2**31 - 1) / 1000


class Delays(Protocol):
    """What a client asks for its delays."""

    def next_s(self) -> float: ...
    def reset(self) -> object: ...


class Backoff:
    """Delays in seconds. ``first_s`` and ``most_s`` bound the n-th delay to
    ``min(most_s, first_s * 2**n)``; each is drawn evenly between 0 and its bound, so that many
    clients of one server don't come back at the same moment.

    Raises:
        ChinwagError: ``bad_option_value``; a bound is 0.001 s to 24 days.
    """

    def __init__(
        self, first_s: float = 1.0, most_s: float = 30.0, rng: random.Random | None = None
    ) -> None:
        bounds = (DELAY_S_MIN, SECONDS_MAX, "bad_option_value")
        self._first_s = check_seconds("first_s", first_s, *bounds)
        self._most_s = check_seconds("most_s", most_s, *bounds)
        if rng is not None and not callable(getattr(rng, "uniform", None)):
            raise TypeError(f"rng is a random.Random, not {type_of(rng)}")
        self._rng = random.Random() if rng is None else rng
        self._tries = 0

    def next_s(self) -> float:
        """The next delay."""
        bound = min(self._most_s, self._first_s * 2.0 ** min(self._tries, 32))
        self._tries += 1
        return self._rng.uniform(0, bound)

    def reset(self) -> None:
        """A try went well: the next delay is a short one again."""
        self._tries = 0


def check_backoff(given: Any) -> Delays:
    """Raises ``TypeError`` for what has no delays."""
    if not all(callable(getattr(given, name, None)) for name in ("next_s", "reset")):
        raise TypeError(f"backoff is a Backoff, or has its methods, not {type_of(given)}")
    return given  # type: ignore[no-any-return]


class Guarded:
    """The delays of a client; where a program's own backoff fails, those of ``Backoff()``."""

    def __init__(self, given: Delays, what: str) -> None:
        self._given = given
        self._what = what
        self._otherwise = Backoff()

    def next_s(self) -> float:
        otherwise_s = self._otherwise.next_s()
        try:
            return check_seconds(
                "next_s()", self._given.next_s(), 0, SECONDS_MAX, "bad_option_value"
            )
        except Exception as error:
            tell(
                logging.ERROR,
                "%s: its backoff failed: %.1f s instead",
                self._what,
                otherwise_s,
                error=error,
            )
            return otherwise_s

    def reset(self) -> None:
        self._otherwise.reset()
        try:
            self._given.reset()
        except Exception as error:
            tell(logging.ERROR, "%s: its backoff can't be reset", self._what, error=error)
