"""One person in a dry run: what is known of them, and their journeys through all playbooks, side by side.

Prevents a forecast in which two playbooks do not know of each other: the asks of one count for the other, as in
production. Who may enter follows the record of journeys (`store/journey.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import Field

from authoring.deeds import Deed, deeds_of
from authoring.rehearsal import Answer, Moment, Rehearsal, all_goes_well, starts
from journeys.conditions import holds
from journeys.happenings import EventCame
from journeys.orders import QUALIFY
from models.base import Instant, Model
from models.contact import Contact, Person
from models.effect import Order, Outcome
from models.event import Event, public_data
from models.playbook import Playbook
from models.program import Program
from store.governance import QUARTER, REACHES_THEM, No, NotYet, last_look


class Done(Model):
    """An effect of a step, and what would become of it."""

    at: Instant
    step: str
    effect: str
    fate: str
    reason: str = ""


class Entry(Model):
    """A person and a playbook that an event of theirs starts; `refused` says why they would not enter."""

    contact: str
    playbook: str
    event: str
    at: Instant
    refused: str | None = None
    done: list[Done] = Field(default_factory=list)
    ended_at: Instant | None = None
    ended_because: str = ""


@dataclass
class _Journey:
    """A journey of this person, or one they may not begin."""

    entry: Entry
    rehearsal: Rehearsal | None = None
    moments: list[Moment] = field(default_factory=list)

    def next_at(self) -> datetime | None:
        return None if self.rehearsal is None else self.rehearsal.next_at()

    def play(self, now: datetime) -> None:
        assert self.rehearsal is not None
        self.moments += self.rehearsal.turn(now)

    def told(self) -> Entry:
        deeds = deeds_of(self.moments)
        self.entry.done = [_done(deed) for deed in deeds if deed.counts]
        for deed in deeds:
            if deed.fate == "ends":
                self.entry.ended_at, self.entry.ended_because = deed.at, deed.reason
        return self.entry


def _done(deed: Deed) -> Done:
    return Done(at=deed.at, step=deed.step, effect=deed.effect, fate=deed.fate, reason=deed.reason)


class Lifetime:
    """One person while the events of the file come in: what is known of them, and the journeys they are on."""

    def __init__(self, contact: str, program: Program, delivery: timedelta | None, until: datetime | None) -> None:
        self.contact = Contact(id=contact)
        self.known = False
        self.program = program
        self.delivery = delivery
        self.until = until
        self.journeys: list[_Journey] = []
        self.asks: dict[str, datetime] = {}

    def play(self, before: datetime | None) -> None:
        """Lets time pass until that instant, or to the end: always the journey whose turn is next."""
        while True:
            turns = [(at, number) for number, one in enumerate(self.journeys) if (at := one.next_at()) is not None]
            if not turns:
                return
            now, number = min(turns)
            if (before is not None and now >= before) or (self.until is not None and now > self.until):
                return
            self.journeys[number].play(now)

    def entries(self) -> list[Entry]:
        """What has become of every journey so far."""
        return [journey.told() for journey in self.journeys]

    def hear(self, event: Event, event_id: str, playbooks: Sequence[Playbook]) -> None:
        """The event reaches the journeys that run, then starts new ones."""
        self._learn(event)
        came = _came(event, event_id)
        for journey in self.journeys:
            if journey.rehearsal is not None:
                journey.rehearsal.expect(event.at, came)
        for playbook in playbooks:
            if starts(playbook, came):
                self._enter(playbook, came)

    def _learn(self, event: Event) -> None:
        told = event.person.model_dump(exclude_none=True, exclude_defaults=True) if event.person else {}
        self.known = self.known or bool(told)
        self.contact = self.contact.model_copy(update={n: v for n, v in told.items() if n in Person.model_fields})
        if event.type == "contact.opted_out":
            self.contact.opted_out_at = self.contact.opted_out_at or event.at
        if event.type == "contact.churned":
            self.contact.churned_at = self.contact.churned_at or event.at

    def _enter(self, playbook: Playbook, came: EventCame) -> None:
        entry = Entry(contact=self.contact.id, playbook=playbook.playbook, event=came.type, at=came.at)
        entry.refused = self._refusal(playbook, came.at)
        number = len(self.journeys)
        begun = entry.refused is None

        def answers(order: Order) -> Answer:
            return self._answer(order, f"{number}/{order.step}", playbook)

        self.journeys.append(_Journey(entry, Rehearsal(playbook, came, answers) if begun else None))

    def _refusal(self, playbook: Playbook, at: datetime) -> str | None:
        """As the record of journeys decides it."""
        entered = [j for j in self.journeys if j.entry.playbook == playbook.playbook and j.rehearsal is not None]
        if not entered:
            return None
        last = entered[-1]
        if last.rehearsal is not None and not last.rehearsal.state.ended:
            return "they are in this playbook already"
        if playbook.again is None:
            return "they have been through this playbook, and it is for once only"
        if at < last.entry.at + playbook.again:
            days = playbook.again.days
            return f"they last entered on {last.entry.at:%Y-%m-%d}, and may enter again {days} days later"
        return None

    def _answer(self, order: Order, step: str, playbook: Playbook) -> Answer:
        if order.effect == QUALIFY:
            return self._qualified(order, playbook)
        asks = sum(1 for other, at in self.asks.items() if other != step and at > order.now - QUARTER)
        zone = self.program.time_zone or "UTC"
        verdict = last_look(order, self.contact, asks, self.program.governance, zone, order.now)
        if isinstance(verdict, No):
            return Answer(Outcome(kind="withheld", reason=verdict.reason))
        if isinstance(verdict, NotYet):
            return Answer(Outcome(kind="not_before", at=verdict.at, reason=verdict.reason))
        if order.purpose == "ask" and order.effect in REACHES_THEM:
            self.asks.setdefault(step, order.now)
        answer = all_goes_well(order)
        if order.effect != "send_gift" or self.delivery is None:
            return answer
        arrived = EventCame(id=f"{order.key}/arrived", type="gift.delivered", at=order.now, data={"gift": order.key})
        return Answer(answer.outcome, answer.after, [(self.delivery, arrived)])

    def _qualified(self, order: Order, playbook: Playbook) -> Answer:
        if self.contact.opted_out_at is not None:
            return Answer(Outcome(kind="withheld", reason="they opted out"))
        facts = self.contact.model_dump(mode="json", exclude={"address", "identities"})
        for rule in playbook.only_for if self.known else ():
            if not holds(rule.rule, contact=facts):
                return Answer(Outcome(kind="withheld", reason=rule.otherwise))
        return all_goes_well(order)


def _came(event: Event, event_id: str) -> EventCame:
    data = public_data(event.type, event.data)
    if event.type.startswith("referral."):
        data.setdefault("referral", event.data.get("referral_code") or event.subject.text)
    return EventCame(id=event_id, type=event.type, at=event.at, data=data)
