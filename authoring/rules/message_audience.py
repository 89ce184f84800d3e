"""Who a message was written for."""

from collections.abc import Iterator

from authoring.desk import Desk, actions, marked
from authoring.mistakes import Mistake
from models.effect import MESSAGE

_FOR_COLLEAGUES = ("notify", "open_ticket")
"""Verbs whose message only colleagues read."""


def message_audience(desk: Desk) -> Iterator[Mistake]:
    """What was written for colleagues goes to colleagues, and what was written for a customer to customers.

    `purpose: team` at the head of a message says that only colleagues see it: a note like "call them while it is warm"
    must never reach the person it is about."""
    for written in desk.playbooks:
        for path, _, action in actions(written.model):
            for param, name in marked(action, MESSAGE):
                if name not in desk.messages:
                    continue
                for_team = desk.messages.letter(name).heading.purpose == "team"
                if for_team and action.verb not in _FOR_COLLEAGUES:
                    yield written.mistake(
                        [*path, param], f"{name!r} is for colleagues (purpose: team), not for customers"
                    )
                if not for_team and action.verb in _FOR_COLLEAGUES:
                    words = f"{name!r} is for customers; a message to colleagues has purpose: team"
                    yield written.mistake([*path, param], words)
