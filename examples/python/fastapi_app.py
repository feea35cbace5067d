"""A FastAPI app with chat beside it: uvicorn fastapi_app:app (CHAT_PORT: where the chat is)."""

import os
from contextlib import asynccontextmanager

import chinwag
from fastapi import FastAPI, HTTPException

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
    try:
        chat.publish(room, text, user="announcer")
    except chinwag.ChinwagError as error:
        ours = error.code in ("not_running", "too_many_calls")
        raise HTTPException(503 if ours else 422, str(error)) from None
    return {"sent_to": room}
