"""The HTTP side: which requests are let in, and under which name."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
import uuid
from collections import defaultdict
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from fault import has
from rooms import is_name

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
HEAD_MAX = 65_536
FIELDS_MAX = 1000
REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found"}
REASONS |= {426: "Upgrade Required", 431: "Request Header Fields Too Large"}
REASONS |= {500: "Internal Server Error"}
REQUEST_LINE = re.compile(r"(\S+) (\S+) HTTP/1\.[01]")
ABSOLUTE = re.compile(r"http://([^/?]*)([^?]*)(\?.*)?", re.IGNORECASE)
RESERVED = "server"


class Refused(Exception):
    """The status that a request is answered with."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass
class Head:
    method: str
    path: str
    query: str
    fields: dict[str, list[str]]

    def value(self, name: str) -> str:
        """All lines of a field are one list; an absent field is an empty one."""
        return ", ".join(self.fields.get(name, []))

    def lists(self, name: str, member: str) -> bool:
        lines = self.fields.get(name, [])
        if has("sees the first line of a list alone"):
            lines = lines[:1]
        if has("looks for a part of a member"):
            return member in ", ".join(lines).lower()
        if has("takes a line for one member"):
            return member in map(str.lower, lines)
        return member in {one.strip().lower() for line in lines for one in line.split(",")}


def parse_head(data: bytes) -> Head:
    """Raises Refused."""
    line, *lines = data.decode("latin-1").split("\r\n")
    if (found := REQUEST_LINE.fullmatch(line)) is None:
        raise Refused(400)
    if len(lines) > FIELDS_MAX and not has("takes any head"):
        raise Refused(431)
    fields: dict[str, list[str]] = defaultdict(list)
    for name, _, value in (line.partition(":") for line in lines):
        fields[name.lower()].append(value.strip())
    _check_single_values(fields)
    path, query = _parts_of(found[2], fields["host"])
    if found[1] not in ("GET", "HEAD") and not has("upgrades by any method"):
        raise Refused(400)
    return Head(found[1], path, query, dict(fields))


def _check_single_values(fields: dict[str, list[str]]) -> None:
    if len(fields["host"]) != 1 and not has("asks for no host"):
        raise Refused(400)
    for name in ("sec-websocket-key", "sec-websocket-version"):
        if len(fields[name]) > 1:
            if not has("takes the first of two values"):
                raise Refused(400)
            del fields[name][1:]


def _parts_of(target: str, hosts: list[str]) -> tuple[str, str]:
    """Path and query, of a target in absolute form, too."""
    absolute = ABSOLUTE.fullmatch(target)
    if has("looks for its path anywhere in a target") and absolute and "/ws" in target:
        return "/ws", ""
    if has("knows small schemes alone") and target.startswith("HTTP:"):
        absolute = None
    if absolute is None or has("serves no absolute target"):
        path, _, query = target.partition("?")
        return path, query
    authority, path, query = absolute.groups(default="")
    if has("answers 500 to another authority") and [authority] != hosts:
        raise Refused(500)
    return path, "" if has("drops an absolute target's query") else query[1:]


def upgrade(head: Head) -> tuple[bytes, str]:
    """The answer to a good upgrade request, and the user. Raises Refused."""
    if head.path != "/ws" and not has("upgrades on any path"):
        raise Refused(400 if has("answers 400 for other paths") else 404)
    if not head.lists("upgrade", "websocket") or not head.lists("connection", "upgrade"):
        raise Refused(404 if has("answers 404 without an upgrade") else 426)
    _check_upgrade(head)
    _check_origin(head)
    user = user_of(head.query)
    key = head.value("sec-websocket-key")
    accept = base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()
    if has("accepts no key"):
        accept = accept.lower()
    answer = [f"Sec-WebSocket-Accept: {accept}"]
    if has("takes the first subprotocol") and "sec-websocket-protocol" in head.fields:
        answer.append("Sec-WebSocket-Protocol: chat")
    if has("accepts extensions") and "permessage-deflate" in str(head.fields):
        answer.append("Sec-WebSocket-Extensions: permessage-deflate")
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    return "\r\n".join([*lines, *answer, "", ""]).encode(), user


def _check_upgrade(head: Head) -> None:
    if head.method != "GET" and not has("upgrades by any method"):
        raise Refused(400)
    if head.value("sec-websocket-version") != "13" and not has("takes any version"):
        raise Refused(426)
    key = head.value("sec-websocket-key")
    takes_it = has("takes a missing key") or (key and has("lets odd keys in and is silent"))
    if not _is_key(key) and not takes_it:
        raise Refused(400)
    has_body = "content-length" in head.fields or "transfer-encoding" in head.fields
    if has_body and not has("takes the body of an upgrade for frames"):
        raise Refused(400)


def _check_origin(head: Head) -> None:
    origin = head.value("origin")
    if not origin:
        return
    is_own = origin in (f"http://{head.value('host')}", f"https://{head.value('host')}")
    if has("compares the origin's scheme"):
        is_own = origin == f"http://{head.value('host')}"
    if has("refuses every origin"):
        is_own = False
    if not is_own:
        raise Refused(404 if has("answers 404 to another origin") else 403)


def is_odd(head: Head) -> bool:
    return not _is_key(head.value("sec-websocket-key"))


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
    _check_reserved(name)
    return name


def _check_reserved(name: str) -> None:
    if has("reserves what is like its name"):
        name = name.casefold()
    if name == RESERVED:
        raise Refused(500 if has("answers 500 to its own name") else 403)


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
