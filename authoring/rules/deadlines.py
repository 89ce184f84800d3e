"""Deadlines and durations that contradict each other."""

from collections.abc import Iterator

from authoring.desk import Desk, Written, actions, doings
from authoring.mistakes import Mistake
from models.playbook import Playbook, duration


def deadlines(desk: Desk) -> Iterator[Mistake]:
    """A deadline leaves time, and its warning comes before it.

    `within: 2 hours` with `warn: 12 hours` would warn ten hours before the step is due, and every time. A video given
    up for the plain one (`plain_video_after`) has to be given up while the gift can still be in time."""
    for written in desk.playbooks:
        yield from _of_steps(written)
        yield from _of_actions(written)


def _of_steps(written: Written[Playbook]) -> Iterator[Mistake]:
    for path, doing in doings(written.model):
        if doing.within is not None and not doing.within:
            yield written.mistake([*path, "within"], "a deadline of no time is always missed; write 2 hours or more")
        elif doing.warn is not None and doing.within is None:
            yield written.mistake([*path, "warn"], "there is no deadline to warn of; add `within`")
        elif doing.warn is not None and doing.within is not None and doing.warn >= doing.within:
            yield written.mistake([*path, "warn"], "the warning must be shorter than `within`, or it comes at once")


def _of_actions(written: Written[Playbook]) -> Iterator[Mistake]:
    for path, doing, action in actions(written.model):
        late = action.plain_video_after
        if late is not None and not action.params.get("video"):
            yield written.mistake([*path, "plain_video_after"], "there is no `video` to wait for")
        elif late is not None and doing.within is not None and late >= doing.within:
            yield written.mistake([*path, "plain_video_after"], "the gift would be late; make it shorter than `within`")
        if action.verb == "task":
            try:
                duration(action.params["due"])
            except ValueError as error:
                yield written.mistake([*path, "due"], str(error))
