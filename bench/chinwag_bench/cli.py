"""The ``chinwag`` command: registers the commands and turns every end into one message and an exit
code.
"""

from __future__ import annotations

import signal
import sys
import traceback
from typing import NoReturn

import typer

from chinwag_bench.commands import results, runs, servers
from chinwag_bench.commands.calibrate import calibrate
from chinwag_bench.commands.doctor import doctor
from chinwag_bench.errors import EXIT_CODES, EXIT_INTERNAL, EXIT_OK, ChinwagError

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
    no_args_is_help=True,
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
app.command("compare", no_args_is_help=True)(results.compare)
app.command("validate", no_args_is_help=True)(results.validate)


def main() -> NoReturn:
    """Runs one command; typer itself exits with 2 on wrong usage and 130 on Ctrl-C. SIGTERM ends it
    as Ctrl-C does, so that servers are stopped either way.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app(prog_name="chinwag")
    except ChinwagError as error:
        print(f"error: {error.text()}", file=sys.stderr)
        sys.exit(error.exit_code)
    except Exception:
        traceback.print_exc()
        print(
            "error: this is a bug in chinwag, please report it with the lines above",
            file=sys.stderr,
        )
        sys.exit(EXIT_INTERNAL)
    sys.exit(EXIT_OK)
