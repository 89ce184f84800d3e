"""The language a marketer writes: a playbook is data, read aloud like the journey it describes.

Text forms (`3 days after gift.delivered`) are parsed here into models; the same models read their own JSON back, so a
running journey carries its playbook. Durations are divided by the time scale once, by `authoring.shelf.load`.
"""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from models.base import Model
from models.effect import EFFECTS, Expression, Purpose
from models.event import EVENTS

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2592000, "year": 31536000}
_DURATION = re.compile(r"^(\d+)\s+(second|minute|hour|day|week|month|year)s?$")
START = "start"


def duration(text: str) -> timedelta:
    """`48 hours` → 48 h. A month is 30 days, a year 365. Raises ValueError with the allowed form."""
    match = _DURATION.match(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a duration; write a number and a unit, like 48 hours or 3 days")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def span(length: timedelta) -> str:
    """`90 days`; in hours, minutes or seconds where that is no two days, as under a time scale."""
    seconds = round(length.total_seconds())
    unit = next((name for name in ("day", "hour", "minute") if seconds >= 2 * _UNITS[name]), "second")
    count = seconds // _UNITS[unit]
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _duration_from(value: object) -> object:
    if not isinstance(value, str) or value.startswith(("P", "-P")):
        return value
    if value.strip() == "same day":
        return timedelta(days=1)
    return duration(value)


Duration = Annotated[timedelta, BeforeValidator(_duration_from)]


def _known_event(name: str) -> str:
    if name not in EVENTS:
        raise ValueError(f"{name!r} is not an event; events are: {', '.join(sorted(EVENTS))}")
    return name


EventType = Annotated[str, BeforeValidator(_known_event)]


class When(Model):
    """A moment: a delay after an event, or after the start."""

    anchor: str
    delay: Duration = timedelta()

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        text = value.strip()
        if text.startswith("at "):
            return {"anchor": text[3:].strip(), "delay": timedelta()}
        delay, after, anchor = text.partition(" after ")
        if not after:
            raise ValueError(f"{value!r} is not a moment; write `at start` or `3 days after gift.delivered`")
        return {"anchor": anchor.strip(), "delay": duration(delay)}

    @model_validator(mode="after")
    def _anchor_exists(self) -> "When":
        if self.anchor != START:
            _known_event(self.anchor)
        return self


class Trigger(Model):
    """An event, with a condition on what it carries."""

    on: EventType
    when: Expression | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"on": value} if isinstance(value, str) else value


class Rule(Model):
    """Who the playbook is for: a condition on the contact, and the words shown when it does not hold."""

    rule: Expression
    otherwise: str


class Action(Model):
    """A verb with its parameters. `platforms` is filled from program.yaml when the playbook is loaded."""

    verb: str
    params: dict[str, Any] = Field(default_factory=dict)
    platforms: list[str] = Field(default_factory=list)
    video_platforms: list[str] = Field(default_factory=list)
    plain_video_after: Duration | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_yaml(cls, value: Any) -> Any:
        if isinstance(value, dict) and "verb" in value:
            return value
        if isinstance(value, str):
            value = {value: {}}
        if not isinstance(value, dict) or len(value) != 1:
            raise ValueError("an action is one verb with its parameters, like `add_to_list: Champions`")
        verb, params = next(iter(value.items()))
        verbs = sorted(name for name, kind in EFFECTS.items() if not kind.internal)
        if verb not in verbs:
            raise ValueError(f"{verb!r} is not something a playbook can do; it can: {', '.join(verbs)}")
        shorthand = EFFECTS[verb].shorthand
        if not isinstance(params, dict):
            if shorthand is None:
                fields = ", ".join(f.alias or n for n, f in EFFECTS[verb].takes.model_fields.items())
                needs = f"needs named parameters: {fields}" if fields else "needs nothing more; write it alone"
                raise ValueError(f"{verb} {needs}")
            params = {shorthand: params}
        taken = EFFECTS[verb].takes.model_validate(params).model_dump(mode="json", by_alias=True, exclude_none=True)
        late = taken.pop("plain_video_after", None)
        return {"verb": verb, "params": taken, "plain_video_after": late}


class Doing(Model):
    """What a step and a reaction share."""

    within: Duration | None = None
    warn: Duration | None = None
    """How long before the deadline the team is warned; a quarter of `within` unless said."""
    hours: Literal["any", "business"] = "any"
    purpose: Purpose | None = None
    may_ask: bool = False
    do: list[Action] = Field(min_length=1, max_length=20)

    @property
    def warn_before(self) -> timedelta:
        if self.within is None:
            return timedelta()
        return self.warn if self.warn is not None else self.within / 4


class Step(Doing):
    """Something done once, at a moment; with `or` at the earlier of two. `unless` drops it if the event came first."""

    due: When
    or_: When | None = Field(default=None, alias="or")
    unless: list[EventType] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("unless"), str):
            value = {**value, "unless": [value["unless"]]}
        return value

    @property
    def moments(self) -> list[When]:
        return [self.due] if self.or_ is None else [self.due, self.or_]


class Reaction(Doing):
    """Something done when an event comes: once, or once for each value of `each`."""

    on: EventType
    when: Expression | None = None
    each: Expression | None = None


class Ends(Model):
    """When the journey is over: after quiet time, on an event, at the latest after `at_most`."""

    after: Duration = timedelta(days=180)
    on: list[Trigger] = Field(default_factory=list)
    at_most: Duration = timedelta(days=730)

    @model_validator(mode="before")
    @classmethod
    def _quiet(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("after"), str):
            value = {**value, "after": value["after"].removesuffix(" of quiet")}
        return value


def _again_from(value: object) -> object:
    if value == "never":
        return None
    if isinstance(value, str) and not value.startswith("P"):
        try:
            return duration(value.removeprefix("after "))
        except ValueError as error:
            raise ValueError(f"{value!r} is not how soon again; write never, or after 90 days") from error
    return value


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]

PRIORITIES = {"highest": 1, "high": 2, "normal": 3, "low": 4, "lowest": 5}


class Playbook(Model):
    """A whole playbook. `about` says whose journey it is: an advocate's, or a referral's, one for each person referred.
    `again` is how long after a start the same person may start again; None is never. An event that is older than
    `stale` when it reaches us begins its journey now: its own clocks could not be kept any more."""

    playbook: Name
    title: str
    about: Literal["advocate", "referral"] = "advocate"
    purpose: Purpose
    priority: Literal["highest", "high", "normal", "low", "lowest"] = "normal"
    starts: list[Trigger] = Field(min_length=1)
    again: Annotated[timedelta | None, BeforeValidator(_again_from)] = None
    stale: Duration = timedelta(days=1)
    only_for: list[Rule] = Field(default_factory=list)
    steps: dict[Name, Step] = Field(default_factory=dict)
    reactions: dict[Name, Reaction] = Field(default_factory=dict)
    ends: Ends = Field(default_factory=Ends)
    qualify_platforms: list[str] = Field(default_factory=list)
    alert_platforms: list[str] = Field(default_factory=list)

    def doing(self, step: str) -> Doing:
        """The step or reaction of this name; a reaction's instance is named `reaction:key`."""
        name = step.partition(":")[0]
        found: Doing | None = self.steps.get(name) or self.reactions.get(name)
        if found is None:
            raise KeyError(step)
        return found

    def purpose_of(self, step: str) -> Purpose:
        return self.doing(step).purpose or self.purpose
