"""``asyncio.timeout()``, on Python 3.10 too: the suite shares nothing with what it asks about.

``asyncio.wait_for()`` is not used: before Python 3.12 it forgets a cancellation that comes just as
the awaited work is done (python/cpython#86296), and what was cancelled goes on.
"""

from __future__ import annotations

import sys

if sys.version_info >= (3, 11):
    from asyncio import timeout
else:
    from async_timeout import timeout

__all__ = ["timeout"]
