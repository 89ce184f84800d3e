"""Searches event orders, duplicates, outcomes, interventions and clock jumps for a journey that breaks its word.

Prevents: a step that runs twice, runs after an exit, never runs, misses its wake-up, or whose deadline is not tracked;
a reward that is paid before its day, before anybody looked, or over somebody's head; what may have happened and is
dropped before anybody found out.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from authoring.source import read_file
from journeys.advance import Decision, advance, begin
from journeys.happenings import EffectEnded, EventCame, OperatorSaid, Resumed
from journeys.life import LIFE, Life
from journeys.state import State
from journeys.take_in import refusal
from models.effect import Order, Outcome
from models.playbook import Playbook

START = datetime(2026, 11, 24, 9, tzinfo=UTC)


PLAYBOOKS = Path(__file__).parents[2] / "playbooks"


def shipped(name: str) -> Playbook:
    return Playbook.model_validate(read_file(PLAYBOOKS / f"{name}.yaml").content)


Told = tuple[str, dict[str, Any]]

EVENTS: list[Told] = [
    ("gift.delivered", {"gift": "j_1/gift/send_gift"}),
    ("qr.scanned", {}),
    ("referral.closed", {"referral": "r_1", "amount": {"minor": 100, "currency": "USD"}}),
    ("referral.closed", {"referral": "r_2", "amount": {"minor": 200, "currency": "USD"}}),
    ("mention.posted", {"network": "x", "post": "p1"}),
    ("contact.introduced", {"unprompted": True}),
    ("contact.introduced", {"unprompted": False}),
    ("video.ready", {}),
    ("nps.answered", {"score": 3}),
    ("contact.opted_out", {}),
    ("usage.milestone_reached", {"milestone": "x"}),
]

HALF, WHOLE = ({"minor": minor, "currency": "USD"} for minor in (50, 100))

ABOUT_A_REFERRAL: list[Told] = [
    ("referral.submitted", {"referral": "r_1"}),
    ("referral.qualified", {"referral": "r_1"}),
    ("referral.closed", {"referral": "r_1", "amount": WHOLE}),
    ("referral.lost", {"referral": "r_1"}),
    ("referral.refunded", {"referral": "r_1", "amount": HALF, "refund": "50"}),
    ("referral.refunded", {"referral": "r_1", "amount": WHOLE, "refund": "100"}),
    ("payee.invited", {"referral": "r_1"}),
    ("payee.ready", {}),
    ("reward.paid", {"referral": "r_1", "reward": "w_1", "amount": WHOLE}),
    ("reward.taken_back", {"referral": "r_1", "reward": "w_1", "amount": HALF}),
    ("agreement.signed", {}),
    ("contact.churned", {}),
]

OUTCOMES = st.sampled_from(
    [
        Outcome(kind="done"),
        Outcome(kind="done"),
        Outcome(kind="done"),
        Outcome(kind="withheld", reason="capped"),
        Outcome(kind="refused", reason="wrong address"),
        Outcome(kind="unsure", reason="no reply"),
        Outcome(kind="not_before", reason="waits", wakes_on="video.ready"),
        Outcome(kind="not_before", reason="waits", wakes_on="payee.ready"),
        Outcome(kind="not_before", reason="needs approval", attention=True),
        Outcome(kind="not_before", reason="the answer was lost", doubt=True),
        Outcome(kind="not_before", reason="the vendor is at work on it", wakes_on="payee.ready", doubt=True),
    ]
)


NO_CALL = ("refused", "unsure")
"""What cannot become of a look into our own books."""


class JourneyMachine(RuleBasedStateMachine):
    """A world around one journey: it delivers, repeats, delays, intervenes and moves the clock."""

    name = "advocate-thank-you"
    journey = "j_1"
    facts: ClassVar[dict[str, Any]] = {"score": 9}
    events = EVENTS

    @initialize()
    def start(self) -> None:
        self.playbook = shipped(self.name)
        self.now = START
        self.decision = Decision.model_validate(
            {"state": begin(self.journey, "c_1", START, self.facts), "show": {"stage": "starting"}}
        )
        self.open: dict[str, Order] = {}
        self.done: list[str] = []
        self.maybe: set[str] = set()
        self.seen: list[EventCame] = []
        self.number = 0
        self.step([])

    @property
    def state(self) -> State:
        return self.decision.state

    def step(self, happened: list[Any]) -> None:
        was_ending = bool(self.state.ending)
        before = self.state.model_copy(deep=True)
        decision = advance(self.playbook, self.state, happened, self.now)
        assert self.state == before, "advance changed the state it was given"
        self.decision = decision
        for order in decision.effects:
            assert order.key not in self.open, f"{order.key} begun while it is in flight"
            assert order.key not in self.done, f"{order.key} runs twice"
            own = order.effect in ("end_journey", "alert")
            assert not was_ending or order.over or own, f"{order.key} begun after the end"
            assert not (order.over or order.found) or order.key in self.maybe, f"{order.key} never was in doubt"
            self.open[order.key] = order
            self.look_at(order)

    def look_at(self, order: Order) -> None:
        """What else must be true of an effect that begins."""

    @rule(data=st.data(), late=st.integers(0, 3))
    def event(self, data: st.DataObject, late: int) -> None:
        self.hear(data.draw(st.sampled_from(self.events)), late)

    def hear(self, which: Told, late: int = 0) -> None:
        self.number += 1
        came = EventCame(id=f"e{self.number}", type=which[0], at=self.now - timedelta(hours=late), data=which[1])
        self.seen.append(came)
        self.step([came])

    @rule(data=st.data())
    def repeated_event(self, data: st.DataObject) -> None:
        if self.seen:
            before = self.state
            self.step([data.draw(st.sampled_from(self.seen))])
            assert self.state.anchors == before.anchors

    @rule(data=st.data(), outcome=OUTCOMES)
    def outcome(self, data: st.DataObject, outcome: Outcome) -> None:
        if not self.open:
            return
        key = data.draw(st.sampled_from(sorted(self.open)))
        self.step([self.ended(key, outcome)])

    def ended(self, key: str, outcome: Outcome) -> EffectEnded:
        """What became of an effect that is in flight, as far as it can become of it."""
        order = self.open.pop(key)
        if order.effect in ("qualify", "end_journey", "alert") or (
            order.effect == "screen" and outcome.kind in NO_CALL
        ):
            outcome = Outcome(kind="done")
        if (order.over or order.found) and outcome.kind in ("refused", "not_before"):
            outcome = outcome.model_copy(update={"kind": "not_before", "doubt": True})
        if outcome.kind == "not_before":
            outcome = outcome.model_copy(update={"at": self.now + timedelta(minutes=5)})
        if outcome.kind == "done":
            self.done.append(key)
        if outcome.doubt or outcome.kind == "unsure":
            self.maybe.add(key)
        else:
            self.maybe.discard(key)
        return EffectEnded(key=key, outcome=outcome)

    @rule(
        command=st.sampled_from(["pause", "resume", "run", "skip", "retry", "resolve", "approve", "void"]),
        data=st.data(),
        found=st.booleans(),
    )
    def operator(self, command: Any, data: st.DataObject, found: bool) -> None:
        step = data.draw(st.sampled_from([*self.state.steps, "journey/qualify", ""]))
        said = OperatorSaid(command=command, step=step, found=found, by="grace", reason="looked at it")
        self.say(said)

    def say(self, said: OperatorSaid) -> None:
        """What makes no sense now is refused, as in production."""
        if refusal(self.state, said) is None:
            self.said(said)
            self.step([said])

    def said(self, said: OperatorSaid) -> None:
        """An operator is about to be obeyed."""

    @rule(data=st.data(), outcome=OUTCOMES)
    def new_run(self, data: st.DataObject, outcome: Outcome) -> None:
        """Continue-as-new: how an effect ended may be carried along; what was in flight is begun again under its key,
        which the ledger makes harmless."""
        keys = data.draw(st.lists(st.sampled_from(sorted(self.open)), unique=True)) if self.open else []
        carried = [self.ended(key, outcome) for key in keys]
        self.maybe |= self.open.keys()
        self.open.clear()
        self.decision = self.decision.model_copy(
            update={"state": State.model_validate(self.state.model_dump(mode="json"))}
        )
        self.step([*carried, Resumed()])

    @rule(hours=st.integers(1, 24 * 60))
    def some_time_passes(self, hours: int) -> None:
        self.time_passes(hours)

    def time_passes(self, hours: int) -> None:
        """Time never jumps over a wake-up: the shell sleeps until it at most."""
        until = self.now + timedelta(hours=hours)
        for _ in range(200):
            wake = self.decision.wake
            if wake is None or wake > until:
                break
            self.now = max(self.now, wake)
            self.step([])
        else:
            raise AssertionError("it wakes for ever without getting anywhere")
        self.now = until

    @invariant()
    def the_wake_up_is_ahead(self) -> None:
        if hasattr(self, "decision") and self.decision.wake is not None:
            assert self.decision.wake > self.now, f"due at {self.decision.wake} and not begun at {self.now}"

    @invariant()
    def what_may_have_happened_is_found_out(self) -> None:
        if not hasattr(self, "decision"):
            return
        for step, name, effect in self.state.effects():
            if f"{self.journey}/{step}/{name}" in self.maybe and not name.startswith("make_video"):
                assert not effect.settled, f"{step}/{name} may have happened, and nobody knows"
                assert not self.state.ended

    @invariant()
    def whatever_is_due_is_begun(self) -> None:
        if not hasattr(self, "decision"):
            return
        state = self.state
        qualified = state.internal["qualify"].life is Life.DONE
        for step, name, effect in state.effects():
            if effect.over or effect.found:
                assert not (effect.waiting and effect.due is not None and effect.due <= self.now)
            if state.paused or state.ending or not qualified or not effect.waiting:
                continue
            first = effect.after
            free = first is None or state.steps[step].effects[first].settled
            assert not (free and effect.due is not None and effect.due <= self.now), f"{step}/{name} is due and sleeps"

    @invariant()
    def deadlines_are_tracked(self) -> None:
        if not hasattr(self, "decision") or self.state.ending:
            return
        for name, step in self.state.steps.items():
            if step.deadline is None or step.settled:
                continue
            assert step.missed == (step.deadline <= self.now), f"{name}: the deadline is not tracked"
            wake = self.decision.wake
            assert step.missed or (wake is not None and wake <= step.deadline)

    @invariant()
    def clocks_hang_together(self) -> None:
        """The steps' moments follow from their anchors."""
        if not hasattr(self, "decision"):
            return
        check_in, delivered = self.state.steps.get("check_in"), self.state.anchors.get("gift.delivered")
        if check_in and delivered and not check_in.begun and not check_in.dropped and not self.state.ending:
            assert check_in.due == delivered + timedelta(days=3)


class ReferralMachine(JourneyMachine):
    """The same world around a referral's journey, in which money moves."""

    name = "referral"
    journey = "r_1"
    facts: ClassVar[dict[str, Any]] = {"referral": "r_1"}
    events = ABOUT_A_REFERRAL

    @initialize()
    def nobody_has_decided(self) -> None:
        self.hurried = False
        self.word: bool | None = None

    @rule()
    def sale(self) -> None:
        """Often enough for money to move within a few steps."""
        self.hear(("referral.closed", {"referral": "r_1", "amount": WHOLE}))

    @rule(days=st.sampled_from([1, 19, 29, 30, 31]))
    def days_pass(self, days: int) -> None:
        self.time_passes(24 * days)

    @rule()
    def all_goes_well(self) -> None:
        for key in sorted(self.open):
            self.step([self.ended(key, Outcome(kind="done"))])

    @rule(command=st.sampled_from(["approve", "void"]))
    def decision(self, command: Any) -> None:
        self.say(OperatorSaid(command=command, step="reward", by="grace", reason="looked at it"))

    def said(self, said: OperatorSaid) -> None:
        if said.step == "reward":
            self.hurried = True
            self.word = said.command == "approve" if said.command in ("approve", "void") else self.word

    def look_at(self, order: Order) -> None:
        if order.step == "journey":
            return
        assert self.state.internal["qualify"].life is Life.DONE, f"{order.key} begun before anybody looked"
        if order.effect == "pay_reward":
            closed = self.state.anchors.get("referral.closed")
            in_time = closed is not None and self.now >= closed + timedelta(days=30)
            assert in_time or self.hurried, f"paid at {self.now}, of a sale of {closed}"
            told = None if order.decided is None else order.decided.approved
            assert told is self.word, "the last look is not told what a person decided"

    @invariant()
    def each_part_of_a_refund_is_followed_once(self) -> None:
        if hasattr(self, "decision"):
            begun = {name for name in self.state.steps if name.startswith("refunded")}
            assert begun <= {"refunded:50", "refunded:100"}


SEARCH = settings(max_examples=50, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))

TestJourneys = JourneyMachine.TestCase
TestJourneys.settings = SEARCH
TestReferrals = ReferralMachine.TestCase
TestReferrals.settings = SEARCH


def test_every_life_ends_settled_or_waits_for_somebody() -> None:
    """From every state some turn leads on, and settled states lead nowhere."""
    for life, turns in LIFE.items():
        settled = life in (Life.DONE, Life.WITHHELD, Life.DROPPED)
        assert bool(turns) is not settled
