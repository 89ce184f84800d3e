"""What a journey remembers: plain data, bounded, without personal data. It is carried when a run continues as new."""

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from journeys.life import SETTLED, WAITING, Life
from models.base import Instant, Json, Model
from models.effect import Decided

EDITION = 1
"""Edition of the core's rules. A change that would decide otherwise for a running journey needs a new edition."""

SEEN_BOUND = 500
LOG_BOUND = 40
NOTES_BOUND = 20
INSTANCES_BOUND = 200


class EffectState(Model):
    """One effect of a step. `due` None: its step has no moment yet. A person or a vendor said of a doubt that it did
    not happen (`resolved`) or that it did (`found`). `over`: nobody wants it any more."""

    life: Life = Life.PLANNED
    due: Instant | None = None
    begun_at: Instant | None = None
    reason: str = ""
    attention: bool = False
    wakes_on: str | None = None
    after: str | None = None
    give_up_at: Instant | None = None
    resolved: bool = False
    found: bool = False
    over: bool = False
    decided: Decided | None = None
    alerted: str = ""
    settled_at: Instant | None = None

    @property
    def settled(self) -> bool:
        return self.life in SETTLED

    @property
    def waiting(self) -> bool:
        return self.life in WAITING


class StepState(Model):
    """One step, or one instance of a reaction. `facts` is what the event that caused it carried."""

    due: Instant | None = None
    deadline: Instant | None = None
    warn_at: Instant | None = None
    warned: bool = False
    missed: bool = False
    facts: Json = Field(default_factory=dict)
    dropped: str = ""
    effects: dict[str, EffectState] = Field(default_factory=dict)

    @property
    def settled(self) -> bool:
        return bool(self.dropped) or all(effect.settled for effect in self.effects.values())

    @property
    def begun(self) -> bool:
        return any(effect.life is not Life.PLANNED for effect in self.effects.values())

    @property
    def happened(self) -> bool:
        return any(effect.life is Life.DONE for effect in self.effects.values())


class Line(Model):
    """One line of the journey's own story."""

    at: Instant
    text: str


class State(Model):
    """A journey between two things that happen."""

    edition: int = EDITION
    journey: str
    contact: str
    started: Instant
    facts: Json = Field(default_factory=dict)
    anchors: dict[str, Instant] = Field(default_factory=dict)
    heard: dict[str, Instant] = Field(default_factory=dict)
    """When an event of each type last reached us: one that comes while an effect is under way must still wake it."""
    steps: dict[str, StepState] = Field(default_factory=dict)
    internal: dict[str, EffectState] = Field(default_factory=dict)
    alerts: dict[str, Json] = Field(default_factory=dict)
    seen: list[str] = Field(default_factory=list)
    notes: list[Line] = Field(default_factory=list)
    log: list[Line] = Field(default_factory=list)
    active_at: Instant
    paused: bool = False
    tier: str = "none"
    ending: str = ""
    ended: bool = False

    def effects(self) -> Iterator[tuple[str, str, EffectState]]:
        """Every effect of every step: step name, effect name, state."""
        for step_name, step in self.steps.items():
            for effect_name, effect in step.effects.items():
                yield step_name, effect_name, effect

    def say(self, at: Any, text: str) -> None:
        self.log = [*self.log, Line(at=at, text=text)][-LOG_BOUND:]
