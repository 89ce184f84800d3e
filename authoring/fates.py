"""What becomes of effects in a story: what its `but` says, attempt by attempt; all else goes well.

Prevents a story in which a reward is paid although somebody refused it, or goes out without the approval it waits for.
"""

from datetime import timedelta

from authoring.rehearsal import LITTLE_WHILE, Answer, all_goes_well
from authoring.story import A_PERSON, Fates, Story
from models.effect import Order, Outcome

EVER = timedelta(days=3650)
"""Longer than any journey lasts: what waits for somebody never goes on by waiting."""


class FatesOf:
    """The fates of one story, each used up by the attempt it is for."""

    def __init__(self, story: Story) -> None:
        self.left = {name: list(fates) for name, fates in story.but.items()}

    def __call__(self, order: Order) -> Answer:
        if order.decided is not None and not order.decided.approved:
            reason = f"{order.decided.by}: {order.decided.reason}"
            return Answer(Outcome(kind="withheld", reason=reason))
        fates = next((self.left[name] for name in _names(order) if name in self.left), None)
        if fates and fates[0].until == A_PERSON:
            if order.decided is None:
                return _waits(order, fates[0])
            fates.pop(0)
        return _answer(order, fates.pop(0)) if fates else all_goes_well(order)


def _names(order: Order) -> list[str]:
    """How a story may name the effect, the narrowest first."""
    effect = order.key.rpartition("/")[2]
    steps = (order.step, order.step.partition(":")[0])
    return [name for step in steps for name in (f"{step}/{effect}", f"{step}/{order.effect}", step)]


def _answer(order: Order, fate: Fates) -> Answer:
    if fate.kind == "not_before":
        return _waits(order, fate)
    after = fate.after or LITTLE_WHILE
    return Answer(all_goes_well(order).outcome if fate.kind == "done" else Outcome(kind=fate.kind), after)


def _waits(order: Order, fate: Fates) -> Answer:
    if not fate.until:
        return Answer(Outcome(kind="not_before", at=order.now + (fate.after or LITTLE_WHILE)))
    person = fate.until == A_PERSON
    waits = Outcome(
        kind="not_before",
        at=order.now + EVER,
        reason=f"for {fate.until}",
        attention=person,
        wakes_on=None if person else fate.until,
    )
    return Answer(waits)
