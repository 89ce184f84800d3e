"""A playbook's picture in plain characters, at most 90 columns wide."""

from authoring import wording
from authoring.axis import Axis, Tick, axis_of, in_order, labelled
from models.playbook import Playbook, Step

WIDTH = 90
AXIS = 84
"""Columns of the axis; what is to the right of it is the last label."""


def draw_text(playbook: Playbook) -> str:
    """The picture for a terminal."""
    axis = axis_of(playbook)
    head = f"{playbook.title} ({playbook.priority} priority, {wording.again(playbook)})"
    lines = [*wording.wrapped(head, WIDTH), ""]
    lines += _listed("starts", wording.triggers(playbook.starts))
    lines += _listed("but", [wording.SCREENED] if playbook.about == "referral" else [])
    lines += _listed("only for", [rule.rule for rule in playbook.only_for])
    lines += ["", *_axis_lines(axis), ""]
    for name, step in in_order(playbook):
        lines += _step_lines(axis, name, step)
    lines += _reaction_lines(playbook)
    lines += _listed("ends", wording.exits(playbook.ends))
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _listed(title: str, items: list[str]) -> list[str]:
    lines = [line for item in items for line in wording.wrapped(item, WIDTH - 10)]
    return [f"{title if number == 0 else '':<9} {line}" for number, line in enumerate(lines)]


def _column(axis_at: float) -> int:
    return round(axis_at * (AXIS - 1))


def _axis_lines(axis: Axis) -> list[str]:
    above, clocks, ruler, ticks = ([" "] * WIDTH for _ in range(4))
    ends = [0, *(column for pair in axis.stretches() for column in map(_column, pair))]
    for column in range(min(ends), max(ends) + 1):
        ruler[column] = "·" if column % 2 else " "
    for start, end in axis.stretches():
        ruler[_column(start) : _column(end) + 1] = "─" * (_column(end) - _column(start) + 1)
    for tick in axis.ticks:
        ruler[_column(tick.at)] = "┼" if tick.after else "●"
    below = ticks, [" "] * WIDTH
    for tick, row in labelled([tick for tick in axis.ticks if not tick.after], _span):
        _write(clocks if row == 0 else above, tick)
    for tick, row in labelled([tick for tick in axis.ticks if tick.after], _span):
        _write(below[row], tick)
    return [line for line in map("".join, (above, clocks, ruler, *below)) if line.strip()]


def _span(tick: Tick) -> tuple[float, float]:
    """From which column to which a label reaches: about its tick, and on the page."""
    start = max(0, min(_column(tick.at) - len(tick.label) // 2, WIDTH - len(tick.label)))
    return start, start + len(tick.label)


def _write(line: list[str], tick: Tick) -> None:
    start, end = map(int, _span(tick))
    line[start:end] = tick.label


def _step_lines(axis: Axis, name: str, step: Step) -> list[str]:
    start = _column(axis.at(step.due.anchor, step.due.delay))
    end = start if step.within is None else _column(axis.at(step.due.anchor, step.due.delay + step.within))
    mark = "■" + "━" * (end - start)
    told = [*wording.deeds(step), *filter(None, [wording.deadline(step)])]
    head = ", ".join([name, *wording.conditions(step)])
    if start <= WIDTH // 2:
        return [*_rightwards(start, f"{mark} {head}", told), ""]
    return [*_leftwards(start, mark, head, told), ""]


def _rightwards(start: int, head: str, told: list[str]) -> list[str]:
    lines = [head, *(f"  {words}" for words in told)]
    return [f"{' ' * start}{line}" for words in lines for line in wording.wrapped(words, WIDTH - start)]


def _leftwards(start: int, mark: str, head: str, told: list[str]) -> list[str]:
    first, *more = wording.wrapped(head, start - 1)
    lines = [*more, *(line for words in told for line in wording.wrapped(words, start - 1))]
    return [f"{first:>{start - 1}} {mark}", *(f"{line:>{start - 1}}" for line in lines)]


def _reaction_lines(playbook: Playbook) -> list[str]:
    lines: list[str] = []
    for name, reaction in playbook.reactions.items():
        heard = wording.trigger(reaction.on, reaction.when)
        head = ", ".join([f"{heard} → {name}", *wording.conditions(reaction)])
        lines += wording.wrapped(head, WIDTH - 2)
        told = [*wording.deeds(reaction), *filter(None, [wording.deadline(reaction)])]
        lines += [f"    {line}" for words in told for line in wording.wrapped(words, WIDTH - 6)]
        lines.append("")
    return ["whenever this happens", *(f"  {line}" for line in lines)] if lines else []
