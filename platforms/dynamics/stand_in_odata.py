"""As much of OData as we speak: $select, $filter, $expand, $orderby, $top, and pages with a link to the next.

A query that Dataverse would refuse is refused here: an unknown column, a word out of place, a text without its end.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from platforms.base import Body

Holds = Callable[[Callable[[str], Any]], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<time>\d{4}-\d\d-\d\d(?:T[\d:.]+Z)?(?![\w-]))"
    r"|(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_][\w/]*)|(?P<sign>[()]))"
)
_EXPAND = re.compile(r"(\w+)\(\$select=([\w,]+)\)")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda one, other: bool(one == other),
    "ne": lambda one, other: bool(one != other),
    "gt": lambda one, other: bool(one > other),
    "ge": lambda one, other: bool(one >= other),
    "lt": lambda one, other: bool(one < other),
}


class Wrong(Exception):
    """A query that makes no sense."""


@dataclass(frozen=True)
class Query:
    select: list[str]
    expand: dict[str, list[str]]
    where: Holds
    named: list[str]
    """Columns that the condition and the order name."""
    order: list[str]
    top: int


def parse(asked: Mapping[str, str]) -> Query:
    """Raises Wrong, with what was found."""
    unknown = set(asked) - {"$select", "$filter", "$expand", "$orderby", "$top", "$skiptoken"}
    if unknown:
        raise Wrong(f"The query parameter {sorted(unknown)[0]} is not supported")
    reader = _Reader(asked.get("$filter", ""))
    where: Holds = reader.either() if reader.left else (lambda value: True)
    if reader.left:
        raise Wrong(f"Syntax error at {reader.left[0][1]}")
    order = [name for name in asked.get("$orderby", "").split(",") if name]
    expand = {name: columns.split(",") for name, columns in _EXPAND.findall(asked.get("$expand", ""))}
    if _EXPAND.sub("", asked.get("$expand", "")).strip(","):
        raise Wrong(f"Term '{asked['$expand']}' is not valid in a $expand expression")
    select = [name for name in asked.get("$select", "").split(",") if name]
    return Query(select, expand, where, [*reader.named, *order], order, int(asked.get("$top", "5000")))


def comparable(value: Any) -> Any:
    """Texts are compared without their case, times as times; nothing comes before everything."""
    if isinstance(value, str):
        if re.match(r"\d{4}-\d\d-\d\d(T|$)", value):
            return (2, datetime.fromisoformat(value if "T" in value else f"{value}T00:00:00Z").timestamp())
        return (3, value.lower())
    return (0, 0) if value is None else (1, value)


class _Reader:
    def __init__(self, text: str) -> None:
        self.left: list[tuple[str, str]] = []
        self.named: list[str] = []
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None:
                raise Wrong(f"Syntax error at position {at} in '{text}'.")
            self.left.append((str(match.lastgroup), match[str(match.lastgroup)]))
            at = match.end()

    def next(self) -> tuple[str, str]:
        if not self.left:
            raise Wrong("Expression expected at the end.")
        return self.left.pop(0)

    def either(self) -> Holds:
        """`and` binds closer than `or`."""
        parts = [self._both()]
        while self.left and self.left[0] == ("word", "or"):
            self.next()
            parts.append(self._both())
        return lambda value: any(part(value) for part in parts)

    def _both(self) -> Holds:
        parts = [self._one()]
        while self.left and self.left[0] == ("word", "and"):
            self.next()
            parts.append(self._one())
        return lambda value: all(part(value) for part in parts)

    def _one(self) -> Holds:
        kind, word = self.next()
        if (kind, word) == ("sign", "("):
            inner = self.either()
            if self.next()[1] != ")":
                raise Wrong("')' or operator expected")
            return inner
        if kind != "word":
            raise Wrong(f"Syntax error: unexpected {word}")
        self.named.append(word)
        compare = _COMPARE.get(self.next()[1])
        if compare is None:
            raise Wrong(f"Syntax error after {word}")
        wanted = _value(*self.next())
        return lambda value: _compared(compare, value(word), wanted)


def _compared(compare: Callable[[Any, Any], bool], there: Any, wanted: Any) -> bool:
    """What is null is greater than nothing and equal to null alone."""
    if there is None and wanted is not None:
        return compare is _COMPARE["ne"]
    return compare(comparable(there), comparable(wanted))


def _value(kind: str, token: str) -> Any:
    if kind == "text":
        return token[1:-1].replace("''", "'")
    if kind == "number":
        return int(token)
    if kind in ("guid", "time"):
        return token
    known = {"true": True, "false": False, "null": None}
    if token not in known:
        raise Wrong(f"Could not find a property named '{token}'")
    return known[token]


def shown(query: Query, row: Body, value: Callable[[Body, str], Any]) -> Body:
    """A row as it is asked for; what is expanded becomes an object, or null."""
    body: Body = {"@odata.etag": f'W/"{row["versionnumber"]}"', **{name: row[name] for name in query.select}}
    for relation, columns in query.expand.items():
        there = {name: value(row, f"{relation}/{name}") for name in columns}
        body[relation] = None if all(one is None for one in there.values()) else there
    return body
