"""What a typed program may write; mypy and pyright check it, nobody runs it."""

from __future__ import annotations

import chinwag


async def main() -> None:
    server = chinwag.Server(port=0, slow_consumer="skip", idle_timeout_ms=5000)

    @server.on("open")
    def greet(connection: chinwag.Connection) -> None:
        connection.send(f"Hello {connection.user}")

    @server.on("message")
    async def judge(message: chinwag.Message) -> None:
        if message.content:
            message.content = message.content.strip()
        else:
            message.refuse("say something", "bad_request")

    async with server:
        sizes: dict[str, int] = server.rooms
        users: list[str] = [one.user for one in server.members("tea")]
        print(sizes, users, server.stats()["deliveries"], server.port + 1)
        async with chinwag.Client(server.url, "ann", backoff=chinwag.Backoff(0.01)) as ann:
            await ann.join("tea")
            async for message in ann.messages():
                print(message.content.upper(), message.timestamp + 1)
    try:
        server.publish("", "")
    except chinwag.ChinwagError as error:
        print(error.code.upper())


def script() -> None:
    with chinwag.sync.Server() as server, chinwag.sync.Client(server.url) as client:
        received: chinwag.Received | None = client.receive(timeout_s=1)
        print(received)


def mistakes() -> None:
    chinwag.Server(idle_timeout=5)  # type: ignore[call-arg]
    chinwag.Server(slow_consumer="drop")  # type: ignore[arg-type]
