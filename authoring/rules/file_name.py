"""A playbook is found by its name."""

from collections.abc import Iterator

from authoring.desk import Desk
from authoring.mistakes import Mistake


def file_name(desk: Desk) -> Iterator[Mistake]:
    """A playbook's name is its file's name.

    Two files with one name would be one playbook, and which of them runs would be luck. `playbook: thank-you` stands
    in `thank-you.yaml`."""
    for written in desk.playbooks:
        stem = written.document.file.rpartition("/")[2].removesuffix(".yaml")
        if written.model.playbook != stem:
            words = f"the playbook is named {written.model.playbook!r} and its file {stem!r}; give both one name"
            yield written.mistake(["playbook"], words)
