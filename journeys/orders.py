"""From an effect that is due to the order an activity carries out. Keys are made here and nowhere else."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from journeys.conditions import value_of
from journeys.state import EffectState, State, StepState
from models.effect import CEL, EFFECTS, FRIEND, Order
from models.playbook import Action, Doing, Playbook

QUALIFY = "qualify"
END = "end_journey"


def key_of(state: State, step: str, effect: str) -> str:
    """The effect's key: journey/step/effect. It is the ledger's key and Temporal's activity id."""
    return f"{state.journey}/{step}/{effect}"


def named_actions(doing: Doing) -> Iterator[tuple[str, Action, str]]:
    """Each effect of a step: its name, the action it comes from, and the platform that performs it ("" for ours)."""
    used: dict[str, int] = {}
    for action in doing.do:
        for platform in action.platforms or [""]:
            name = action.verb if len(action.platforms) < 2 else f"{action.verb}@{platform}"
            used[name] = used.get(name, 0) + 1
            yield (name if used[name] == 1 else f"{name}-{used[name]}"), action, platform


def effects_for(doing: Doing, anchor: datetime) -> dict[str, EffectState]:
    """The effects of a step, not due yet. A gift's video is an effect of its own that comes first."""
    effects: dict[str, EffectState] = {}
    for name, action, _ in named_actions(doing):
        after = None
        if action.params.get("video"):
            after = name.replace("send_gift", "make_video")
            late = action.plain_video_after
            effects[after] = EffectState(give_up_at=None if late is None else anchor + late)
        effects[name] = EffectState(after=after)
    return effects


def order_of(playbook: Playbook, state: State, step_name: str, effect_name: str, now: datetime) -> Order:
    """The order for one effect of a step."""
    doing = playbook.doing(step_name)
    step = state.steps[step_name]
    effect = step.effects[effect_name]
    name, action, platform = next(
        found for found in named_actions(doing) if effect_name in (found[0], _video_name(found[0]))
    )
    making_video = effect_name != name
    verb = "make_video" if making_video else action.verb
    if making_video:
        platform = next(iter(action.video_platforms), "")
        params: dict[str, Any] = {"video": action.params["video"]}
    else:
        params = _evaluated(action, step)
    return Order(
        key=key_of(state, step_name, effect_name),
        effect=verb,
        journey=state.journey,
        playbook=playbook.playbook,
        contact=_recipient(state, action),
        step=step_name,
        purpose=playbook.purpose_of(step_name),
        may_ask=doing.may_ask,
        hours=doing.hours,
        platform=platform or None,
        params=params,
        facts=step.facts,
        video_key=None if effect.after is None else key_of(state, step_name, effect.after),
        due=effect.due or now,
        now=now,
        deadline=step.deadline,
        resolved=effect.resolved,
        found=effect.found,
        over=effect.over,
        decided=effect.decided,
    )


def _recipient(state: State, action: Action) -> str:
    """The advocate, unless the action is for the friend and we know who that is."""
    meant = action.params.get("to", action.params.get("who"))
    friend = state.facts.get(FRIEND)
    return str(friend) if meant == FRIEND and friend else state.contact


def _video_name(name: str) -> str:
    return name.replace("send_gift", "make_video")


def _evaluated(action: Action, step: StepState) -> dict[str, Any]:
    fields = EFFECTS[action.verb].takes.model_fields
    params = dict(action.params)
    for name, value in action.params.items():
        if name in fields and CEL in fields[name].metadata:
            params[name] = value_of(value, event=step.facts)
    return params


def internal_order(playbook: Playbook, state: State, name: str, now: datetime) -> Order:
    """The order for an effect of the engine's own: qualify, an alert, the end."""
    effect = state.internal[name]
    verb, params, platform = _internal(playbook, state, name)
    return Order(
        key=key_of(state, "journey", name),
        effect=verb,
        journey=state.journey,
        playbook=playbook.playbook,
        contact=state.contact,
        step="journey",
        purpose="team",
        platform=platform,
        params=params,
        facts=state.facts,
        due=effect.due or now,
        now=now,
        decided=effect.decided,
    )


def _internal(playbook: Playbook, state: State, name: str) -> tuple[str, dict[str, Any], str | None]:
    if name == QUALIFY:
        if playbook.about == "referral":
            return "screen", {}, next(iter(playbook.qualify_platforms), None)
        rules = [rule.model_dump() for rule in playbook.only_for]
        return QUALIFY, {"rules": rules}, next(iter(playbook.qualify_platforms), None)
    if name == END:
        return END, {"reason": state.ending}, None
    return "alert", dict(state.alerts[name]), next(iter(playbook.alert_platforms), None)
