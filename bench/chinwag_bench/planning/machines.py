"""Machines and their prices: a dated file that its user edits."""

from __future__ import annotations

from pathlib import Path

import msgspec

from chinwag_bench.errors import UsageError
from chinwag_bench.toml_files import read_toml

PRICES_TOML = Path(__file__).with_name("prices.toml")


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the file may say; anything else is an error."""


class Machine(_Part, frozen=True, kw_only=True):
    """One kind."""

    vcpus: int
    threads_per_core: int = 1
    """2 where a vCPU is half of a core, which it shares with another one."""
    memory_gb: float
    """GB of 10^9 bytes."""
    network_gbit: float
    usd_hour: float
    files_a_process: int = 1_048_576
    """Open files: Linux's ``fs.nr_open``, unless somebody raised it."""

    @property
    def cores(self) -> float:
        """Physical ones."""
        return self.vcpus / self.threads_per_core


class Prices(_Part, frozen=True, kw_only=True):
    as_of: str
    source: str
    hours_a_month: float = 730
    machines: dict[str, Machine]

    def machine(self, name: str) -> Machine:
        """Raises UsageError for an unknown one."""
        found = self.machines.get(name)
        if found is None:
            known = ", ".join(self.machines)
            raise UsageError(
                f"there is no machine {name!r}",
                hint=f"The price file has: {known}. Give another one with --prices FILE.",
            )
        return found


def read(path: Path = PRICES_TOML) -> Prices:
    """Raises UsageError for what is no price file, HostError where it can't be read."""
    prices: Prices = read_toml(
        path, Prices, absent=f"the kit's own is {PRICES_TOML}", wrong=f"See {PRICES_TOML}."
    )
    for name, machine in prices.machines.items():
        for field in ("vcpus", "threads_per_core", "memory_gb", "network_gbit", "files_a_process"):
            if not 0 < getattr(machine, field) < 1e12:
                raise UsageError(f"{path}: {name}: {field} = {getattr(machine, field)}")
        if not 0 <= machine.usd_hour < 1e9:
            raise UsageError(f"{path}: {name}: usd_hour = {machine.usd_hour}")
    if not prices.machines or not 0 < prices.hours_a_month < 1e6:
        raise UsageError(f"{path}: it has no machine, or no hours a month")
    return prices
