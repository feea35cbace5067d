"""How the command ends where its reader, its files or its user want no more of it."""

import errno
import json
import os
import shlex
import signal
import subprocess
import sys
import types

import msgspec
import pytest
from chinwag_bench import entry
from chinwag_bench.errors import EXIT_INTERRUPTED, host_refusal
from chinwag_bench.judging.judge import judge

from .result_builder import build as build_result


@pytest.mark.parametrize(
    "arguments",
    ["claims one", "decide one", "validate one", "compare one one --json --all", "--help"],
)
def test_every_command_ends_as_others_do_where_nobody_reads(checkout, arguments):
    build_result(checkout.root / "one")
    command = shlex.join(checkout.command(*arguments.split()))
    done = subprocess.run(
        ["bash", "-c", f"{command} | true; echo ${{PIPESTATUS[0]}}"],
        cwd=checkout.root,
        env=checkout.env(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.stdout, done.stderr) == (f"{128 + signal.SIGPIPE}\n", "")


def test_an_interruption_while_it_is_loading_ends_it_without_a_word(monkeypatch):
    def interrupted(name: str) -> None:
        raise KeyboardInterrupt(name)

    loading = types.ModuleType("chinwag_bench.cli")
    loading.__getattr__ = interrupted
    monkeypatch.setitem(sys.modules, "chinwag_bench.cli", loading)
    with pytest.raises(SystemExit) as end:
        entry.main()
    assert end.value.code == EXIT_INTERRUPTED


@pytest.mark.parametrize(
    ("readable", "hint"), [(False, "make it readable for this user"), (True, "make it writable")]
)
def test_what_a_user_may_not_use_is_to_be_made_usable(monkeypatch, tmp_path, readable, hint):
    monkeypatch.setattr(os, "access", lambda path, mode: readable)
    refusal = host_refusal(PermissionError(errno.EACCES, "Permission denied", str(tmp_path)))
    assert refusal.hint.startswith(hint)


@pytest.mark.parametrize(
    "change",
    [
        {"rows": []},
        {"aa": {}},
        {"checks": [{}]},
        {"run": {"plan": {"loads": 3}}},
        {"run": {"id": "\udcff"}},
    ],
)
def test_a_matrix_that_lacks_parts_is_none_for_the_last_result(checkout, main_here, change):
    folder = build_result(checkout.root / "results" / "mine")
    matrix = msgspec.to_builtins(judge(folder))
    for key, value in change.items():
        matrix[key] = matrix[key] | value if isinstance(value, dict) and value else value
    text = json.dumps(matrix, ensure_ascii=False)
    (folder / "matrix.json").write_text(text, encoding="utf-8", errors="surrogateescape")
    code, out, err = main_here()
    assert f"Last result: {folder}, without a matrix: chinwag report {folder}" in out
    assert (code, err) == (0, "")
