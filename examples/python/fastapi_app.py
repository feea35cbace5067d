"""A FastAPI app with chat beside it: uvicorn fastapi_app:app (CHAT_PORT: where the chat is)."""

import os
from contextlib import asynccontextmanager

import chinwag
from fastapi import FastAPI

chat = chinwag.Server(port=int(os.environ.get("CHAT_PORT", "4000")))


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with chat:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/rooms")
def rooms() -> dict[str, int]:
    return chat.rooms


@app.post("/rooms/{room}/announce")
def announce(room: str, text: str) -> dict[str, str]:
    chat.publish(room, text, user="announcer")
    return {"sent_to": room}
