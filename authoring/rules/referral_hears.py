"""What a referral's journey can hear."""

from collections.abc import Iterator

from authoring.desk import Desk
from authoring.mistakes import Mistake
from authoring.referral import may_be_heard
from models.playbook import START, Playbook


def referral_hears(desk: Desk) -> Iterator[Mistake]:
    """A playbook about referrals waits only for what is said of the referral, or of what the playbook itself sent.

    An advocate may have ten referrals on their way. If each heard that the advocate scanned a code or answered a
    survey, each would write to them. `unless: nps.answered` would wait for ever: an advocate's own events belong in a
    playbook about advocates."""
    for written in desk.playbooks:
        if written.model.about == "referral":
            for path, event in _waited_for(written.model):
                if not may_be_heard(event):
                    words = f"a referral's journey never hears {event}: it is not said of a referral"
                    yield written.mistake(path, words)


def _waited_for(playbook: Playbook) -> Iterator[tuple[list[str | int], str]]:
    for name, step in playbook.steps.items():
        for key, moment in (("due", step.due), ("or", step.or_)):
            if moment is not None and moment.anchor != START:
                yield ["steps", name, key], moment.anchor
        for event in step.unless:
            yield ["steps", name, "unless"], event
    for name, reaction in playbook.reactions.items():
        yield ["reactions", name, "on"], reaction.on
    for number, trigger in enumerate(playbook.ends.on):
        yield ["ends", "on", number], trigger.on
