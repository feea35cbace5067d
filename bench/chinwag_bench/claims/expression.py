"""Expressions of claims.toml: arithmetic and comparisons over named values, and nothing else.

Python's own parser makes the tree; only the kinds of nodes named here are walked, so that an
expression can neither call nor reach anything that is not meant.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from chinwag_bench.claims.quantity import Quantity, exactly, is_below
from chinwag_bench.errors import UsageError

SAID = "said"
FACT = "fact"
MEASURED = ("cell", "computed")
"""Kinds of names whose values come from a run."""
COMPUTATIONS = ("rate_within_p99", "rate_within_p50", "ramp_p99")
"""Each of a column and a number: ``rate_within_p99[go:tuned](10)``."""
_CHOICES = ("min", "max")
_OPERATORS: dict[type[ast.operator], Callable[[Quantity, Quantity], Quantity]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class ExpressionError(UsageError):
    """An expression that can't be read, or names what there is not."""


class Missing(Exception):
    """A value that this run doesn't have; the message says why."""


class Values(Protocol):
    """Where an expression's names have their values from. Each raises ``Missing``."""

    def cell(self, row: str, column: str) -> Quantity:
        """A cell of the matrix."""

    def said(self, claim: str) -> Quantity:
        """What an article states."""

    def fact(self, name: str) -> Quantity:
        """A number that follows from reading."""

    def computed(self, name: str, column: str, number: float) -> Quantity:
        """One of ``COMPUTATIONS``."""


@dataclass(frozen=True)
class Use:
    """A name in an expression: a cell or computation of a ``column``, a statement, or a fact."""

    kind: str
    """ "cell", "said", "fact" or "computed"."""
    name: str
    column: str = ""


@cache
def parse(text: str) -> ast.expr:
    """The tree. Raises ExpressionError for whatever isn't part of the language."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise ExpressionError(f"the expression {text!r} can't be read: {error}") from error
    for _ in uses(text, tree):
        pass
    return tree


def uses(text: str, tree: ast.expr | None = None) -> Iterator[Use]:
    """Every name in it. Raises ExpressionError as ``parse`` does."""
    node = parse(text) if tree is None else tree
    if isinstance(node, ast.Constant) and _is_number(node.value):
        return
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        children: Sequence[ast.expr] = [node.left, node.right]
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and _is_order(node.ops[0]):
        children = [node.left, *node.comparators]
    elif isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        children = node.values
    elif _called(node) in _CHOICES and isinstance(node, ast.Call):
        children = node.args
    else:
        yield _named(text, node)
        return
    for child in children:
        yield from uses(text, child)


def truth(text: str, values: Values) -> bool | None:
    """Whether a comparison holds; ``None`` where what is known allows both. Raises Missing, and
    ExpressionError where it is no comparison.
    """
    return _truth(text, parse(text), values)


def value(text: str, values: Values) -> Quantity:
    """What an arithmetic expression comes to. Raises Missing, and ExpressionError for another."""
    return _value(text, parse(text), values)


def sides(text: str, values: Values) -> tuple[Quantity, Quantity] | None:
    """Both sides of a single comparison; ``None`` for several."""
    node = parse(text)
    if not isinstance(node, ast.Compare):
        return None
    return _value(text, node.left, values), _value(text, node.comparators[0], values)


def sides_use(text: str) -> tuple[list[Use], list[Use]]:
    """The names on both sides of a single comparison; none for several."""
    node = parse(text)
    if not isinstance(node, ast.Compare):
        return [], []
    return list(uses(text, node.left)), list(uses(text, node.comparators[0]))


def is_comparison(text: str) -> bool:
    """Whether it is true or false, not a number."""
    return isinstance(parse(text), ast.Compare | ast.BoolOp)


def only_cell(text: str) -> tuple[str, str] | None:
    """Row and column where the expression is one cell and nothing else."""
    found = _named(text, node) if isinstance(node := parse(text), ast.Subscript) else None
    return (found.name, found.column) if found is not None and found.kind == "cell" else None


def only_cell_left(text: str) -> tuple[str, str] | None:
    """The same of the left side of a comparison."""
    node = parse(text)
    left = node.left if isinstance(node, ast.Compare) else None
    return only_cell(_source(text, left)) if isinstance(left, ast.Subscript) else None


def _named(text: str, node: ast.expr) -> Use:
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        inside = _source(text, node.slice)
        if node.value.id == SAID:
            return Use(SAID, inside)
        return Use("cell", node.value.id, inside)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        if node.value.id == FACT:
            return Use(FACT, node.attr)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Subscript):
        name = _source(text, node.func.value)
        if name in COMPUTATIONS and len(node.args) == 1 and not node.keywords:
            _value(text, node.args[0], _NOTHING)
            return Use("computed", name, _source(text, node.func.slice))
    raise ExpressionError(f"the expression {text!r} may not contain {_source(text, node)!r}")


def _called(node: ast.expr) -> str:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return node.func.id
    return ""


def _source(text: str, node: ast.AST) -> str:
    """As it stands in the text: a column's name, such as ``go:tuned``, is no Python."""
    return (ast.get_source_segment(text.strip(), node) or "").strip()


def _is_number(found: object) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool)


def _is_order(found: ast.cmpop) -> bool:
    return isinstance(found, ast.Lt | ast.LtE | ast.Gt | ast.GtE)


def _truth(text: str, node: ast.expr, values: Values) -> bool | None:
    if isinstance(node, ast.BoolOp):
        found = [_truth(text, part, values) for part in node.values]
        return False if False in found else None if None in found else True
    if not isinstance(node, ast.Compare):
        raise ExpressionError(f"the expression {text!r} is no comparison")
    left = _value(text, node.left, values)
    right = _value(text, node.comparators[0], values)
    order = node.ops[0]
    if isinstance(order, ast.Gt | ast.GtE):
        left, right = right, left
    return is_below(left, right, or_equal=isinstance(order, ast.LtE | ast.GtE))


def _value(text: str, node: ast.expr, values: Values) -> Quantity:
    if isinstance(node, ast.Constant):
        return exactly(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.BinOp):
        left, right = (_value(text, side, values) for side in (node.left, node.right))
        return _OPERATORS[type(node.op)](left, right)
    if _called(node) in _CHOICES and isinstance(node, ast.Call):
        choose = min if _called(node) == "min" else max
        found = [_value(text, part, values) for part in node.args]
        return Quantity(choose(one.low for one in found), choose(one.high for one in found))
    if isinstance(node, ast.Compare | ast.BoolOp):
        raise ExpressionError(f"the expression {text!r} is a comparison, not a number")
    return _looked_up(text, node, values)


def _looked_up(text: str, node: ast.expr, values: Values) -> Quantity:
    use = _named(text, node)
    if use.kind == "cell":
        return values.cell(use.name, use.column)
    if use.kind == SAID:
        return values.said(use.name)
    if use.kind == FACT:
        return values.fact(use.name)
    assert isinstance(node, ast.Call)
    number = _value(text, node.args[0], _NOTHING)
    return values.computed(use.name, use.column, number.high)


class _Nothing:
    """A computation's number may be arithmetic, but not of names."""

    def cell(self, row: str, column: str) -> Quantity:
        raise ExpressionError(f"a computation takes a number, not {row}[{column}]")

    def said(self, claim: str) -> Quantity:
        raise ExpressionError(f"a computation takes a number, not {SAID}[{claim}]")

    def fact(self, name: str) -> Quantity:
        raise ExpressionError(f"a computation takes a number, not {FACT}.{name}")

    def computed(self, name: str, column: str, number: float) -> Quantity:
        raise ExpressionError(f"a computation takes a number, not {name}[{column}]")


_NOTHING = _Nothing()
