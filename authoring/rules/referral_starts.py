"""How a playbook about referrals begins."""

from collections.abc import Iterator

from authoring.desk import Desk, Written
from authoring.mistakes import Mistake
from authoring.referral import names_a_referral
from models.event import EVENTS
from models.playbook import Playbook

_STARTS = ", ".join(name for name in EVENTS if name.startswith("referral.") and names_a_referral(name))


def referral_starts(desk: Desk) -> Iterator[Mistake]:
    """A playbook about referrals starts on an event that says which referral, once for each, and for everybody.

    `starts: [referral.clicked]` would never start it: a click has no referral yet. `again: after 90 days` has no
    meaning for one referral. `only_for` is not asked: who may be referred is decided by `fraud` in program.yaml."""
    for written in desk.playbooks:
        if written.model.about == "referral":
            yield from _wrong(written)


def _wrong(written: Written[Playbook]) -> Iterator[Mistake]:
    playbook = written.model
    for number, start in enumerate(playbook.starts):
        if not names_a_referral(start.on):
            words = f"{start.on} does not say which referral, so it starts nothing; it starts on: {_STARTS}"
            yield written.mistake(["starts", number], words)
    if playbook.again is not None:
        yield written.mistake(["again"], "a referral is followed once: write again: never")
    if playbook.only_for:
        words = "nobody looks at this in a playbook about referrals; the rules are `fraud` in program.yaml"
        yield written.mistake(["only_for"], words, key=True)
