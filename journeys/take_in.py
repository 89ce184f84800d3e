"""Taking in what happened: events, outcomes, operators' words. Each function changes the state it is given.

Nothing here begins an effect; that is decided afterwards, once, from the whole state (`journeys/plan.py`).
"""

from datetime import datetime, timedelta

from journeys.conditions import holds, value_of
from journeys.happenings import EffectEnded, EventCame, Happening, Noted, OperatorSaid, Resumed
from journeys.life import WAITING, Life, Turn, turned
from journeys.orders import END, QUALIFY, effects_for
from journeys.state import INSTANCES_BOUND, NOTES_BOUND, SEEN_BOUND, EffectState, Line, State, StepState
from models.effect import Decided, Outcome
from models.event import ABOUT
from models.playbook import Playbook, Reaction

PROOFS = frozenset({"message.delivered", "gift.shipped", "gift.delivered"})
"""Events by which a vendor proves that an effect in doubt did happen."""

NOTES = "notes"
"""What an operator resolves who has seen what could not be understood."""

_TURN_OF = {
    "done": Turn.DONE,
    "withheld": Turn.WITHHELD,
    "not_before": Turn.NOT_BEFORE,
    "refused": Turn.REFUSED,
    "unsure": Turn.UNSURE,
}


def take_in(playbook: Playbook, state: State, happening: Happening, now: datetime) -> None:
    """Applies one happening to the state."""
    match happening:
        case EventCame():
            _event(playbook, state, happening, now)
        case EffectEnded():
            _outcome(playbook, state, happening, now)
        case OperatorSaid():
            _operator(state, happening, now)
        case Resumed():
            _resumed(state, now)
        case Noted():
            state.notes = [*state.notes, Line(at=now, text=happening.text)][-NOTES_BOUND:]
            state.say(now, f"could not be understood: {happening.text}")


def settle(effect: EffectState, turn: Turn, now: datetime, reason: str = "") -> bool:
    """Turns an effect if the table allows it; False where it does not."""
    life = turned(effect.life, turn)
    if life is None:
        return False
    effect.life = life
    effect.reason = reason
    effect.attention = False
    effect.wakes_on = None
    effect.settled_at = now if effect.settled else None
    return True


def give_up(effect: EffectState, turn: Turn, now: datetime, reason: str) -> None:
    """Nobody wants it any more. What may have happened is looked at once more, at once, so that the books are right."""
    if effect.life is Life.UNDER_WAY and not effect.over:
        effect.over, effect.due, effect.wakes_on = True, now, None
    settle(effect, turn, now, reason)


def end(state: State, reason: str, now: datetime) -> None:
    """The journey is over: nothing new begins, what has not begun is dropped, what is in flight is awaited."""
    if not state.ending:
        state.ending = reason
        state.say(now, f"ends: {reason}")
    for _, _, effect in state.effects():
        give_up(effect, Turn.END, now, reason)
    for name, effect in state.internal.items():
        if name != END:
            settle(effect, Turn.LATE, now, reason)


def _event(playbook: Playbook, state: State, event: EventCame, now: datetime) -> None:
    if event.id in state.seen:
        return
    state.seen = [*state.seen, event.id][-SEEN_BOUND:]
    state.active_at = max(state.active_at, now)
    # A vendor's clock may be wrong, or the event be from before the journey: no clock of ours starts out of its time.
    event = event.model_copy(update={"at": min(max(event.at, state.started), now)})
    about = next((str(event.data[name]) for name in ABOUT if event.data.get(name)), None)
    state.say(event.at, f"{event.type}{_detail(event)}")
    state.heard[event.type] = now
    _proof(state, event, about, now)
    if state.ending:
        return
    if event.type == "tier.reached":
        state.tier = str(event.data["tier"])
    if not _about_a_reaction(playbook, state, about):
        state.anchors.setdefault(event.type, event.at)
    for _, _, effect in state.effects():
        if effect.waiting and effect.wakes_on == event.type:
            effect.due, effect.wakes_on = now, None
    for exit_ in playbook.ends.on:
        if exit_.on == event.type and holds(exit_.when, event=event.data):
            end(state, event.type, now)
            return
    for name, reaction in playbook.reactions.items():
        if reaction.on == event.type and holds(reaction.when, event=event.data):
            _react(state, name, reaction, event)


def _detail(event: EventCame) -> str:
    shown = {k: v for k, v in event.data.items() if k in ("score", "tag", "network", "referral", "tier")}
    return f" ({', '.join(f'{k} {v}' for k, v in shown.items())})" if shown else ""


def _about_a_reaction(playbook: Playbook, state: State, about: str | None) -> bool:
    """An event about a reaction's own gift or message moves no step's clock."""
    if about is None or not about.startswith(f"{state.journey}/"):
        return False
    return about.split("/")[1].partition(":")[0] in playbook.reactions


def _proof(state: State, event: EventCame, about: str | None, now: datetime) -> None:
    if event.type not in PROOFS or about is None:
        return
    found = _find(state, about)
    doubted = found is not None and found.life is Life.DOUBTED
    if found is not None and settle(found, Turn.FOUND, now, f"proved by {event.type}"):
        found.found, found.due = True, now
        if doubted:
            state.say(now, f"{about.partition('/')[2]} was in doubt and did happen")


def _react(state: State, name: str, reaction: Reaction, event: EventCame) -> None:
    each = None if reaction.each is None else value_of(reaction.each, event=event.data)
    if reaction.each is not None and each is None:
        each = event.id
    instance = name if each is None else f"{name}:{_short(str(each))}"
    if instance in state.steps or len(state.steps) >= INSTANCES_BOUND:
        return
    deadline = None if reaction.within is None else event.at + reaction.within
    step = StepState(
        due=event.at,
        deadline=deadline,
        warn_at=None if deadline is None else deadline - reaction.warn_before,
        facts=event.data,
        effects=effects_for(reaction, event.at),
    )
    for effect in step.effects.values():
        effect.due = event.at
    state.steps[instance] = step


def _short(text: str) -> str:
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in text)[:60]


def _outcome(playbook: Playbook, state: State, ended: EffectEnded, now: datetime) -> None:
    effect = _find(state, ended.key)
    if effect is None:
        return
    outcome = ended.outcome
    turn = Turn.UNCLEAR if outcome.doubt else _TURN_OF[outcome.kind]
    name = ended.key.removeprefix(f"{state.journey}/")
    if not settle(effect, turn, now, outcome.reason):
        return
    state.active_at = max(state.active_at, now)
    effect.resolved = False
    if outcome.kind == "not_before":
        effect.due = max(outcome.at or now, now + timedelta(seconds=1))
        woken = state.heard.get(outcome.wakes_on or "")
        if woken is not None and effect.begun_at is not None and woken >= effect.begun_at:
            effect.due = now  # what it waits for came while it was under way
        effect.wakes_on, effect.attention = outcome.wakes_on, outcome.attention
    if name != f"journey/{END}":
        state.say(now, f"{name}: {_words(outcome)}")
    if state.ending and name.startswith("journey/"):
        settle(effect, Turn.LATE, now, state.ending)
    elif state.ending:
        give_up(effect, Turn.END, now, state.ending)
    _consequences(playbook, state, name, effect, outcome, now)


def _consequences(
    playbook: Playbook, state: State, name: str, effect: EffectState, outcome: Outcome, now: datetime
) -> None:
    if name == f"journey/{END}" and effect.settled:
        state.ended = True
    elif name == f"journey/{QUALIFY}" and effect.life is Life.WITHHELD:
        end(state, f"not for this person: {outcome.reason}", now)
    elif outcome.kind == "done" and "tier" in outcome.facts:
        state.tier = str(outcome.facts["tier"])


def _words(outcome: Outcome) -> str:
    if outcome.kind == "not_before":
        return f"waits ({outcome.reason})" if outcome.reason else "waits"
    return f"{outcome.kind} ({outcome.reason})" if outcome.reason else outcome.kind


def _find(state: State, key: str) -> EffectState | None:
    journey, _, rest = key.partition("/")
    step, _, name = rest.rpartition("/")
    if journey != state.journey:
        return None
    if step == "journey":
        return state.internal.get(name)
    found = state.steps.get(step)
    return None if found is None else found.effects.get(name)


def _resumed(state: State, now: datetime) -> None:
    """What was in flight is begun again under its key; in a journey that is over only the end itself is."""
    for _, _, effect in state.effects():
        if settle(effect, Turn.RESUMED, now):
            effect.due = now
            if state.ending:
                give_up(effect, Turn.END, now, state.ending)
    for name, effect in state.internal.items():
        if settle(effect, Turn.RESUMED, now):
            effect.due = now
            if state.ending and name != END:
                settle(effect, Turn.LATE, now, state.ending)


def _operator(state: State, said: OperatorSaid, now: datetime) -> None:
    who = f" by {said.by}" if said.by else ""
    why = f": {said.reason}" if said.reason else ""
    state.say(now, f"{said.command} {said.step}".strip() + who + why)
    if said.command == "pause":
        state.paused = True
    elif said.command == "resume":
        state.paused = False
    elif said.command == "resolve" and said.step == NOTES:
        state.notes = []
    elif said.command == "end":
        end(state, said.reason or "ended by an operator", now)
    else:
        for effect in targets(state, said.step):
            _intervene(effect, said, now)
            if state.ending:
                give_up(effect, Turn.END, now, state.ending)


def targets(state: State, step: str) -> list[EffectState]:
    """The effects an operator means: all of a step, or one named `step/effect`."""
    name, _, effect = step.partition("/")
    if name == "journey":
        return [state.internal[effect]] if effect in state.internal else []
    found = state.steps.get(name)
    if found is None:
        return []
    if effect:
        return [found.effects[effect]] if effect in found.effects else []
    return list(found.effects.values())


def _intervene(effect: EffectState, said: OperatorSaid, now: datetime) -> None:
    effect.alerted = ""  # whoever looked at it wants to hear if it goes wrong again
    if said.command in ("approve", "void"):
        effect.decided = Decided(approved=said.command == "approve", by=said.by, reason=said.reason)
        effect.due, effect.attention = now, False
    elif said.command == "skip":
        give_up(effect, Turn.SKIP, now, said.reason or "skipped by an operator")
    elif said.command == "resolve":
        turn = Turn.FOUND if said.found else Turn.MISSING
        if settle(effect, turn, now, said.reason or "resolved by an operator"):
            effect.due, effect.found, effect.resolved = now, said.found is True, said.found is False
    else:
        settle(effect, Turn.RETRY, now)
        if effect.waiting:
            effect.due, effect.wakes_on, effect.attention = now, None, False


def refusal(state: State, said: OperatorSaid) -> str | None:
    """Why this intervention makes no sense now, in words for the operator; None when it does."""
    if state.ended:
        return "the journey is over"
    if said.command in ("pause", "resume", "end"):
        return _refusal_of_journey(state, said)
    if said.command == "resolve" and said.step == NOTES:
        return None if state.notes else "everything was understood"
    meant = targets(state, said.step)
    if not meant:
        return f"there is no step {said.step!r}; steps are: {', '.join(state.steps)}"
    wanted = {
        "skip": (WAITING | {Life.STUCK}, "neither planned nor stuck"),
        "retry": (WAITING | {Life.STUCK}, "neither stuck nor waiting"),
        "run": (WAITING, "not planned"),
        "resolve": ({Life.DOUBTED}, "not in doubt"),
        "approve": (WAITING, "not waiting for a decision"),
        "void": (WAITING, "not waiting for a decision"),
    }[said.command]
    if not any(effect.life in wanted[0] for effect in meant):
        return f"step {said.step!r} is {', '.join(sorted({e.life.value for e in meant}))}: {wanted[1]}"
    if said.command == "resolve" and said.found is None:
        return "say whether it happened: found true or false"
    if said.command in ("approve", "void"):
        return _refusal_of_decision(meant, said)
    return None


def _refusal_of_decision(meant: list[EffectState], said: OperatorSaid) -> str | None:
    """What is decided about money or a referral is kept with a name and a reason."""
    if not any(effect.attention for effect in meant) and said.command == "approve":
        return f"step {said.step!r} waits for nobody's approval"
    if not (said.by and said.reason):
        return "say who decides and why: by and reason are kept with the decision"
    return None


def _refusal_of_journey(state: State, said: OperatorSaid) -> str | None:
    if said.command == "pause" and state.paused:
        return "the journey is paused already"
    if said.command == "resume" and not state.paused:
        return "the journey is not paused"
    if said.command == "end" and state.ending:
        return f"the journey is ending already: {state.ending}"
    return None
