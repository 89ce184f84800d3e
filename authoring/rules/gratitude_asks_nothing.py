"""Thanks without a hook."""

from collections.abc import Iterator

from authoring.desk import Desk, actions, marked
from authoring.mistakes import Mistake
from models.effect import MESSAGE


def gratitude_asks_nothing(desk: Desk) -> Iterator[Mistake]:
    """A message that asks is sent only by a step that says so.

    A thank-you with an ask in it is no thank-you; and asks are counted, so that nobody is asked too often. A step that
    asks has `purpose: ask`; one that thanks and may end with a gentle question has `may_ask: true`."""
    for written in desk.playbooks:
        for path, doing, action in actions(written.model):
            purpose = doing.purpose or written.model.purpose
            for param, name in marked(action, MESSAGE):
                asks = name in desk.messages and desk.messages.letter(name).heading.purpose == "ask"
                if asks and purpose != "ask" and not doing.may_ask:
                    words = f"{name!r} asks and this step is {purpose}; give the step purpose: ask, or may_ask: true"
                    yield written.mistake([*path, param], words)
