"""Machines and their prices: a dated file that its user edits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


_WITHIN = {
    "vcpus": (1, 10_000),
    "threads_per_core": (1, 16),
    "memory_gb": (0.001, 10**6),
    "network_gbit": (0.001, 10**6),
    "usd_hour": (0, 10**9),
    "files_a_process": (1, 10**12),
}
"""What a machine can have. Beyond, somebody meant another unit."""


class _Dated(_Part, frozen=True, kw_only=True):
    as_of: str
    source: str
    hours_a_month: float = 730


class Prices(_Dated, frozen=True, kw_only=True):
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


class _File(_Dated, frozen=True, kw_only=True):
    """Its machines are read one by one: only so does an error name the machine."""

    machines: dict[str, dict[str, Any]]


def read(path: Path = PRICES_TOML) -> Prices:
    """Raises UsageError for what is no price file, HostError where it can't be read."""
    absent, wrong = f"the kit's own is {PRICES_TOML}", f"See {PRICES_TOML}."
    file: _File = read_toml(path, _File, absent=absent, wrong=wrong)
    if not file.machines or not 0 < file.hours_a_month < 1e6:
        raise UsageError(f"{path}: it has no machine, or no hours a month", hint=wrong)
    found = {}
    for name, table in file.machines.items():
        try:
            found[name] = msgspec.convert(table, type=Machine)
        except msgspec.ValidationError as error:
            raise UsageError(f"{path}: machine {name!r}: {error}", hint=wrong) from error
        for field, (low, high) in _WITHIN.items():
            value = getattr(found[name], field)
            if not low <= value <= high:
                raise UsageError(
                    f"{path}: machine {name!r}: {field} = {value} is out of range",
                    hint=f"{field} is {low:,} to {high:,}",
                )
    return Prices(
        as_of=file.as_of, source=file.source, hours_a_month=file.hours_a_month, machines=found
    )
