"""What now? The one function every journey is driven by: in production, in stories, in simulations, in every test."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import Field

from journeys import plan
from journeys.happenings import Happening
from journeys.life import Turn
from journeys.orders import QUALIFY, internal_order, order_of
from journeys.show import Show, show
from journeys.state import EffectState, State
from journeys.take_in import settle, take_in
from models.base import Instant, Json, Model
from models.effect import Order
from models.playbook import Playbook


class Decision(Model):
    """The new state, the effects to begin now, when to wake at the latest, and what to show an operator."""

    state: State
    effects: list[Order] = Field(default_factory=list)
    wake: Instant | None = None
    show: Show


def begin(journey: str, contact: str, started: datetime, facts: Json) -> State:
    """The state of a journey that has not done anything yet."""
    return State(
        journey=journey,
        contact=contact,
        started=started,
        active_at=started,
        facts=facts,
        internal={QUALIFY: EffectState(due=started)},
    )


def advance(playbook: Playbook, state: State, happened: Sequence[Happening], now: datetime) -> Decision:
    """Takes in what happened and says what to do. Pure: the state given is left as it was."""
    state = state.model_copy(deep=True)
    for happening in happened:
        take_in(playbook, state, happening, now)
        if not state.ending:
            plan.plan_steps(playbook, state)
    if not happened:
        plan.plan_steps(playbook, state)
    plan.drop_what_is_not_needed(state, now)
    plan.drop_what_is_late(state, now)
    plan.watch_deadlines(state, now)
    plan.watch_trouble(state, now)
    plan.watch_the_end(playbook, state, now)
    orders = _begin_due(playbook, state, now)
    return Decision(
        state=state,
        effects=orders,
        wake=plan.next_wake(playbook, state, now),
        show=show(playbook, state),
    )


def _begin_due(playbook: Playbook, state: State, now: datetime) -> list[Order]:
    orders: list[Order] = []
    for step_name, effect_name in list(plan.due_now(state, now)):
        orders.append(order_of(playbook, state, step_name, effect_name, now))
        _call(state.steps[step_name].effects[effect_name], now)
    for name in list(plan.internal_due(state, now)):
        orders.append(internal_order(playbook, state, name, now))
        _call(state.internal[name], now)
    return orders


def _call(effect: EffectState, now: datetime) -> None:
    settle(effect, Turn.DUE, now)
    effect.begun_at = now
