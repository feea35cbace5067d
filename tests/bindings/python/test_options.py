"""What servers and clients are made with: what makes no sense is an error at once, with words."""

from __future__ import annotations

import asyncio
import enum
import logging
import math
from collections.abc import Callable, Coroutine
from fractions import Fraction
from typing import Any

import chinwag
import pytest
from chinwag.options import Options

URL = "ws://127.0.0.1:9/ws"
BOTH = [chinwag.Client, chinwag.sync.Client]
NO_NUMBERS = ["5", None, True, [], b"5", 1j]


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 30))


SECONDS = ["heartbeat_s", "connect_timeout_s", "close_timeout_s"]
OUT_OF_BOUNDS = [-1, math.nan, math.inf, -math.inf, 1e12, 10**400, -(10**400), Fraction(10**400)]


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("name", SECONDS)
@pytest.mark.parametrize("value", [*OUT_OF_BOUNDS, 0, 1e-9])
def test_seconds_out_of_bounds_are_an_error_at_once(kind: Any, name: str, value: Any) -> None:
    if name == "close_timeout_s" and 0 <= value < 1:
        kind(URL, **{name: value})
        return
    with pytest.raises(chinwag.ChinwagError, match=f"{name} is .*give seconds from") as raised:
        kind(URL, **{name: value})
    assert raised.value.code == "bad_option_value"


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("name", [*SECONDS, "queue_max", "message_bytes_max"])
@pytest.mark.parametrize("value", NO_NUMBERS)
def test_an_option_that_is_no_number_is_a_type_error(kind: Any, name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"{name} is an? "):
        kind(URL, **{name: value})


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("queue_max", 0),
        ("queue_max", -1),
        ("queue_max", 2**31),
        pytest.param("queue_max", 10**5000, id="huge"),
        ("message_bytes_max", 65_535),
        ("message_bytes_max", 2**31),
    ],
)
def test_a_count_out_of_bounds_is_an_error_at_once(kind: Any, name: str, value: int) -> None:
    with pytest.raises(chinwag.ChinwagError, match=f"{name} is .*give one from") as raised:
        kind(URL, **{name: value})
    assert raised.value.code == "bad_option_value"


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"queue_max": 1.5}, "queue_max is an int, not float"),
        ({"reconnect": "no"}, "reconnect is True or False, not str"),
        ({"reconnect": None}, "reconnect is True or False, not None"),
        ({"backoff": 5}, "backoff is a Backoff, or has its methods, not int"),
        ({"backoff": {}}, "backoff is a Backoff"),
        ({"user": 5}, "user is a str, not int"),
        ({"user": 0}, "user is a str, not int"),
        ({"user": b"ann"}, "user is a str, not bytes"),
        ({"heartbeat": 5}, "heartbeat"),
    ],
)
def test_an_option_of_another_kind_is_a_type_error(
    kind: Any, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(TypeError, match=words):
        kind(URL, **options)


@pytest.mark.parametrize("value", [*OUT_OF_BOUNDS, 0, 1e-4])
@pytest.mark.parametrize("name", ["first_s", "most_s"])
def test_a_backoff_out_of_bounds_is_an_error(name: str, value: Any) -> None:
    with pytest.raises(chinwag.ChinwagError, match=f"{name} is .*give seconds from") as raised:
        chinwag.Backoff(**{name: value})
    assert raised.value.code == "bad_option_value"


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize("name", ["first_s", "most_s"])
def test_a_backoff_of_another_type_is_a_type_error(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=name):
        chinwag.Backoff(**{name: value})
    with pytest.raises(TypeError, match="rng is a random"):
        chinwag.Backoff(rng=5)  # type: ignore[arg-type]


NO_DELAYS: list[Callable[[], object]] = [
    lambda: math.nan,
    lambda: -1,
    lambda: math.inf,
    lambda: "soon",
    lambda: None,
    lambda: 1 / 0,
]


@pytest.mark.parametrize("place", range(len(NO_DELAYS)))
def test_a_backoff_of_the_program_that_fails_is_no_storm_and_no_end(place: int) -> None:
    class Failing:
        asked = 0

        def next_s(self) -> Any:
            self.asked += 1
            return NO_DELAYS[place]() if self.asked > 1 else 0.001

        def reset(self) -> None:
            raise ValueError

    async def scenario() -> None:
        server = await chinwag.Server().start()
        backoff = Failing()
        async with chinwag.Client(server.url, "ann", backoff=backoff) as ann:
            await server.drain()
            while backoff.asked < 2:
                await asyncio.sleep(0.01)
            async with chinwag.Server(port=server.port):
                await asyncio.wait_for(ann.send("tea", "back"), 20)
            assert backoff.asked < 10

    run(scenario())


BAD_URLS = [
    "",
    "x",
    "127.0.0.1:4000/ws",
    "http://127.0.0.1/ws",
    "ws://",
    "ws:///ws",
    "ws://[",
    "ws://[::1/ws",
    "ws://127.0.0.1:tea/ws",
    "ws://127.0.0.1:99999/ws",
    "ws://127.0.0.1:-1/ws",
    "ws://127.0.0.1:0/ws",
    "ws://127.0.0.1 /ws",
    "ws://127.0.0.1/ws\n",
    "\0ws://127.0.0.1/ws",
    "ws://127.0.0.1/ws#there",
    "ws://ann@127.0.0.1/ws",
    "ws://a..b/ws",
    f"ws://{'a' * 64}/ws",
    "ws://\ud83d/ws",
    "ws://127.0.0.1/\ud83d",
]


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("user", [None, "ann"])
@pytest.mark.parametrize("url", BAD_URLS)
def test_what_is_no_address_is_an_error_at_once(kind: Any, user: str | None, url: str) -> None:
    with pytest.raises(chinwag.ChinwagError, match="give one such as ws://") as raised:
        kind(url, user)
    assert raised.value.code == "bad_url"


@pytest.mark.parametrize(
    "url",
    [
        "ws://ann:secret@127.0.0.1:9/ws",
        "ws://ann:se:cr@secret@127.0.0.1:9/ws",
        "ws://ann:secret@127.0.0.1:9",
        "ws://ann:secret@127.0.0.1:tea/ws",
        "ws://ann:secret@127.0.0.1/ws#there",
        "ws://ann:secret@/ws",
        "http://ann:secret@127.0.0.1/ws",
        "ws://ann:secret@127.0.0.1/ ws",
        "ws://ann:secret@127.0.0.1?x=/y",
    ],
)
def test_no_error_and_no_text_has_a_password(url: str, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        client = chinwag.Client(url)
        texts.append(repr(client))
        await client.connect()

    texts: list[str] = []
    with pytest.raises(chinwag.ChinwagError) as raised, caplog.at_level(logging.DEBUG, "chinwag"):
        run(scenario())
    assert "secret" not in "".join([*texts, str(raised.value), caplog.text])
    assert "ann:..." in str(raised.value)


@pytest.mark.parametrize("url", [None, 5, b"ws://127.0.0.1/ws", []])
def test_an_address_that_is_no_text_is_a_type_error(url: Any) -> None:
    for kind in BOTH:
        with pytest.raises(TypeError, match="url is a str such as"):
            kind(url, "ann")


@pytest.mark.parametrize(
    "url", ["ws://no-such-host.invalid/ws", "wss://127.0.0.1:9/ws", "ws://nö.invalid/ws"]
)
def test_who_is_not_there_is_unreachable(url: str) -> None:
    async def scenario() -> None:
        with pytest.raises(chinwag.ChinwagError) as raised:
            await chinwag.Client(url).connect()
        assert raised.value.code == "unreachable"

    run(scenario())


@pytest.mark.parametrize("timeout", [-1, math.nan, -math.inf])
def test_a_timeout_that_makes_no_sense_is_an_error(timeout: float) -> None:
    with chinwag.sync.Server() as server, chinwag.sync.Client(server.url, "ann") as ann:
        for call in (lambda: ann.join("tea", timeout), lambda: ann.receive(timeout)):
            with pytest.raises(chinwag.ChinwagError) as raised:
                call()
            assert raised.value.code == "bad_deadline"
        with pytest.raises(TypeError, match="timeout_s"):
            ann.join("tea", "soon")  # type: ignore[arg-type]
        for endless in (math.inf, 10**400, 1e300):
            ann.join("tea", endless)
            assert ann.receive(endless) is not None


@pytest.mark.parametrize("deadline", [10**400, Fraction(10**400), 1e308, -0.0])
def test_any_number_from_zero_on_is_a_deadline(deadline: Any) -> None:
    async def scenario() -> None:
        server = await chinwag.Server().start()
        await server.drain(deadline)

    run(scenario())


@pytest.mark.parametrize("name", Options.__annotations__)
@pytest.mark.parametrize("value", [None, [], {}, b"x", object(), 1j])
def test_an_option_of_a_server_that_is_no_value_is_a_type_error(name: str, value: Any) -> None:
    for kind in (chinwag.Server, chinwag.sync.Server):
        with pytest.raises(TypeError, match=f"{name} is a str, an int or a bool, not"):
            kind(**{name: value})


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"host": "\ud83d"}, "bad_option_value"),
        ({"allowed_origins": "https://\ud83d"}, "bad_option_value"),
        ({"slow_consumer": "drop"}, "bad_option_value"),
        ({"port": True}, "bad_option_value"),
        ({"port": 4.5}, "bad_option_value"),
        ({"port": math.nan}, "bad_option_value"),
        ({"port": -1}, "bad_option_value"),
        pytest.param({"port": 10**5000}, "bad_option_value", id="huge"),
        ({"rooms_max": 2**64}, "bad_option_value"),
        ({"idle_timeout_ms": math.inf}, "bad_option_value"),
        ({"\ud83d": 1}, "unknown_option"),
        ({"": 1}, "unknown_option"),
    ],
)
def test_an_option_of_a_server_that_makes_no_sense_is_an_error(
    options: dict[str, Any], code: str
) -> None:
    with pytest.raises(chinwag.ChinwagError) as raised:
        chinwag.Server(**options)
    assert raised.value.code == code


def test_a_server_takes_numbers_and_texts_of_every_kind() -> None:
    class Port(enum.IntEnum):
        FREE = 0

    class Slow(str, enum.Enum):
        SKIP = "skip"

    async def scenario() -> None:
        options: Any = {"port": Port.FREE, "slow_consumer": Slow.SKIP}
        async with chinwag.Server(**options):
            pass

    run(scenario())


@pytest.mark.parametrize("name", ["messages", "", None, 5, []])
def test_an_event_that_there_is_not_is_an_error(name: Any) -> None:
    with pytest.raises(chinwag.ChinwagError, match="give one of open, join, message") as raised:
        chinwag.Server().on(name, print)
    assert raised.value.code == "unknown_event"


def test_a_connection_that_is_none_is_a_type_error() -> None:
    with chinwag.sync.Server() as server, pytest.raises(TypeError, match="a Connection, not str"):
        server.close("ann")  # type: ignore[arg-type]
