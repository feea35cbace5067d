"""What a client is made with, checked where the program gives it."""

from __future__ import annotations

from dataclasses import dataclass

from chinwag.backoff import DELAY_S_MIN, SECONDS_MAX, Backoff, Delays, Guarded, check_backoff
from chinwag.handshake import check_url, shown, with_user
from chinwag.texts import check_names, check_seconds, check_whole, type_of

# No message of chat/1 is longer: 64 KiB of content, every byte of it escaped, and names.
MESSAGE_BYTES_MAX = 2**20
# What a client has to be able to read, and what the library can be told.
MESSAGE_BYTES_BOUNDS = (2**16, 2**31 - 1)
QUEUE_BOUNDS = (1, 2**31 - 1)

BAD = "bad_option_value"


@dataclass(frozen=True, slots=True)
class Settings:
    """Options of a client; ``chinwag.Client`` says what each does."""

    url: str
    user: str
    reconnect: bool
    heartbeat_s: float
    queue_max: int
    message_bytes_max: int
    connect_timeout_s: float
    close_timeout_s: float
    backoff: Guarded


def read_settings(
    url: str,
    user: str | None,
    *,
    reconnect: bool,
    heartbeat_s: float,
    queue_max: int,
    message_bytes_max: int,
    connect_timeout_s: float,
    close_timeout_s: float,
    backoff: Delays | None,
) -> Settings:
    """Raises ``bad_url``, ``bad_name`` or ``bad_option_value``, and ``TypeError`` for a value of
    another type."""
    check_url(url)
    if user is not None and user != "":
        check_names(user=user)
    if not isinstance(reconnect, bool):
        raise TypeError(f"reconnect is True or False, not {type_of(reconnect)}")
    full_url = with_user(url, user or None)
    delays = (DELAY_S_MIN, SECONDS_MAX, BAD)
    return Settings(
        url=full_url,
        user=user or "",
        reconnect=reconnect,
        heartbeat_s=check_seconds("heartbeat_s", heartbeat_s, *delays),
        queue_max=check_whole("queue_max", queue_max, *QUEUE_BOUNDS, BAD),
        message_bytes_max=check_whole(
            "message_bytes_max", message_bytes_max, *MESSAGE_BYTES_BOUNDS, BAD
        ),
        connect_timeout_s=check_seconds("connect_timeout_s", connect_timeout_s, *delays),
        close_timeout_s=check_seconds("close_timeout_s", close_timeout_s, 0, SECONDS_MAX, BAD),
        backoff=Guarded(Backoff() if backoff is None else check_backoff(backoff), shown(full_url)),
    )
