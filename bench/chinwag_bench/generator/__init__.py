"""The load generator as child processes: commands go in as NDJSON lines, events come out."""

from chinwag_bench.generator.group import Generator
from chinwag_bench.generator.settings import (
    Connected,
    GeneratorSettings,
    HoldRequest,
    Rejoined,
    WatchRequest,
    niceness,
)

__all__ = [
    "Connected",
    "Generator",
    "GeneratorSettings",
    "HoldRequest",
    "Rejoined",
    "WatchRequest",
    "niceness",
]
