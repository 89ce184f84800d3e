"""What an operator sees of a journey: the search attributes and a small table in Markdown. No personal data."""

from datetime import datetime

from pydantic import Field

from journeys.life import Life
from journeys.plan import trouble_of, troubled
from journeys.state import State, StepState
from models.base import Instant, Model
from models.playbook import Playbook


class Show(Model):
    """`stage` is what the journey is at; `table` is Markdown."""

    stage: str
    needs_attention: bool = False
    deadline: Instant | None = None
    next_at: Instant | None = None
    tier: str = "none"
    table: str = Field(default="", repr=False)


def show(playbook: Playbook, state: State) -> Show:
    """The journey at a glance."""
    deadlines = [s.deadline for s in state.steps.values() if s.deadline and not s.settled and not state.ending]
    dues = [e.due for _, _, e in state.effects() if e.waiting and e.due and not state.ending]
    return Show(
        stage=_stage(state),
        needs_attention=_needs_attention(state),
        deadline=min(deadlines, default=None),
        next_at=min(dues, default=None),
        tier=state.tier,
        table=_table(playbook, state),
    )


def _needs_attention(state: State) -> bool:
    late = any(s.warned and not s.settled for s in state.steps.values())
    return bool(state.notes) or late or any(True for _ in troubled(state))


def _stage(state: State) -> str:
    if state.ended:
        return "ended"
    if state.ending:
        return "ending"
    if state.paused:
        return "paused"
    open_steps = {name: step for name, step in state.steps.items() if not step.settled}
    if not open_steps:
        return "listening" if state.steps else "starting"
    begun = [name for name, step in open_steps.items() if step.begun]
    timed = sorted((step.due, name) for name, step in open_steps.items() if step.due is not None)
    return (begun or [name for _, name in timed] or ["listening"])[0]


def _table(playbook: Playbook, state: State) -> str:
    rows = ["| step | state | due | deadline |", "| --- | --- | --- | --- |"]
    for name, step in state.steps.items():
        rows.append(f"| {name} | {_step_words(step)} | {_time(step.due)} | {_time(step.deadline)} |")
    words = [f"**{playbook.title}** ({'ended: ' + state.ending if state.ended else _stage(state)})", "", *rows]
    troubles = [f"- {name}: {trouble_of(effect)}. {effect.reason}" for name, effect in troubled(state)]
    notes = [f"- {_time(note.at)} not understood: {note.text}" for note in state.notes]
    if troubles or notes:
        words += ["", "**Needs a person**", *troubles, *notes]
    if state.log:
        words += ["", "**What happened**", *(f"- {_time(line.at)} {line.text}" for line in reversed(state.log[-15:]))]
    return "\n".join(words)


def _step_words(step: StepState) -> str:
    if step.dropped:
        return f"dropped: {step.dropped}"
    lives = {effect.life.value for effect in step.effects.values()}
    words = ", ".join(sorted(lives))
    if step.due is None and lives == {Life.PLANNED.value}:
        words = "waiting for its moment"
    late = " (deadline missed)" if step.missed else " (deadline near)" if step.warned and not step.settled else ""
    return words + late


def _time(at: datetime | None) -> str:
    return "" if at is None else at.strftime("%Y-%m-%d %H:%M:%S")
