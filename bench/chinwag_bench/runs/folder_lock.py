"""One run writes into a result directory at a time."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from chinwag_bench.errors import UsageError

_WITHOUT_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF}
"""What file systems answer that have no locks, or none of folders."""


class FolderLock:
    """The kernel's lock of a folder: it ends with :meth:`release`, with this object or with this
    process, however that ends. Programs that this one starts do not inherit it. Readers need none.
    """

    def __init__(self, folder: Path) -> None:
        """Raises ``UsageError`` when another process has it, ``OSError`` without such a folder."""
        self._number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.release()
            raise UsageError(
                f"another chinwag is measuring into {folder}",
                hint="wait for its end, or stop it; `chinwag report` shows what is there by now",
            ) from error
        except OSError as error:
            if error.errno not in _WITHOUT_LOCKS:
                self.release()
                raise

    def release(self) -> None:
        if self._number >= 0:
            os.close(self._number)
            self._number = -1

    def __del__(self) -> None:
        self.release()
