"""What servers say: strict JSON, `type` first, and valid by protocol/schema/server.schema.json."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

PROTOCOL = Path(__file__).resolve().parents[2] / "protocol"

Message = dict[str, Any]


def load_schema(name: str) -> Message:
    schema: Message = json.loads((PROTOCOL / "schema" / f"{name}.schema.json").read_text("utf-8"))
    return schema


@functools.cache
def _validator(message_type: str) -> Draft202012Validator:
    """One message type's part of the schema: its complaints are precise, and it is quicker."""
    schema = load_schema("server")
    assert message_type in schema["$defs"], f"no server message has the type {message_type!r}"
    return Draft202012Validator({**schema["$defs"][message_type], "$defs": schema["$defs"]})


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> Message:
    result = dict(pairs)
    assert len(result) == len(pairs), f"a key appears twice: {pairs}"
    return result


def parse(payload: bytes) -> Message:
    """A server's message, checked as a whole."""
    message = json.loads(
        payload.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant
    )
    assert isinstance(message, dict), f"a server's message is an object, not {payload!r}"
    assert next(iter(message), None) == "type", f"`type` is not the first key of {payload!r}"
    fault = next(_validator(str(message["type"])).iter_errors(message), None)
    assert fault is None, f"{message} is not valid: {fault.message if fault else None}"
    return message
