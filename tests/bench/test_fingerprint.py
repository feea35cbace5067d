"""The machine's fingerprint: complete, serialisable, and of this machine."""

import os
import platform

import msgspec
from chinwag_bench.machine.fingerprint import read_fingerprint


def test_it_says_what_makes_machines_differ():
    found = read_fingerprint()
    assert found["cpu"]["model"]
    assert found["cpu"]["usable"] == sorted(os.sched_getaffinity(0))
    assert found["memory_bytes"] > 1 << 28
    assert found["kernel"] == os.uname().release
    assert found["open_files"][0] <= found["open_files"][1]
    assert found["sysctl"]["net.core.somaxconn"].isdigit()
    assert found["python"] == platform.python_version()
    assert found["compilers"]["python3"].startswith("Python 3.")
    assert found["compilers"]["cmake"].startswith("cmake version ")
    assert found["compilers"]["clang++"] is None or "clang" in found["compilers"]["clang++"]
    assert {"quota_cores", "speeds"} <= found["cpu"].keys()
    assert "memory_limit_bytes" in found
    assert msgspec.json.decode(msgspec.json.encode(found)) == found


def test_it_holds_no_environment(monkeypatch):
    monkeypatch.setenv("SOME_TOKEN", "hush-hush")
    assert b"hush-hush" not in msgspec.json.encode(read_fingerprint())


def test_runtime_variables_are_named_without_their_values(monkeypatch):
    for name in found_here():
        monkeypatch.delenv(name)
    assert found_here() == []
    monkeypatch.setenv("ERL_FLAGS", "-setcookie hush-hush")
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    monkeypatch.setenv("GODEBUG", "")
    monkeypatch.setenv("RUST_BACKTRACE", "1")
    assert found_here() == ["ERL_FLAGS", "MALLOC_ARENA_MAX"]
    assert b"hush-hush" not in msgspec.json.encode(read_fingerprint())


def found_here():
    return read_fingerprint()["runtime_variables"]
