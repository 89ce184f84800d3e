"""A file of events for a dry run: CloudEvents one a line, as a JSON array, or as a list in YAML.

Prevents a line that is silently left out: what cannot be read comes out too, with its line and the reason.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError

from authoring import source
from models.base import Instant, Model
from models.contact import Identity, Person
from models.event import PREFIX, Event, checked_data, id_from_content


@dataclass(frozen=True)
class Reported:
    """An event of the file, and the line it begins on."""

    line: int
    event: Event


class BadLine(Model):
    """What could not be read, and why."""

    line: int
    reason: str


class _Envelope(Model):
    """What a dry run needs of a CloudEvent. Without `time` nobody could say when anything follows."""

    model_config = ConfigDict(extra="ignore")

    specversion: Literal["1.0"] = "1.0"
    id: str | None = None
    source: str = "file"
    type: str
    subject: str
    time: Instant
    data: dict[str, Any] = Field(default_factory=dict)


def read_events(path: Path) -> Iterator[Reported | BadLine]:
    """The events of a file, in the file's order. Raises Mistakes when the file cannot be read at all."""
    for line, item in _items(path):
        try:
            yield item if isinstance(item, BadLine) else Reported(line, _event(item))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "event"
            yield BadLine(line=line, reason=f"{where}: {first['msg'].removeprefix('Value error, ')}")
        except ValueError as error:
            yield BadLine(line=line, reason=str(error))


def _event(item: object) -> Event:
    envelope = _Envelope.model_validate(item)
    data = dict(envelope.data)
    told = data.pop("person", None)
    if not envelope.type.startswith(PREFIX):
        raise ValueError(f"type: {envelope.type!r} does not begin with {PREFIX!r}")
    event_type = envelope.type.removeprefix(PREFIX)
    if data.get("referred_by"):
        data["referred_by"] = Identity.parse(str(data["referred_by"])).text
    content = id_from_content(event_type, envelope.subject, envelope.time, json.dumps(envelope.data, sort_keys=True))
    return Event(
        type=event_type,
        source=envelope.source,
        source_id=envelope.id or content,
        subject=Identity.parse(envelope.subject),
        at=envelope.time,
        data=checked_data(event_type, data),
        person=None if told is None else Person.model_validate(told),
    )


def _items(path: Path) -> Iterator[tuple[int, object]]:
    if path.suffix in (".yaml", ".yml"):
        yield from _yaml_items(path)
        return
    with _opened(path) as lines:
        first = next((line for line in lines if line.strip()), "")
    if first.lstrip().startswith("["):
        yield from _array_items(source.text_of(path))
    else:
        with _opened(path) as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, _parsed(line, number)


def _opened(path: Path) -> Any:
    try:
        return path.open(encoding="utf-8-sig", errors="replace")
    except OSError:
        source.text_of(path)  # says what is wrong
        raise


def _parsed(line: str, number: int) -> object:
    try:
        return json.loads(line)
    except ValueError as error:
        return BadLine(line=number, reason=f"is not JSON: {error}")


def _array_items(text: str) -> Iterator[tuple[int, object]]:
    """The items of a JSON array one by one, so that each has its line. After broken JSON nothing can be told apart."""
    decoder = json.JSONDecoder()
    at, line = text.index("[") + 1, text.count("\n", 0, text.index("[")) + 1
    while True:
        here = _skipped(text, at)
        line += text.count("\n", at, here)
        if text.startswith("]", here):
            return
        try:
            item, at = decoder.raw_decode(text, here)
        except ValueError as error:
            yield line, BadLine(line=line, reason=f"is not JSON, so nothing from here on could be read: {error}")
            return
        yield line, item
        line += text.count("\n", here, at)


def _skipped(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    return at


def _yaml_items(path: Path) -> Iterator[tuple[int, object]]:
    document = source.read_file(path)
    items = document.content if isinstance(document.content, list) else [document.content]
    for number, item in enumerate(items):
        yield document.place((number,)).line, item
