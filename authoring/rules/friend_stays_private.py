"""What is told to whom about the person who was referred."""

import re
from collections.abc import Iterator

from authoring.desk import Desk, actions, marked
from authoring.mistakes import Mistake
from models.effect import FRIEND, MESSAGE

_FRIEND = re.compile(r"\{[{%][^}]*\bfriend\s*[.\[]")
"""`friend` as a variable; "we will be kind to your friend." is only a sentence that ends."""


def friend_stays_private(desk: Desk) -> Iterator[Mistake]:
    """Only colleagues, and the friend, read the friend's name.

    An advocate who hears from us what a friend has bought learns what the friend did not tell them. A message to the
    advocate speaks of "your friend"; one with purpose: team may say who it is."""
    for written in desk.playbooks:
        for path, _, action in actions(written.model):
            for param, name in marked(action, MESSAGE):
                if action.params.get("to") == FRIEND or name not in desk.messages:
                    continue
                letters = desk.messages.letters[name].values()
                if any(_tells(f"{one.heading.subject} {one.body}", one.heading.purpose) for one in letters):
                    yield written.mistake([*path, param], f"{name!r} names the friend, and goes to the advocate")


def _tells(text: str, purpose: str) -> bool:
    return purpose != "team" and bool(_FRIEND.search(text))
