"""Names of steps."""

from collections.abc import Iterator

from authoring.desk import Desk
from authoring.mistakes import Mistake


def step_names(desk: Desk) -> Iterator[Mistake]:
    """A step and a reaction of a playbook have different names, and none is named `journey`.

    A step's name is part of the key that makes a gift go out once. With one name for two things, the second would be
    taken for the first, and never happen."""
    for written in desk.playbooks:
        playbook = written.model
        for name in playbook.reactions.keys() & playbook.steps.keys():
            yield written.mistake(["reactions", name], f"there is a step named {name!r} too; rename one", key=True)
        for kind in ("steps", "reactions"):
            if "journey" in getattr(playbook, kind):
                yield written.mistake(
                    [kind, "journey"], "'journey' is what the engine calls itself; rename it", key=True
                )
