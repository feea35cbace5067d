"""The HTTP side: GET /health, and 404 for what is not there (H3)."""

from __future__ import annotations

import json
import os

import pytest

from .chat import Chat
from .handshake import get, open_socket, send_all
from .servers import Running


@pytest.mark.smoke
@pytest.mark.rules("H3")
async def test_health_says_who_serves(server: Running) -> None:
    response = await get(server.address, "/health")
    assert response.status == 200
    assert response.headers["content-type"].split(";")[0].strip() == "application/json"
    health = json.loads(response.rest)
    assert health["status"] == "ok"
    assert isinstance(health["implementation"], str) and health["implementation"]
    assert isinstance(health["version"], str) and health["version"]
    for pid in (health["pid"], *health["workers"]):
        assert type(pid) is int
        assert os.path.isdir(f"/proc/{pid}"), f"there is no process {pid}"
    assert health["workers"], "somebody must serve"


@pytest.mark.rules("H3")
async def test_health_takes_a_query(server: Running) -> None:
    assert (await get(server.address, "/health?verbose=1")).status == 200


@pytest.mark.smoke
@pytest.mark.rules("H3")
@pytest.mark.parametrize("path", ["/", "/healthz", "/nothing?x=/health", "//", "/%00"])
async def test_other_paths_are_not_found(server: Running, path: str) -> None:
    assert (await get(server.address, path)).status == 404


BAD_REQUESTS = [b"\r\n\r\n", b"GET\r\n\r\n", b"\xff" * 9 + b"\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"]


@pytest.mark.rules("H3", "L6")
@pytest.mark.parametrize("data", BAD_REQUESTS)
async def test_a_bad_request_line_hurts_nobody(chat: Chat, data: bytes) -> None:
    bystander = await chat.connect()
    sock = await open_socket(chat.address)
    with sock:
        await send_all(sock, data)
        await bystander.fence()
        assert (await get(chat.address, "/health")).status == 200
