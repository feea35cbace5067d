"""The suite itself: golden files in order, schemas that agree, every rule proven somewhere."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from chinwag_bench.servers.toolchain import missing_reason
from jsonschema import Draft202012Validator

from . import golden, passed, servers, skips
from .messages import PROTOCOL, Message, load_schema

HERE = Path(__file__).parent
RULE_ROW = re.compile(r"^\| ([HNCRDFLBS]\d+) \|", re.MULTILINE)


def rules_of_the_protocol() -> set[str]:
    return set(RULE_ROW.findall((PROTOCOL / "chat-1.md").read_text("utf-8")))


def marked_tests() -> dict[str, set[str]]:
    """Test functions and the rules of their markers, read from the sources."""
    found: dict[str, set[str]] = {}
    for path in HERE.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found[node.name] = {name for mark in node.decorator_list for name in _rules(mark)}
    return found


def _rules(mark: ast.expr) -> list[str]:
    if not (isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.rules"):
        return []
    return [ast.literal_eval(argument) for argument in mark.args]


def test_every_rule_is_proven_by_a_test_or_a_golden_case() -> None:
    proven = {rule for rules in marked_tests().values() for rule in rules}
    proven |= {rule for case in golden.cases() for rule in case["rules"]}
    assert proven == rules_of_the_protocol()


def test_every_test_of_a_server_names_its_rules() -> None:
    """Golden cases name their own; the tests of the suite itself prove no rule."""
    unmarked = {name for name, rules in marked_tests().items() if not rules}
    of_the_suite = {"test_a_fault_is_caught", "test_an_honest_server_passes"}
    of_the_suite.add("test_an_honest_server_passes_every_golden_case")
    of_the_suite.add("test_reading_that_is_cancelled_just_as_bytes_come_ends")
    assert unmarked == {"test_golden"} | of_the_suite


@pytest.mark.parametrize("path", golden.FILES, ids=lambda path: path.stem)
def test_golden_files_keep_to_their_schema(path: Path) -> None:
    schema = json.loads(golden.SCHEMA.read_text("utf-8"))
    Draft202012Validator(schema).validate(json.loads(path.read_text("utf-8")))


@pytest.mark.parametrize("name", ["client", "server"])
def test_schemas_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(load_schema(name))


def test_golden_cases_have_names_of_their_own() -> None:
    """Ids, users and rooms: a case must not depend on what another left behind."""
    ids = Counter(case["id"] for case in golden.cases())
    users = Counter(user for case in golden.cases() for user in set(case["users"].values()) if user)
    rooms = Counter(room for case in golden.cases() for room in _rooms(case["steps"]))
    for names in (ids, users, rooms):
        assert [name for name, uses in names.items() if uses > 1] == []


def _rooms(steps: list[Message]) -> set[str]:
    """Rooms that somebody comes to be in."""
    told = [step["expect"] for step in steps if "expect" in step]
    return {message["room"] for message in told if message["type"] == "user_joined"}


def test_golden_steps_name_their_case_s_users() -> None:
    for case in golden.cases():
        for step in case["steps"]:
            name = step.get("from") or step.get("to") or step.get("close")
            assert name in case["users"], f"{case['id']}: nobody is called {name}"


def test_golden_expectations_keep_to_the_server_s_schema() -> None:
    validator = Draft202012Validator(load_schema("server"))
    examples = {"$timestamp": 1_700_000_000_000, "$text": "text"}
    for case in golden.cases():
        for step in case["steps"]:
            if "expect" in step:
                message = step["expect"].items()
                validator.validate({key: examples.get(value, value) for key, value in message})


def test_the_client_s_schema_refuses_what_is_answered_with_bad_request() -> None:
    """And nothing else, apart from names whose bytes, not characters, are too many."""
    validator = Draft202012Validator(load_schema("client"))
    for case in golden.cases():
        for step, following in zip(case["steps"], case["steps"][1:], strict=False):
            if "send" in step:
                refused = following.get("expect", {}).get("code") == "bad_request"
                allowed = {not refused, True} if _too_many_bytes(step["send"]) else {not refused}
                assert validator.is_valid(step["send"]) in allowed, case["id"]


def _too_many_bytes(request: object) -> bool:
    if not isinstance(request, dict):
        return False
    names = [request.get("room"), request.get("to")]
    return any(isinstance(name, str) and len(name) <= 64 < len(name.encode()) for name in names)


def test_skips_name_what_exists() -> None:
    known = {case["id"] for case in golden.cases()} | set(marked_tests())
    for server in servers.catalog().servers.values():
        of_variants = [variant.skip for variant in server.manifest.variants.values()]
        for declared in (server.manifest.conformance.skip, *of_variants):
            for key, reason in declared.items():
                function = key.partition("[")[0]
                assert any(skips.covers(function, name) for name in known) or any(
                    _may_go_on_to(key, name) for name in known
                ), f"{server.name} skips no {key!r}"
                assert reason, f"{server.name} does not say why it skips {key!r}"
                assert skips.fault_of(key) is None, f"{server.name}: {skips.fault_of(key)}"


def _may_go_on_to(key: str, function: str) -> bool:
    """Whether a key such as `test_a_*unmasked*` may mean parameters of this function."""
    return "*" in key and function.startswith(key.partition("*")[0])


@pytest.mark.parametrize("key", ["*", "test_*", "test_a_*", "binary-*", "*-is-refused"])
def test_a_skip_that_names_next_to_nothing_is_refused(key: str) -> None:
    assert skips.fault_of(key) is not None


def test_only_a_star_stands_for_anything() -> None:
    assert skips.covers("test_rooms[a*]", "test_rooms[a, b]")
    assert skips.covers("malformed-*", "malformed-only-a-brace")
    assert not skips.covers("test_room[s]", "test_rooms")
    assert not skips.covers("test_room?", "test_rooms")
    assert not skips.covers("malformed-*", "not-malformed-at-all")


def test_manifests_can_be_read() -> None:
    assert not [error.text() for error in servers.catalog().broken]


@pytest.mark.parametrize("name", sorted(servers.catalog().servers))
def test_the_toolchain_is_here(name: str) -> None:
    """Says by name which servers are not tested on this machine."""
    if (reason := missing_reason(servers.catalog().servers[name])) is not None:
        pytest.skip(f"{name}: {reason}")


OUTPUT = [
    '{"event":"step","column":"go","failed":0}\n',
    '{"column":"go","passed":7,"failed":0}\n',
    '{"column":"rust","passed":8,"failed":1,"failures":["test_a: came nothing"]}\n',
]


def test_a_number_of_passed_cases_that_changed_is_noticed() -> None:
    found = passed.verdicts(OUTPUT)
    assert {column: one["passed"] for column, one in found.items()} == {"go": 7, "rust": 8}
    failure = "rust: test_a: came nothing"
    assert passed.complaints(found, {"go": 7, "rust": 8, "elixir": 9}) == [failure]
    assert len(passed.complaints(found, {"go": 8})) == 3
