"""The same chat as a bare ASGI endpoint: FastAPI routes to it, and nothing stands between."""

import asyncio

from chat import Chat, Connection
from messages import NAME_RULE, asked_user
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket


class Endpoint:
    def __init__(self, chat: Chat) -> None:
        self.chat = chat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one client until its connection has ended."""
        user = asked_user(scope["query_string"])
        await receive()  # websocket.connect
        if user is None:
            refusal = WebSocket(scope, receive, send)
            await refusal.send_denial_response(Response(f"user is {NAME_RULE}", 400))
            return
        await send({"type": "websocket.accept"})

        async def send_text(text: str) -> None:
            await send({"type": "websocket.send", "text": text})

        async def close(code: int, reason: str) -> None:
            await send({"type": "websocket.close", "code": code, "reason": reason})

        connection = Connection(self.chat, user, send_text, close)
        try:
            while (event := await receive())["type"] == "websocket.receive":
                connection.received(event.get("text"))
            await connection.finish(event["code"])
        except asyncio.CancelledError:  # Its time to close is over.
            pass
        finally:
            connection.cut_off()
