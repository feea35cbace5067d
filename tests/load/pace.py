"""Programmed slowness for chat_server.py: when each delivery leaves, to the millisecond.

``{"capacity_per_s": 800}``: one server in the sense of queueing theory. A delivery takes 1/800 s,
one after the other, and what arrives meanwhile waits.

``{"delays_ms": [...]}``: the n-th delivery leaves so long after its message's planned send time,
which its stamp tells; after the last entry the first one follows. Thus neither the generator's
delay in sending nor this process's in reading is added to the programmed one.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

# "CW1", kind, hold, sender and sequence number come before the planned time in nanoseconds.
_PLANNED_AT, _PLANNED_END = 24, 40

Send = Callable[[Any, str], Awaitable[None]]


class Pace:
    """Sends in the order of due times, as far as the programme asks for it."""

    def __init__(self, plan: dict[str, Any], send: Send) -> None:
        self._send_now = send
        self._service_s = 1 / plan["capacity_per_s"] if "capacity_per_s" in plan else 0.0
        self._delays_ms: list[float] = plan.get("delays_ms", [])
        self._free_at = 0.0
        self._deliveries = 0
        self._numbers = count()
        self._waiting: list[tuple[float, int, Any, str]] = []
        self._woken = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None
        self.late_s_max = 0.0
        """How much later than programmed a delivery left: the machine was busy elsewhere."""

    async def send(self, to: Any, text: str) -> None:
        if not (self._service_s or self._delays_ms):
            await self._send_now(to, text)
            return
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_when_due())
        heapq.heappush(self._waiting, (self._due(text), next(self._numbers), to, text))
        self._woken.set()

    def _due(self, text: str) -> float:
        """CLOCK_MONOTONIC seconds, as the stamps have it."""
        if self._delays_ms:
            delay_ms = self._delays_ms[self._deliveries % len(self._delays_ms)]
            self._deliveries += 1
            stamp = text.index("CW1")
            planned_ns = int(text[stamp + _PLANNED_AT : stamp + _PLANNED_END], 16)
            return planned_ns / 1e9 + delay_ms / 1e3
        self._free_at = max(self._free_at, time.monotonic()) + self._service_s
        return self._free_at

    async def _send_when_due(self) -> None:
        while True:
            if not self._waiting:
                self._woken.clear()
                await self._woken.wait()
            left_s = self._waiting[0][0] - time.monotonic()
            if left_s > 0:
                await self._sleep(left_s)
                continue
            due, _, to, text = heapq.heappop(self._waiting)
            await self._send_now(to, text)
            self.late_s_max = max(self.late_s_max, time.monotonic() - due)

    async def _sleep(self, seconds: float) -> None:
        """Until that time, or until something is due earlier."""
        self._woken.clear()
        try:
            await asyncio.wait_for(self._woken.wait(), seconds)
        except asyncio.TimeoutError:
            return
