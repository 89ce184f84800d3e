"""A playbook as a picture: its steps on a time axis, its reactions below, its exits last.

Prevents a playbook that only its author can imagine. `draw_svg` stands by itself, in a README, by day and by night, on
a phone; `draw_text` fits a terminal.
"""

from itertools import pairwise

from authoring import wording
from authoring.axis import Tick, axis_of, in_order, labelled
from authoring.page import BOX, EDGE, INNER, WIDTH, Page, box_width, pill_width
from authoring.terminal import draw_text
from models.playbook import Playbook, Reaction, Step

ARROW = 34


def draw_svg(playbook: Playbook) -> str:
    """The picture as one SVG document that needs nothing else."""
    page = Page()
    _draw_head(page, playbook)
    _draw_steps(page, playbook)
    _draw_reactions(page, playbook)
    _draw_exits(page, playbook)
    told = "; ".join(
        [
            *(f"{n}: {_summary(s)}" for n, s in playbook.steps.items()),
            *(f"{n}: {_heard(r)}" for n, r in playbook.reactions.items()),
        ]
    )
    return page.document(playbook.title, told)


def _summary(step: Step) -> str:
    return ", ".join([*(wording.moment(when) for when in step.moments), *wording.deeds(step)])


def _heard(reaction: Reaction) -> str:
    return ", ".join([f"on {wording.trigger(reaction.on, reaction.when)}", *wording.deeds(reaction)])


def _draw_head(page: Page, playbook: Playbook) -> None:
    page.y -= 6
    for line in wording.wrapped(playbook.title, 40):
        page.y += 26
        page.text(EDGE, line, "title")
    page.y += 6
    starts = wording.any_of(wording.triggers(playbook.starts))
    page.lines(EDGE, f"Starts on {starts}; {wording.again(playbook)}.", INNER, "soft")
    if playbook.about == "referral":
        page.lines(EDGE, wording.SCREENED, INNER, "soft")
    for rule in playbook.only_for:
        page.lines(EDGE, f"Only for: {rule.rule}", INNER, "soft")
    _draw_legend(page, playbook)


def _draw_legend(page: Page, playbook: Playbook) -> None:
    x: float = EDGE
    page.y += 14
    for purpose in dict.fromkeys(playbook.purpose_of(name) for name in (*playbook.steps, *playbook.reactions)):
        page.over.append(f'<rect class="{purpose}" x="{x:.0f}" y="{page.y:.0f}" width="12" height="12" rx="3"/>')
        page.text(x + 18, purpose, "tick", y=page.y + 10.5)
        x += 18 + len(purpose) * 7 + 22
    page.y += 12


def _draw_steps(page: Page, playbook: Playbook) -> None:
    axis = axis_of(playbook)
    page.y += 44
    top = page.y
    _draw_axis(page, playbook)
    page.y += 34 if len({row for _, row in labelled([t for t in axis.ticks if t.after], _label_span)}) < 2 else 50
    for name, step in in_order(playbook):
        _draw_step(page, playbook, name, step)
    for tick in axis.ticks:
        x = EDGE + tick.at * INNER
        page.under.append(f'<path class="grid" d="M{x:.0f} {top:.0f}V{page.y:.0f}"/>')


def _draw_axis(page: Page, playbook: Playbook) -> None:
    axis = axis_of(playbook)
    stretches = axis.stretches()
    for start, end in stretches:
        page.over.append(f'<path class="line" d="M{EDGE + start * INNER:.0f} {page.y:.0f}H{EDGE + end * INNER:.0f}"/>')
    for (_, end), (start, _) in pairwise(stretches):
        gap = f'd="M{EDGE + end * INNER:.0f} {page.y:.0f}H{EDGE + start * INNER:.0f}"'
        page.over.append(f'<path class="line" stroke-dasharray="1 7" stroke-linecap="round" {gap}/>')
    for tick in axis.ticks:
        x = EDGE + tick.at * INNER
        page.over.append(f'<circle class="team" cx="{x:.0f}" cy="{page.y:.0f}" r="{3.5 if tick.after else 5.5}"/>')
    for clocks, kind, y, step in ((True, "clock", -13, -16), (False, "tick", 21, 15)):
        for tick, row in labelled([t for t in axis.ticks if clocks is not bool(t.after)], _label_span):
            start, end = _label_span(tick)
            page.text((start + end) / 2, tick.label, kind, anchor="middle", y=page.y + y + row * step)


def _label_span(tick: Tick) -> tuple[float, float]:
    """From where to where a label reaches: about its tick, and on the page."""
    width = len(tick.label) * (7.9 if not tick.after else 7.2)
    start = EDGE + tick.at * INNER - width / 2
    start = max(EDGE, min(start, WIDTH - EDGE - width))
    return start, start + width


def _draw_step(page: Page, playbook: Playbook, name: str, step: Step) -> None:
    """A box at its moment, to the right of it where there is room for words, else to the left."""
    axis = axis_of(playbook)
    x = EDGE + axis.at(step.due.anchor, step.due.delay) * INNER
    right = WIDTH - EDGE - x >= max(INNER / 2, box_width(name))
    room = WIDTH - EDGE - x if right else x - EDGE
    anchor, edge = ("start", x) if right else ("end", x)
    page.box(x if right else x - box_width(name), name, playbook.purpose_of(name))
    cursor = box_width(name) + 10
    for words in wording.conditions(step):
        if cursor + pill_width(words) > room:
            page.y, cursor = page.y + BOX + 2, 0
        page.pill(x + cursor if right else x - cursor - pill_width(words), words, "maybe")
        cursor += pill_width(words) + 8
    page.y += BOX
    if step.within is not None:
        end = EDGE + axis.at(step.due.anchor, step.due.delay + step.within) * INNER
        _draw_deadline(page, playbook.purpose_of(name), (x, end), wording.deadline(step))
    for words in wording.deeds(step):
        page.lines(edge, words, room, "text", anchor=anchor)
    page.y += 22


def _draw_deadline(page: Page, purpose: str, bar: tuple[float, float], words: str) -> None:
    """A bar from the moment to its deadline, and the deadline in words beside it."""
    start, end = bar
    page.over.append(
        f'<rect class="{purpose} bar" x="{start:.0f}" y="{page.y + 6:.0f}" '
        f'width="{end - start:.0f}" height="7" rx="3.5"/>'
    )
    fits = end + 8 + len(words) * 6.6 <= WIDTH - EDGE
    page.text(end + 8 if fits else start - 8, words, "tick", anchor="start" if fits else "end", y=page.y + 14)
    page.y += 18


def _draw_reactions(page: Page, playbook: Playbook) -> None:
    if not playbook.reactions:
        return
    page.heading("Whenever this happens")
    for name, reaction in playbook.reactions.items():
        _draw_reaction(page, playbook, name, reaction)


def _draw_reaction(page: Page, playbook: Playbook, name: str, reaction: Reaction) -> None:
    words = wording.trigger(reaction.on, reaction.when)
    page.pill(EDGE, words)
    x = EDGE + pill_width(words)
    if x + ARROW + box_width(name) > WIDTH - EDGE:
        x, page.y = EDGE, page.y + BOX + 4
    y = page.y + BOX / 2
    page.over.append(f'<path class="line" d="M{x + 5:.0f} {y:.0f}h22m-6 -5l6 5l-6 5"/>')
    page.box(x + ARROW, name, playbook.purpose_of(name))
    cursor = x + ARROW + box_width(name) + 10
    for condition in wording.conditions(reaction):
        if cursor + pill_width(condition) > WIDTH - EDGE:
            cursor, page.y = EDGE + ARROW, page.y + BOX + 4
        page.pill(cursor, condition, "maybe")
    page.y += BOX
    for line in wording.deeds(reaction):
        page.lines(EDGE + 12, line, INNER - 12)
    if reaction.within is not None:
        page.lines(EDGE + 12, wording.deadline(reaction), INNER - 12, "soft")
    page.y += 16


def _draw_exits(page: Page, playbook: Playbook) -> None:
    page.heading("It ends")
    x: float = EDGE
    for words in wording.exits(playbook.ends):
        if x + pill_width(words) > WIDTH - EDGE:
            x, page.y = EDGE, page.y + BOX + 4
        page.pill(x, words, "exit")
        x += pill_width(words) + 8
    page.y += BOX + EDGE


__all__ = ["draw_svg", "draw_text"]
