"""Everything that can happen to a journey: a closed union. The passing of time is the `now` of `advance`."""

from typing import Annotated, Literal

from pydantic import Field

from models.base import Instant, Json, Model
from models.effect import Outcome


class EventCame(Model):
    """An event from outside."""

    what: Literal["event"] = "event"
    id: str
    type: str
    at: Instant
    data: Json = Field(default_factory=dict)


class EffectEnded(Model):
    """The outcome of an effect that was begun. `key` is its full key."""

    what: Literal["outcome"] = "outcome"
    key: str
    outcome: Outcome


Command = Literal["pause", "resume", "run", "skip", "retry", "resolve", "approve", "void", "end"]


class OperatorSaid(Model):
    """An intervention. `step` names a step, a reaction's instance, or one effect as `step/effect`."""

    what: Literal["operator"] = "operator"
    command: Command
    step: str = ""
    found: bool | None = None
    reason: str = ""
    by: str = ""


class Resumed(Model):
    """A new run took over from an older one: what was in flight is begun again under its key."""

    what: Literal["resumed"] = "resumed"


class Noted(Model):
    """Something came that could not be understood; it is kept and flagged."""

    what: Literal["noted"] = "noted"
    text: str


Happening = Annotated[EventCame | EffectEnded | OperatorSaid | Resumed | Noted, Field(discriminator="what")]
