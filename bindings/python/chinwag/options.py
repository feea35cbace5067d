"""The options of a server, for type checkers; the core checks names and values."""

from __future__ import annotations

from typing import Literal, TypedDict


class Options(TypedDict, total=False):
    """``chinwagd``'s options by name, the unit in the name; ``chinwagd --help`` says what each does
    and gives its bounds."""

    host: str
    port: int
    workers: int
    allowed_origins: str
    serve_health: bool
    serve_metrics: bool
    ping_interval_ms: int
    idle_timeout_ms: int
    handshake_timeout_ms: int
    stall_timeout_ms: int
    close_timeout_ms: int
    close_total_timeout_ms: int
    pending_bytes_max: int
    slow_consumer: Literal["close", "skip"]
    rooms_per_connection_max: int
    header_bytes_max: int
    http_requests_per_connection_max: int
    connections_max: int
    connections_per_user_max: int
    connections_per_address_max: int
    rooms_max: int
    memory_bytes_max: int
    requests_per_second_max: int
    fanout_bytes_per_second_max: int
    undecided_bytes_max: int
    calls_bytes_max: int
    echo: bool
    echo_bytes_max: int
    read_bytes_per_turn: int
    accepts_per_turn: int
    sends_per_room_turn: int
    turn_us: int
    room_backlog_bytes_max: int
    hold_back_ms: int
    listen_backlog: int
