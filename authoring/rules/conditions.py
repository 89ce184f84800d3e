"""Conditions in CEL."""

from collections.abc import Iterator

from authoring.desk import Desk, Written, actions, marked
from authoring.facts import wrong_about_contact, wrong_about_event
from authoring.mistakes import Mistake
from models.effect import CEL
from models.playbook import Playbook, Reaction


def conditions(desk: Desk) -> Iterator[Mistake]:
    """A condition can be read, names what is there, and says true or false.

    A running condition that names what is missing is false, never an error: so `event.scor >= 9` would wait in silence
    for ever. What a person wrote (`event.comment`) is kept out of journeys and cannot be looked at."""
    for written in desk.playbooks:
        yield from _on_events(written)
        for number, rule in enumerate(written.model.only_for):
            for words in wrong_about_contact(rule.rule):
                yield written.mistake(["only_for", number, "rule"], words)
        yield from _in_actions(written)


def _on_events(written: Written[Playbook]) -> Iterator[Mistake]:
    playbook = written.model
    triggers: list[tuple[list[str | int], str, str | None]] = [
        (["starts", n, "when"], t.on, t.when) for n, t in enumerate(playbook.starts)
    ]
    triggers += [(["ends", "on", n, "when"], t.on, t.when) for n, t in enumerate(playbook.ends.on)]
    triggers += [(["reactions", name, "when"], r.on, r.when) for name, r in playbook.reactions.items()]
    for path, event, condition in triggers:
        for words in wrong_about_event(condition, event) if condition is not None else ():
            yield written.mistake(path, words)


def _in_actions(written: Written[Playbook]) -> Iterator[Mistake]:
    for path, doing, action in actions(written.model):
        for param, expression in marked(action, CEL):
            if not isinstance(doing, Reaction):
                yield written.mistake([*path, param], "a step has no event to take a value from; only a reaction has")
                continue
            for words in wrong_about_event(expression, doing.on, None):
                yield written.mistake([*path, param], words)
