"""Conditions in CEL, compiled once. A fact that is missing makes a condition false, never an error."""

from functools import lru_cache
from typing import Any

import cel

from models.base import Json


@lru_cache(maxsize=1024)
def _program(expression: str) -> Any:
    return cel.compile(expression)


def check(expression: str) -> None:
    """Raises ValueError with CEL's own words when the expression cannot be read."""
    try:
        _program(expression)
    except ValueError as error:
        raise ValueError(f"{expression!r} is not a condition: {error}") from error


def value_of(expression: str, **facts: Json) -> Any:
    """The expression's value; None where a fact it names is missing or of another type."""
    try:
        return _program(expression).execute(facts)
    except (KeyError, TypeError, ValueError, RuntimeError, ArithmeticError):
        return None


def holds(expression: str | None, **facts: Json) -> bool:
    """True when there is no condition, or when it is exactly true."""
    return expression is None or value_of(expression, **facts) is True
