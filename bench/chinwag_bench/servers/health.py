"""``GET /health``: how a server says that it serves."""

from __future__ import annotations

import http.client
from typing import Any

import msgspec

from chinwag_bench.decoding import UNDECODABLE

_TIMEOUT_S = 1.0


def ask_health(port: int, host: str = "127.0.0.1") -> dict[str, Any] | None:
    """The answer's JSON when it is a 200 with ``status`` "ok"; ``None`` in every other case,
    refusal included.
    """
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        body = msgspec.json.decode(answer.read())
    except (OSError, http.client.HTTPException, *UNDECODABLE):
        return None
    finally:
        connection.close()
    if answer.status != http.client.OK or not isinstance(body, dict) or body.get("status") != "ok":
        return None
    return body
