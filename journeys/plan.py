"""From the whole state: which steps have a moment, what is due, which deadline is near, when it is all over."""

from collections.abc import Iterator
from datetime import datetime

from journeys.life import IN_FLIGHT, Life, Turn
from journeys.orders import END, QUALIFY, effects_for
from journeys.state import EffectState, State, StepState
from journeys.take_in import end, give_up, settle
from models.playbook import START, Playbook, Step


def plan_steps(playbook: Playbook, state: State) -> None:
    """Gives each step its moment: the earlier of its anchors. A moment may come forward, never move back."""
    for name, step in playbook.steps.items():
        planned = state.steps.get(name)
        if planned is None:
            planned = state.steps[name] = StepState(effects=effects_for(step, state.started))
        if not (planned.begun or planned.dropped):
            _plan_step(state, step, planned)


def _plan_step(state: State, step: Step, planned: StepState) -> None:
    came = next((event for event in step.unless if event in state.anchors), None)
    if came is not None:
        planned.dropped = f"not needed after {came}"
        return
    moments = [_moment(state, when.anchor) for when in step.moments]
    dues = [at + when.delay for at, when in zip(moments, step.moments, strict=True) if at is not None]
    if not dues or (planned.due is not None and planned.due <= min(dues)):
        return
    planned.due = min(dues)
    for effect in planned.effects.values():
        effect.due = planned.due
    if step.within is not None:
        planned.deadline = planned.due + step.within
        planned.warn_at = planned.deadline - step.warn_before


def _moment(state: State, anchor: str) -> datetime | None:
    return state.started if anchor == START else state.anchors.get(anchor)


def drop_what_is_late(state: State, now: datetime) -> None:
    """A video that is still not there at its hour is given up, so that the gift can go without it."""
    for step_name, effect_name, effect in state.effects():
        if effect.give_up_at is not None and effect.give_up_at <= now and settle(effect, Turn.LATE, now, "too late"):
            state.say(now, f"{step_name}/{effect_name}: given up, too late")


def drop_what_is_not_needed(state: State, now: datetime) -> None:
    """The effects of a step that `unless` dropped are dropped with it."""
    for step in state.steps.values():
        for effect in step.effects.values() if step.dropped else ():
            give_up(effect, Turn.SKIP, now, step.dropped)


def due_now(state: State, now: datetime) -> Iterator[tuple[str, str]]:
    """Effects of steps whose time has come: step name, effect name."""
    for step_name, step in state.steps.items():
        for effect_name, effect in step.effects.items():
            if _due(effect, now) and _may_begin(state, step, effect):
                yield step_name, effect_name


def internal_due(state: State, now: datetime) -> Iterator[str]:
    """Effects of the engine's own that are due. They run in a paused journey too."""
    for name, effect in state.internal.items():
        if _due(effect, now):
            yield name


def _due(effect: EffectState, now: datetime) -> bool:
    return effect.waiting and effect.due is not None and effect.due <= now


def _may_begin(state: State, step: StepState, effect: EffectState) -> bool:
    """What only has to get into the books is never held up."""
    if effect.over or effect.found:
        return True
    if state.paused or state.ending or not _qualified(state):
        return False
    return effect.after is None or step.effects[effect.after].settled


def _qualified(state: State) -> bool:
    return QUALIFY not in state.internal or state.internal[QUALIFY].life is Life.DONE


def watch_deadlines(state: State, now: datetime) -> None:
    """Warns while someone can still act, and says when it was missed."""
    for name, step in state.steps.items():
        if step.deadline is None or step.settled or state.ending:
            continue
        if not step.warned and step.warn_at is not None and step.warn_at <= now:
            step.warned = True
            _alert(state, name, "deadline near", step.deadline.isoformat(), now)
        if not step.missed and step.deadline <= now:
            step.missed = True
            _alert(state, name, "deadline missed", step.deadline.isoformat(), now)


def watch_trouble(state: State, now: datetime) -> None:
    """One alert for each trouble an effect is in; a new one when it is another, or after a person looked at it."""
    for name, effect in list(troubled(state)):
        trouble = trouble_of(effect)
        if effect.alerted != trouble:
            effect.alerted = trouble
            _alert(state, name, trouble, "", now)


def troubled(state: State) -> Iterator[tuple[str, EffectState]]:
    """Every effect that waits for a person, by its name. An alert that cannot be sent is not alerted about."""
    for step_name, effect_name, effect in state.effects():
        if trouble_of(effect):
            yield f"{step_name}/{effect_name}", effect
    qualify = state.internal.get(QUALIFY)
    if qualify is not None and trouble_of(qualify):
        yield f"journey/{QUALIFY}", qualify


def trouble_of(effect: EffectState) -> str:
    """What a person should look at, or empty."""
    if effect.life is Life.STUCK:
        return "stuck"
    if effect.life is Life.DOUBTED:
        return "in doubt"
    return "waiting for a fix" if effect.attention and effect.waiting else ""


def _alert(state: State, about: str, what: str, detail: str, now: datetime) -> None:
    name = f"alert:{about}:{what}".replace(" ", "_").replace("/", ".")
    before = sum(known == name or known.startswith(f"{name}:") for known in state.alerts)
    name = f"{name}:{before + 1}" if before else name
    state.internal[name] = EffectState(due=now)
    state.alerts[name] = {"about": about, "what": what, "detail": detail}


def watch_the_end(playbook: Playbook, state: State, now: datetime) -> None:
    """Ends the journey at its horizon, or when it has been quiet for long enough; closes it when all is settled."""
    if not state.ending:
        if now >= state.started + playbook.ends.at_most:
            end(state, "at its longest", now)
        elif _quiet(state) and now >= state.active_at + playbook.ends.after:
            end(state, "quiet", now)
    if state.ending and END not in state.internal and not _in_flight(state):
        state.internal[END] = EffectState(due=now)


def _quiet(state: State) -> bool:
    """Nothing has a moment still to come and nothing is on its way; steps without a moment do not count."""
    open_ = [e for _, _, e in state.effects() if not e.settled and e.due is not None]
    return not open_ and _qualified(state) and not state.paused


def _in_flight(state: State) -> bool:
    own = any(effect.life is Life.CALLED for effect in state.internal.values())
    return own or any(effect.life in IN_FLIGHT for _, _, effect in state.effects())


def next_wake(playbook: Playbook, state: State, now: datetime) -> datetime | None:
    """The next instant at which something may have to happen. Never missed: everything that waits for time is here."""
    times: list[datetime] = []
    if not state.ending:
        times.append(state.started + playbook.ends.at_most)
        if _quiet(state):
            times.append(state.active_at + playbook.ends.after)
        for step in state.steps.values():
            if not step.settled:
                times.extend(_times_of(step))
    for step in state.steps.values():
        waiting = [e for e in step.effects.values() if e.waiting and _may_begin(state, step, e)]
        times.extend(effect.due for effect in waiting if effect.due is not None)
    times.extend(e.due for e in state.internal.values() if e.waiting and e.due is not None)
    return min(times, default=None)


def _times_of(step: StepState) -> Iterator[datetime]:
    if step.warn_at is not None and not step.warned:
        yield step.warn_at
    if step.deadline is not None and not step.missed:
        yield step.deadline
    for effect in step.effects.values():
        if effect.give_up_at is not None and (effect.waiting or effect.life is Life.STUCK):
            yield effect.give_up_at
