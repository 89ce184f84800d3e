"""Liquid in messages and in playbooks."""

from collections.abc import Iterator

from authoring import template
from authoring.desk import Desk, actions, marked
from authoring.mistakes import Mistake
from models.effect import LIQUID


def templates(desk: Desk) -> Iterator[Mistake]:
    """A template can be read and speaks only of what is there.

    `Dear {{ contact.firstname }}` would stop the message on the day it is due. What may be absent, like a first name,
    has words instead: `{{ contact.first_name | default: "there" }}`."""
    for name in desk.messages.names:
        for letter in desk.messages.letters[name].values():
            for mistake in template.check(letter.heading.subject, ""):
                yield letter.front.mistake(["subject"], mistake.message, "")
            yield from template.check(letter.body, letter.file, letter.body_line)
    for written in desk.playbooks:
        for path, _, action in actions(written.model):
            for param, text in marked(action, LIQUID):
                for mistake in template.check(text, ""):
                    yield written.mistake([*path, param], mistake.message)
