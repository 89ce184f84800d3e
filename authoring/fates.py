"""What becomes of effects in a story: what its `but` says, attempt by attempt; all else goes well.

Prevents a story in which a reward is paid although somebody refused it, or goes out without the approval it waits for.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal

from pydantic import model_validator

from authoring.mistakes import one_of
from authoring.rehearsal import LITTLE_WHILE, Answer, all_goes_well
from models.base import Model
from models.effect import Order, Outcome
from models.event import EVENTS
from models.playbook import duration

EVER = timedelta(days=3650)
"""Longer than any journey lasts: what waits for somebody never goes on by waiting."""

_FATE_OF_EFFECT = re.compile(
    r"^(?P<kind>done|withheld|refused|unsure)(?: after (?P<after>.+))?$|^waits for (?P<until>.+)$|^waits (?P<wait>.+)$"
)

A_PERSON = "a person"
"""What an effect waits for that somebody has to approve."""


class Fates(Model):
    """One line of `but`: what becomes of an effect instead of being done, attempt by attempt; after these it is done.

    `after` is how long an attempt takes, or for `waits` how long until the next one; `until` is what it waits for: an
    event, or a person's decision, however long that takes."""

    kind: Literal["done", "withheld", "refused", "unsure", "not_before"]
    after: timedelta | None = None
    until: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_yaml(cls, value: Any) -> Any:
        match = _FATE_OF_EFFECT.match(value) if isinstance(value, str) else None
        if match is None:
            raise ValueError(
                f"{value!r} is no fate; write done, withheld, refused or unsure, `… after 3 hours`, `waits 2 days`, "
                "or `waits for a person`"
            )
        if match["until"]:
            return {"kind": "not_before", "until": _waited_for(match["until"])}
        if match["wait"]:
            return {"kind": "not_before", "after": duration(match["wait"])}
        return {"kind": match["kind"], "after": duration(match["after"]) if match["after"] else None}


def _waited_for(text: str) -> str:
    if text != A_PERSON and text not in EVENTS:
        raise ValueError(one_of(text, "an event", EVENTS, "events are") + "; or write `waits for a person`")
    return text


class FatesOf:
    """The fates of one story, each used up by the attempt it is for."""

    def __init__(self, but: Mapping[str, Sequence[Fates]]) -> None:
        self.left = {name: list(fates) for name, fates in but.items()}

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
