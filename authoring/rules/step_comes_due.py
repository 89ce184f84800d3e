"""Steps that could never be due."""

from collections.abc import Iterator

from authoring.desk import Desk, Written
from authoring.mistakes import Mistake
from models.playbook import START, Playbook, Step, When


def step_comes_due(desk: Desk) -> Iterator[Mistake]:
    """Every step has a moment at which it can happen.

    A step `due: 3 days after qr.scanned` with `unless: qr.scanned` is dropped by the very event it waits for; one due
    after an event that ends the journey, or later than the journey lasts, never comes."""
    for written in desk.playbooks:
        for name, step in written.model.steps.items():
            yield from _never(written, name, step)


def _never(written: Written[Playbook], name: str, step: Step) -> Iterator[Mistake]:
    ends = written.model.ends
    final = {trigger.on for trigger in ends.on if trigger.when is None}
    for key, moment in (("due", step.due), ("or", step.or_)):
        if moment is None:
            continue
        why = _why_not(moment, step, final)
        if why is None and moment.delay >= ends.at_most:
            why = f"the journey lasts {ends.at_most.days} days at most (ends: at_most)"
        if why is not None:
            yield written.mistake(["steps", name, key], f"this moment never comes: {why}")


def _why_not(moment: When, step: Step, final: set[str]) -> str | None:
    if moment.anchor == START:
        return None
    if moment.anchor in step.unless:
        return f"{moment.anchor} is in `unless`, so it drops the step"
    return f"{moment.anchor} ends the journey" if moment.anchor in final else None
