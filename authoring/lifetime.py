"""One person in a dry run: what is known of them, and their journeys through all playbooks, side by side.

Prevents a forecast in which two playbooks do not know of each other: the asks of one count for the other, as in
production. Who may enter follows the record of journeys (`store/journey.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import Field

from authoring.deeds import Deed, deeds_of
from authoring.referral import hears
from authoring.rehearsal import LITTLE_WHILE, Answer, Moment, Rehearsal, all_goes_well, starts
from authoring.sales import Sales
from journeys.conditions import holds
from journeys.happenings import EventCame
from journeys.orders import QUALIFY
from models.base import Instant, Json, Model
from models.contact import Contact, Person
from models.effect import Order, Outcome
from models.event import Event, public_data
from models.playbook import Playbook, span
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
    """A person and a playbook that an event of theirs starts; `refused` says why they would not enter. `referral` is
    whose journey it is, where the playbook is about referrals."""

    contact: str
    playbook: str
    referral: str | None = None
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
    playbook: Playbook
    rehearsal: Rehearsal | None = None
    moments: list[Moment] = field(default_factory=list)

    def next_at(self) -> datetime | None:
        return None if self.rehearsal is None else self.rehearsal.next_at()

    def play(self, now: datetime) -> None:
        assert self.rehearsal is not None
        self.moments += self.rehearsal.turn(now)

    def expect(self, at: datetime, came: EventCame) -> None:
        """It will hear of it then, if it listens to such things."""
        if self.rehearsal is not None and hears(self.playbook, self.entry.referral or "", came.type, came.data):
            self.rehearsal.expect(at, came)

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
        self.sales = Sales()

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
            journey.expect(event.at, came)
        for playbook in playbooks:
            if starts(playbook, came):
                self._enter(playbook, came)

    def _learn(self, event: Event) -> None:
        self.sales.hear(event.type, event.data)
        person = event.person if event.subject.text == self.contact.id else None  # a friend's is the friend's
        told = person.model_dump(exclude_none=True, exclude_defaults=True) if person else {}
        self.known = self.known or bool(told)
        self.contact = self.contact.model_copy(update={n: v for n, v in told.items() if n in Person.model_fields})
        if event.type == "contact.opted_out":
            self.contact.opted_out_at = self.contact.opted_out_at or event.at
        if event.type == "contact.churned":
            self.contact.churned_at = self.contact.churned_at or event.at

    def _enter(self, playbook: Playbook, came: EventCame) -> None:
        about = str(came.data["referral"]) if playbook.about == "referral" else None
        entry = Entry(contact=self.contact.id, playbook=playbook.playbook, referral=about, event=came.type, at=came.at)
        entry.refused = self._refusal(playbook, about, came.at)
        journey = _Journey(entry, playbook)
        number = len(self.journeys)

        def answers(order: Order) -> Answer:
            return self._answer(order, f"{number}/{order.step}", journey)

        if entry.refused is None:
            journey.rehearsal = Rehearsal(playbook, came, answers)
        self.journeys.append(journey)

    def _refusal(self, playbook: Playbook, about: str | None, at: datetime) -> str | None:
        """As the record of journeys decides it."""
        of = (playbook.playbook, about)
        entered = [j for j in self.journeys if (j.entry.playbook, j.entry.referral) == of and j.rehearsal is not None]
        if not entered:
            return None
        last = entered[-1]
        if last.rehearsal is not None and not last.rehearsal.state.ended:
            return "they are in this playbook already"
        if playbook.again is None:
            return "they have been through this playbook, and it is for once only"
        if at < last.entry.at + playbook.again:
            return f"they last entered on {last.entry.at:%Y-%m-%d}, and may enter again {span(playbook.again)} later"
        return None

    def _answer(self, order: Order, step: str, journey: _Journey) -> Answer:
        if order.effect == QUALIFY:
            return self._qualified(order, journey.playbook)
        refused = self.sales.refusal(order, _referral(order, journey))
        if refused is not None:
            return Answer(Outcome(kind="withheld", reason=refused))
        asks = sum(1 for other, at in self.asks.items() if other != step and at > order.now - QUARTER)
        zone = self.program.time_zone or "UTC"
        verdict = last_look(order, self.contact, asks, self.program.governance, zone, order.now)
        if isinstance(verdict, No):
            return Answer(Outcome(kind="withheld", reason=verdict.reason))
        if isinstance(verdict, NotYet):
            return Answer(Outcome(kind="not_before", at=verdict.at, reason=verdict.reason))
        if order.purpose == "ask" and order.effect in REACHES_THEM:
            self.asks.setdefault(step, order.now)
        return self._done(order, step, journey)

    def _done(self, order: Order, step: str, journey: _Journey) -> Answer:
        """It is done, and what follows from it happens."""
        answer = all_goes_well(order)
        if order.effect == "send_gift" and self.delivery is not None:
            arrived = _event(order, step, "gift.delivered", {"gift": order.key})
            return Answer(answer.outcome, answer.after, [(self.delivery, arrived)])
        told = self.sales.done(order, _referral(order, journey))
        if told is None:
            return answer
        came, after = _event(order, step, *told), 2 * LITTLE_WHILE
        for other in (one for one in self.journeys if one is not journey):
            other.expect(order.now + after, came.model_copy(update={"at": order.now + after}))
        return Answer(answer.outcome, answer.after, [(after, came)])

    def _qualified(self, order: Order, playbook: Playbook) -> Answer:
        if self.contact.opted_out_at is not None:
            return Answer(Outcome(kind="withheld", reason="they opted out"))
        facts = self.contact.model_dump(mode="json", exclude={"address", "identities"})
        for rule in playbook.only_for if self.known else ():
            if not holds(rule.rule, contact=facts):
                return Answer(Outcome(kind="withheld", reason=rule.otherwise))
        return all_goes_well(order)


def _came(event: Event, event_id: str) -> EventCame:
    return EventCame(id=event_id, type=event.type, at=event.at, data=public_data(event.type, event.data))


def _referral(order: Order, journey: _Journey) -> str | None:
    """The referral an effect is about."""
    named = journey.entry.referral or order.facts.get("referral")
    return None if named is None else str(named)


def _event(order: Order, step: str, event_type: str, data: Json) -> EventCame:
    """An event that an effect leads to; its instant is put in where it is expected."""
    return EventCame(id=f"{step}/{order.key}/{event_type}", type=event_type, at=order.now, data=data)
