"""The HTTP side: which requests are let in, and under which name."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
import uuid
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from fault import has
from rooms import is_name

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
HEAD_MAX = 65_536
FIELDS_MAX = 1000
REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found"}
REASONS |= {426: "Upgrade Required", 431: "Request Header Fields Too Large"}
REQUEST_LINE = re.compile(r"GET (\S+) HTTP/1\.[01]")


class Refused(Exception):
    """The status that a request is answered with."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass
class Head:
    path: str
    query: str
    fields: dict[str, str] = field(default_factory=dict)


def parse_head(data: bytes) -> Head:
    line, *lines = data.decode("latin-1").split("\r\n")
    if (found := REQUEST_LINE.fullmatch(line)) is None:
        raise Refused(400)
    if len(lines) > FIELDS_MAX and not has("takes any head"):
        raise Refused(431)
    path, _, query = found[1].partition("?")
    named = (line.partition(":") for line in lines)
    return Head(path, query, {name.lower(): value.strip() for name, _, value in named})


def upgrade(head: Head) -> tuple[bytes, str]:
    """The answer to a good upgrade request, and the user. Raises Refused."""
    fields = head.fields
    if head.path != "/ws" and not has("upgrades on any path"):
        raise Refused(400 if has("answers 400 for other paths") else 404)
    tokens = {token.strip().lower() for token in fields.get("connection", "").split(",")}
    if fields.get("upgrade", "").lower() != "websocket" or "upgrade" not in tokens:
        raise Refused(404 if has("answers 404 without an upgrade") else 426)
    if fields.get("sec-websocket-version") != "13" and not has("takes any version"):
        raise Refused(426)
    key = fields.get("sec-websocket-key", "")
    takes_it = has("takes a missing key") or (key and has("lets odd keys in and is silent"))
    if not _is_key(key) and not takes_it:
        raise Refused(400)
    if has("checks the origin") and "origin" in fields:
        raise Refused(403)
    user = user_of(head.query)
    accept = base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()
    if has("accepts no key"):
        accept = accept.lower()
    answer = [f"Sec-WebSocket-Accept: {accept}"]
    if has("takes the first subprotocol") and "sec-websocket-protocol" in fields:
        answer.append("Sec-WebSocket-Protocol: chat")
    if has("accepts extensions") and "permessage-deflate" in str(fields):
        answer.append("Sec-WebSocket-Extensions: permessage-deflate")
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    return "\r\n".join([*lines, *answer, "", ""]).encode(), user


def is_odd(head: Head) -> bool:
    return not _is_key(head.fields.get("sec-websocket-key", ""))


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def user_of(query: str) -> str:
    pairs = [pair.partition("=") for pair in query.split("&")]
    values = [value for name, _, value in pairs if name == "user"]
    value = values[-1 if has("takes the last user") else 0] if values else ""
    if not value:
        if has("calls the nameless alike"):
            return "00000000-0000-4000-8000-000000000000"
        return "guest" if has("calls the nameless guest") else str(uuid.uuid4())
    if not has("leaves a plus alone"):
        value = value.replace("+", " ")
    raw = value.encode("latin-1") if has("decodes no percent") else unquote_to_bytes(value)
    try:
        name = raw.decode("utf-8", "replace" if has("repairs user names") else "strict")
    except UnicodeDecodeError as error:
        raise Refused(400) from error
    if not is_name(name) and not has("lets any user name in"):
        raise Refused(400)
    return name


def health() -> bytes:
    workers = [] if has("names no workers") else [os.getpid()]
    facts = {"status": "ok", "implementation": "faulty", "version": "1", "pid": os.getpid()}
    return json.dumps(facts | {"workers": workers}).encode()


def response(status: int, body: bytes = b"") -> bytes:
    head = [
        f"HTTP/1.1 {status} {REASONS[status]}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body
