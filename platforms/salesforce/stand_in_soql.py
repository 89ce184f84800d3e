"""As much of Salesforce's query language as we speak: SELECT … FROM … WHERE … ORDER BY … LIMIT, one level of relations.

A query that Salesforce would refuse is refused here: an unknown field, a word out of place, a text without its end.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from platforms.base import Body

Holds = Callable[[Callable[[str], Any]], bool]
"""A condition: given the look-up of a field's value, whether it holds."""

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<time>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d))|(?P<number>\d+)"
    r"|(?P<word>[A-Za-z_][\w.]*)|(?P<sign>!=|<=|>=|[=<>(),]))"
)
_UNESCAPE = re.compile(r"\\(.)")
_PLAIN = {"n": "\n", "r": "\r", "t": "\t"}


class Wrong(Exception):
    """A query that makes no sense."""


@dataclass(frozen=True)
class Query:
    fields: list[str]
    kind: str
    where: Holds
    named: list[str]
    """Fields that the condition and the order name."""
    order: list[str]
    limit: int


def parse(soql: str) -> Query:
    """Raises Wrong, with what was found."""
    reader = _Reader(_tokens(soql))
    reader.expect("SELECT")
    fields = [reader.word()]
    while reader.taken(","):
        fields.append(reader.word())
    reader.expect("FROM")
    kind = reader.word()
    where: Holds = (lambda value: True) if not reader.taken("WHERE") else reader.either()
    order: list[str] = []
    if reader.taken("ORDER"):
        reader.expect("BY")
        order = [reader.word()]
        while reader.taken(","):
            order.append(reader.word())
    limit = int(reader.next()[1]) if reader.taken("LIMIT") else 2000
    if reader.left:
        raise Wrong(f"unexpected token: {reader.left[0][1]}")
    return Query(fields, kind, where, [*reader.named, *order], order, limit)


def comparable(value: Any) -> Any:
    """Texts are compared without their case, and nothing comes before everything."""
    if isinstance(value, str):
        return (1, _moment(value) or value.lower())
    return (0, 0) if value is None else (1, value)


class _Reader:
    def __init__(self, tokens: Iterable[tuple[str, str]]) -> None:
        self.left = list(tokens)
        self.named: list[str] = []

    def next(self) -> tuple[str, str]:
        if not self.left:
            raise Wrong("unexpected end of the query")
        return self.left.pop(0)

    def taken(self, token: str) -> bool:
        if self.left and self.left[0][1].upper() == token and self.left[0][0] != "text":
            self.left.pop(0)
            return True
        return False

    def expect(self, token: str) -> None:
        if not self.taken(token):
            raise Wrong(f"expecting {token}, found {self.left[0][1] if self.left else 'the end'}")

    def word(self) -> str:
        kind, token = self.next()
        if kind != "word":
            raise Wrong(f"unexpected token: {token}")
        return token

    def either(self) -> Holds:
        """Conditions joined by OR or by AND; both at one level need parentheses, as at Salesforce."""
        parts, joints = [self._one()], set()
        while self.left and self.left[0][1].upper() in ("AND", "OR"):
            joints.add(self.next()[1].upper())
            parts.append(self._one())
        if len(joints) > 1:
            raise Wrong("AND and OR are mixed without parentheses")
        whole = any if joints == {"OR"} else all
        return lambda value: whole(part(value) for part in parts)

    def _one(self) -> Holds:
        if self.taken("("):
            inner = self.either()
            self.expect(")")
            return inner
        field = self.word()
        self.named.append(field)
        _, sign = self.next()
        wanted = _value(*self.next())
        compare = _COMPARE.get(sign)
        if compare is None:
            raise Wrong(f"unexpected token: {sign}")
        return lambda value: compare(comparable(value(field)), comparable(wanted))


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: bool(one == other),
    "!=": lambda one, other: bool(one != other),
    ">": lambda one, other: bool(one > other),
    ">=": lambda one, other: bool(one >= other),
    "<": lambda one, other: bool(one < other),
    "<=": lambda one, other: bool(one <= other),
}


def _tokens(soql: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while soql[at:].strip():
        match = _TOKEN.match(soql, at)
        if match is None:
            raise Wrong(f"unexpected token at {at}: {soql[at : at + 20].strip()}")
        found.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    return found


def _value(kind: str, token: str) -> Any:
    if kind == "text":
        return _UNESCAPE.sub(lambda one: _PLAIN.get(one[1], one[1]), token[1:-1])
    if kind == "number":
        return int(token)
    if kind == "time":
        return token
    known = {"true": True, "false": False, "null": None}
    if token.lower() not in known:
        raise Wrong(f"unexpected token: {token}")
    return known[token.lower()]


def _moment(text: str) -> float | None:
    if not re.match(r"\d{4}-\d\d-\d\dT", text):
        return None
    return datetime.fromisoformat(text).timestamp()


def shown(query: Query, kind: str, record: Body, value: Callable[[Body, str], Any], version: str) -> Body:
    """A record as the query asks for it; a relation becomes an object of its own, or null."""
    url = f"/services/data/{version}/sobjects/{kind}/{record['Id']}"
    body: Body = {"attributes": {"type": kind, "url": url}}
    for field in query.fields:
        relation, dot, name = field.partition(".")
        if not dot:
            body[field] = value(record, field)
        elif value(record, f"{relation}.Id") is None:
            body[relation] = None
        else:
            body.setdefault(relation, {"attributes": {"type": relation}})[name] = value(record, field)
    return body
