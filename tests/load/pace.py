"""Programmed slowness for chat_server.py: when each delivery leaves, to the millisecond.

``{"capacity_per_s": 800}``: one server in the sense of queueing theory. A delivery takes 1/800 s,
one after the other, and what arrives meanwhile waits.

``{"delays_ms": [...]}``: the n-th delivery leaves so long after its message's planned send time,
which its stamp tells; after the last entry the first one follows. Thus neither the generator's
delay in sending nor this process's in reading is added to the programmed one. What each delay came
to is kept: the machine may have been busy elsewhere.

``{"late_file": "PATH"}``: how late a delivery left at most, in milliseconds, is written there.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
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
        self._waiting: list[tuple[float, int, float, Any, str]] = []
        self._woken = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None
        self._late_file = plan.get("late_file")
        self.late_s_max = 0.0
        """How much later than programmed a delivery left: the machine was busy elsewhere."""
        self.real_delays_ms: list[tuple[float, float]] = []
        """Of each delivery with a programmed delay, from its planned send time until just before
        and just after it was handed to the kernel."""

    async def send(self, to: Any, text: str) -> None:
        if not (self._service_s or self._delays_ms):
            await self._send_now(to, text)
            return
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_when_due())
        due, planned = self._due(text)
        heapq.heappush(self._waiting, (due, next(self._numbers), planned, to, text))
        self._woken.set()

    def _due(self, text: str) -> tuple[float, float]:
        """When it leaves and when its message was planned to be sent, in seconds of
        CLOCK_MONOTONIC, as the stamps have it.
        """
        if self._delays_ms:
            delay_ms = self._delays_ms[self._deliveries % len(self._delays_ms)]
            self._deliveries += 1
            stamp = text.index("CW1")
            planned_ns = int(text[stamp + _PLANNED_AT : stamp + _PLANNED_END], 16)
            return planned_ns / 1e9 + delay_ms / 1e3, planned_ns / 1e9
        now = time.monotonic()
        self._free_at = max(self._free_at, now) + self._service_s
        return self._free_at, now

    async def _send_when_due(self) -> None:
        while True:
            if not self._waiting:
                self._woken.clear()
                await self._woken.wait()
            left_s = self._waiting[0][0] - time.monotonic()
            if left_s > 0:
                await self._sleep(left_s)
                continue
            due, _, planned, to, text = heapq.heappop(self._waiting)
            before = time.monotonic()
            await self._send_now(to, text)
            after = time.monotonic()
            if self._delays_ms:
                self.real_delays_ms.append(((before - planned) * 1e3, (after - planned) * 1e3))
            self._note_lateness(after - due)

    def _note_lateness(self, late_s: float) -> None:
        if late_s <= self.late_s_max:
            return
        self.late_s_max = late_s
        if self._late_file:
            Path(self._late_file).write_text(f"{late_s * 1e3:.3f}", encoding="ascii")

    async def _sleep(self, seconds: float) -> None:
        """Until that time, or until something is due earlier."""
        self._woken.clear()
        try:
            await asyncio.wait_for(self._woken.wait(), seconds)
        except asyncio.TimeoutError:
            return
