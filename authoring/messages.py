"""Messages: Markdown with Liquid, one file each, and one more for each language it is translated into.

`did-the-box-arrive.md` is the message, `did-the-box-arrive.de.md` its German words. A language without a file falls
back: `de-AT` to `de`, `de` to the message itself.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from authoring import markdown, source, template
from authoring.mistakes import Mistake, Mistakes, one_of
from authoring.shape import mistakes_of
from models.base import Model
from models.effect import Purpose

RULE = "message"

_FILE = re.compile(r"^(?P<name>[a-z0-9][a-z0-9-]*)(\.(?P<locale>[a-z]{2,3}(-[A-Za-z0-9]{2,8})*))?\.md$")
_FRONT = re.compile(r"\A---\n(?P<front>.*?\n)---\n?(?P<body>.*)\Z", re.DOTALL)


class Heading(Model):
    """The lines between `---` above a message. `template` is the vendor's id of a layout to put it in."""

    subject: str
    purpose: Purpose
    template: str | None = None


@dataclass(frozen=True)
class Letter:
    """One message in one language, as written. `body_line` is the line of the file its body begins on."""

    front: source.Document
    heading: Heading
    body: str
    body_line: int

    @property
    def file(self) -> str:
        return self.front.file


@dataclass(frozen=True)
class Rendered:
    """A message ready to go out. `subject` is one line; `text` and `html` say the same."""

    subject: str
    text: str
    html: str
    purpose: Purpose
    template: str | None = None


@dataclass(frozen=True)
class Messages:
    """All messages: name → language ("" for the message itself) → letter."""

    letters: Mapping[str, Mapping[str, Letter]] = field(default_factory=dict)

    def __contains__(self, name: object) -> bool:
        return name in self.letters

    @property
    def names(self) -> list[str]:
        return sorted(self.letters)

    def letter(self, name: str, locale: str | None = None) -> Letter:
        """The message in the nearest language there is.

        Raises LookupError naming the nearest message when there is none of this name."""
        languages = self.letters.get(name)
        if languages is None:
            raise LookupError(one_of(name, "a message", self.letters, "messages are"))
        return next(languages[tag] for tag in _nearest_first(locale) if tag in languages)

    def render(self, name: str, variables: Mapping[str, Any], locale: str | None = None) -> Rendered:
        """The message for one person. The same variables give the same bytes.

        Raises LookupError when there is no such message, Mistakes when its template cannot be rendered."""
        letter = self.letter(name, locale)
        file, line = letter.file, letter.front.place(["subject"]).line
        subject = template.rendered(letter.heading.subject, variables, file=file, first_line=line)
        body = template.rendered(letter.body, variables, markdown=True, file=file, first_line=letter.body_line)
        return Rendered(
            subject=" ".join(subject.split()),
            text=markdown.plain(body),
            html=markdown.html(body),
            purpose=letter.heading.purpose,
            template=letter.heading.template,
        )

    def render_text(self, text: str, variables: Mapping[str, Any]) -> str:
        """A template written in a playbook, as plain text.

        Raises Mistakes when it cannot be rendered."""
        return template.rendered(text, variables).strip()


def _nearest_first(locale: str | None) -> Iterator[str]:
    parts = (locale or "").replace("_", "-").lower().split("-")
    for length in range(len(parts), 0, -1):
        yield "-".join(parts[:length])
    yield ""


def read_messages(folder: Path) -> tuple[Messages, list[Mistake]]:
    """Every message of a folder that can be read, and every mistake in the others."""
    letters: dict[str, dict[str, Letter]] = {}
    mistakes: list[Mistake] = []
    for path in sorted(folder.glob("*.md")):
        match = _FILE.match(path.name)
        if match is None:
            words = (
                "a message's file is named in lower-case letters, digits and -, like thank-you.md or thank-you.de.md"
            )
            mistakes.append(Mistake(source.shown(path), 1, 1, words, RULE))
            continue
        try:
            letters.setdefault(match["name"], {})[(match["locale"] or "").lower()] = read_letter(path)
        except Mistakes as found:
            mistakes += found.found
    for name in [name for name, languages in letters.items() if "" not in languages]:
        letter = next(iter(letters.pop(name).values()))
        mistakes.append(Mistake(letter.file, 1, 1, f"is a translation of {name}.md, which is not there", RULE))
    return Messages(letters), mistakes


def read_letter(path: Path) -> Letter:
    """One message's file. Raises Mistakes."""
    file, text = source.shown(path), source.text_of(path).replace("\r\n", "\n")
    match = _FRONT.match(text)
    if match is None:
        words = "begins with a line ---, then subject: and purpose:, then a line ---, then the message"
        raise Mistakes([Mistake(file, 1, 1, words, RULE)])
    front = source.read(match["front"], file, first_line=2)
    try:
        heading = Heading.model_validate(front.content)
    except ValidationError as error:
        raise Mistakes(mistakes_of(error, front, Heading)) from error
    body_line = text[: match.start("body")].count("\n") + 1
    return Letter(front, heading, match["body"], body_line)
