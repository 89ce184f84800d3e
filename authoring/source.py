"""YAML as marketers write it, every key and value with its place.

Prevents: `on:` read as a truth, `20:00` read as a number, a key written twice of which one silently wins, a mistake
that cannot say where it is, and a file that runs code or fills the memory. Words stay words: only `true`, `false`,
`null` and plain decimal numbers are anything but text.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import yaml

from authoring.mistakes import Mistake, Mistakes

Where = Sequence[str | int]
"""Where in a document: keys and list indexes from the top."""

MOST_CHARACTERS: Final = 200_000
MOST_VALUES: Final = 20_000
"""Bound on the values of a file once its aliases are followed."""
DEEPEST: Final = 30

RULE: Final = "yaml"


@dataclass(frozen=True)
class Place:
    """Line and column, both from 1."""

    line: int = 1
    column: int = 1


@dataclass(frozen=True)
class Document:
    """A file that was read: plain data, and the place of each key and value."""

    file: str
    content: Any
    keys: dict[tuple[str | int, ...], Place] = field(default_factory=dict)
    values: dict[tuple[str | int, ...], Place] = field(default_factory=dict)
    plain: set[tuple[str | int, ...]] = field(default_factory=set)
    """Where values are that hold no others: a short form stands in for what it is short for."""

    def place(self, path: Where, *, key: bool = False) -> Place:
        """The place of a value (of its key, with `key`); where it is not written, of the nearest one around it."""
        here = tuple(path)
        while here and here not in self.values:
            here = here[:-1]
        value = self.values.get(here, Place())
        around = len(here) < len(path) and here not in self.plain
        return self.keys.get(here, value) if key or around else value

    def mistake(self, path: Where, message: str, rule: str, *, key: bool = False) -> Mistake:
        place = self.place(path, key=key)
        return Mistake(self.file, place.line, place.column, message, rule)


class _Loader(yaml.SafeLoader):
    """Resolves what is written plainly and nothing else: no yes and no, no sixty-based numbers, no dates."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


_PLAIN = {
    "null": (re.compile(r"^(?:~|null|)$"), ["~", "n", ""]),
    "bool": (re.compile(r"^(?:true|false)$"), list("tf")),
    "int": (re.compile(r"^-?(?:0|[1-9][0-9]{0,17})$"), list("-0123456789")),
    "float": (re.compile(r"^-?(?:0|[1-9][0-9]*)\.[0-9]+$"), list("-0123456789")),
}
for _name, (_pattern, _first) in _PLAIN.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", _pattern, _first)

_VALUE: dict[str, Callable[[str], Any]] = {
    "tag:yaml.org,2002:null": lambda text: None,
    "tag:yaml.org,2002:bool": lambda text: text == "true",
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": float,
    "tag:yaml.org,2002:str": str,
}
_ALLOWED = {*_VALUE, "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}


def shown(path: Path) -> str:
    """The path as people name it: from here, where it lies below here."""
    full = path.absolute()
    return str(full.relative_to(Path.cwd())) if full.is_relative_to(Path.cwd()) else str(path)


def read_file(path: Path) -> Document:
    """Reads a file. Raises Mistakes."""
    return read(text_of(path), shown(path))


def text_of(path: Path) -> str:
    """A file's text. Raises Mistakes when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Mistakes([Mistake(shown(path), 1, 1, f"cannot be read: {error.strerror}", RULE)]) from error
    except UnicodeDecodeError as error:
        raise Mistakes([Mistake(shown(path), 1, 1, "is not UTF-8 text: save it as UTF-8", RULE)]) from error


def read(text: str, file: str, first_line: int = 1) -> Document:
    """Reads one YAML document; `first_line` is the line of the file its text begins on.

    Raises Mistakes: what cannot be read, or every key that is written twice."""
    reading = _Reading(Document(file, None), first_line)
    if len(text) > MOST_CHARACTERS:
        raise Mistakes([Mistake(file, first_line, 1, f"is longer than {MOST_CHARACTERS} characters", RULE)])
    try:
        node = yaml.compose(text, _Loader)
    except yaml.MarkedYAMLError as error:
        raise Mistakes([reading.mistake(error.problem_mark, str(error.problem))]) from error
    except yaml.YAMLError as error:
        raise Mistakes([reading.mistake(None, " ".join(str(error).split()))]) from error
    except RecursionError as error:
        raise Mistakes([reading.mistake(None, f"is nested deeper than {DEEPEST} levels")]) from error
    content = None if node is None else reading.value(node, ())
    if reading.mistakes:
        raise Mistakes(reading.mistakes)
    return replace(reading.document, content=content)


class _Reading:
    """One pass over the nodes of a document."""

    def __init__(self, document: Document, first_line: int) -> None:
        self.document = document
        self.first_line = first_line
        self.mistakes: list[Mistake] = []

    def mistake(self, mark: yaml.Mark | None, message: str) -> Mistake:
        place = self.place(mark)
        return Mistake(self.document.file, place.line, place.column, message, RULE)

    def place(self, mark: yaml.Mark | None) -> Place:
        return Place(self.first_line) if mark is None else Place(mark.line + self.first_line, mark.column + 1)

    def value(self, node: yaml.Node, path: tuple[str | int, ...]) -> Any:
        if len(self.document.values) >= MOST_VALUES:
            raise Mistakes([self.mistake(node.start_mark, f"holds more than {MOST_VALUES} values, aliases followed")])
        if len(path) > DEEPEST:
            raise Mistakes([self.mistake(node.start_mark, f"is nested deeper than {DEEPEST} levels")])
        self.document.values[path] = self.place(node.start_mark)
        if node.tag not in _ALLOWED:
            self.mistakes.append(
                self.mistake(node.start_mark, f"the tag {node.tag!r} is not allowed; write plain YAML")
            )
            return None
        if isinstance(node, yaml.MappingNode):
            return dict(self._pairs(node, path))
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, number)) for number, item in enumerate(node.value)]
        self.document.plain.add(path)
        return self._scalar(node)

    def _pairs(self, node: yaml.MappingNode, path: tuple[str | int, ...]) -> Iterator[tuple[str, Any]]:
        first: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.mistakes.append(self.mistake(key.start_mark, "a key must be a plain word"))
                continue
            name, place = str(key.value), self.place(key.start_mark)
            if name in first:
                words = f"{name!r} is written twice; the first is on line {first[name]}"
                self.mistakes.append(self.mistake(key.start_mark, words))
                continue
            first[name] = place.line
            self.document.keys[(*path, name)] = place
            yield name, self.value(value, (*path, name))

    def _scalar(self, node: yaml.Node) -> Any:
        try:
            return _VALUE[node.tag](node.value)
        except (KeyError, ValueError):
            self.mistakes.append(self.mistake(node.start_mark, f"{node.value!r} is not what its tag says"))
            return None
