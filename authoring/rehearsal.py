"""Plays a journey without Temporal, vendors or waiting: the core that runs in production, driven by hand.

Prevents a second interpreter: a story or a simulation that believes something else than the running journey does.
Nothing is decided here. The core says what to do and when to wake; the rehearsal only lets time pass in leaps.
"""

import heapq
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from journeys.advance import advance, begin
from journeys.conditions import holds
from journeys.happenings import EffectEnded, EventCame, Happening, OperatorSaid
from journeys.state import State
from journeys.take_in import refusal
from models.base import Instant, Model
from models.effect import Order, Outcome
from models.playbook import Playbook

LITTLE_WHILE = timedelta(minutes=1)
JOURNEY = "j_rehearsal"
CONTACT = "c_rehearsal"

What = Literal["event", "operator", "begun", "done", "withheld", "waits", "refused", "unsure", "dropped", "ends"]


class Moment(Model):
    """What happened when. `at` is an instant; `step` is empty for an event, a command and the end.

    `effect` is the effect's name within its step (`send_gift`), the event's type, or the operator's command. `detail`
    is a reason. For an alert, `step` and `detail` are what it is about and what it says."""

    at: Instant
    step: str = ""
    effect: str = ""
    what: What
    detail: str = ""


@dataclass(frozen=True)
class Answer:
    """What becomes of an effect, and how long after it was begun. `then` are events it leads to, after a while."""

    outcome: Outcome
    after: timedelta = LITTLE_WHILE
    then: Sequence[tuple[timedelta, EventCame]] = ()


Answers = Callable[[Order], Answer]


def all_goes_well(order: Order) -> Answer:
    """Every effect is done after a little while."""
    facts: dict[str, object] = {"tier": order.params["tier"]} if order.effect == "set_tier" else {}
    return Answer(Outcome(kind="done", facts=facts))


def starts(playbook: Playbook, event: EventCame) -> bool:
    """Whether this event starts this playbook; one about referrals needs to know which."""
    if playbook.about == "referral" and "referral" not in event.data:
        return False
    return any(start.on == event.type and holds(start.when, event=event.data) for start in playbook.starts)


def rehearse(
    playbook: Playbook,
    start: EventCame,
    given: Sequence[tuple[datetime, EventCame | OperatorSaid]] = (),
    answers: Answers = all_goes_well,
    *,
    until: datetime | None = None,
) -> Iterator[Moment]:
    """Plays one journey from the event that starts it to its end, or to `until`: what happened when, in order.

    `given` is what happens from outside, each at its instant. The caller looks whether the event starts the playbook.
    An event may name the effect it is about by its key within the journey, `JOURNEY/step/effect`."""
    rehearsal = Rehearsal(playbook, start, answers)
    for at, happening in given:
        rehearsal.expect(at, happening)
    while (now := rehearsal.next_at()) is not None and (until is None or now <= until):
        yield from rehearsal.turn(now)


class Rehearsal:
    """One journey, and what is still to happen around it. Several may be played side by side, each turn by turn."""

    def __init__(self, playbook: Playbook, start: EventCame, answers: Answers = all_goes_well) -> None:
        self.playbook = playbook
        self.answers = answers
        self.state = begin(JOURNEY, CONTACT, start.at, start.data)
        self.wake: datetime | None = None
        self.ahead: list[tuple[datetime, int, Happening]] = []
        self.number = itertools.count()
        self.expect(start.at, start)

    def expect(self, at: datetime, happening: Happening) -> None:
        """This will happen at that instant."""
        heapq.heappush(self.ahead, (at, next(self.number), happening))

    def next_at(self) -> datetime | None:
        """The next instant at which anything happens; None when it is over, or waits for a person for ever."""
        if self.state.ended:
            return None
        times = [at for at in (self.wake, self.ahead[0][0] if self.ahead else None) if at is not None]
        return min(times, default=None)

    def turn(self, now: datetime) -> list[Moment]:
        """One turn of the core: what has happened by now goes in, what is to be done comes out."""
        moments: list[Moment] = []
        happened: list[Happening] = []
        while self.ahead and self.ahead[0][0] <= now:
            happening = heapq.heappop(self.ahead)[2]
            refused = refusal(self.state, happening) if isinstance(happening, OperatorSaid) else None
            moments.append(self._moment(now, happening, refused))
            if refused is None:
                happened.append(happening)
        before = self.state
        decision = advance(self.playbook, before, happened, now)
        self.state, self.wake = decision.state, decision.wake
        moments += _decided(before, self.state, now)
        moments += [self._begun(order, now) for order in decision.effects]
        return moments

    def _moment(self, now: datetime, happening: Happening, refused: str | None) -> Moment:
        match happening:
            case EventCame():
                facts = ", ".join(f"{k} {v}" for k, v in happening.data.items() if not isinstance(v, dict))
                return Moment(at=now, effect=happening.type, what="event", detail=facts)
            case OperatorSaid():
                detail = happening.reason if refused is None else f"not possible: {refused}"
                return Moment(at=now, step=happening.step, effect=happening.command, what="operator", detail=detail)
            case EffectEnded():
                step, effect, detail = self._named(happening.key)
                kind = happening.outcome.kind
                what: What = "waits" if kind == "not_before" else kind
                return Moment(at=now, step=step, effect=effect, what=what, detail=detail or happening.outcome.reason)
        raise TypeError(f"a rehearsal knows no {happening.what!r}")

    def _begun(self, order: Order, now: datetime) -> Moment:
        answer = _FOUND if order.found else _OVER if order.over else self.answers(order)
        self.expect(now + answer.after, EffectEnded(key=order.key, outcome=answer.outcome))
        for delay, event in answer.then:
            self.expect(now + delay, event.model_copy(update={"at": now + delay}))
        step, effect, detail = self._named(order.key)
        return Moment(at=now, step=step, effect=effect, what="begun", detail=detail)

    def _named(self, key: str) -> tuple[str, str, str]:
        """Step, effect and detail. An alert is named by what it is about."""
        step, _, effect = key.removeprefix(f"{JOURNEY}/").rpartition("/")
        alert = self.state.alerts.get(effect)
        return (step, effect, "") if alert is None else (str(alert["about"]), "alert", str(alert["what"]))


_FOUND = Answer(Outcome(kind="done"))
_OVER = Answer(Outcome(kind="withheld", reason="it had not happened, and is not wanted any more"))


def _decided(before: State, after: State, now: datetime) -> Iterator[Moment]:
    """What the core decided by itself: steps it dropped, and that the journey is over."""
    for name, step in after.steps.items():
        if step.dropped and not (name in before.steps and before.steps[name].dropped):
            yield Moment(at=now, step=name, what="dropped", detail=step.dropped)
    if after.ending and not before.ending:
        yield Moment(at=now, what="ends", detail=after.ending)
