"""The language of a story: given an event, when this and that happens, then the playbook does this, then, and not that.

Prevents a playbook that is changed and no longer does what its authors meant. Moments are counted from the start:
`at start`, `after 5 days`, `after 1 day and 2 hours`. What is done is named as operators name it: a step (`gift`), one
of its effects (`gift/send_gift`), one of several times (`second_gift:r_1`).
"""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, cast, get_args

from pydantic import BeforeValidator, Field, model_validator

from authoring.fates import Fates
from journeys.happenings import Command
from models.base import Model
from models.event import checked_data
from models.playbook import duration

AT_START_EXACT = timedelta(hours=1)

Fate = Literal[
    "done", "withheld", "refused", "unsure", "waits", "dropped",
    "deadline near", "deadline missed", "stuck", "in doubt", "waiting for a fix",
]  # fmt: skip
"""What may become of a step or an effect; the second line is what the team is alerted about."""

ALERTS = ("deadline near", "deadline missed", "stuck", "in doubt", "waiting for a fix")

_STEP = r"[a-z][a-z0-9_-]*(?::[A-Za-z0-9._-]+)?"
_THING = re.compile(rf"^(?P<step>{_STEP})(?:/(?P<effect>[a-z][a-z0-9_@-]*))?(?: (?P<fate>[a-z ]+))?$")
EffectName = Annotated[str, Field(pattern=rf"^{_STEP}(/[a-z][a-z0-9_@-]*)?$")]
DECISIONS = ("approve", "void")
"""Commands that are kept with a name and a reason."""


class Offset(Model):
    """A moment after the start. It is exact to the last unit it names: `after 7 days` is any time on that day."""

    after: timedelta
    exact: timedelta

    def holds(self, passed: timedelta) -> bool:
        """Whether this much time after the start is that moment."""
        return self.after <= passed < self.after + self.exact


def offset(text: str) -> Offset:
    """Reads `at start` or `after 5 days`. Raises ValueError with the allowed form."""
    if text == "at start":
        return Offset(after=timedelta(), exact=AT_START_EXACT)
    if not text.startswith("after "):
        raise ValueError(f"{text!r} is not a moment; write `at start` or `after 5 days`")
    parts = [(duration(part), _unit(part)) for part in text.removeprefix("after ").split(" and ")]
    return Offset(after=sum((length for length, _ in parts), timedelta()), exact=min(unit for _, unit in parts))


def _unit(text: str) -> timedelta:
    return duration(f"1 {text.split()[1]}")


class Happens(Model):
    """Something that comes from outside: an event with its data, or an operator's word.

    A decision says who and why: `{operator: approve reward, by: grace, reason: saw the contract}`."""

    event: str = ""
    data: dict[str, Any] = Field(default_factory=dict)
    command: Command | None = None
    step: str = ""
    found: bool | None = None
    by: str = ""
    reason: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_yaml(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = {value: {}}
        if isinstance(value, dict) and "operator" in value:
            return _said(value)
        if not isinstance(value, dict) or len(value) != 1:
            raise ValueError(
                "write one event, like `qr.scanned`, or one with its data, like `nps.answered: {score: 9}`"
            )
        name, data = next(iter(value.items()))
        return {"event": name, "data": checked_data(name, data or {})}


def _said(value: dict[str, Any]) -> dict[str, Any]:
    """An operator's word: the command, and with a decision who made it and why."""
    unknown = value.keys() - {"operator", "by", "reason"}
    if unknown:
        raise ValueError(f"{min(unknown)!r} is no part of an operator's word; its parts are: operator, by, reason")
    said = _command(str(value["operator"]))
    who = {name: str(value[name]) for name in ("by", "reason") if value.get(name)}
    if said["command"] in DECISIONS and len(who) < 2:
        raise ValueError(
            f"a decision is kept with a name and a reason: {{operator: {value['operator']}, by: grace, reason: …}}"
        )
    return said | who


def _command(text: str) -> dict[str, Any]:
    word, _, step = text.partition(" ")
    if word not in get_args(Command):
        raise ValueError(f"{text!r} is not a command; write one of {', '.join(get_args(Command))}, with its step")
    said: dict[str, Any] = {"command": word, "step": step}
    if word == "resolve":
        step, _, answer = step.rpartition(" ")
        if answer not in ("found", "missing"):
            raise ValueError(
                f"{text!r} does not say what was found; write `resolve gift/send_gift found` or `… missing`"
            )
        said |= {"step": step, "found": answer == "found"}
    return said


class Thing(Model):
    """What is expected: that a step or an effect is done, or another fate of it. `step` empty: the journey ends."""

    text: str
    step: str = ""
    effect: str = ""
    fate: Fate = "done"
    because: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_yaml(cls, value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError("write a step, like `check_in`, or one effect of it, like `gift/send_gift`")
        if value == "ends" or value.startswith("ends because "):
            return {"text": value, "because": value.removeprefix("ends").removeprefix(" because ")}
        match = _THING.match(value)
        if match is None:
            raise ValueError(
                f"{value!r} is not a step, nor `ends because …`; write `gift` or `gift/send_gift withheld`"
            )
        fate = match["fate"] or "done"
        if fate not in get_args(Fate):
            raise ValueError(f"{fate!r} is nothing that becomes of a step; it is one of: {', '.join(get_args(Fate))}")
        return {"text": value, "step": match["step"], "effect": match["effect"] or "", "fate": fate}

    @property
    def of_journey(self) -> bool:
        return not self.step


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _one_key(value: object, form: str) -> tuple[str, object]:
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError(f"write one moment and what happens, like `{form}`")
    return cast(tuple[str, object], next(iter(value.items())))


class Given(Model):
    """One line of `when`: a moment, and what happens then."""

    at: Offset
    happens: Annotated[list[Happens], BeforeValidator(_listed)]

    @model_validator(mode="before")
    @classmethod
    def _from_yaml(cls, value: Any) -> Any:
        at, happens = _one_key(value, "after 6 days: qr.scanned")
        return {"at": offset(at), "happens": happens}


COUNTS = {"never": 0, "once": 1, "twice": 2}
NOTHING = "nothing"
STARTS = "starts"


class Expected(Model):
    """One line of `then`: what is done at a moment, or how often in the whole story.

    `nothing` at a moment: no effect begins then. `never: starts`: the event does not start the playbook."""

    at: Offset | None = None
    times: int | None = None
    when: str
    things: Annotated[list[Thing], BeforeValidator(_listed)] = Field(default_factory=list)
    nothing: bool = False
    no_start: bool = False

    @model_validator(mode="before")
    @classmethod
    def _from_yaml(cls, value: Any) -> Any:
        when, things = _one_key(value, "after 7 days: case_study")
        if when == "never" and things == STARTS:
            return {"when": when, "no_start": True}
        if when in COUNTS:
            return {"when": when, "times": COUNTS[when], "things": things}
        if things == NOTHING:
            return {"when": when, "at": offset(when), "nothing": True}
        return {"when": when, "at": offset(when), "things": things}


class Story(Model):
    """One story. Without `but` every effect is done a minute after it was begun.

    Office hours and limits on asks are looked at when an effect is carried out; no story knows them."""

    story: str = Field(min_length=1)
    given: Happens
    when: list[Given] = Field(default_factory=list)
    but: dict[EffectName, Annotated[list[Fates], BeforeValidator(_listed)]] = Field(default_factory=dict)
    then: list[Expected] = Field(min_length=1)

    @model_validator(mode="after")
    def _begins_with_an_event(self) -> "Story":
        if not self.given.event:
            raise ValueError("a story begins with an event: `given: {nps.answered: {score: 9}}`")
        return self

    @property
    def starts(self) -> bool:
        """Whether the event is expected to start the playbook."""
        return not any(expected.no_start for expected in self.then)


class Stories(Model):
    """A file of stories, beside its playbook."""

    stories: list[Story] = Field(min_length=1)
