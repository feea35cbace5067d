"""A fault of the suite's own server, and the check that has to notice it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

Test = Callable[..., Awaitable[None]]


@dataclass(frozen=True)
class Check:
    """A test of the suite with its parameters, or a golden case by its id."""

    test: Test | str
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        name = self.test if isinstance(self.test, str) else self.test.__name__
        return "-".join([name, *(str(value)[:20] for value in self.parameters.values())])


@dataclass(frozen=True)
class Fault:
    """``name`` is what faulty/ asks for; ``says`` is a regular expression that the failure's text
    must match, so that no slow machine and no other fault passes for this one.
    """

    rule: str
    name: str
    check: Check
    says: str


def fault(rule: str, name: str, test: Test | str, says: str, /, **parameters: Any) -> Fault:
    return Fault(rule, name, Check(test, parameters), says)


NOTHING_CAME = r"^NothingCame: .*nothing came"
