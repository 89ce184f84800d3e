"""Boxes and videos a playbook names."""

from collections.abc import Iterator

from authoring.desk import Desk, actions
from authoring.mistakes import Mistake, one_of


def program_has_it(desk: Desk) -> Iterator[Mistake]:
    """A box or a video that is named is in program.yaml.

    `box: advocat` could not be ordered. A new box is two lines under `boxes:`, with its name at the vendor."""
    program = desk.program.model
    for written in desk.playbooks:
        for path, _, action in actions(written.model):
            for param, kind, there in (("box", "boxes", program.boxes), ("video", "videos", program.videos)):
                name = action.params.get(param)
                if name is not None and name not in there:
                    yield written.mistake(
                        [*path, param], one_of(name, f"in {kind} of program.yaml", there, "there are")
                    )
