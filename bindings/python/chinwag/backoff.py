"""How long to wait before the next try: exponential, with full jitter (every client its own)."""

from __future__ import annotations

import random


class Backoff:
    """Delays in seconds. ``first_s`` and ``most_s`` bound the n-th delay to
    ``min(most_s, first_s * 2**n)``; each is drawn evenly between 0 and its bound, so that many
    clients of one server don't come back at the same moment."""

    def __init__(
        self, first_s: float = 1.0, most_s: float = 30.0, rng: random.Random | None = None
    ) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._rng = rng or random.Random()
        self._tries = 0

    def next_s(self) -> float:
        """The next delay."""
        bound = min(self._most_s, self._first_s * 2.0 ** min(self._tries, 32))
        self._tries += 1
        return self._rng.uniform(0, bound)

    def reset(self) -> None:
        """A try went well: the next delay is a short one again."""
        self._tries = 0
