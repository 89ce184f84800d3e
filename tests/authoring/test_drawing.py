"""Prevents a picture that leaves a step out, runs off its page, leans on other files, or shows an old playbook."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from authoring import source
from authoring.axis import axis_of
from authoring.drawing import draw_svg, draw_text
from models.playbook import Playbook

HERE = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"


def read(text: str) -> Playbook:
    return Playbook.model_validate(source.read(text, "test").content)


def shipped(name: str) -> Playbook:
    return read((HERE / "playbooks" / f"{name}.yaml").read_text())


def thank_you() -> Playbook:
    return shipped("advocate-thank-you")


DENSE = """
playbook: dense
title: A playbook with a title that is far too long for one line of any picture & <markup> in it
purpose: service
starts: [onboarding.completed]
only_for: [{ rule: "contact.region == 'EU'", otherwise: outside Europe }]
steps:
  first_survey_after_onboarding: { due: 21 days after start, within: 3 hours, do: [{ send: hello }] }
  thanks: { due: at nps.answered, purpose: gratitude, do: [{ send: a-long-message-name-that-goes-on-and-on-and-on }] }
  reminder: { due: 5 days after nps.answered, unless: [referral.shared, contact.introduced], do: [{ send: again }] }
  later: { due: 6 days after nps.answered, purpose: team, do: [{ note: "of {{ contact.first_name }}" }] }
  last: { due: 1 day after referral.closed, within: 2 days, do: [{ note: "hello" }] }
reactions:
  a_long_reaction_name:
    on: usage.milestone_reached
    when: event.milestone == "thousandth-report" && event.value >= 1000 && event.value <= 1000000000
    each: event.milestone
    do: [{ notify: { team: "#x", message: hello } }]
"""
BARE = "{playbook: bare, title: Bare, purpose: team, starts: [review.held], reactions: {}}"

PLAYBOOKS = pytest.mark.parametrize(
    "playbook", [thank_you(), shipped("referral"), read(DENSE), read(BARE)], ids=lambda p: p.playbook
)


@PLAYBOOKS
def test_everything_is_in_both_pictures(playbook: Playbook) -> None:
    drawn = ElementTree.fromstring(draw_svg(playbook))
    words = " ".join(text.text or "" for text in drawn.iter(f"{SVG}text"))
    for picture in (words, draw_text(playbook)):
        for name in (*playbook.steps, *playbook.reactions):
            assert name in picture
        for exit_ in playbook.ends.on:
            assert exit_.on in picture
        assert playbook.starts[0].on in picture


@PLAYBOOKS
def test_it_stands_by_itself_and_can_be_heard(playbook: Playbook) -> None:
    svg = draw_svg(playbook)
    drawn = ElementTree.fromstring(svg)
    assert drawn.findtext(f"{SVG}title") == playbook.title
    assert all(name in str(drawn.findtext(f"{SVG}desc")) for name in playbook.steps)
    assert drawn.get("role") == "img"
    assert "prefers-color-scheme:dark" in svg
    assert not re.findall(r"href=|url\(|@import|<script", svg)


@PLAYBOOKS
def test_nothing_runs_off_the_page(playbook: Playbook) -> None:
    drawn = ElementTree.fromstring(draw_svg(playbook))
    _, _, width, height = map(float, str(drawn.get("viewBox")).split())
    for rect in drawn.iter(f"{SVG}rect"):
        left, top = float(rect.attrib["x"]), float(rect.attrib["y"])
        assert left >= 0 and left + float(rect.attrib["width"]) <= width
        assert top >= 0 and top + float(rect.attrib["height"]) <= height
    for text in drawn.iter(f"{SVG}text"):
        reach = len(text.text or "") * {"title": 13, "head": 9}.get(text.attrib["class"], 6.2)
        x = float(text.attrib["x"])
        start = {"start": x, "middle": x - reach / 2, "end": x - reach}[text.attrib["text-anchor"]]
        assert start >= -1 and start + reach <= width, text.text


@PLAYBOOKS
def test_the_text_fits_a_terminal(playbook: Playbook) -> None:
    assert max(len(line) for line in draw_text(playbook).splitlines()) <= 90


def test_moments_lie_on_the_axis_in_order() -> None:
    axis = axis_of(thank_you())
    assert [tick.label for tick in axis.ticks] == ["start", "+2 days", "gift.delivered", "+3 days", "+30 days"]
    places = [tick.at for tick in axis.ticks]
    assert places == sorted(set(places)) and places[0] == 0 and places[-1] == pytest.approx(1)


def test_labels_of_the_axis_do_not_cover_each_other() -> None:
    lines = draw_text(read(DENSE)).splitlines()
    ruler = next(number for number, line in enumerate(lines) if "┼" in line)
    for line in lines[ruler + 1 : ruler + 3]:
        assert all(re.fullmatch(r"\+\d+ (day|hour)s?", label) for label in re.split(r"\s{2,}", line.strip()) if label)


@pytest.mark.parametrize("name", ["advocate-thank-you", "referral"])
def test_the_picture_in_the_docs_is_todays(name: str) -> None:
    """Draw it anew with `ovation playbook draw` when this fails."""
    assert (HERE / "docs" / "pictures" / f"{name}.svg").read_text() == draw_svg(shipped(name))


def test_what_precedes_every_step_of_a_referral_is_said() -> None:
    """The look of the fraud rules stands in no step; a picture without it promises thanks to a cheat."""
    for picture in (draw_svg(shipped("referral")), draw_text(shipped("referral"))):
        assert "Nothing is done before the fraud rules, or a person, let it pass." in picture
    assert "once for each referral" in draw_text(shipped("referral"))
    assert "fraud" not in draw_text(thank_you())


def test_several_starts_and_several_reasons_not_to_are_read_as_one_sentence() -> None:
    assert "Starts on referral.submitted, referral.qualified or referral.closed" in draw_svg(shipped("referral"))
    assert "not after referral.shared or contact.introduced" in draw_svg(read(DENSE))
