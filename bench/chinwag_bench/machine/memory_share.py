"""How much of the machine's memory is in use: of the host, and of the control groups' limits."""

from __future__ import annotations

from pathlib import Path

from chinwag_bench.machine.control_groups import memory_limits

_ROOT = Path("/")


def used_share(root: Path = _ROOT) -> float:
    """0 to 1, of whichever is nearest to its end. What the kernel can take back counts as free.
    0 where nothing is shown.
    """
    limits = memory_limits(root)
    return max(_host_share(root), *(limit.used / limit.allowed for limit in limits), 0.0)


def available_bytes(root: Path = _ROOT) -> int | None:
    """What may still be taken, of the host and below every limit. ``None``: it is not shown."""
    free = [limit.allowed - limit.used for limit in memory_limits(root)]
    on_host = host_memory(root).get("MemAvailable")
    free += [on_host] if on_host is not None else []
    return max(0, min(free)) if free else None


def host_memory(root: Path = _ROOT) -> dict[str, int]:
    """Of /proc/meminfo, in bytes; empty where it is not shown."""
    try:
        lines = [line.split() for line in (root / "proc/meminfo").read_text().splitlines()]
    except OSError:
        return {}
    return {
        words[0].rstrip(":"): int(words[1]) * 1024
        for words in lines
        if len(words) == 3 and words[2] == "kB"
    }


def _host_share(root: Path) -> float:
    fields = host_memory(root)
    total = fields.get("MemTotal", 0)
    return 1 - fields.get("MemAvailable", total) / total if total else 0.0
