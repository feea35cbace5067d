"""The ``chinwag`` command: registers the commands and turns every end into one message and an exit
code.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import traceback
from typing import NoReturn

import typer

from chinwag_bench.commands import results, runs, servers, start
from chinwag_bench.commands.calibrate import calibrate
from chinwag_bench.commands.decide import decide
from chinwag_bench.commands.doctor import doctor
from chinwag_bench.commands.plan import cost, plan
from chinwag_bench.errors import (
    EXIT_CODES,
    EXIT_INTERNAL,
    EXIT_OK,
    ChinwagError,
    UsageError,
    host_refusal,
)
from chinwag_bench.paths import put_toolchain_first
from chinwag_bench.text import is_utf8, shown

_EPILOG = "\n\n".join(
    [
        "Start with: chinwag doctor · chinwag list · chinwag matrix --profile smoke",
        "Exit codes: "
        + " · ".join(f"[bold]{code}[/bold] {text}" for code, text in EXIT_CODES.items()),
        "Environment: CHINWAG_ROOT, CHINWAG_LOAD, NO_COLOR",
    ]
)

app = typer.Typer(
    help="Builds, verifies and measures chat servers side by side, and writes the decision matrix.",
    epilog=_EPILOG,
    invoke_without_command=True,
    callback=start.start,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("doctor")(doctor)
app.command("list")(servers.list_servers)
app.command("build")(servers.build_servers)
app.command("serve", no_args_is_help=True)(servers.serve)
app.command("verify")(servers.verify_servers)
app.command("calibrate")(calibrate)
app.command("run")(runs.run)
app.command("matrix")(runs.matrix)
app.command("report", no_args_is_help=True)(runs.report)
app.command("claims")(results.claims)
app.command("decide")(decide)
app.command("plan")(plan)
app.command("cost")(cost)
app.command("compare", no_args_is_help=True)(results.compare)
app.command("validate", no_args_is_help=True)(results.validate)


def main() -> NoReturn:
    """Runs one command; typer itself exits with 2 on wrong usage and 130 on Ctrl-C. SIGTERM, and
    the end of the terminal, end it as Ctrl-C does, so that servers are stopped in any case.
    """
    _fill_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # Where it is no UTF-8, "·" is "?".
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Whoever says `nohup` wants it to go on.
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.default_int_handler)
    put_toolchain_first()
    try:
        _check_words(sys.argv[1:])
        app(prog_name="chinwag")
    except SystemExit as end:
        # Typer and rich turn a broken pipe into an exit with 1, which means something else here.
        if isinstance(end.__context__, BrokenPipeError) or not _is_read():
            _end_as_by_sigpipe()
        raise
    except ChinwagError as error:
        _give_up(error)
    except OSError as error:
        refusal = host_refusal(error)
        if refusal is None:
            _admit_a_bug()
        else:
            _give_up(refusal)
    except Exception:
        _admit_a_bug()
    sys.exit(EXIT_OK)


def _fill_standard_streams() -> None:
    """Where one is closed, the next file opened, a log or a socket, would be taken for it."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)


def _is_read() -> bool:
    """Whether somebody took the last of the output: ``head`` may have had enough before."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return False
    return True


def _end_as_by_sigpipe() -> NoReturn:
    """As programs that don't ignore the signal do: no message, and no exit code of its own."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)
    raise AssertionError("SIGPIPE is blocked")


def _check_words(words: list[str]) -> None:
    """Raises ``UsageError`` for what is no UTF-8, such as an old file name: results and events are
    JSON, and name the command and the paths that it was given.
    """
    for word in words:
        if not is_utf8(word):
            raise UsageError(
                f"the argument {shown(word)} is not UTF-8", hint="name it by a path that is"
            )


def _give_up(error: ChinwagError) -> NoReturn:
    print(f"error: {error.text()}", file=sys.stderr)
    sys.exit(error.exit_code)


def _admit_a_bug() -> NoReturn:
    traceback.print_exc()
    print("error: this is a bug in chinwag, please report it with the lines above", file=sys.stderr)
    sys.exit(EXIT_INTERNAL)
