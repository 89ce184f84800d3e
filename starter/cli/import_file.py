"""A CSV file as events, or its mistakes by line and column.

The failure prevented: a column that was misspelt and silently left out for ten thousand people, and a mistake found
when half of the file is in. So the whole file is read and checked before anything is done with it.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from models.contact import Identity, Person
from models.event import EVENTS, PREFIX, Event, id_from_content
from models.money import Money
from starter.gateway.events import CloudEvent, event_from

SOURCE = "import"
ENVELOPE = ("type", "subject", "id", "time")
PERSON = tuple(name for name in Person.model_fields if name not in ("address", "attributes"))
DATA = tuple(sorted({name for model in EVENTS.values() for name in model.model_fields}))
COLUMNS = (*ENVELOPE, *PERSON, *DATA)

Cells = Mapping[str, str]


@dataclass(frozen=True)
class Mistake:
    """`line` and `column` as an editor and a spreadsheet count them, from 1."""

    line: int
    column: int
    words: str


@dataclass(frozen=True)
class Line:
    """One event, and the line it begins on."""

    number: int
    event: Event


@dataclass(frozen=True)
class Sheet:
    """What a file holds. With a mistake in its header it holds no lines at all."""

    lines: list[Line]
    mistakes: list[Mistake]
    readable: bool = True


class _Wrong(ValueError):
    def __init__(self, column: str, words: str) -> None:
        super().__init__(words)
        self.column = column


def read(path: Path, now: datetime) -> Sheet:
    """The events of a file, in its order. An event without a time happened `now`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return Sheet([], [Mistake(1, 1, "the file is not UTF-8: save it as CSV UTF-8")], readable=False)
    rows = _rows(text)
    _, header = next(rows, (1, []))
    header = [name.strip() for name in header]
    mistakes = _header_mistakes(header)
    if mistakes:
        return Sheet([], mistakes, readable=False)
    return _sheet(path.name, header, rows, now)


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line it begins on: a cell in quotes may run over several. Empty rows are left out."""
    first = text.partition("\n")[0]
    # Spreadsheets in half of Europe write semicolons; no column's name has one in it, so this is no guess.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    begins = 1
    for row in reader:
        if any(cell.strip() for cell in row):
            yield begins, row
        begins = reader.line_num + 1


def _header_mistakes(header: list[str]) -> list[Mistake]:
    found = [Mistake(1, place, _unknown(name)) for place, name in enumerate(header, 1) if name not in COLUMNS]
    for place, name in enumerate(header, 1):
        if name in header[: place - 1]:
            found.append(Mistake(1, place, f"{name!r} is there twice"))
    lacks = [name for name in ("type", "subject") if name not in header]
    return found + [Mistake(1, 1, f"there is no column {name!r}: every line needs one") for name in lacks]


def _unknown(name: str) -> str:
    near = get_close_matches(name.lower(), COLUMNS, n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    return f"no column is called {name!r}; {meant}There may be: {', '.join(COLUMNS)}"


def _sheet(file: str, header: list[str], rows: Iterator[tuple[int, list[str]]], now: datetime) -> Sheet:
    sheet = Sheet([], [])
    seen: dict[str, tuple[int, Cells]] = {}
    for number, row in rows:
        try:
            cells = _cells(header, row)
            event = _event(file, cells, now)
            before, same = seen.setdefault(event.source_id, (number, cells))
            if same != cells:
                raise _Wrong("id", f"{event.source_id!r} is the id of line {before} already, which says something else")
            sheet.lines.append(Line(number, event))
        except _Wrong as wrong:
            column = header.index(wrong.column) + 1 if wrong.column in header else 1
            sheet.mistakes.append(Mistake(number, column, f"{wrong.column}: {wrong}" if wrong.column else str(wrong)))
    return sheet


def _cells(header: list[str], row: list[str]) -> Cells:
    """What is filled in, by column."""
    if len(row) != len(header):
        raise _Wrong("", f"{len(row)} cells, but the header has {len(header)}: is a comma not in quotes?")
    return {name: cell.strip() for name, cell in zip(header, row, strict=True) if cell.strip()}


def _event(file: str, cells: Cells, now: datetime) -> Event:
    """The event, by way of the same envelope as `POST /events`. Raises _Wrong."""
    for needed in ("type", "subject"):
        if needed not in cells:
            raise _Wrong(needed, "is empty")
    kind = _kind(cells["type"])
    envelope: dict[str, Any] = {name: cells[name] for name in ("subject", "time") if name in cells}
    envelope |= {"type": PREFIX + kind, "source": SOURCE, "id": cells.get("id") or _own_id(file, cells)}
    person = {name: cells[name] for name in PERSON if name in cells}
    data = _data(kind, cells) | ({"person": person} if person else {})
    try:
        return event_from(CloudEvent.model_validate({**envelope, "data": data}), now)
    except ValidationError as error:
        raise _from(error, cells) from error
    except ValueError as error:
        raise _Wrong("subject", str(error)) from error


def _kind(name: str) -> str:
    """With the prefix or without it, as it stands in a CloudEvent or in a playbook."""
    kind = name.removeprefix(PREFIX)
    if kind not in EVENTS:
        near = get_close_matches(kind, EVENTS, n=1)
        meant = f"did you mean {near[0]}? " if near else ""
        raise _Wrong("type", f"no event is called {name!r}; {meant}There may be: {', '.join(sorted(EVENTS))}")
    return kind


def _own_id(file: str, cells: Cells) -> str:
    """The same line of the same file is the same event, whenever and how often it is imported."""
    return id_from_content(file, json.dumps(sorted(cells.items())))


def _data(kind: str, cells: Cells) -> dict[str, Any]:
    """The event's own fields. Raises _Wrong for one that events of this kind do not have, or that does not fit."""
    fields = EVENTS[kind].model_fields
    data: dict[str, Any] = {}
    for name in (name for name in DATA if name in cells):
        if name not in fields:
            raise _Wrong(name, f"{kind} has no such field; it may have: {', '.join(sorted(fields)) or 'none'}")
        data[name] = _money(cells[name]) if _is_money(fields[name].annotation) else cells[name]
    try:
        EVENTS[kind].model_validate(data)
        if "referred_by" in data:
            Identity.parse(data["referred_by"])
    except ValidationError as error:
        raise _from(error, cells) from error
    except ValueError as error:
        raise _Wrong("referred_by", str(error)) from error
    return data


def _is_money(annotation: Any) -> bool:
    return annotation is Money or Money in get_args(annotation)


def _money(cell: str) -> dict[str, Any]:
    try:
        return Money.parse(cell).model_dump()
    except ValueError as error:
        raise _Wrong("amount", str(error)) from error


def _from(error: ValidationError, cells: Cells) -> _Wrong:
    """The column that a model complained of, with what was found there."""
    first = error.errors(include_url=False)[0]
    column = next((str(part) for part in first["loc"] if part in cells), "")
    found = f", found {cells[column]!r}" if column in cells else ""
    hint = "; write it like 2026-03-01T09:00:00Z" if column == "time" else ""
    return _Wrong(column, f"{first['msg'].removeprefix('Value error, ')}{found}{hint}")
