"""Every way the kit gives up, each with one message, what to do about it, and an exit code.

``EXIT_CODES`` says what each code means; README.md and ``chinwag --help`` repeat it."""

from __future__ import annotations

import errno
import os

EXIT_OK = 0
EXIT_SERVER = 1
EXIT_FOUND = 1
"""What was looked for is there: problems in a result directory, a change that was not wanted."""
EXIT_USAGE = 2
EXIT_ENVIRONMENT = 3
EXIT_INTERNAL = 4
EXIT_INTERRUPTED = 130

EXIT_CODES = {
    EXIT_OK: "all is well",
    EXIT_SERVER: "a server, a cell or a result directory is not as it should be",
    EXIT_USAGE: "it can't be done as asked: a name, an option, a profile, a directory",
    EXIT_ENVIRONMENT: "the machine lacks something: toolchain, port, open files, disk",
    EXIT_INTERNAL: "a bug in chinwag",
    EXIT_INTERRUPTED: "interrupted; what was measured is kept",
}


class ChinwagError(Exception):
    """Base of all expected errors. ``hint`` says what to do; ``detail`` is evidence, such as a
    log's last lines.
    """

    exit_code = EXIT_INTERNAL

    def __init__(self, message: str, *, hint: str | None = None, detail: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail

    def text(self) -> str:
        """The whole of it on a few lines, for a terminal or a record's ``reason``."""
        parts = [self.message]
        if self.hint:
            parts.append(self.hint)
        if self.detail:
            parts.append(self.detail.rstrip())
        return "\n".join(parts)


class UsageError(ChinwagError):
    """What was asked can't be done as asked: an unknown name, a broken profile, a plan over its
    budget.
    """

    exit_code = EXIT_USAGE


class ManifestError(UsageError):
    """One ``server.toml`` is not usable."""


class HostError(ChinwagError):
    """The machine lacks something: a toolchain, a free port, open files, disk space, the load
    generator.
    """

    exit_code = EXIT_ENVIRONMENT


class ServerError(ChinwagError):
    """A server under test did not build, start, stay alive or conform. A run goes on."""

    exit_code = EXIT_SERVER


class GeneratorError(ChinwagError):
    """The load generator failed or fell silent: the cell at hand is lost, the rest of a run goes
    on. ``by_signal``: somebody ended it, which says nothing of the server.
    """

    exit_code = EXIT_SERVER
    by_signal = False


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CLOSED = {errno.EROFS, errno.EACCES, errno.EPERM}
_IN_THE_WAY = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST}
_TOO_MANY = {errno.EMFILE, errno.ENFILE}


def host_refusal(error: OSError, path: str | os.PathLike[str] | None = None) -> HostError | None:
    """What the machine refuses, as one message with a hint that fits; ``None`` for what is none of
    its refusals, such as a file that is not there. ``path`` is for errors that name none.
    """
    where = path if path is not None else error.filename
    what = error.strerror or str(error)
    if error.errno in _FULL:
        subject = f"{where} can't be written" if where is not None else "nothing can be written"
        return HostError(f"{subject}: {what}", hint="free some space, or raise the limit")
    if error.errno in _TOO_MANY:
        return HostError(what, hint="raise the limit of open files: see `chinwag doctor`")
    is_unreadable = where is not None and os.path.exists(where) and not os.access(where, os.R_OK)
    closed = (
        "make it readable for this user"
        if is_unreadable
        else "make it writable for this user, or work in a checkout that is"
    )
    hint = {
        **dict.fromkeys(_CLOSED, closed),
        **dict.fromkeys(_IN_THE_WAY, "move away what is there: it is no folder, or no file"),
    }.get(error.errno or 0)
    if hint is None or where is None:
        return None
    return HostError(f"{os.fspath(where)} can't be used: {what}", hint=hint)
