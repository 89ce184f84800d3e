"""Whose referral an event is about, where no database can be asked: in stories and in dry runs.

Prevents a forecast that pays twice for one sale because two systems told of it, or pays nobody because the second told
only the friend's name. What is decided here follows the record of referrals (`store/referral.py`) and the inbox.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from models.base import Json
from models.event import ABOUT, EVENTS, Event, id_from_content
from models.playbook import Playbook
from store.journey import HEARD_BY_REFERRALS, Running

NAMELESS = frozenset({"referral.shared", "referral.clicked"})
"""Events from before anybody was referred: an advocate's, and no referral's."""

IN_A_STORY = "r_1"
"""The referral a story tells of, unless it names another."""


_ANSWERS = frozenset({"csat.answered", "ticket.opened", "ticket.resolved"})
"""What may answer a message or a ticket of ours, and is then heard by the journey that sent it."""


def names_a_referral(event_type: str) -> bool:
    """Whether an event of this type says which referral it is about."""
    return event_type not in NAMELESS and "referral" in EVENTS[event_type].model_fields


def may_be_heard(event_type: str) -> bool:
    """Whether a referral's journey could ever hear it: it says which referral, or what of ours it is about."""
    about = EVENTS[event_type].model_fields.keys() & {*ABOUT}
    return names_a_referral(event_type) or bool(about) or event_type in HEARD_BY_REFERRALS | _ANSWERS


def told(event_type: str, data: Json, referral: str) -> Json:
    """The event's data as the inbox hands it on: with the referral's id, and what tells one refund from the next."""
    if not names_a_referral(event_type):
        return data
    named: Json = {"referral": referral, **data}
    if event_type == "referral.refunded":
        amount = data.get("amount")
        named.setdefault("refund", str(amount["minor"]) if isinstance(amount, dict) else "all")
    return named


def hears(playbook: Playbook, referral: str, event_type: str, data: Json) -> bool:
    """Whether a journey hears an event of its advocate; a referral's own journey does not hear everything."""
    if playbook.about != "referral":
        return True
    journey = Running(f"r_{referral}", playbook.playbook, "", "")
    return journey.hears(event_type, "", None, f"r_{data.get('referral')}")


@dataclass(frozen=True)
class _Known:
    advocate: str
    friend: str | None
    referral: str


class Referrals:
    """The referrals a file of events tells of. An advocate is named by a subject, or by a code nobody can look up."""

    def __init__(self) -> None:
        self.known: list[_Known] = []

    def credit(self, event: Event) -> tuple[str, Event]:
        """Whose event it is, and the event with the referral's id in it. Events come in order of time."""
        if not event.type.startswith("referral."):
            return event.subject.text, event
        found = self._known(event) or self._made(event)
        data = told(event.type, event.data, found.referral)
        return found.advocate, event.model_copy(update={"data": data})

    def _known(self, event: Event) -> _Known | None:
        """The referral that an event means which names no advocate."""
        if _named_advocate(event) is not None:
            return None
        named = _named_referral(event)
        matching = (one for one in self.known if (one.referral == named if named else one.friend == event.subject.text))
        return next(matching, None)

    def _made(self, event: Event) -> _Known:
        """The referral of these two, made at the first report; without a friend each report is one of its own."""
        subject = event.subject.text
        advocate = _named_advocate(event) or subject
        friend = None if advocate == subject else subject
        same = next(self._of(advocate, friend), None) if friend else None
        if same is not None:
            return same
        what = friend or f"{event.source}:{event.source_id}"
        made = _Known(advocate, friend, _named_referral(event) or f"r_{id_from_content(advocate, what)[:12]}")
        if event.type not in NAMELESS:
            self.known.append(made)
        return made

    def _of(self, advocate: str, friend: str) -> Iterator[_Known]:
        return (one for one in self.known if (one.advocate, one.friend) == (advocate, friend))


def _named_advocate(event: Event) -> str | None:
    if event.data.get("referral_code"):
        return f"referral_code:{event.data['referral_code']}"
    advocate = event.data.get("referred_by")
    return str(advocate) if advocate else None


def _named_referral(event: Event) -> str | None:
    if event.subject.kind == "ovation_referral":
        return event.subject.value
    named = event.data.get("referral")
    return None if named is None else str(named)
