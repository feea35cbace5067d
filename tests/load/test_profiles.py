"""The profiles, their schema and what the generator accepts agree."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "bench" / "load" / "profiles"
SCHEMA = FOLDER / "profile.schema.json"
PROFILES = sorted(path for path in FOLDER.glob("*.json") if path != SCHEMA)
ARTICLE = json.loads((FOLDER / "article.json").read_text(encoding="utf-8"))
USAGE = 2
ENVIRONMENT = 3  # the profile was good: the generator went on to look for a server

CHANGES = [
    {"connections": 0},
    {"connections": 1.5},
    {"connections": "many"},
    {"room_size": 0},
    {"room_size": 1_000_001},
    {"mix": {"room": 1}},
    {"mix": {"room": 1.5, "direct": -0.5}},
    {"mix": {"room": 1, "direct": 0, "other": 0}},
    {"content_bytes": 47},
    {"content_bytes": 65_001},
    {"messages_per_second_per_connection": 0},
    {"burst": 0},
    {"heartbeat_s": -1},
    {"heartbeat_s": None},
    {"name": 7},
    {"storm_timeout_s": 0},
    {"rooms_per_connection": 0},
    {"rooms_per_connection": 65},
    {"hot_room": 0},
    {"hot_room": 100, "rooms_per_connection": 2},
    {"arrivals": "odd"},
    {"arrivals": 1},
    {"colour": "red"},
]


@pytest.fixture(scope="module")
def schema():
    return jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_ours_are_good(path, schema, generate, port):
    profile = json.loads(path.read_text(encoding="utf-8"))
    schema.validate(profile)
    assert profile["name"] == path.stem
    assert generate(port, "--profile", path).code == ENVIRONMENT


@pytest.mark.parametrize("change", CHANGES, ids=json.dumps)
def test_a_bad_one_is_refused_by_both(change, schema, generate, port, tmp_path):
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(ARTICLE | change), encoding="utf-8")
    assert not schema.is_valid(ARTICLE | change)
    outcome = generate(port, "--profile", path)
    assert outcome.code == USAGE
    assert f"{path}: " in outcome.err
    assert f'"{next(iter(change))}"' in outcome.err


@pytest.mark.parametrize("key", sorted(ARTICLE))
def test_every_key_is_needed(key, schema, generate, port, tmp_path):
    lacking = {name: value for name, value in ARTICLE.items() if name != key}
    path = tmp_path / "lacking.json"
    path.write_text(json.dumps(lacking), encoding="utf-8")
    assert not schema.is_valid(lacking)
    outcome = generate(port, "--profile", path)
    assert outcome.code == USAGE
    assert f'{path}: "{key}" is missing' in outcome.err
