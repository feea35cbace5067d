"""Python has what bindings/surface.json describes, and nothing beside it."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import json
from pathlib import Path
from typing import Any

import chinwag
import pytest
from chinwag import _chinwag
from chinwag.options import Options

SURFACE: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[3] / "bindings/surface.json").read_text()
)
CLASSES = SURFACE["classes"]
# What asyncio's way of life adds, and how a program shows itself.
OWN = {"serve", "next_s", "with_traceback", "add_note", "args"}


def parameters(function: Any) -> list[str]:
    given = inspect.signature(function).parameters
    return [name.removesuffix("_s") for name in given if name != "self"]


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_has_the_methods_and_properties_that_are_described(name: str) -> None:
    described = CLASSES[name]
    kind = getattr(chinwag, name)
    for method, expected in described["methods"].items():
        assert parameters(getattr(kind, method)) == expected, method
    public = {one for one in dir(kind) if not one.startswith("_")} - OWN
    found = public - {"code", "reconnects"} | set(described["methods"])
    instance_only = {"code", "reconnects", "user"}
    assert found - set(described["methods"]) <= set(described["properties"])
    assert set(described["properties"]) - found <= instance_only


@pytest.mark.parametrize("name", ["Server", "Client"])
def test_the_synchronous_classes_have_the_same_methods(name: str) -> None:
    kind = getattr(chinwag.sync, name)
    for method, expected in CLASSES[name]["methods"].items():
        if method not in ("connect", "receive"):
            assert parameters(getattr(kind, method)) == expected, method


def test_options_errors_and_events_are_those_that_are_described() -> None:
    assert [name for name, _, _ in _chinwag.list_options()] == SURFACE["options"]
    assert _chinwag.list_errors() == SURFACE["errors"]
    assert list(chinwag.handlers.EVENTS) == CLASSES["Server"]["events"]
    assert list(Options.__annotations__) == SURFACE["options"]
    assert [field.name for field in dataclasses.fields(chinwag.Received)] == SURFACE["received"]


def test_counters_are_those_that_are_described() -> None:
    async def scenario() -> None:
        async with chinwag.Server() as server:
            assert list(server.stats()) == SURFACE["counters"]

    asyncio.run(scenario())
