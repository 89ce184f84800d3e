"""Messages a playbook names."""

from collections.abc import Iterator

from authoring.desk import Desk, actions, marked
from authoring.mistakes import Mistake, one_of
from models.effect import MESSAGE

ALERT = "needs-a-person"
"""The message by which the engine itself calls for a colleague."""


def message_exists(desk: Desk) -> Iterator[Mistake]:
    """A message that is named is there.

    `send: thank-yuo` would stop the journey on the day it is due. The file is `messages/thank-you.md`; the message
    `needs-a-person` is always needed, for it says that something is stuck."""
    for written in desk.playbooks:
        for path, _, action in actions(written.model):
            for param, name in marked(action, MESSAGE):
                if name not in desk.messages:
                    words = one_of(name, "a message", desk.messages.names, "messages are")
                    yield written.mistake([*path, param], words)
    if desk.playbooks and ALERT not in desk.messages:
        words = f"there is no messages/{ALERT}.md: it is what the team is told here when a step is stuck"
        yield desk.program.mistake(["alerts"], words)
