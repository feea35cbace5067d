"""What follows from the articles' own setup by multiplication, every input from published.json."""

from __future__ import annotations

from dataclasses import dataclass

from chinwag_bench.judging import published

BITS = 8


@dataclass(frozen=True)
class Load:
    """The load that article A states. Rates are per second, the network is in bits per second."""

    connections: int
    messages: float
    direct: float
    fanned_out: float
    payload_bytes: int
    network: float
    room_size: int

    @property
    def deliveries(self) -> float:
        """Arrivals per second: each direct message once, each room message at every member."""
        return self.direct + self.fanned_out

    @property
    def deliveries_per_message(self) -> float:
        """How many arrivals a message makes on average."""
        return self.deliveries / self.messages

    @property
    def bits(self) -> float:
        """Bits per second of content alone, without headers or JSON."""
        return self.deliveries * self.payload_bytes * BITS


def stated_load() -> Load:
    """Article A's workload, from its setup."""
    setup = published.article("A")["setup"]
    room_size = 100
    messages = setup["connections_per_run"] * setup["messages_per_second_per_connection"]
    mix = setup["mix"]
    return Load(
        connections=setup["connections_per_run"],
        messages=float(messages),
        direct=messages * mix["direct"],
        fanned_out=messages * mix["broadcast_to_100"] * room_size,
        payload_bytes=setup["payload_bytes"],
        network=published.parse_bits(setup["network"]),
        room_size=room_size,
    )


def gbit(bits: float) -> str:
    """Bits per second as "41 Gbit/s", with as many digits as tell it from a whole number."""
    value = bits / 1e9
    return f"{value:.0f} Gbit/s" if value >= 10 or value == int(value) else f"{value:.2f} Gbit/s"


def load_arithmetic(load: Load) -> str:
    """The sum that shows what the stated load needs of the stated network."""
    return (
        f"{load.direct:,.0f} + {load.fanned_out:,.0f} deliveries/s x {load.payload_bytes:,} B x 8 "
        f"= {gbit(load.bits)} over {gbit(load.network)}"
    )


def rate_arithmetic(load: Load, rate: float, reading: str) -> tuple[bool, str]:
    """Whether a published rate fits the network, read as "messages" or as "deliveries"."""
    deliveries = rate if reading == "deliveries" else rate * load.deliveries_per_message
    bits = deliveries * load.payload_bytes * BITS
    factor = "" if reading == "deliveries" else f" x {load.deliveries_per_message:g}"
    text = (
        f"{rate:,.0f}{factor} deliveries/s x {load.payload_bytes:,} B x 8 = {gbit(bits)} "
        f"over {gbit(load.network)}"
    )
    return bits <= load.network, text
