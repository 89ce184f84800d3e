"""What a message can know of the event it answers."""

from collections.abc import Iterator

from authoring import facts, template
from authoring.desk import Desk, actions, marked
from authoring.mistakes import Mistake
from models.effect import LIQUID, MESSAGE
from models.playbook import Doing, Reaction


def event_in_messages(desk: Desk) -> Iterator[Mistake]:
    """A message speaks of an event only where one is answered, and of what that event carries.

    A step happens at a moment, a reaction answers an event: `{{ event.network }}` is empty in every step, and in a
    reaction to `referral.closed`."""
    for written in desk.playbooks:
        for path, doing, action in actions(written.model):
            texts = [(param, text) for param, text in marked(action, LIQUID)]
            for param, name in marked(action, MESSAGE):
                if name in desk.messages:
                    texts += [(param, letter.body) for letter in desk.messages.letters[name].values()]
                    texts += [(param, letter.heading.subject) for letter in desk.messages.letters[name].values()]
            for param, text in texts:
                for field in sorted(template.event_fields(text) & template.EVENT_FIELDS):
                    words = _wrong(doing, field)
                    if words:
                        yield written.mistake([*path, param], words)


def _wrong(doing: Doing, field: str) -> str | None:
    if not isinstance(doing, Reaction):
        return f"it speaks of event.{field}, and a step has no event; only a reaction has"
    carried = facts.event_fields(doing.on)
    if field in carried:
        return None
    return f"it speaks of event.{field}, and {doing.on} carries: {', '.join(sorted(carried)) or 'nothing'}"
