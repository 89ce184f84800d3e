"""The time axis of a playbook's picture: one stretch for each clock (the start, a delivery …), a gap between clocks.

Prevents a picture in which 48 hours vanish beside 30 days: a stretch grows with the root of its days. How long it takes
from one clock to the next nobody knows; the gap says so.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import sqrt

from authoring.wording import length
from models.playbook import START, Playbook, Step

_GAP = 1.7
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Tick:
    """A moment on the axis: `after` a clock's `anchor`, `at` between 0 and 1. `due`: a step's, not only a deadline."""

    anchor: str
    after: timedelta
    at: float
    due: bool

    @property
    def label(self) -> str:
        return f"+{length(self.after)}" if self.after else self.anchor


@dataclass(frozen=True)
class Axis:
    ticks: list[Tick]

    def at(self, anchor: str, after: timedelta) -> float:
        """Where a moment lies, between 0 and 1."""
        return next(tick.at for tick in self.ticks if (tick.anchor, tick.after) == (anchor, after))

    def stretches(self) -> list[tuple[float, float]]:
        """From where to where each clock runs."""
        anchors = list(dict.fromkeys(tick.anchor for tick in self.ticks))
        runs = [[tick.at for tick in self.ticks if tick.anchor == anchor] for anchor in anchors]
        return [(run[0], run[-1]) for run in runs]


def axis_of(playbook: Playbook) -> Axis:
    """The axis of a playbook's steps."""
    moments: dict[str, set[timedelta]] = {START: {timedelta()}}
    for step in playbook.steps.values():
        clock = moments.setdefault(step.due.anchor, {timedelta()})
        clock.add(step.due.delay)
        if step.within is not None:
            clock.add(step.due.delay + step.within)
    widths: list[tuple[str, timedelta, float]] = []
    for anchor, afters in moments.items():
        before: timedelta | None = None
        for after in sorted(afters):
            widths.append((anchor, after, _width(before, after, first=not widths)))
            before = after
    whole = sum(width for _, _, width in widths) or 1
    dues = {(step.due.anchor, step.due.delay) for step in playbook.steps.values()}
    ticks, at = [], 0.0
    for anchor, after, width in widths:
        at += width / whole
        ticks.append(Tick(anchor, after, at, (anchor, after) in dues))
    return Axis(ticks)


def _width(before: timedelta | None, after: timedelta, *, first: bool) -> float:
    if before is None:
        return 0 if first else _GAP
    return max(1.2, sqrt((after - before) / _DAY))


def labelled(ticks: Sequence[Tick], span_of: Callable[[Tick], tuple[float, float]]) -> Iterator[tuple[Tick, int]]:
    """The ticks whose labels find room, and in which of two rows. A deadline's gives way: its bar says it in words."""
    taken: list[list[tuple[float, float]]] = [[], []]
    for tick in sorted(ticks, key=lambda tick: not tick.due):
        start, end = span_of(tick)
        for row, spans in enumerate(taken[: 2 if tick.due else 1]):
            if all(end < other or start > other_end for other, other_end in spans):
                spans.append((start, end))
                yield tick, row
                break


def in_order(playbook: Playbook) -> list[tuple[str, Step]]:
    """The steps as their moments follow each other on the axis."""
    axis = axis_of(playbook)
    return sorted(playbook.steps.items(), key=lambda named: axis.at(named[1].due.anchor, named[1].due.delay))
