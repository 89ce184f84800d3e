"""Boxes and videos a playbook names."""

from collections.abc import Iterator

from authoring.desk import Desk, actions
from authoring.mistakes import Mistake, one_of

_KEPT = (("box", "boxes"), ("video", "videos"), ("reward", "rewards"))
"""Parameter of an action → where in program.yaml what it names is written."""


def program_has_it(desk: Desk) -> Iterator[Mistake]:
    """A box, a video or a reward that is named is in program.yaml.

    `box: advocat` could not be ordered. A new box is two lines under `boxes:`, with its name at the vendor."""
    program = desk.program.model
    for written in desk.playbooks:
        for path, _, action in actions(written.model):
            for param, kind in _KEPT:
                there = getattr(program, kind)
                name = action.params.get(param)
                if name is not None and name not in there:
                    yield written.mistake(
                        [*path, param], one_of(name, f"in {kind} of program.yaml", there, "there are")
                    )
