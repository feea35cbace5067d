"""How much memory an idle process of the BEAM takes: the fact of claims.toml, counted again."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from chinwag_bench.claims.catalog import load

PROGRAM = """
count = 100_000
before = :erlang.memory(:total)
for _ <- 1..count, do: spawn(fn -> receive do: (:stop -> :ok) end)
Process.sleep(1_000)
IO.puts((:erlang.memory(:total) - before) / count)
"""


def test_an_idle_process_of_the_beam_weighs_what_the_fact_says() -> None:
    if shutil.which("elixir") is None:
        pytest.skip("elixir is not installed")
    done = subprocess.run(
        ["elixir", "-e", PROGRAM],
        env={**os.environ, "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(done.stdout) == pytest.approx(load().fact("beam_process_bytes"), rel=0.25)
