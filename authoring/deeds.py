"""From moments to deeds: each effect that was begun with what became of it, each alert, each step that was dropped."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from authoring.rehearsal import Moment
from authoring.story import ALERTS, Thing
from authoring.wording import after_start
from journeys.orders import effects_for
from models.playbook import Playbook

_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Deed:
    """Something that was done, or not. `began` is when; `at` is the moment a story speaks of.

    `fate` "begun" is an effect whose outcome never came; "ends" is the journey's end."""

    step: str
    effect: str
    fate: str
    began: datetime
    at: datetime
    reason: str = ""

    @property
    def name(self) -> str:
        return f"{self.step}/{self.effect}" if self.effect else self.step or "the journey"

    @property
    def words(self) -> str:
        """What became of it, as a story would say it."""
        fate = "was done" if self.fate == "done" else f"was {self.fate}" if self.fate == "dropped" else self.fate
        return f"{fate} ({self.reason})" if self.reason else fate

    @property
    def counts(self) -> bool:
        """Whether it is an effect of a step: not an alert, not the engine's own."""
        return bool(self.effect) and self.step != "journey"

    def concerns(self, thing: Thing, effect: str) -> bool:
        """Whether it is about the thing's step and this effect of it."""
        if thing.of_journey:
            return self.fate == "ends"
        same_step = self.step == thing.step or self.step.partition(":")[0] == thing.step
        return same_step and (not self.effect or not effect or self.effect == effect)

    def is_(self, thing: Thing, effect: str, *, perhaps: bool) -> bool:
        """Whether it is the thing itself; with `perhaps` also when it may have been done, which nobody knows."""
        if thing.of_journey:
            return self.fate == "ends" and thing.because in ("", self.reason)
        fates = {thing.fate, "unsure", "begun"} if perhaps and thing.fate == "done" else {thing.fate}
        return self.concerns(thing, effect) and self.fate in fates


def verb_of(effect: str) -> str:
    """`notify@slack-2` is a `notify`."""
    return effect.partition("@")[0].partition("-")[0]


def deeds_of(moments: Sequence[Moment]) -> list[Deed]:
    """Every deed, in the order they began."""
    return sorted(_deeds(moments), key=lambda deed: deed.began)


def _deeds(moments: Sequence[Moment]) -> Iterator[Deed]:
    open_: dict[tuple[str, str], datetime] = {}
    for m in moments:
        if m.effect == "alert":
            if m.what == "begun":
                about, _, effect = m.step.partition("/")
                yield Deed(about, effect, m.detail, m.at, m.at)
        elif m.what in ("dropped", "ends"):
            yield Deed(m.step, "", m.what, m.at, m.at, m.detail)
        elif m.what == "begun":
            open_[m.step, m.effect] = m.at
        elif m.what not in ("event", "operator"):
            began = open_.pop((m.step, m.effect))
            yield Deed(m.step, m.effect, m.what, began, began if m.what == "done" else m.at, m.detail)
    for (step, effect), began in open_.items():
        yield Deed(step, effect, "begun", began, began)


def effects_of(playbook: Playbook, thing: Thing) -> list[str]:
    """The effects a thing speaks of: one where it names one, else all of its step; "" for the step as a whole."""
    if thing.of_journey or thing.fate == "dropped" or (thing.fate in ALERTS and not thing.effect):
        return [""]
    if thing.step == "journey":
        return [thing.effect]
    names = list(effects_for(playbook.doing(thing.step), _ANY_TIME))
    return [name for name in names if not thing.effect or thing.effect in (name, name.partition("@")[0])]


def timeline(moments: Sequence[Moment], start: datetime) -> list[str]:
    """What happened, one line a moment, for people: outcomes only where they are not simply `done`."""
    lines = []
    for moment in moments:
        words = _words(moment)
        if words:
            lines.append(f"{after_start(moment.at - start):<28} {words}")
    return lines


def _words(moment: Moment) -> str:
    name = f"{moment.step}/{moment.effect}" if moment.step and moment.effect else moment.step or moment.effect
    detail = f" ({moment.detail})" if moment.detail else ""
    if moment.what == "done" or (moment.step == "journey" and moment.what == "begun"):
        return ""
    if moment.effect == "alert":
        return f"! {moment.step}: {moment.detail}" if moment.what == "begun" else ""
    if moment.what == "event":
        return f"> {moment.effect}{detail}"
    if moment.what == "operator":
        return f"> operator: {moment.effect} {moment.step}".rstrip() + detail
    if moment.what == "ends":
        return f"ends: {moment.detail}"
    return name if moment.what == "begun" else f"{name} {moment.what}{detail}"
