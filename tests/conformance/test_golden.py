"""Every golden case against every server."""

from __future__ import annotations

import pytest

from . import golden
from .chat import Chat
from .golden import Case, Player


def _parameters() -> list[object]:
    """Each file's first case is in the quick subset."""
    return [
        pytest.param(case, id=case["id"], marks=[pytest.mark.smoke] if number == 0 else [])
        for path in golden.FILES
        for number, case in enumerate(golden.cases_of(path))
    ]


@pytest.mark.parametrize("case", _parameters())
async def test_golden(chat: Chat, case: Case) -> None:
    await Player(chat, case).play()
