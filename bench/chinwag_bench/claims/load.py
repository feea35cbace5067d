"""Article A's stated load, and what follows from it by multiplication."""

from __future__ import annotations

from dataclasses import dataclass

from chinwag_bench.claims.catalog import load as catalog


@dataclass(frozen=True)
class Load:
    """Rates are per second."""

    connections: int
    messages: float
    direct: float
    fanned_out: float

    @property
    def deliveries(self) -> float:
        """Arrivals per second: each direct message once, each room message at every member."""
        return self.direct + self.fanned_out


def stated_load() -> Load:
    """From the facts of claims.toml."""
    fact = catalog().fact
    messages = fact("connections") * fact("messages_per_connection")
    return Load(
        connections=int(fact("connections")),
        messages=messages,
        direct=messages * fact("direct_share"),
        fanned_out=messages * fact("broadcast_share") * fact("room_size"),
    )
