"""What a command says while it works: a bar with the time left on a terminal, lines elsewhere,
NDJSON on request.

Progress goes to standard error and results to standard output, except that ``--json`` makes every
event a line of standard output."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Literal, Protocol

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

Kind = Literal["step", "cell", "warning", "result"]
"""``step``: set-up; ``cell``: one measurement begins; ``warning``; ``result``: something was
measured or made.
"""


class Reporter(Protocol):
    """Takes events. ``facts`` are for machines; ``text`` is for people and says what matters."""

    def say(self, kind: Kind, text: str, **facts: Any) -> None: ...

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

    def __enter__(self) -> Reporter:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class _Events(_Plain):
    """One JSON object a line on standard output."""

    def say(self, kind: Kind, text: str, **facts: Any) -> None:
        print(msgspec.json.encode({"event": kind, "text": text} | facts).decode(), flush=True)


class _Bar(_Plain):
    """A bar over the planned seconds. It is redrawn only at events: drawing costs CPU that a hold
    would feel.
    """

    def __init__(self) -> None:
        super().__init__()
        self._console = Console(stderr=True, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[left]}"),
            TimeElapsedColumn(),
            console=self._console,
            auto_refresh=False,
            transient=True,
        )
        self._task = self._progress.add_task("", total=None, left="", visible=False)

    def say(self, kind: Kind, text: str, **facts: Any) -> None:
        if kind == "cell":
            self._progress.update(
                self._task,
                description=escape(text),
                completed=facts["planned_done_s"],
                total=facts["planned_s"],
                left=f"{max(0.0, facts['planned_s'] - facts['planned_done_s']) / 60:.0f} min left",
                visible=True,
            )
        else:
            style = {"warning": "[yellow]warning:[/yellow] ", "result": "  ", "step": ""}[kind]
            self._progress.console.print(style + escape(text))
        self._progress.refresh()

    def __enter__(self) -> Reporter:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def make_reporter(*, json: bool, quiet: bool) -> Reporter:
    """The reporter that fits the options and where standard error goes. NO_COLOR is honoured by
    rich.
    """
    if json:
        return _Events()
    if quiet or not sys.stderr.isatty():
        return _Plain(quiet=quiet)
    return _Bar()
