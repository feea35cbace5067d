"""What a command says while it works: a bar with the time left on a terminal, lines elsewhere,
NDJSON on request.

Progress goes to standard error and results to standard output, except that ``--json`` makes every
event a line of standard output."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Literal, Protocol

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from chinwag_bench.text import minutes

Kind = Literal["step", "cell", "warning", "result"]
"""``step``: set-up; ``cell``: one measurement begins; ``warning``; ``result``: something was
measured or made.
"""


_TELLING = 0.05
"""From this share on, the time so far says something of the time left."""


class Reporter(Protocol):
    """Takes events. ``facts`` are for machines; ``text`` is for people and says what matters."""

    def say(self, kind: Kind, text: str, **facts: Any) -> None: ...

    def show(self, text: str, share: float) -> None:
        """How far a work is whose length nobody planned: ``share`` is 0 to 1. Only a bar shows it,
        and drawing costs CPU: not while something is measured.
        """

    def __enter__(self) -> Reporter: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class _Plain:
    """Lines on standard error; with ``quiet`` only warnings."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet

    def say(self, kind: Kind, text: str, **facts: Any) -> None:
        if kind == "warning":
            print(f"warning: {text}", file=sys.stderr, flush=True)
        elif not self._quiet:
            print(text, file=sys.stderr, flush=True)

    def show(self, text: str, share: float) -> None:
        return None

    def __enter__(self) -> Reporter:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class _Events(_Plain):
    """One JSON object a line on standard output."""

    def say(self, kind: Kind, text: str, **facts: Any) -> None:
        print(msgspec.json.encode({"event": kind, "text": text} | facts).decode(), flush=True)


class _Bar(_Plain):
    """A bar over the planned seconds, with one clock: "25 s left, 5 s so far". It is redrawn only
    at events: drawing costs CPU that a hold would feel.
    """

    def __init__(self) -> None:
        super().__init__()
        self._console = Console(stderr=True, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[left]}"),
            console=self._console,
            auto_refresh=False,
            transient=True,
        )
        self._task = self._progress.add_task("", total=None, left="", visible=False)
        self._began: float | None = None

    def say(self, kind: Kind, text: str, **facts: Any) -> None:
        if kind == "cell":
            done, planned = facts["planned_done_s"], facts["planned_s"]
            self._draw(text, done, planned, f"{minutes(max(0.0, planned - done))} left")
        else:
            style = {"warning": "[yellow]warning:[/yellow] ", "result": "  ", "step": ""}[kind]
            self._progress.console.print(style + escape(text))
        self._progress.refresh()

    def show(self, text: str, share: float) -> None:
        spent = time.monotonic() - self._began if self._began is not None else 0.0
        left = f"about {minutes(spent / share - spent)} left" if share > _TELLING else "beginning"
        self._draw(text, share, 1.0, left)
        self._progress.refresh()

    def _draw(self, text: str, done: float, of: float, left: str) -> None:
        now = time.monotonic()
        self._began = now if self._began is None else self._began
        self._progress.update(
            self._task,
            description=escape(text),
            completed=done,
            total=of,
            left=f"{left}, {minutes(now - self._began)} so far",
            visible=True,
        )

    def __enter__(self) -> Reporter:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


@contextmanager
def said_when_interrupted(reporter: Reporter, text: str) -> Iterator[None]:
    """Tells what an interruption leaves behind, and lets it go on upwards."""
    try:
        yield
    except KeyboardInterrupt:
        with suppress(OSError):  # The terminal may be gone, which is why.
            reporter.say("warning", f"interrupted: {text}")
        raise


def make_reporter(*, json: bool, quiet: bool) -> Reporter:
    """The reporter that fits the options and where standard error goes. NO_COLOR is honoured by
    rich.
    """
    if json:
        return _Events()
    if quiet or not sys.stderr.isatty():
        return _Plain(quiet=quiet)
    return _Bar()
